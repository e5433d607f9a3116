//! A mail server that keeps what it is given, refuses what a test wants refused, and can be told to be silent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Takes it.
    #[default]
    Takes,
    /// Asks to try again later (451).
    Busy,
    /// Refuses it for good (550).
    Refuses,
}

#[derive(Default)]
struct Kept {
    mood: Mood,
    mails: Vec<String>,
}

/// The server.
#[derive(Clone)]
pub struct Sink {
    /// Where to connect.
    pub address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Sink {
    /// Starts one on this machine, without encryption.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { address: listener.local_addr().unwrap(), kept: Arc::default() };
        let own = sink.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let sink = own.clone();
                tokio::spawn(async move { sink.talk(client).await });
            }
        });
        sink
    }

    /// Changes what it does from now on.
    pub fn mood(&self, mood: Mood) {
        self.held().mood = mood;
    }

    /// What it was given so far: recipient lines and the mail itself.
    pub fn mails(&self) -> Vec<String> {
        self.held().mails.clone()
    }

    fn held(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn talk(&self, client: TcpStream) -> Option<()> {
        let (read, mut write) = client.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 sink\r\n").await.ok()?;
        let mut mail = String::new();
        while let Some(line) = lines.next_line().await.ok()? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let answer = match verb.as_str() {
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.ok()?;
                    while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                        mail.push_str(&line);
                        mail.push('\n');
                    }
                    let mood = self.held().mood;
                    match mood {
                        Mood::Takes => {
                            self.held().mails.push(std::mem::take(&mut mail));
                            "250 kept\r\n"
                        }
                        Mood::Busy => "451 busy\r\n",
                        Mood::Refuses => "550 no such person\r\n",
                    }
                }
                "RCPT" => {
                    mail = format!("{line}\n");
                    "250 yes\r\n"
                }
                "QUIT" => "221 bye\r\n",
                _ => "250 yes\r\n",
            };
            write.write_all(answer.as_bytes()).await.ok()?;
        }
        Some(())
    }
}
