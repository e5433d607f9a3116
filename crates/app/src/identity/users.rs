//! Accounts: who adds, changes and disables them. Nobody takes their own rights away, and one administrator stays.

use domain::authz::{Permission, Role};
use domain::journal::Event;
use domain::ledger::{Value, ledger};
use domain::text::{Lang, tidy};
use domain::threshold::ACCOUNT_USED;
use jiff::civil::Date;
use store::{UserRow, WriteTx};
use uuid::Uuid;

use super::{Acting, Signed, User, login_key};
use crate::App;
use crate::error::{Error, FieldError, Result};
use crate::mail::address;

/// Under what name sign-offs of the accounts are kept.
const REVIEW: &str = "users";
/// Longest login and name, in characters.
const LONGEST: usize = 64;

/// An account to be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewUser {
    /// What the person will type: letters, digits, `.`, `-`, `_`, `@`.
    pub login: String,
    /// Name of the person.
    pub name: String,
    /// Key in the ledger of people; the account ends with the person's last day there.
    pub person: Option<String>,
    /// Role.
    pub role: Role,
    /// First day the account may be used.
    pub valid_from: Option<Date>,
    /// Last day the account may be used.
    pub valid_until: Option<Date>,
    /// First day whose records an auditor sees.
    pub sees_from: Option<Date>,
    /// Last day whose records an auditor sees.
    pub sees_until: Option<Date>,
    /// Where mail reaches the person; empty for nowhere.
    pub email: String,
    /// Emergency account: put away until somebody opens it.
    pub sealed: bool,
}

/// A decision on the role of somebody whose department, profession or duties changed.
#[derive(Clone, Copy, Debug)]
pub struct DutiesReview<'a> {
    /// The role from now on, maybe the same.
    pub role: Role,
    /// Why.
    pub reason: &'a str,
    /// What the ledger of people said, as it was shown.
    pub shown: &'a str,
}

/// What the ledger of people says of an account's person now, in words; `None` for an account of nobody there.
fn duties(row: &UserRow) -> Option<String> {
    row.person.as_ref()?;
    let column = ledger("people").and_then(|people| people.column("duties"));
    let charged = row.charged_with.clone().map(Value::Text).zip(column);
    let charged = charged.map(|(codes, column)| column.show(&codes, Lang::Ja).replace('+', "・"));
    let said = [row.job.clone(), row.department.clone(), charged];
    Some(said.into_iter().flatten().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("／"))
}

/// What it said when somebody last decided on the role, and what it says now, where these differ on a live account.
pub(super) fn moved(row: &UserRow) -> Option<(String, String)> {
    let live = row.disabled_at.is_none() && !row.sealed;
    row.duties.clone().zip(duties(row)).filter(|(before, now)| live && before != now)
}

/// Refuses a role that the account lacks something for.
fn fits_role(user: &UserRow, role: Role) -> Result<()> {
    if role.is_guest() && user.valid_until.is_none() {
        return Err(Error::invalid(
            "AUT-022",
            "役割を変えられません。監査担当者と保守事業者のアカウントには終わりの日が要りますが、このアカウントにはありません。期間を決めた新しいアカウントを作ってください。",
        ));
    }
    if role == Role::Auditor && (user.sees_from.is_none() || user.sees_until.is_none()) {
        return Err(Error::invalid(
            "AUT-022",
            "役割を変えられません。監査担当者のアカウントには監査の対象期間が要りますが、このアカウントにはありません。期間を決めた新しいアカウントを作ってください。",
        ));
    }
    Ok(())
}

/// Name and login as they will be stored.
pub(super) fn checked(name: &str, login: &str) -> Result<(String, String)> {
    let (name, login) = (tidy(name), tidy(login));
    let fits = |text: &str| (1..=LONGEST).contains(&text.chars().count());
    let mut faults = Vec::new();
    if !fits(&name) {
        faults
            .push(FieldError::new("name", format!("氏名がないか、{LONGEST}文字を超えています。入れ直してください。")));
    }
    if !fits(&login) || !login.chars().all(|c| c.is_alphanumeric() || ".-_@".contains(c)) {
        let message = format!("利用者IDは{LONGEST}文字以内の文字・数字と . - _ @ にしてください。空白は使えません。");
        faults.push(FieldError::new("login", message));
    }
    if faults.is_empty() { Ok((name, login)) } else { Err(Error::Fields(faults)) }
}

pub(super) fn new_row(facility: &str, name: &str, login: &str, role: Role, made_at: i64) -> UserRow {
    UserRow {
        id: Uuid::now_v7().to_string(),
        facility: facility.to_owned(),
        login: login.to_owned(),
        login_key: login_key(login),
        name: name.to_owned(),
        role: role.code().to_owned(),
        password_history: "[]".to_owned(),
        made_at,
        rev: 1,
        ..UserRow::default()
    }
}

