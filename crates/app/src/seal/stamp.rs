//! 時刻認証: an authority says when a head of the log existed (RFC 3161), over the network or by files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::journal::{Actor, Event};
use jiff::Timestamp;
use seal::Checkpoint;
use seal::stamp::{Authority, Refused, check, request};
use store::LogHead;
use uuid::Uuid;

use super::{Head, broken, known_key};
use crate::App;
use crate::error::{Error, Result};

/// A request for a time stamp, and the signed head that it is about.
#[derive(Clone, Debug)]
pub struct StampRequest {
    /// The request, DER: what a `.tsq` file holds.
    pub request: Vec<u8>,
    /// The signed head, as it was given out.
    pub note: Vec<u8>,
}

impl App {
    /// A request over the last head of the log in a data folder; `None` when nothing is sealed yet.
    ///
    /// # Errors
    /// JRN-003 and JRN-004 when key or head cannot be read.
    pub async fn stamp_request(&self, folder: &std::path::Path) -> Result<Option<StampRequest>> {
        let Some((_, note)) = self.last_head(folder).await? else { return Ok(None) };
        Ok(Some(StampRequest { request: request(&note).map_err(|e| broken(&e))?, note }))
    }

    /// Checks what an authority replied, whose certificates are `authority` (PEM), and keeps it with the head; when it
    /// was stamped, and by whom.
    ///
    /// # Errors
    /// JRN-028 with the reason when the reply does not count.
    pub async fn stamped(
        &self,
        actor: &Actor,
        folder: &std::path::Path,
        asked: &StampRequest,
        reply: &[u8],
        authority: &str,
    ) -> Result<(Timestamp, String)> {
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-028",
                format!("時刻認証を受け取れませんでした。{reason}。時刻認証局と、その証明書を確かめてください。"),
            )
        };
        let key = known_key(folder)?.ok_or_else(|| refused("このデータフォルダには封印の鍵がありません"))?;
        let head =
            Checkpoint::open(&asked.note, &key).map_err(|_| refused("この封印の印についてのものではありません"))?;
        let authority =
            Authority::parse(authority.as_bytes()).map_err(|_| refused("認証局の証明書（PEM）を読めません"))?;
        let stamp = check(reply, &asked.request, &asked.note, &authority).map_err(|why| {
            refused(match why {
                Refused::Malformed => "返事が時刻認証の形になっていません",
                Refused::NotGranted => "認証局が発行を断りました",
                Refused::OfSomethingElse => "別のものへの時刻認証です",
                Refused::Nonce => "別の要求への返事です",
                Refused::Signature => "署名が合いません",
                Refused::Authority => "署名した証明書が、この認証局の時刻認証用のものではありません",
            })
        })?;
        let at = Timestamp::from_second(stamp.time).map_err(|_| refused("時刻を読めません"))?;
        let head = Head::from(&head);
        let kept = LogHead {
            id: Uuid::now_v7().to_string(),
            grade: super::Grade::Stamp.code().to_owned(),
            name: stamp.name.clone(),
            origin: head.origin.clone(),
            size: i64::try_from(head.size).unwrap_or(i64::MAX),
            root: head.root.clone(),
            at: at.as_microsecond(),
            proof: serde_json::json!({
                "checkpoint": String::from_utf8_lossy(&asked.note),
                "reply": STANDARD.encode(reply),
            })
            .to_string(),
        };
        let mut tx = self.store.begin(actor, "", self.now()).await?;
        tx.log_head_insert(kept).await?;
        let event = Event::new("journal.stamp", head.size.to_string()).with("root", &head.root);
        tx.record(event.with("authority", &stamp.name).with("time", at.to_string()));
        tx.commit().await?;
        Ok((at, stamp.name))
    }
}
