//! 診断: is the server itself in order. One line a matter, each with what to do when it is not.
//!
//! A check says what it saw. What it cannot see is *unknown*, never fine.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use domain::authz::Role;
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::error::{Error, Result};
use crate::retention::{Disposal, DisposalState};
use crate::seal::Sealed;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// In order.
    Good,
    /// To be looked after.
    Warn,
    /// Not in order.
    Bad,
    /// Could not be seen from here.
    Unknown,
}

/// One check: what was looked at, what was seen, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Key of the check, by which words and tests know it: `journal`.
    pub key: &'static str,
    /// How it came out.
    pub health: Health,
    /// What was seen: a number, a day, a path.
    pub seen: String,
}

/// Free space below which the data folder is in danger, in MiB.
const SPACE_BAD: u64 = 500;
/// Free space below which somebody should make room, in MiB.
const SPACE_WARN: u64 = 5_000;
/// Seconds that the clock of a bucket may be off; at fifteen minutes it refuses what is signed.
const BUCKET_CLOCK: u64 = 300;
/// Days before the end of a certificate at which somebody should act; ours renews itself at the next start.
const CERTIFICATE_WARN: i64 = 21;

impl App {
    /// Looks the installation over. `folder` is the data folder.
    ///
    /// # Errors
    /// When the database does not answer at all.
    pub async fn doctor(&self, folder: &Path) -> Result<Vec<Check>> {
        let mut checks =
            vec![self.check_database().await?, self.check_journal().await?, self.check_seal(folder).await?];
        checks.extend(self.check_bucket().await?);
        checks.push(self.check_kept().await?);
        checks.push(self.check_disposal().await?);
        checks.push(self.check_clock().await?);
        checks.extend([check_folder(folder), check_space(folder), self.check_certificate(folder), check_typesetter()]);
        checks.push(self.check_admins().await?);
        Ok(checks)
    }

    async fn check_database(&self) -> Result<Check> {
        let facilities = self.store.facility_list().await?.len();
        Ok(Check { key: "database", health: Health::Good, seen: facilities.to_string() })
    }

    async fn check_journal(&self) -> Result<Check> {
        Ok(match self.store.journal_verify().await? {
            Ok(entries) => Check { key: "journal", health: Health::Good, seen: entries.to_string() },
            Err(broken) => Check { key: "journal", health: Health::Bad, seen: broken.seq.to_string() },
        })
    }

    /// What was sealed is compared with the journal, entry by entry.
    async fn check_seal(&self, folder: &Path) -> Result<Check> {
        let (health, seen) = match self.sealed(folder, None).await {
            Ok(Sealed::Holds { head, .. }) => (Health::Good, head.size.to_string()),
            Ok(Sealed::Never) => (Health::Unknown, String::new()),
            Ok(Sealed::Revived { seq }) => (Health::Bad, seq.to_string()),
            Ok(Sealed::Broken { seq, .. }) => (Health::Bad, seq.to_string()),
            Ok(Sealed::Another { origin }) => (Health::Bad, origin),
            Err(Error::Invalid { code, .. }) => (Health::Bad, code.to_owned()),
            Err(error) => return Err(error),
        };
        Ok(Check { key: "seal", health, seen })
    }

