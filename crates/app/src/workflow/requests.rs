//! 証拠の依頼: an auditor asks for evidence on a requirement, the institution hands it in, the auditor confirms it or
//! sends it back.
//!
//! A request is a task of whoever the requirement names as its owner, and of the security manager where nobody is. What
//! is handed in is a list of rows of the ledgers (documents among them), a file, or both. An auditor sees the requests
//! of their own account alone, as other audits are none of their business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::authz::{Permission, Role};
use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::ledger::{LEDGERS, Ledger, TEXT_MAX};
use domain::text::{fold, tidy};
use domain::workflow::approval::same_person;
use domain::workflow::request::{Act, State};
use jiff::Timestamp;
use jiff::civil::Date;
use store::{RequestRow, RequestStepRow};
use uuid::Uuid;

use super::Known;
use crate::App;
use crate::assess::Assessment;
use crate::error::{Error, FieldError, Result};
use crate::identity::{Acting, User};
use crate::mail::notices::{self, Notice, To};

/// Largest file handed in, in bytes.
pub const EVIDENCE_MAX: usize = 10 << 20;
/// Most rows named in one answer.
pub const LINKS_MAX: usize = 20;
/// Longest name of a file.
const NAME_MAX: usize = 200;

/// What is typed to ask for evidence.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Id of the requirement.
    pub requirement: String,
    /// What is asked for.
    pub what: String,
    /// By when.
    pub due_on: String,
}

/// What is handed in.
#[derive(Clone, Debug, Default)]
pub struct HandedIn {
    /// What is said with it.
    pub said: String,
    /// Rows, each as its number, `台帳 番号`, or the address of its page.
    pub links: Vec<String>,
    /// Name and bytes of a file; none where the name is empty.
    pub file: (String, Vec<u8>),
}

/// A request for evidence.
#[derive(Clone, Debug)]
pub struct EvidenceRequest {
    /// Its number, as people call it: `R-012`.
    pub no: String,
    /// Id of the requirement.
    pub requirement: String,
    /// What is asked for.
    pub what: String,
    /// By when.
    pub due_on: Date,
    /// How far it is.
    pub state: State,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// Who is to act now: the owner, or who asked. `None` when it is over.
    pub with: Option<String>,
    /// Revision.
    pub rev: i64,
    /// What was done since, in order.
    pub steps: Vec<RequestStep>,
    /// Whether the account that looks at it asked for it.
    pub own: bool,
    /// Whether the account that looks at it may withdraw it.
    pub withdraws: bool,
}

/// One answer, confirmation or sending back.
#[derive(Clone, Debug)]
pub struct RequestStep {
    /// Its place, from 1.
    pub place: i64,
    /// What was done.
    pub act: Act,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was said with it.
    pub said: String,
    /// Rows: ledger, key, and what they are called.
    pub links: Vec<(&'static Ledger, String, String)>,
    /// Name, SHA-256 and size of the file.
    pub file: Option<(String, String, i64)>,
}

/// The number as people call it.
fn shown_no(no: i64) -> String {
    format!("R-{no:03}")
}

/// A number as people type it.
fn read_no(typed: &str) -> Option<i64> {
    tidy(typed).to_uppercase().strip_prefix("R-")?.parse().ok().filter(|no| *no > 0)
}

fn missing() -> Error {
    Error::NotFound { what: "依頼".to_owned() }
}

impl App {
    /// The requests that an account sees: those that wait for the institution first, then by day. For `None` all.
    ///
    /// # Errors
    /// Any store error.
    pub async fn evidence_requests(
        &self,
        facility: &Facility,
        assessment: &Assessment,
        user: Option<&User>,
    ) -> Result<Vec<EvidenceRequest>> {
        let rows = self.store.request_list(&facility.id).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (known, mut steps) = (self.known(facility).await?, self.store.request_steps(&facility.id).await?);
        let users = self.user_list(&facility.id).await?;
        let manager = users.iter().find(|user| user.role == Role::Admin && is_used(user)).map(|user| user.name.clone());
        let mut all = Vec::new();
        for row in rows.into_iter().filter(|row| user.is_none_or(|user| sees(user, row))) {
            let (of_this, rest): (Vec<_>, Vec<_>) = steps.into_iter().partition(|step| step.request == row.id);
            steps = rest;
            let owner = assessment.evidence.attestations.get(&row.requirement).and_then(|said| said.owner.clone());
            let may = |user: &User| withdraws(user, |p| user.role.may(p), &row, &users, self.today());
            let withdraws = user.is_some_and(may);
            let mut request = read(row, user)?;
            request.withdraws = withdraws && request.state.is_under_way();
            request.with = match request.state {
                State::Open | State::SentBack => owner.or_else(|| manager.clone()),
                State::Ready => Some(request.asked_by.clone()),
                State::Confirmed | State::Withdrawn => None,
            };
            for step in of_this {
                request.steps.push(self.step(facility, &known, step).await?);
            }
            all.push(request);
        }
        let turn = |r: &EvidenceRequest| if r.state.waits_for_answer() { State::Open } else { r.state };
        all.sort_by(|a, b| (turn(a), a.due_on, &a.no).cmp(&(turn(b), b.due_on, &b.no)));
        Ok(all)
    }

