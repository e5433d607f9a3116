//! Agents over HTTP, as they really speak.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};

use super::{Desk, kit};

struct Server {
    process: Child,
    address: String,
    /// Kept open: a server that nobody listens to any more ends.
    _says: BufReader<ChildStdout>,
}

impl Server {
    fn on(desk: &Desk) -> Self {
        let mut process = desk
            .command()
            .args(["serve", "--plain", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut says = BufReader::new(process.stdout.take().unwrap());
        says.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { process, address, _says: says }
    }

    /// Status and body of a POST.
    fn post(&self, credentials: Option<&str>, headers: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut head =
            format!("POST /inventory HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if let Some(credentials) = credentials {
            head.push_str(&format!("Authorization: Basic {credentials}\r\n"));
        }
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that refuses early may close before it has read everything.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let split = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("an answer");
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[split + 4..].to_vec())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Base64 of `text`, by the system's own tool.
fn base64(text: &str) -> String {
    let mut tool =
        std::process::Command::new("base64").arg("-w0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(tool.wait_with_output().unwrap().stdout).unwrap()
}

fn secret(desk: &Desk) -> (String, String) {
    let said = desk.ok(&["facility", "agent-secret"]);
    let line = |start: &str| said.lines().find_map(|l| l.strip_prefix(start)).unwrap().trim().to_owned();
    (line("利用者名："), line("合言葉　："))
}

#[test]
fn an_agent_contacts_reports_and_shows_up() {
    let desk = Desk::demo();
    let (user, word) = secret(&desk);
    let right = base64(&format!("{user}:{word}"));
    let contact = br#"{"action":"contact","deviceid":"pc-2026-11-22","name":"GLPI-Agent","version":"1.12"}"#;
    let full = std::fs::read_dir(kit("inventory"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| {
            p.extension().is_some_and(|e| e == "json") && std::fs::read_to_string(p).unwrap().contains("\"inventory\"")
        })
        .expect("a GLPI inventory among the fixtures");
    {
        let server = Server::on(&desk);
        let glpi = ["Content-Type: application/json", "GLPI-Agent-ID: 0d5fa47e-0000-4000-8000-000000000000"];
        assert_eq!(server.post(None, &glpi, contact).0, 401);
        assert_eq!(server.post(Some(&base64(&format!("{user}:wrong"))), &glpi, contact).0, 401);
        assert_eq!(server.post(Some(&base64("nobody:nothing")), &glpi, contact).0, 401);
        assert_eq!(server.post(Some("%%%"), &glpi, contact).0, 401);
        let (status, body) = server.post(Some(&right), &glpi, contact);
        assert_eq!(status, 200);
        assert!(String::from_utf8(body).unwrap().contains("no-category"));
        let (status, body) = server.post(Some(&right), &glpi, &std::fs::read(full).unwrap());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let (status, body) = server.post(Some(&right), &glpi, b"{\"action\":\"inven");
        assert_eq!(status, 400);
        assert!(String::from_utf8(body).unwrap().contains("INV-"));
        assert_eq!(server.post(Some(&right), &glpi, &vec![b'x'; 33 << 20]).0, 413);
    }
    let said = desk.ok(&["assess", "checklist-r7"]);
    assert!(said.contains("自動で確認 1台") || said.contains("台帳にない機器 1台"), "{said}");
    assert!(desk.ok(&["journal", "list"]).contains("machine.observe"));
    let data = std::fs::read(desk.path("data/sakimori.db")).unwrap();
    assert!(!data.windows(word.len()).any(|w| w == word.as_bytes()), "the secret itself is nowhere");
}

#[test]
fn a_folder_of_inventories_is_taken_file_by_file() {
    let desk = Desk::demo();
    let out = desk.run(&["inventory", &kit("inventory")]);
    let said = super::text(&out.stdout);
    assert!(said.contains('✓'), "{said}");
}
