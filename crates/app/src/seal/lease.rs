//! One sealer over many nodes that share a database.
//!
//! Whoever seals has the lock of its folder and the term in the database. The newest head is noted in the database under
//! that term before it is published, so a holder that was away and overtaken publishes nothing more; and whoever takes
//! over has to arrive at that head from the journal before it signs another. There is never a second history.

use std::pin::pin;
use std::time::Duration;

use domain::journal::{Actor, hex};
use seal::Checkpoint;
use store::Sealing;

use super::broken;
use crate::App;
use crate::error::{Error, Result};

/// How long nothing is heard of a holder on another machine before it is taken for dead; it says something every second.
const SILENCE: Duration = Duration::from_secs(5);

/// How often a holder that waits for something says that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// The right to seal, as long as nobody took over.
pub(super) struct Lease {
    pub(super) term: i64,
    /// The head that was signed last, where the log has not arrived at it yet: its size and root in hex.
    ahead: Option<(u64, String)>,
}

impl App {
    /// Takes the right to seal the log named `origin` in the folder that `place` stands for, whose lock the caller has.
    /// From a holder in another folder it is taken only when nothing is heard of it.
    ///
    /// # Errors
    /// JRN-005 while another node seals; JRN-031 when the journal was sealed in another log.
    pub(super) async fn lease(&self, place: &str, origin: &str) -> Result<Lease> {
        let mut seen = self.store.sealing().await?;
        if !seen.origin.is_empty() && seen.origin != origin {
            return Err(of_another_log(&seen));
        }
        if !self.store.alone() && !seen.place.is_empty() && seen.place != place {
            tokio::time::sleep(SILENCE).await;
            let now = self.store.sealing().await?;
            if (now.term, now.beat) != (seen.term, seen.beat) {
                return Err(held());
            }
            seen = now;
        }
        let term = self.store.sealing_take(place, &seen).await?.ok_or_else(held)?;
        let size = u64::try_from(seen.size).unwrap_or(0);
        Ok(Lease { term, ahead: (size > 0).then_some((size, seen.root)) })
    }

    /// Says that the holder lives.
    ///
    /// # Errors
    /// JRN-032 when another node took over.
    pub(super) async fn lease_beat(&self, lease: &Lease) -> Result<()> {
        if self.store.alone() || self.store.sealing_beat(lease.term).await? { Ok(()) } else { Err(taken()) }
    }

    /// Waits for what may take long, and says meanwhile that the holder lives.
    ///
    /// # Errors
    /// JRN-032 when another node took over; what was begun ends by itself then, and what it publishes is what was noted.
    pub(super) async fn while_beating<T>(&self, lease: &Lease, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        loop {
            match tokio::time::timeout(BEAT, &mut work).await {
                Ok(done) => return done,
                Err(_) => self.lease_beat(lease).await?,
            }
        }
    }

    /// Notes a head before it is published.
    ///
    /// # Errors
    /// JRN-032 when another node took over: the head must not be published.
    pub(super) async fn lease_head(&self, lease: &Lease, head: &Checkpoint) -> Result<()> {
        let size = i64::try_from(head.size).unwrap_or(i64::MAX);
        let noted = self.store.sealing_head(lease.term, &head.origin, size, &hex(&head.root)).await?;
        if noted { Ok(()) } else { Err(taken()) }
    }

    /// Lets the next one that seals begin another log, because this one or its key is lost. What was sealed before can
    /// then be checked no more, which is why it is recorded.
    ///
    /// # Errors
    /// Any store error.
    pub async fn begin_log_anew(&self, by: &Actor) -> Result<()> {
        Ok(self.store.sealing_forget(by, self.now()).await?)
    }
}

impl Lease {
    /// Size at which the log has to stop and be [compared](Self::arrived), when it has not come that far.
    pub(super) fn stop(&self, size: u64) -> Option<u64> {
        self.ahead.as_ref().map(|(ahead, _)| *ahead).filter(|ahead| *ahead > size)
    }

    /// Whether there is a head that the next one has to lead on from.
    pub(super) fn goes_on(&self) -> bool {
        self.ahead.is_some()
    }

    /// Compares the tree at the size where it had to stop.
    ///
    /// # Errors
    /// JRN-002 when it is not the one that was signed.
    pub(super) fn arrived(&mut self, size: u64, root: &[u8; 32]) -> Result<()> {
        match &self.ahead {
            Some((ahead, _)) if *ahead > size => Ok(()),
            Some((ahead, signed)) if *ahead == size && *signed != hex(root) => Err(broken(&seal::Error::Fork { size })),
            _ => {
                self.ahead = None;
                Ok(())
            }
        }
    }
}

fn held() -> Error {
    Error::invalid(
        "JRN-005",
        "操作記録を封印できませんでした。ほかのプログラムが封印しています。動いているサーバを止めるか、その画面から行ってください。",
    )
}

/// The refusal of a folder that has not the key of the log that was sealed.
pub(super) fn of_another_log(sealed: &Sealing) -> Error {
    Error::invalid(
        "JRN-031",
        format!(
            "操作記録を封印できませんでした。この記録は別の封印「{}」で続いています（{}件）。その封印があるデータフォルダで動かしてください。別のコンピュータのときは、そこの log.key と log.epoch と secret.key をこのデータフォルダに写してください。封印と鍵をなくしたときは journal begin-anew で、新しい封印を始められます。",
            sealed.origin, sealed.size
        ),
    )
}

pub(super) fn taken() -> Error {
    Error::invalid(
        "JRN-032",
        "操作記録の封印をやめました。しばらく応答がなかったため、別のサーバが引き継いでいます。記録は失われていません。このサーバは自動で待機に戻ります。",
    )
}
