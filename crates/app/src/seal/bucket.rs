//! Where the log of a data folder lies: in the folder itself, or in a bucket of an S3-compatible store when one is set up.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use domain::journal::{Actor, Event};
use seal::bucket::{Probe, Settings, Trouble};
use seal::{Bucket, Place};

use super::{Head, LOG, broken, known_key};
use crate::error::{Error, Result};
use crate::{App, blocking};

/// File of the settings in the data folder.
const SETTINGS: &str = "bucket.toml";
/// What the folder of a log is called after the log went on elsewhere.
const MOVED: &str = "log.moved";

/// A bucket for the log.
#[derive(Clone, Debug)]
pub struct LogBucket(pub(super) Arc<Bucket>);

impl LogBucket {
    /// The bucket that the settings in `file` name, or without one those in the data folder; `None` when there are none.
    ///
    /// # Errors
    /// JRN-040 when the file cannot be read, others can read it, or it says what does not do.
    pub fn of(folder: &Path, file: Option<&Path>) -> Result<Option<Self>> {
        let own = folder.join(SETTINGS);
        let path = match file {
            Some(file) => file,
            None if own.exists() => &own,
            None => return Ok(None),
        };
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-040",
                format!(
                    "封印の保管庫（S3）の設定「{}」を使えませんでした。{reason}。ファイルの内容と権限を確かめてください。",
                    path.display()
                ),
            )
        };
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| refused(&e.to_string()));
        let text = read(path)?;
        let mode = std::fs::metadata(path).map_err(|e| refused(&e.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refused("秘密鍵があるのに、ほかの利用者から読めます。持ち主だけが読めるように（0600）します"));
        }
        // What the parser says may quote the line, and with it the secret.
        let mut settings: Settings = toml::from_str(&text).map_err(|error| {
            let line =
                error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.lines().count().max(1));
            refused(&format!("{line}行目あたりが、決まった形（url、region、id、secret、ca）になっていません"))
        })?;
        if let Some(ca) = &settings.ca {
            settings.ca = Some(read(&path.parent().unwrap_or(folder).join(ca))?);
        }
        Bucket::new(&settings).map(|bucket| Some(Self(Arc::new(bucket)))).map_err(|error| match error {
            seal::Error::Bucket { trouble: Trouble::Settings(what), .. } => refused(&format!("{what} が使えません")),
            error => broken(&error),
        })
    }

    /// Where it is.
    pub fn place(&self) -> &str {
        self.0.place()
    }

    /// Writes and reads back something beside the log, and looks how the store behaves.
    ///
    /// # Errors
    /// JRN-041 when that fails.
    pub(crate) async fn probe(&self) -> Result<Probe> {
        let bucket = Arc::clone(&self.0);
        blocking(move || bucket.probe()).await?.map_err(|e| broken(&e))
    }
}

impl App {
    /// Where the log of a data folder lies.
    pub(super) fn place(&self, folder: &Path) -> Place {
        match &self.bucket {
            Some(LogBucket(bucket)) => Place::Bucket(Arc::clone(bucket)),
            None => Place::Folder(folder.join(LOG)),
        }
    }

    /// That an empty bucket is not begun beside a log that is still in the data folder.
    pub(super) async fn log_is_here(&self, folder: &Path, place: &Place, wanted: &Range<u64>) -> Result<()> {
        let Place::Bucket(bucket) = place else { return Ok(()) };
        let left = Place::Folder(folder.join(LOG));
        if wanted.end > 0 || at(&left, |left| seal::log::last(left)).await?.is_none() {
            return Ok(());
        }
        Err(Error::invalid(
            "JRN-042",
            format!(
                "操作記録を封印できませんでした。封印がまだデータフォルダにあり、保管庫「{}」にはありません。サーバを止めて sakimori journal move で移してください。",
                bucket.place()
            ),
        ))
    }

    /// Carries the log from the data folder to the bucket, and goes on there; the folder is kept under another name.
    ///
    /// # Errors
    /// JRN-043 when there is no bucket, no log in the folder, or a log in the bucket already; JRN-005 while somebody
    /// seals; JRN-041 when the bucket fails, after which it can be done again.
    pub async fn move_log(&self, actor: &Actor, folder: &Path) -> Result<Head> {
        let refused = |reason: &str| {
            Error::invalid(
                "JRN-043",
                format!("封印を保管庫に移せませんでした。{reason}。設定と、すでに移していないかを確かめてください。"),
            )
        };
        let Some(bucket) = self.bucket.clone() else {
            return Err(refused("保管庫（bucket.toml）が設定されていません"));
        };
        if known_key(folder)?.is_none() {
            return Err(refused("このデータフォルダには封印の鍵がありません"));
        }
        let sealer = self.sealer_at(folder, Place::Folder(folder.join(LOG))).await?;
        let (place, to) = (bucket.place().to_owned(), Place::Bucket(bucket.0));
        let carried = sealer.with(move |log| {
            let head = log.head().map(|(head, _)| Head::from(head));
            head.map(|head| log.carry(&to).map(|()| head)).transpose()
        });
        let head = match carried.await? {
            Ok(head) => head.ok_or_else(|| refused("データフォルダに封印がありません"))?,
            Err(seal::Error::Taken) => return Err(refused("保管庫のその場所に、もう封印があります")),
            Err(error) => return Err(broken(&error)),
        };
        let failed = |e: std::io::Error| super::unusable(&folder.join(MOVED), &e.to_string());
        std::fs::rename(folder.join(LOG), folder.join(MOVED)).map_err(failed)?;
        let mut tx = self.store.begin(actor, "", self.now()).await?;
        tx.record(Event::new("journal.move", place).with("size", head.size).with("root", &head.root));
        tx.commit().await?;
        Ok(head)
    }
}

/// Does something with a log where it may wait for a disk or a network.
pub(super) async fn at<T: Send + 'static>(
    place: &Place,
    what: impl FnOnce(&Place) -> std::result::Result<T, seal::Error> + Send + 'static,
) -> Result<T> {
    let place = place.clone();
    blocking(move || what(&place)).await?.map_err(|e| broken(&e))
}

/// What a person is told when a bucket cannot be read or written.
pub(super) fn fault(place: &str, trouble: &Trouble) -> Error {
    let (cause, remedy) = match trouble {
        Trouble::Settings(what) => (format!("設定の {what} が使えません"), "bucket.toml を確かめてください"),
        Trouble::Unreachable(why) => (
            format!("つながりません（{why}）"),
            "保管庫が動いているか、アドレスと証明書とネットワークを確かめてください",
        ),
        Trouble::Slow => ("時間内に答えません".to_owned(), "保管庫とネットワークの混み具合を確かめてください"),
        Trouble::Status(401 | 403, code) => (
            format!("断りました（{code}）"),
            "鍵（id と secret）、その鍵に許された読み書き、このサーバの時計を確かめてください",
        ),
        Trouble::Status(404, code) => (format!("見つかりません（{code}）"), "バケットの名前を確かめてください"),
        Trouble::Status(status, code) => (format!("失敗しました（{status} {code}）"), "保管庫の状態を確かめてください"),
        Trouble::Cut => ("答えが途中で切れました".to_owned(), "保管庫と、途中の機器を確かめてください"),
        Trouble::Differs => (
            "書いたものと違うものを返しました".to_owned(),
            "アドレスが保管庫のものか、途中で書き換えられていないかを確かめてください",
        ),
    };
    Error::invalid(
        "JRN-041",
        format!(
            "封印の保管庫（S3）を読み書きできませんでした。「{place}」が{cause}。{remedy}。記録は失われておらず、直れば自動で続きから封印します。"
        ),
    )
}