    /// One of the requests that an account sees.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that number.
    pub async fn evidence_request(
        &self,
        facility: &Facility,
        assessment: &Assessment,
        user: &User,
        no: &str,
    ) -> Result<EvidenceRequest> {
        let no = read_no(no).map(shown_no).ok_or_else(missing)?;
        let all = self.evidence_requests(facility, assessment, Some(user)).await?;
        all.into_iter().find(|request| request.no == no).ok_or_else(missing)
    }

    async fn step(&self, facility: &Facility, known: &Known, row: RequestStepRow) -> Result<RequestStep> {
        let corrupt = || Error::Internal { message: format!("request step {}", row.request) };
        let pairs: Vec<(String, String)> = serde_json::from_str(&row.links).map_err(|_| corrupt())?;
        let mut links = Vec::new();
        for (name, key) in pairs {
            let Some(ledger) = domain::ledger::ledger(&name) else { continue };
            let found = self.store.row_find(ledger, &facility.id, std::slice::from_ref(&key)).await?;
            // A row that was taken out since keeps its number here.
            let title = found.get(&key).map_or_else(String::new, |stored| titled(ledger, stored, known));
            links.push((ledger, key, title));
        }
        Ok(RequestStep {
            place: row.place,
            act: Act::parse(&row.act).ok_or_else(corrupt)?,
            by: row.made_by,
            at: Timestamp::from_microsecond(row.made_at).map_err(|_| corrupt())?,
            said: row.said,
            links,
            file: row.file,
        })
    }

    /// Asks for evidence; returns the number of the request.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for whose role does not ask, [`Error::Fields`] for what will not do.
    pub async fn request_evidence(
        &self,
        actor: &Actor,
        user: &User,
        facility: &Facility,
        wanted: &Wanted,
    ) -> Result<String> {
        need(user, Permission::RequestEvidence)?;
        let mut faults = Vec::new();
        let requirement = tidy(&wanted.requirement).to_lowercase();
        if self.catalogs().requirement(&requirement).is_none() {
            let message =
                "要件の番号がないか、知らない番号です（REQ-001）。要件の画面の「証拠を求める」から開いてください。";
            faults.push(FieldError::new("requirement", message));
        }
        let what = tidy(&wanted.what);
        if what.is_empty() || what.chars().count() > TEXT_MAX {
            let message = format!("求めるものがないか、長すぎます（REQ-001）。{TEXT_MAX}字以内で書いてください。");
            faults.push(FieldError::new("what", message));
        }
        let due_on = match domain::jp::parse_date(&wanted.due_on) {
            Ok(day) if day >= self.today() => Some(day),
            Ok(_) => {
                let message = "期限が過ぎた日です（REQ-001）。今日か、それより後の日にしてください。";
                faults.push(FieldError::new("due_on", message));
                None
            }
            Err(error) => {
                faults.push(FieldError::new("due_on", error.to_string()));
                None
            }
        };
        let own = |row: &RequestRow| {
            let same = (&row.requirement, &row.what) == (&requirement, &what) && row.asked_by == user.id;
            same && State::parse(&row.state).is_some_and(State::waits_for_answer)
        };
        if self.store.request_list(&facility.id).await?.iter().any(own) {
            let message = "同じ依頼がすでに出ています（REQ-001）。回答を待つか、求めるものに違いを書いてください。";
            faults.push(FieldError::new("what", message));
        }
        let (Some(due_on), true) = (due_on, faults.is_empty()) else { return Err(Error::Fields(faults)) };
        let row = RequestRow {
            id: Uuid::now_v7().to_string(),
            no: 0,
            requirement,
            what,
            due_on: due_on.to_string(),
            state: State::Open.code().to_owned(),
            asked_by: user.id.clone(),
            asked_name: user.name.clone(),
            asked_at: self.now().as_microsecond(),
            rev: 1,
        };
        let told = self.answering(facility, &row.requirement).await?;
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        let no = shown_no(tx.request_insert(&row).await?);
        for to in &told {
            notices::tell(&mut tx, to.to(), Notice::EvidenceAsked { no: &no }, self.now()).await?;
        }
        let event = Event::new("request.ask", &no).with("requirement", &row.requirement).with("what", &row.what);
        tx.record(event.with("due_on", due_on));
        tx.commit().await?;
        Ok(no)
    }