/// Hex SHA-256 over what a stock-take of accounts is about: who can get in, as what.
pub fn users_sha256(users: &[User]) -> String {
    let lines: Vec<_> = users
        .iter()
        .map(|u| serde_json::json!([u.id, u.login, u.name, u.person, u.role.code(), u.disabled.is_some(), u.sealed]))
        .collect();
    domain::journal::sha256(serde_json::Value::from(lines).to_string().as_bytes())
}

impl User {
    /// Whether nobody has signed in with it for so long that somebody should ask why it is there.
    pub fn is_dormant(&self, today: Date) -> bool {
        let last = self.last_sign_in_at.map(domain::jp::day_in_japan);
        self.disabled.is_none()
            && !self.sealed
            && last.is_some_and(|day| domain::evaluate::plus(day, ACCOUNT_USED.value) < today)
    }
}

fn own_account() -> Error {
    Error::invalid(
        "AUT-015",
        "自分のアカウントは変更できません。締め出しを防ぐためです。別の医療情報システム安全管理責任者に頼んでください。",
    )
}

/// Refuses to leave a facility without an administrator.
pub(super) async fn keep_an_admin(tx: &WriteTx) -> Result<()> {
    if tx.user_count_enabled(Role::Admin.code()).await? > 0 {
        return Ok(());
    }
    Err(Error::invalid(
        "AUT-016",
        "変更できません。医療情報システム安全管理責任者のアカウントがなくなるためです。先に別の人をその役割にしてください。",
    ))
}

impl App {
    /// The accounts of a facility, by login.
    ///
    /// # Errors
    /// Any store error.
    pub async fn user_list(&self, facility: &str) -> Result<Vec<User>> {
        self.store.user_list(facility).await?.iter().map(User::of).collect()
    }

    /// Adds an account. It has no credentials: the person gets in by a reset, confirmed face to face.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not manage accounts, [`Error::Fields`] when something entered will not do.
    pub async fn user_add(&self, by: &dyn Acting, new: NewUser) -> Result<User> {
        by.need(Permission::ManageUsers)?;
        let facility = &by.user().facility;
        let (name, login) = checked(&new.name, &new.login)?;
        let mut faults = Vec::new();
        if self.store.user_find_login(&login_key(&login)).await?.is_some() {
            faults.push(FieldError::new("login", "その利用者IDはすでに使われています。別のものにしてください。"));
        }
        if let (Some(people), Some(person)) = (ledger("people"), &new.person)
            && self.store.row_find(people, facility, std::slice::from_ref(person)).await?.is_empty()
        {
            faults.push(FieldError::new("person", "職員名簿にありません。先に職員名簿に登録してください。"));
        }
        if new.valid_from.zip(new.valid_until).is_some_and(|(from, until)| until < from) {
            faults.push(FieldError::new("valid_until", "終わりの日が始まりの日より前です。直してください。"));
        }
        if new.sees_from.zip(new.sees_until).is_some_and(|(from, until)| until < from) {
            faults.push(FieldError::new("sees_until", "終わりの日が始まりの日より前です。直してください。"));
        }
        if new.role == Role::Auditor {
            for (field, day) in [("sees_from", new.sees_from), ("sees_until", new.sees_until)] {
                if day.is_none() {
                    let message =
                        "監査の対象期間がありません。監査担当者に見せる記録の、始まりと終わりの日を入れてください。";
                    faults.push(FieldError::new(field, message));
                }
            }
        }
        let email = match address("email", &new.email) {
            Ok(email) => email,
            Err(Error::Fields(wrong)) => {
                faults.extend(wrong);
                None
            }
            Err(error) => return Err(error),
        };
        if new.role.is_guest() && new.valid_until.is_none() {
            let message =
                "終わりの日がありません。監査担当者と保守事業者のアカウントには、使える最後の日を入れてください。";
            faults.push(FieldError::new("valid_until", message));
        }
        if !faults.is_empty() {
            return Err(Error::Fields(faults));
        }
        let row = UserRow {
            person: new.person,
            sealed: new.sealed,
            valid_from: new.valid_from.map(|day| day.to_string()),
            valid_until: new.valid_until.map(|day| day.to_string()),
            sees_from: new.sees_from.map(|day| day.to_string()),
            sees_until: new.sees_until.map(|day| day.to_string()),
            email,
            ..new_row(facility, &name, &login, new.role, self.now().as_microsecond())
        };
        let mut tx = self.store.begin(&by.actor(), facility, self.now()).await?;
        tx.user_insert(&row).await?;
        let event = Event::new("user.add", row.id.clone()).with("login", &row.login).with("role", &row.role);
        tx.record(event.with("sealed", row.sealed));
        tx.commit().await?;
        // What the ledger says of the person is read beside the account.
        let made = self.store.user_find(&row.id).await?.unwrap_or(row);
        if let Some(duties) = duties(&made) {
            self.store.user_duties_note(&made.id, &duties).await?;
        }
        User::of(&UserRow { duties: duties(&made), ..made })
    }