    /// A bucket is written to and read back. One that lets two writers replace each other's head leaves it to the database
    /// alone that there is one; one whose clock is far off refuses what is signed here.
    async fn check_bucket(&self) -> Result<Option<Check>> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        let probe = match bucket.probe().await {
            Ok(probe) => probe,
            Err(Error::Invalid { code, .. }) => {
                let seen = format!("{} ({code})", bucket.place());
                return Ok(Some(Check { key: "bucket", health: Health::Bad, seen }));
            }
            Err(error) => return Err(error),
        };
        let theirs = probe.date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
        let ahead = theirs.map(|theirs| theirs.timestamp().duration_since(self.now()).as_secs());
        let health = match (ahead, probe.conditional) {
            (Some(ahead), _) if ahead.unsigned_abs() > BUCKET_CLOCK => Health::Bad,
            (_, true) => Health::Good,
            (_, false) => Health::Warn,
        };
        let has = |it: bool| if it { "✓" } else { "✗" };
        let clock = ahead.map_or_else(|| "?".to_owned(), |ahead| format!("{ahead:+} s"));
        let seen = format!(
            "{} (If-Match {}, versioning {}, object lock {}, clock {clock})",
            bucket.place(),
            has(probe.conditional),
            has(probe.versions),
            has(probe.locked)
        );
        Ok(Some(Check { key: "bucket", health, seen }))
    }

    /// Without a head that somebody else has, a cut tail cannot be detected; with an old one, only what is older.
    async fn check_kept(&self) -> Result<Check> {
        let kept = self.kept_heads().await?;
        let health = if kept.iter().any(|kept| kept.fresh) { Health::Good } else { Health::Warn };
        let newest = kept.first().map(|kept| domain::jp::day_in_japan(kept.at).to_string());
        Ok(Check { key: "kept", health, seen: newest.unwrap_or_default() })
    }

    /// A disposal that was approved is carried out within a day, and its log is pruned.
    async fn check_disposal(&self) -> Result<Check> {
        let all = self.disposals_of_records().await?;
        let under_way = all.iter().find(|disposal| disposal.state == DisposalState::Approved);
        let late = |disposal: &Disposal| {
            let approved = disposal.decided.as_ref().map_or(disposal.asked.1, |(_, at)| *at);
            self.now().duration_since(approved) > SignedDuration::from_hours(24)
        };
        let health = if under_way.is_some_and(late) { Health::Warn } else { Health::Good };
        let seen = self.disposed_until().await?.map(|day| day.to_string()).unwrap_or_default();
        Ok(Check { key: "disposal", health, seen })
    }

    /// A clock that stands before the newest entry was set back, or was ahead when that entry was made.
    async fn check_clock(&self) -> Result<Check> {
        let now = self.now();
        let newest = self.store.journal_list(None, 1).await?;
        let at =
            newest.first().and_then(|entry| serde_json::from_str::<domain::journal::Entry>(entry).ok()).map(|e| e.at);
        let Some(at) = at.and_then(|at| Timestamp::from_microsecond(at).ok()) else {
            return Ok(Check { key: "clock", health: Health::Unknown, seen: now.to_string() });
        };
        let ahead = at.duration_since(now);
        let health = if ahead > SignedDuration::from_secs(60) { Health::Bad } else { Health::Good };
        Ok(Check { key: "clock", health, seen: now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string() })
    }

    fn check_certificate(&self, folder: &Path) -> Check {
        let ends = std::fs::read_to_string(folder.join("tls/server.names"))
            .ok()
            .and_then(|stamp| stamp.lines().next().and_then(|line| line.parse().ok()))
            .and_then(|second| Timestamp::from_second(second).ok());
        let Some(ends) = ends else {
            return Check { key: "certificate", health: Health::Unknown, seen: String::new() };
        };
        let days = ends.duration_since(self.now()).as_hours() / 24;
        let health = match days {
            ..0 => Health::Bad,
            0..CERTIFICATE_WARN => Health::Warn,
            _ => Health::Good,
        };
        Check { key: "certificate", health, seen: domain::jp::day_in_japan(ends).to_string() }
    }

    /// One person alone cannot be let in again by a second one.
    async fn check_admins(&self) -> Result<Check> {
        let mut fewest = usize::MAX;
        for facility in self.store.facility_list().await? {
            let users = self.user_list(&facility.id).await?;
            let helps = |role| matches!(role, Role::Admin | Role::Approver);
            let able = users.iter().filter(|u| helps(u.role) && u.disabled.is_none() && !u.sealed);
            let count = able.filter(|u| u.has_password || u.passkeys > 0).count();
            // A facility whose people do not sign in here needs nobody.
            if !users.is_empty() {
                fewest = fewest.min(count);
            }
        }
        Ok(match fewest {
            usize::MAX => Check { key: "admins", health: Health::Unknown, seen: String::new() },
            count => {
                let health = if count >= 2 { Health::Good } else { Health::Warn };
                Check { key: "admins", health, seen: count.to_string() }
            }
        })
    }
}

fn check_folder(folder: &Path) -> Check {
    let seen = folder.display().to_string();
    let health = match std::fs::metadata(folder) {
        Ok(data) if data.permissions().mode() & 0o077 == 0 => Health::Good,
        Ok(_) => Health::Bad,
        Err(_) => Health::Unknown,
    };
    Check { key: "folder", health, seen }
}

fn check_space(folder: &Path) -> Check {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        return Check { key: "space", health: Health::Unknown, seen: String::new() };
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize) >> 20;
    let health = match free {
        ..SPACE_BAD => Health::Bad,
        SPACE_BAD..SPACE_WARN => Health::Warn,
        _ => Health::Good,
    };
    Check { key: "space", health, seen: format!("{:.1} GiB", free as f64 / 1024.0) }
}

fn check_typesetter() -> Check {
    let (health, seen) = match report::typesetter() {
        Some(path) => (Health::Good, path.display().to_string()),
        None => (Health::Bad, String::new()),
    };
    Check { key: "typesetter", health, seen }
}