    /// Hands something in.
    ///
    /// # Errors
    /// [`Error::Fields`] for what will not do, [`Error::Refused`] once it is confirmed, [`Error::Conflict`] when the
    /// request is not at `rev` any more.
    pub async fn request_answer(
        &self,
        actor: &Actor,
        user: &User,
        facility: &Facility,
        at: (&str, i64),
        handed: HandedIn,
    ) -> Result<()> {
        need(user, Permission::Attest)?;
        let mut faults = Vec::new();
        let said = tidy(&handed.said);
        if said.chars().count() > TEXT_MAX {
            let message = format!("説明が長すぎます（REQ-002）。{TEXT_MAX}字以内にしてください。");
            faults.push(FieldError::new("said", message));
        }
        let mut links: Vec<(&str, String)> = Vec::new();
        for typed in handed.links.iter().map(|typed| tidy(typed)).filter(|typed| !typed.is_empty()) {
            match self.meant_row(facility, &typed).await {
                Ok(link) if links.contains(&link) => {}
                Ok(link) => links.push(link),
                Err(Error::Fields(wrong)) => faults.extend(wrong),
                Err(error) => return Err(error),
            }
        }
        if links.len() > LINKS_MAX {
            let message = format!("一度に示せるのは{LINKS_MAX}行までです（REQ-002）。分けて回答してください。");
            faults.push(FieldError::new("links", message));
        }
        let (name, bytes) = handed.file;
        let name: String = tidy(&name).chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
        if bytes.len() > EVIDENCE_MAX {
            let message =
                format!("ファイルが大きすぎます（REQ-003）。{}MBまでです。分けて出してください。", EVIDENCE_MAX >> 20);
            faults.push(FieldError::new("file", message));
        } else if !name.is_empty() && bytes.is_empty() {
            let message = "ファイルが空です（REQ-003）。内容のあるファイルを選んでください。";
            faults.push(FieldError::new("file", message));
        }
        let has_file = !name.is_empty() && !bytes.is_empty();
        if said.is_empty() && links.is_empty() && !has_file && faults.is_empty() {
            let message = "出すものがありません（REQ-002）。台帳の行かファイルを示すか、出せない理由を書いてください。";
            faults.push(FieldError::new("said", message));
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let file = has_file.then_some((name, bytes));
        self.request_act(actor, user, facility, at, Act::Answer, said, links, file).await
    }

    /// Confirms what was handed in, or sends it back with a reason.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is nothing to confirm or no reason, [`Error::NotFound`] when somebody else asked,
    /// [`Error::Conflict`] when the request is not at `rev` any more.
    pub async fn request_decide(
        &self,
        actor: &Actor,
        user: &User,
        facility: &Facility,
        at: (&str, i64),
        act: Act,
        said: &str,
    ) -> Result<()> {
        need(user, Permission::RequestEvidence)?;
        let said: String = tidy(said).chars().take(TEXT_MAX).collect();
        self.request_act(actor, user, facility, at, act, said, Vec::new(), None).await
    }

    /// Withdraws a request with a reason: whoever asked and may ask, or who manages accounts when the account that asked is
    /// over.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is over or there is no reason, [`Error::NotFound`] when the account does not see it,
    /// [`Error::Forbidden`] when another may withdraw it, [`Error::Conflict`] when it is not at `rev` any more.
    pub async fn request_withdraw(
        &self,
        by: &dyn Acting,
        facility: &Facility,
        at: (&str, i64),
        why: &str,
    ) -> Result<()> {
        let user = by.user();
        let number = read_no(at.0).ok_or_else(missing)?;
        let rows = self.store.request_list(&facility.id).await?;
        let row = rows.iter().find(|row| row.no == number && sees(user, row)).ok_or_else(missing)?;
        let users = self.user_list(&facility.id).await?;
        let may = |permission| by.need(permission).is_ok();
        if !withdraws(user, may, row, &users, self.today()) {
            return Err(Error::Forbidden);
        }
        let why: String = tidy(why).chars().take(TEXT_MAX).collect();
        self.request_act(&by.actor(), user, facility, at, Act::Withdraw, why, Vec::new(), None).await
    }

    #[expect(clippy::too_many_arguments, reason = "who does what to which request, and with what")]
    async fn request_act(
        &self,
        actor: &Actor,
        user: &User,
        facility: &Facility,
        (no, rev): (&str, i64),
        act: Act,
        said: String,
        links: Vec<(&str, String)>,
        file: Option<(String, Vec<u8>)>,
    ) -> Result<()> {
        let number = read_no(no).ok_or_else(missing)?;
        let rows = self.store.request_list(&facility.id).await?;
        let row = rows.into_iter().find(|row| row.no == number && sees(user, row)).ok_or_else(missing)?;
        let overtaken = || Error::Conflict {
            message: format!(
                "「{}」は、表示された後に変わっています。今の内容を確かめてから、もう一度行ってください。",
                shown_no(number)
            ),
        };
        if row.rev != rev {
            return Err(overtaken());
        }
        let state = State::parse(&row.state).ok_or_else(|| Error::Internal { message: row.state.clone() })?;
        let next = act.take(state, &said)?;
        let no = shown_no(number);
        let mut event = Event::new(&format!("request.{}", act.code()), &no);
        if !said.is_empty() {
            let name = if matches!(act, Act::SendBack | Act::Withdraw) { "reason" } else { "said" };
            event = event.with(name, &said);
        }
        if !links.is_empty() {
            let named: Vec<String> = links.iter().map(|(ledger, key)| format!("{ledger}/{key}")).collect();
            event = event.with("links", named.join(" "));
        }
        let mut content = None;
        let file = file.map(|(name, bytes)| {
            let kept = (name, sha256(&bytes), i64::try_from(bytes.len()).unwrap_or(i64::MAX));
            content = Some(STANDARD.encode(&bytes));
            kept
        });
        if let Some((name, sum, _)) = &file {
            event = event.with("file", name).with("sha256", sum);
        }
        let told = match next {
            State::Ready => vec![Told::User(row.asked_by.clone())],
            State::SentBack => self.answering(facility, &row.requirement).await?,
            State::Open | State::Confirmed | State::Withdrawn => Vec::new(),
        };
        let place =
            i64::try_from(self.store.request_steps(&facility.id).await?.iter().filter(|s| s.request == row.id).count())
                .unwrap_or_default();
        let step = RequestStepRow {
            request: row.id,
            place: place + 1,
            act: act.code().to_owned(),
            made_by: user.name.clone(),
            made_at: self.now().as_microsecond(),
            said,
            links: serde_json::to_string(&links).map_err(|e| Error::Internal { message: e.to_string() })?,
            file,
        };
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.request_step(&step, rev, next.code(), content).await.map_err(|error| match error {
            store::Error::Conflict { .. } => overtaken(),
            other => Error::Store(other),
        })?;
        let notice = if next == State::SentBack {
            Notice::EvidenceBack { no: &no, rev }
        } else {
            Notice::EvidenceReady { no: &no, rev }
        };
        for to in &told {
            notices::tell(&mut tx, to.to(), notice, self.now()).await?;
        }
        tx.record(event);
        Ok(tx.commit().await?)
    }

    /// Name and bytes of a file that was handed in, for an account that sees the request.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn request_file(
        &self,
        user: &User,
        facility: &Facility,
        no: &str,
        place: i64,
    ) -> Result<(String, Vec<u8>)> {
        let number = read_no(no).ok_or_else(missing)?;
        let rows = self.store.request_list(&facility.id).await?;
        let row = rows.into_iter().find(|row| row.no == number && sees(user, row)).ok_or_else(missing)?;
        let (name, content) = self.store.request_file(&facility.id, &row.id, place).await?;
        let bytes = STANDARD.decode(content).map_err(|e| Error::Internal { message: e.to_string() })?;
        Ok((name, bytes))
    }