    /// Gives an account another role.
    ///
    /// # Errors
    /// `AUT-015` for one's own, `AUT-016` for the last administrator's, `AUT-022` for a role that comes for a time when
    /// the account has no end, or for an auditor when it has no period to see.
    pub async fn user_role_set(&self, by: &dyn Acting, id: &str, role: Role) -> Result<()> {
        let mut user = self.user_managed(by, id).await?;
        fits_role(&user, role)?;
        let before = std::mem::replace(&mut user.role, role.code().to_owned());
        // Whoever gives a role has the person as they are now in mind.
        user.duties = duties(&user);
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        keep_an_admin(&tx).await?;
        tx.record(Event::new("user.role", user.id).with("before", before).with("after", user.role));
        Ok(tx.commit().await?)
    }

    /// Decides on the role of somebody whose department, profession or duties changed (異動); the same role is a decision
    /// too. Who has no colleague to ask may keep their own role, and the journal says so.
    ///
    /// # Errors
    /// [`Error::Conflict`] when nothing is to be decided, or the ledger says something else than was shown;
    /// [`Error::Fields`] without a reason; `AUT-015` for another role of one's own; else as
    /// [`user_role_set`](Self::user_role_set).
    pub async fn user_duties_review(&self, by: &dyn Acting, id: &str, review: DutiesReview<'_>) -> Result<()> {
        by.need(Permission::ManageUsers)?;
        let mut user = self.user_here(by, id).await?;
        let reason = reason_given(review.reason)?;
        let Some((before, now)) = moved(&user).filter(|(_, now)| now == review.shown) else {
            let message = "判断を記録できませんでした。表示された後に職員名簿が変わったか、すでに判断されています。今の内容を確かめてから、もう一度行ってください。";
            return Err(Error::Conflict { message: message.to_owned() });
        };
        let own = id == by.user().id;
        if own && review.role.code() != user.role {
            return Err(own_account());
        }
        fits_role(&user, review.role)?;
        let role = std::mem::replace(&mut user.role, review.role.code().to_owned());
        user.duties = Some(now.clone());
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        keep_an_admin(&tx).await?;
        let event = Event::new("user.duties", user.id).with("duties_before", before).with("duties_after", now);
        tx.record(event.with("before", role).with("after", user.role).with("own", own).with("reason", reason));
        Ok(tx.commit().await?)
    }

    /// Disables an account and ends its sessions.
    ///
    /// # Errors
    /// `AUT-015` for one's own, `AUT-016` for the last administrator's, [`Error::Fields`] without a reason.
    pub async fn user_disable(&self, by: &dyn Acting, id: &str, reason: &str) -> Result<()> {
        let mut user = self.user_managed(by, id).await?;
        let reason = reason_given(reason)?;
        (user.disabled_at, user.disabled_reason) = (Some(self.now().as_microsecond()), Some(reason.clone()));
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        keep_an_admin(&tx).await?;
        let ended = tx.session_revoke_all(&user.id, "").await?;
        tx.record(Event::new("user.disable", user.id).with("reason", reason).with("sessions_ended", ended));
        Ok(tx.commit().await?)
    }

    /// Enables a disabled account again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such account.
    pub async fn user_enable(&self, by: &dyn Acting, id: &str) -> Result<()> {
        let mut user = self.user_managed(by, id).await?;
        (user.disabled_at, user.disabled_reason) = (None, None);
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        tx.record(Event::new("user.enable", user.id));
        Ok(tx.commit().await?)
    }

    /// Ends every session of an account; how many there were.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the facility has no such account.
    pub async fn user_sessions_end(&self, by: &dyn Acting, id: &str) -> Result<u64> {
        by.need(Permission::ManageUsers)?;
        let user = self.user_here(by, id).await?;
        let mut tx = self.store.begin(&by.actor(), &user.facility, self.now()).await?;
        let ended = tx.session_revoke_all(&user.id, "").await?;
        tx.record(Event::new("user.sessions-end", user.id).with("sessions_ended", ended));
        tx.commit().await?;
        Ok(ended)
    }

