//! The shipped executable as a process of its own, so that what it costs is told apart from what asks it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

/// An address of this machine that nobody listens on.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// The server as it is shipped, on a folder.
pub(super) struct Server {
    child: Child,
    /// Where it serves pages and programs.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts it with these words besides its data and address.
    pub(super) async fn start(folder: &Path, url: Option<&str>, words: &[&str]) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("sakimori");
        ensure!(program.exists(), "cargo build --release -p server");
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg("--data").arg(folder);
        if let Some(url) = url {
            command.args(["--database", url]);
        }
        command.args(["serve", "--listen", &address.to_string()]).args(words).stdout(Stdio::null());
        let server = Self { child: command.spawn()?, address };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server does not answer")
    }

    /// A line of its status, in MB.
    pub(super) fn memory(&self, name: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix(name)).context("status")?;
        let kilobytes: f64 = line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// CPU seconds so far.
    pub(super) fn cpu(&self) -> Result<f64> {
        super::cpu_of(&format!("/proc/{}/stat", self.child.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