    /// Whom to tell that something is asked for: the owner of the requirement where that is somebody with an account,
    /// the security managers otherwise.
    async fn answering(&self, facility: &Facility, requirement: &str) -> Result<Vec<Told>> {
        let assessment = self.assess(facility).await?;
        let owner = assessment.evidence.attestations.get(requirement).and_then(|said| said.owner.clone());
        let users = self.user_list(&facility.id).await?;
        let mine = |user: &&User| {
            is_used(user)
                && user.role.may(Permission::Attest)
                && owner.as_deref().is_some_and(|owner| same_person(owner, &user.name))
        };
        let owners: Vec<Told> = users.iter().filter(mine).map(|user| Told::User(user.id.clone())).collect();
        Ok(if owners.is_empty() { vec![Told::Role(Role::Admin)] } else { owners })
    }

    /// The row that is meant by its number, by `台帳 番号`, or by the address of its page.
    async fn meant_row(&self, facility: &Facility, typed: &str) -> Result<(&'static str, String)> {
        let path = typed.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(typed, |(_, path)| path);
        let words: Vec<&str> = path.split(['/', ' ']).filter(|part| !part.is_empty() && *part != "ledgers").collect();
        let (of, key) = match words.as_slice() {
            [key] => (None, (*key).to_owned()),
            [name, rest @ ..] => (Some(*name), rest.join(" ")),
            [] => (None, String::new()),
        };
        let named =
            |ledger: &&'static Ledger| of.is_none_or(|of| ledger.name == of || fold(ledger.label.ja) == fold(of));
        let mut found: Vec<(&'static str, String)> = Vec::new();
        let keys = [key.clone(), key.to_uppercase()];
        for ledger in LEDGERS.iter().filter(named) {
            let rows = self.store.row_find(ledger, &facility.id, &keys).await?;
            found.extend(keys.iter().find(|key| rows.contains_key(*key)).map(|key| (ledger.name, key.clone())));
        }
        match found.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Error::field(
                "links",
                format!(
                    "「{typed}」という行が台帳にありません（REQ-002）。番号か、行の画面のアドレスを入れてください。"
                ),
            )),
            several => {
                let label = |name: &str| domain::ledger::ledger(name).map_or("", |ledger| ledger.label.ja);
                let where_: Vec<String> = several.iter().map(|(name, key)| format!("{} {key}", label(name))).collect();
                Err(Error::field(
                    "links",
                    format!(
                        "「{typed}」は複数の台帳にあります（REQ-002）。「{}」のどれかにしてください。",
                        where_.join("」「")
                    ),
                ))
            }
        }
    }
}