    /// Signs that the accounts, as they were shown, are right (棚卸し). `shown_sha256` is [`users_sha256`] of that list.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for who may not manage accounts, [`Error::Conflict`] when the list is another by now.
    pub async fn users_review(&self, by: &dyn Acting, shown_sha256: &str) -> Result<usize> {
        by.need(Permission::ManageUsers)?;
        let facility = &by.user().facility;
        let users = self.user_list(facility).await?;
        if users_sha256(&users) != shown_sha256 {
            let message =
                "確認を記録できませんでした。表示された後に利用者が変わっています。もう一度見て、確かめてください。";
            return Err(Error::Conflict { message: message.to_owned() });
        }
        let mut tx = self.store.begin(&by.actor(), facility, self.now()).await?;
        tx.signature_insert(REVIEW, &by.user().name, shown_sha256).await?;
        tx.record(Event::new("users.review", REVIEW).with("records", users.len()).with("sha256", shown_sha256));
        tx.commit().await?;
        Ok(users.len())
    }

    /// Who last signed for the accounts, on which day, and whether they are still as they were then.
    ///
    /// # Errors
    /// Any store error.
    pub async fn users_reviewed(&self, facility: &str) -> Result<Option<(String, Date, bool)>> {
        let now = users_sha256(&self.user_list(facility).await?);
        let last = self.store.signature_last(facility, REVIEW).await?;
        Ok(last.map(|(by, on, sha256)| (by, on, sha256 == now)))
    }

    /// Disables the accounts of everybody whose last day (ledger of people) is over in Japan; how many. Accounts from
    /// before there were such decisions begin with what the ledger says now.
    ///
    /// # Errors
    /// Any store error.
    pub async fn accounts_refresh(&self) -> Result<u64> {
        let mut count = 0;
        for user in self.store.user_list_undecided().await? {
            self.store.user_duties_note(&user.id, &duties(&user).unwrap_or_default()).await?;
        }
        for user in self.store.user_list_left(self.today()).await? {
            count += u64::from(self.disable_left(&user).await?);
        }
        Ok(count)
    }

    /// Takes the notice to oneself as read.
    ///
    /// # Errors
    /// Any store error.
    pub async fn notice_read(&self, signed: &Signed) -> Result<()> {
        self.own_changed(signed, "notice.read", |user| user.notice = None).await
    }

    /// Chooses the language of one's pages.
    ///
    /// # Errors
    /// Any store error.
    pub async fn lang_set(&self, signed: &Signed, lang: Lang) -> Result<()> {
        let code = if lang == Lang::En { "en" } else { "ja" };
        self.own_changed(signed, "user.lang", |user| user.lang = Some(code.to_owned())).await
    }

    /// Sets where mail reaches one; empty for nowhere.
    ///
    /// # Errors
    /// [`Error::StepUp`] without a fresh proof, as notices of what happens to the account go there; [`Error::Fields`] for
    /// what is no address.
    pub async fn email_set(&self, signed: &Signed, typed: &str) -> Result<()> {
        signed.need_fresh(self.now())?;
        let email = address("email", typed)?;
        self.own_changed(signed, "user.email", |user| user.email = email).await
    }

    async fn own_changed(&self, signed: &Signed, action: &str, change: impl FnOnce(&mut UserRow)) -> Result<()> {
        signed.need(Permission::UseOwnAccount)?;
        let mut user = self.own_row(signed).await?;
        change(&mut user);
        let mut tx = self.store.begin(&signed.actor(), &user.facility, self.now()).await?;
        tx.user_update(&user).await?;
        tx.record(Event::new(action, user.id));
        Ok(tx.commit().await?)
    }

    /// An account of one's facility.
    pub(super) async fn user_here(&self, by: &dyn Acting, id: &str) -> Result<UserRow> {
        let found = self.store.user_find(id).await?.filter(|user| user.facility == by.user().facility);
        found.ok_or_else(|| Error::NotFound { what: "アカウント".to_owned() })
    }

    /// Somebody else's account that one may manage.
    async fn user_managed(&self, by: &dyn Acting, id: &str) -> Result<UserRow> {
        by.need(Permission::ManageUsers)?;
        if id == by.user().id {
            return Err(own_account());
        }
        self.user_here(by, id).await
    }
}

/// A reason that says something.
pub(super) fn reason_given(reason: &str) -> Result<String> {
    let reason = Some(tidy(reason)).filter(|reason| !reason.is_empty());
    reason.ok_or_else(|| Error::Fields(vec![FieldError::new("reason", "理由がありません。理由を入れてください。")]))
}
