//! The keys of the days over many nodes.
//!
//! Each node has the key of the day in its own data folder and makes the next one out of it and of what is noted in the
//! database, where the first node to write a number decides it. So no secret travels, a node that seals after another
//! finds the key it needs, and whoever writes the chain of the keys writes the same. A node that stands by keeps up, so
//! that no older key is left on its disk.

use std::path::Path;

use domain::journal::hex;
use seal::Turn;
use seal::epoch::{keep_up, kept};
use store::LogTurn;

use super::lease::taken;
use super::{Sealer, broken};
use crate::error::{Error, Result};
use crate::identity::secrets::unhex;
use crate::{App, blocking};

impl App {
    /// Lets the key of today sign, which begins when the day is another and something was sealed since.
    pub(super) async fn turn(&self, sealer: &mut Sealer) -> Result<()> {
        let day = self.today().to_string();
        let Some(epochs) = sealer.epochs.take() else { return Err(broken(&seal::Error::Key)) };
        let asked = sealer.with(move |log| {
            let head = log.head().map(|(head, _)| head);
            let due = epochs.due(&day, head, log.signing_key())?;
            Ok((due, epochs, log.key().origin().to_owned()))
        });
        let (due, mut epochs, origin) = asked.await?.map_err(|e| broken(&e))?;
        if let Some(turn) = due {
            let decided = self.store.log_turn(sealer.lease.term, &origin, row(&turn)?).await?.ok_or_else(taken)?;
            let turn = turn_of(&decided)?;
            let turned = blocking(move || epochs.turn(&turn).map(|()| epochs));
            epochs = self.while_beating(&sealer.lease, turned).await?.map_err(|e| broken(&e))?;
        }
        let signs = sealer.with(move |log| {
            log.sign_beside(epochs.signer()?)?;
            Ok(epochs)
        });
        sealer.epochs = Some(self.while_beating(&sealer.lease, signs).await?.map_err(|e| broken(&e))?);
        Ok(())
    }

    /// How the keys of the log named `origin` followed from each other.
    pub(super) async fn turns(&self, origin: &str) -> Result<Vec<Turn>> {
        self.store.log_turns(origin, 0).await?.iter().map(turn_of).collect()
    }

    /// Makes a node that stands by follow the key of the day.
    pub(super) async fn keep_up(&self, folder: &Path, origin: &str) -> Result<()> {
        let Some(own) = kept(folder).map_err(|e| broken(&e))? else { return Ok(()) };
        let first = i64::try_from(own + 1).unwrap_or(i64::MAX);
        let turns: Vec<Turn> = self.store.log_turns(origin, first).await?.iter().map(turn_of).collect::<Result<_>>()?;
        if turns.is_empty() {
            return Ok(());
        }
        let (keys, origin) = (folder.to_owned(), origin.to_owned());
        blocking(move || keep_up(&keys, &origin, &turns)).await?.map_err(|e| broken(&e))
    }
}

fn row(turn: &Turn) -> Result<LogTurn> {
    let corrupt = || Error::Internal { message: "turn".to_owned() };
    Ok(LogTurn {
        number: i64::try_from(turn.number).map_err(|_| corrupt())?,
        fresh: hex(&turn.fresh),
        record: String::from_utf8(turn.record.clone()).map_err(|_| corrupt())?,
    })
}

fn turn_of(row: &LogTurn) -> Result<Turn> {
    let corrupt = || store::Error::Corrupt { what: format!("log_turns {}", row.number) };
    Ok(Turn {
        number: u64::try_from(row.number).map_err(|_| corrupt())?,
        fresh: unhex(&row.fresh).and_then(|bytes| bytes.try_into().ok()).ok_or_else(corrupt)?,
        record: row.record.clone().into_bytes(),
    })
}