/// Who is told.
enum Told {
    User(String),
    Role(Role),
}

impl Told {
    fn to(&self) -> To<'_> {
        match self {
            Self::User(id) => To::User(id),
            Self::Role(role) => To::Role(*role),
        }
    }
}

fn need(user: &User, permission: Permission) -> Result<()> {
    if user.role.may(permission) { Ok(()) } else { Err(Error::Forbidden) }
}

fn is_used(user: &User) -> bool {
    user.disabled.is_none() && !user.sealed
}

/// Whether an account sees a request: everybody of the house, and of the guests whoever asked.
fn sees(user: &User, row: &RequestRow) -> bool {
    !user.role.is_guest() || row.asked_by == user.id
}

/// Whether an account that may do these things may withdraw a request.
fn withdraws(user: &User, may: impl Fn(Permission) -> bool, row: &RequestRow, users: &[User], today: Date) -> bool {
    let goes_on = |asker: &User| is_used(asker) && asker.valid_until.is_none_or(|until| today <= until);
    let over = || !users.iter().any(|asker| asker.id == row.asked_by && goes_on(asker));
    (may(Permission::RequestEvidence) && user.id == row.asked_by) || (may(Permission::ManageUsers) && over())
}

fn read(row: RequestRow, user: Option<&User>) -> Result<EvidenceRequest> {
    let corrupt = || Error::Internal { message: format!("request {}", row.id) };
    Ok(EvidenceRequest {
        no: shown_no(row.no),
        due_on: row.due_on.parse().map_err(|_| corrupt())?,
        state: State::parse(&row.state).ok_or_else(corrupt)?,
        asked_at: Timestamp::from_microsecond(row.asked_at).map_err(|_| corrupt())?,
        own: user.is_some_and(|user| user.id == row.asked_by),
        withdraws: false,
        requirement: row.requirement,
        what: row.what,
        asked_by: row.asked_name,
        with: None,
        rev: row.rev,
        steps: Vec::new(),
    })
}

/// What a row is called, in short.
fn titled(ledger: &'static Ledger, stored: &store::StoredRow, known: &Known) -> String {
    let column = ["title", "name", "device", "object"].into_iter().find(|name| stored.row.contains_key(name));
    column
        .and_then(|name| Some((ledger.column(name)?, stored.row.get(name)?)))
        .map(|(column, value)| match column.kind {
            domain::ledger::Kind::Ref(to) => known.called(to.ledger, &value.to_string()),
            _ => column.show(value, domain::text::Lang::Ja),
        })
        .unwrap_or_default()
}
