//! The log and what was disposed of: pruning it, and telling a database of an older time.

use super::{Sealer, broken};
use crate::App;
use crate::error::{Error, Result};

impl App {
    /// Prunes the log up to an entry that was disposed of, and looks after it once that nothing is left; the root of the
    /// tree there. `None` while the log has not come so far.
    pub(crate) async fn prune_log(&self, sealer: &mut Sealer, seq: i64) -> Result<Option<[u8; 32]>> {
        let index = u64::try_from(seq).unwrap_or(0);
        let swept = sealer.swept == index;
        let pruned = sealer.with(move |log| {
            if index == 0 || log.head().is_none_or(|(head, _)| head.size < index) {
                return Ok(None);
            }
            if swept { log.root_of(index).map(Some) } else { log.prune(index).map(Some) }
        });
        let root = self.while_beating(&sealer.lease, pruned).await?.map_err(|e| broken(&e))?;
        if root.is_some() {
            sealer.swept = index;
        }
        Ok(root)
    }
}

impl Sealer {
    /// Whether nothing is left in the log of what was disposed of up to an entry, as far as this one looked after it.
    pub(crate) fn is_swept(&self, seq: i64) -> bool {
        u64::try_from(seq) == Ok(self.swept)
    }
}

/// What a person is told when the database is of a time before what was disposed of.
pub(super) fn revived(seq: u64) -> Error {
    Error::invalid(
        "JRN-045",
        format!(
            "データベースが、記録の処分より前の状態に戻っています。{seq}番までの記録は処分されていて、封印にはもうありません。処分の後に取ったバックアップから戻してください。なければ、処分をもう一度行ってから journal begin-anew で封印を始めてください。"
        ),
    )
}
