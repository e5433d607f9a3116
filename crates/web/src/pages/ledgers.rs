//! 台帳: every ledger alike, from its declaration: list with search, detail with its history, form, stock-take.

use std::collections::BTreeMap;

use app::RowQuery;
use askama::Template;
use axum::extract::{Path, Query};
use domain::ledger::{Choice, Column, Kind, LEDGERS, Ledger, Row, Value};
use domain::text::Lang;
use domain::workflow::approval::Approvable;
use serde::Deserialize;

use crate::form::{Errors, Fields};
use crate::guard::Visit;
use crate::page::{Chrome, PageResult, Problem, done};
use crate::pages::errand::{self, Errand};
use crate::pages::evidence;

/// Columns a list shows, where the first six would not serve; the key comes first.
const LISTED: &[(&str, &[&str])] = &[
    ("facilities", &["no", "name", "kind", "hosting", "edition"]),
    ("people", &["no", "name", "job", "department", "duties", "leave_on"]),
    ("systems", &["no", "name", "hosting", "vendor", "renewal_on", "update_duty_in"]),
    ("devices", &["no", "name", "kind", "os", "place", "owner", "status"]),
    ("accounts", &["login", "system", "person", "admin", "enabled", "last_login_on"]),
    ("contracts", &["no", "name", "vendor", "system", "end_on"]),
    ("documents", &["no", "title", "kind", "version", "approved_on", "review_due_on"]),
    ("records", &["no", "title", "kind", "held_on", "held_by", "result"]),
    ("attestations", &["requirement", "answer", "said_by", "said_on", "target_on"]),
];

/// The ledger called `name` in addresses.
pub(crate) fn find(name: &str) -> Result<&'static Ledger, Problem> {
    let missing = || Problem::from(app::Error::NotFound { what: "台帳".to_owned() });
    LEDGERS.iter().find(|l| l.name == name).ok_or_else(missing)
}

/// The address of a row.
pub(crate) fn address(ledger: &str, key: &str) -> String {
    format!("/ledgers/{ledger}/{}", segment(key))
}

/// A key as one segment of an address.
pub(crate) fn segment(key: &str) -> String {
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    key.replace('+', "%20")
}

/// A ledger for the overview.
struct Card {
    ledger: &'static Ledger,
    count: i64,
}

/// Where the everyday work on ledgers is done: address and key of the words.
const WORK: &[(&str, &str)] = &[
    ("/media", "media"),
    ("/byod", "byod"),
    ("/disposals", "disposals"),
    ("/documents", "documents"),
    ("/training", "training"),
    ("/inspections", "inspections"),
];

#[derive(Template)]
#[template(path = "ledgers_all.html")]
struct All {
    c: Chrome,
    /// Address, title and one line of each.
    work: Vec<(&'static str, String, String)>,
    cards: Vec<Card>,
}

/// Every ledger, with the number of its rows.
pub(crate) async fn all(visit: Visit) -> PageResult {
    let facility = visit.facility()?;
    let mut cards = Vec::with_capacity(LEDGERS.len());
    for ledger in LEDGERS {
        cards.push(Card { ledger, count: visit.app().row_count(facility, ledger).await? });
    }
    let c = visit.chrome("ledgers-title");
    let work =
        WORK.iter().map(|(to, word)| (*to, c.t(&format!("{word}-title")), c.t(&format!("{word}-card")))).collect();
    visit.page(&All { c, work, cards })
}

/// What a list is asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    desc: String,
    page: Option<u32>,
    #[serde(flatten)]
    filters: BTreeMap<String, String>,
}

/// The heading of a column in a list: its link sorts.
struct Heading {
    column: &'static Column,
    href: String,
    /// `ascending`, `descending` or `none`, as `aria-sort` says it.
    sorted: &'static str,
}

/// A row in a list.
struct Line {
    key: String,
    href: String,
    cells: Vec<(&'static Column, String)>,
}

/// A closed list to narrow by.
struct Filter {
    column: &'static Column,
    choices: &'static [Choice],
    chosen: String,
}

#[derive(Template)]
#[template(path = "ledgers_list.html")]
struct List {
    c: Chrome,
    ledger: &'static Ledger,
    q: String,
    filters: Vec<Filter>,
    headings: Vec<Heading>,
    lines: Vec<Line>,
    total: u64,
    page: u32,
    pages: u32,
    query: String,
    editable: bool,
    /// Columns that many rows can be given at once.
    bulk: Vec<&'static Column>,
}

fn listed(ledger: &'static Ledger) -> Vec<&'static Column> {
    match LISTED.iter().find(|(name, _)| *name == ledger.name) {
        Some((_, columns)) => columns.iter().filter_map(|name| ledger.column(name)).collect(),
        None => ledger.columns.iter().take(6).collect(),
    }
}

/// The query of a list's address, with some of it replaced.
fn query_of(wanted: &Wanted, sort: &str, desc: bool) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("q", wanted.q.as_str()), ("sort", sort), ("desc", if desc { "1" } else { "" })] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    for (name, value) in wanted.filters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    query.finish()
}

/// One ledger.
pub(crate) async fn list(visit: Visit, Path(name): Path<String>, Query(wanted): Query<Wanted>) -> PageResult {
    let ledger = find(&name)?;
    let facility = visit.facility()?;
    let lang = visit.lang();
    let sort = ledger.column(&wanted.sort);
    let descending = wanted.desc == "1";
    let narrowed: Vec<(&'static Column, String)> = wanted
        .filters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .filter_map(|(name, value)| ledger.column(name).map(|column| (column, value.clone())))
        .collect();
    let query = RowQuery {
        ledger,
        search: &wanted.q,
        filters: &narrowed,
        period: visit.period(),
        sort,
        descending,
        page: wanted.page.unwrap_or(1).max(1),
    };
    let found = visit.app().rows(facility, &query).await?;
    let columns = listed(ledger);
    let headings = columns
        .iter()
        .map(|column| {
            let current = sort.is_some_and(|s| s.name == column.name);
            Heading {
                column,
                href: format!("?{}", query_of(&wanted, column.name, current && !descending)),
                sorted: match (current, descending) {
                    (false, _) => "none",
                    (true, false) => "ascending",
                    (true, true) => "descending",
                },
            }
        })
        .collect();
    let mut names = BTreeMap::new();
    for column in &columns {
        if let Kind::Ref(to) = column.kind {
            let keys: Vec<String> =
                found.rows.iter().filter_map(|r| r.row.get(column.name)).map(ToString::to_string).collect();
            names.insert(column.name, visit.app().titles(facility, find(to.ledger)?, &keys).await?);
        }
    }
    let named = |column: &Column, row: &Row| {
        let text = shown(column, row, lang);
        names.get(column.name).and_then(|of| of.get(&text).cloned()).unwrap_or(text)
    };
    let lines = found
        .rows
        .iter()
        .map(|stored| Line {
            key: stored.key.clone(),
            href: address(ledger.name, &stored.key),
            cells: columns.iter().map(|column| (*column, named(column, &stored.row))).collect(),
        })
        .collect();
    let filters = columns
        .iter()
        .filter_map(|column| match column.kind {
            Kind::Choice(choices) => {
                let chosen = wanted.filters.get(column.name).cloned().unwrap_or_default();
                Some(Filter { column, choices, chosen })
            }
            _ => None,
        })
        .collect();
    let mut c = visit.chrome("ledgers-title");
    ledger.label.in_lang(lang).clone_into(&mut c.title);
    visit.page(&List {
        c,
        ledger,
        query: query_of(&wanted, &wanted.sort, descending),
        q: wanted.q,
        filters,
        headings,
        lines,
        total: found.total,
        page: found.page,
        pages: found.pages,
        editable: visit.me()?.may(domain::authz::Permission::EditLedgers),
        bulk: ledger.columns.iter().filter(|column| !ledger.key.contains(&column.name)).collect(),
    })
}

/// The value of a cell as people read it; nothing where nothing is stated.
fn shown(column: &Column, row: &Row, lang: Lang) -> String {
    match row.get(column.name) {
        Some(Value::Date(date)) => date.to_string(),
        Some(value) => column.show(value, lang),
        None => String::new(),
    }
}

/// One change, as the history tells it.
struct Change {
    at: String,
    by: String,
    what: String,
    details: Vec<(String, String)>,
}

/// A row elsewhere that names this one.
struct Mention {
    ledger: &'static Ledger,
    href: String,
    title: String,
}

#[derive(Template)]
#[template(path = "ledgers_row.html")]
struct Detail {
    c: Chrome,
    ledger: &'static Ledger,
    key: String,
    href: String,
    rev: i64,
    entered_on: String,
    facts: Vec<(&'static Column, String, Option<String>)>,
    mentions: Vec<Mention>,
    history: Vec<Change>,
    label: Option<String>,
    editable: bool,
    removable: bool,
    /// Where it is passed round, for rows that can be.
    round: Option<String>,
}

/// One row with everything known of it.
pub(crate) async fn row(visit: Visit, Path((name, key)): Path<(String, String)>) -> PageResult {
    detail(&visit, &name, &key).await
}

async fn detail(visit: &Visit, name: &str, key: &str) -> PageResult {
    let ledger = find(name)?;
    let (app, facility, lang) = (visit.app(), visit.facility()?, visit.lang());
    let stored = app.row(facility, ledger, key).await?;
    visit.see(ledger, &stored)?;
    let mut names = BTreeMap::new();
    for column in ledger.columns {
        if let (Kind::Ref(to), Some(Value::Text(target))) = (column.kind, stored.row.get(column.name)) {
            names.extend(app.titles(facility, find(to.ledger)?, std::slice::from_ref(target)).await?);
        }
    }
    let facts = ledger
        .columns
        .iter()
        .filter(|column| stored.row.contains_key(column.name))
        .map(|column| {
            let value = match (stored.row.get(column.name), lang) {
                (Some(Value::Date(date)), lang) => domain::jp::show(*date, lang),
                (Some(Value::Text(target)), _) if matches!(column.kind, Kind::Ref(_)) => match names.get(target) {
                    Some(title) => format!("{target} {title}"),
                    None => target.clone(),
                },
                _ => shown(column, &stored.row, lang),
            };
            let href = match (column.kind, stored.row.get(column.name)) {
                // What names no row of the other ledger is text.
                (Kind::Ref(to), Some(Value::Text(target))) if names.contains_key(target) => {
                    Some(address(to.ledger, target))
                }
                _ => None,
            };
            (column, value, href)
        })
        .collect();
    let mentions = app
        .row_references(facility, ledger, key)
        .await?
        .into_iter()
        .map(|found| Mention {
            ledger: found.ledger,
            href: address(found.ledger.name, &found.key),
            title: found.title.unwrap_or(found.key),
        })
        .collect();
    let mut c = visit.chrome("ledgers-title");
    let history = app
        .row_history(facility, ledger, key)
        .await?
        .into_iter()
        .filter(|entry| visit.period().is_none_or(|period| period.holds(entry.day())))
        .map(|entry| Change {
            at: jiff::Timestamp::from_microsecond(entry.at).map(|at| c.at(at)).unwrap_or_default(),
            by: entry.actor,
            what: crate::page::action(lang, &entry.action),
            details: entry
                .details
                .into_iter()
                .map(|(name, value)| evidence::detail(&c, Some(ledger), &name, &value))
                .collect(),
        })
        .collect();
    let title = stored.row.get("name").or_else(|| stored.row.get("title"));
    c.title = match title {
        Some(title) => format!("{key} {title}"),
        None => key.to_owned(),
    };
    let editable = visit.me()?.may(domain::authz::Permission::EditLedgers);
    visit.page(&Detail {
        c,
        ledger,
        key: key.to_owned(),
        href: address(ledger.name, key),
        rev: stored.rev,
        entered_on: stored.entered_on,
        facts,
        mentions,
        history,
        label: (ledger.name == "devices").then(|| format!("{}/label", address(ledger.name, key))),
        editable,
        round: (Approvable::of(ledger.name).is_some() && visit.me()?.may(domain::authz::Permission::Attest))
            .then(|| format!("/circulars/new?ledger={}&key={}", ledger.name, segment(&stored.key))),
        removable: editable && !matches!(ledger.name, "devices" | "facilities"),
    })
}

/// How a column is entered.
enum Input {
    Text,
    Long,
    Number,
    Date,
    YesNo,
    Choice(&'static [Choice]),
    Set(&'static [Choice]),
    /// A row of another ledger: typed, with suggestions.
    Row(Vec<(String, Option<String>)>),
}

/// One field of the form.
struct Entry {
    column: &'static Column,
    input: Input,
    value: String,
}

impl Entry {
    /// Whether a code of a set is chosen.
    fn has(&self, code: &str) -> bool {
        self.value.split('+').any(|chosen| chosen == code)
    }
}

#[derive(Template)]
#[template(path = "ledgers_form.html")]
struct Form {
    c: Chrome,
    errors: Errors,
    /// Where it is sent.
    to: String,
    back: String,
    rev: i64,
    entries: Vec<Entry>,
    /// What is stored now, when somebody else was faster.
    conflict: Option<Vec<(&'static Column, String)>>,
    /// What the row is mended for.
    errand: Option<Errand>,
}

/// Most rows offered for a reference.
const OFFERED: u32 = 500;

async fn entries(
    visit: &Visit,
    ledger: &'static Ledger,
    value: impl Fn(&Column) -> String,
) -> Result<Vec<Entry>, Problem> {
    let mut all = Vec::with_capacity(ledger.columns.len());
    for column in ledger.columns {
        let input = match column.kind {
            Kind::Text if matches!(column.name, "note" | "findings" | "reason" | "equivalent" | "purpose") => {
                Input::Long
            }
            Kind::Text => Input::Text,
            Kind::Integer => Input::Number,
            Kind::Date => Input::Date,
            Kind::YesNo => Input::YesNo,
            Kind::Choice(choices) => Input::Choice(choices),
            Kind::Set(choices) => Input::Set(choices),
            Kind::Ref(to) => {
                let target = find(to.ledger)?;
                Input::Row(visit.app().suggest(visit.facility()?, target, "", OFFERED).await?)
            }
        };
        all.push(Entry { column, input, value: value(column) });
    }
    Ok(all)
}

/// The empty form.
pub(crate) async fn new(
    visit: Visit,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> PageResult {
    let ledger = find(&name)?;
    let entries = entries(&visit, ledger, |column| given.get(column.name).cloned().unwrap_or_default()).await?;
    let mut c = visit.chrome("ledgers-new");
    c.title = c.with("ledgers-new", "ledger", ledger.label.in_lang(c.lang));
    let (to, back) = (format!("/ledgers/{name}/new"), format!("/ledgers/{name}"));
    let errand = Errand::of(&visit, |name| given.get(name).map(String::as_str));
    visit.page(&Form { c, errors: Errors::default(), to, back, rev: 0, entries, conflict: None, errand })
}

/// The form with what is stored.
pub(crate) async fn edit(
    visit: Visit,
    Path((name, key)): Path<(String, String)>,
    Query(given): Query<BTreeMap<String, String>>,
) -> PageResult {
    let ledger = find(&name)?;
    let stored = visit.app().row(visit.facility()?, ledger, &key).await?;
    let entries = entries(&visit, ledger, |column| typed(column, &stored.row)).await?;
    let mut c = visit.chrome("ledgers-edit");
    c.title = c.with("ledgers-edit", "key", &key);
    let back = address(ledger.name, &key);
    visit.page(&Form {
        c,
        errors: Errors::default(),
        to: format!("{back}/edit"),
        back,
        rev: stored.rev,
        entries,
        conflict: None,
        errand: Errand::of(&visit, |name| given.get(name).map(String::as_str)),
    })
}

/// A stored value as the form has it: codes for closed lists, text otherwise.
pub(crate) fn typed(column: &Column, row: &Row) -> String {
    match (column.kind, row.get(column.name)) {
        (Kind::YesNo, Some(Value::YesNo(yes))) => (if *yes { "はい" } else { "いいえ" }).to_owned(),
        (_, Some(value)) => value.to_string(),
        (_, None) => String::new(),
    }
}

/// Adds a row.
pub(crate) async fn add(visit: Visit, Path(name): Path<String>, fields: Fields) -> PageResult {
    save(&visit, &name, None, &fields).await
}

/// Changes a row.
pub(crate) async fn change(visit: Visit, Path((name, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    save(&visit, &name, Some(&key), &fields).await
}

async fn save(visit: &Visit, name: &str, key: Option<&str>, fields: &Fields) -> PageResult {
    let ledger = find(name)?;
    let (app, facility) = (visit.app(), visit.facility()?);
    let rev: i64 = fields.get("rev").parse().unwrap_or_default();
    let actor = visit.me()?.actor();
    let existing = key.map(|key| (key, rev));
    let mut typed = fields.map();
    typed.remove("rev");
    typed.retain(|name, _| !errand::FIELDS.contains(&name.as_str()));
    let errand = Errand::of(visit, |name| Some(fields.get(name)));
    let refused = match app.save_row(&actor, facility, ledger, existing, &typed).await {
        Ok(stored) => {
            let word = if key.is_some() { "ledgers-changed" } else { "ledgers-added" };
            let to = errand.map_or_else(|| address(ledger.name, &stored.key), |errand| errand.href);
            return Ok(done(&to, word, &[("key", &stored.key)]));
        }
        Err(error) => error,
    };
    // Somebody was faster: show what is stored now beside what was typed, and let the next save go over it knowingly.
    let (mut conflict, mut rev) = (None, rev);
    if let (app::Error::Conflict { .. }, Some(key)) = (&refused, key) {
        let now = app.row(facility, ledger, key).await?;
        rev = now.rev;
        conflict = Some(ledger.columns.iter().map(|column| (column, shown(column, &now.row, visit.lang()))).collect());
    }
    let mut c = visit.chrome("ledgers-edit");
    c.failed = true;
    let (to, back) = match key {
        Some(key) => (format!("{}/edit", address(ledger.name, key)), address(ledger.name, key)),
        None => (format!("/ledgers/{name}/new"), format!("/ledgers/{name}")),
    };
    c.title = match key {
        Some(key) => c.with("ledgers-edit", "key", key),
        None => c.with("ledgers-new", "ledger", ledger.label.in_lang(c.lang)),
    };
    let entries = entries(visit, ledger, |column| typed.get(column.name).cloned().unwrap_or_default()).await?;
    visit.again(&Form { c, errors: Errors::of(refused)?, to, back, rev, entries, conflict, errand })
}

/// Takes a row out that nothing points to; its values stay in the journal.
pub(crate) async fn remove(visit: Visit, Path((name, key)): Path<(String, String)>, fields: Fields) -> PageResult {
    let ledger = find(&name)?;
    let rev: i64 = fields.get("rev").parse().unwrap_or_default();
    visit.app().remove_row(&visit.me()?.actor(), visit.facility()?, ledger, &key, rev, fields.get("reason")).await?;
    Ok(done(&format!("/ledgers/{name}"), "ledgers-removed", &[("key", &key)]))
}

/// 棚卸し: says of the chosen rows that they are as the ledger has them.
pub(crate) async fn confirm(visit: Visit, Path(name): Path<String>, fields: Fields) -> PageResult {
    let ledger = find(&name)?;
    let keys: Vec<String> = fields.all("key").map(str::to_owned).collect();
    if keys.is_empty() {
        return Ok(done(&format!("/ledgers/{name}"), "ledgers-none-chosen", &[]));
    }
    visit.app().confirm_rows(&visit.me()?.actor(), visit.facility()?, ledger, &keys).await?;
    Ok(done(&format!("/ledgers/{name}"), "ledgers-confirmed", &[("n", &keys.len())]))
}

/// Gives the chosen rows one new value. It goes in as an import does, so that it can be taken back.
pub(crate) async fn bulk(visit: Visit, Path(name): Path<String>, fields: Fields) -> PageResult {
    let ledger = find(&name)?;
    let keys: Vec<String> = fields.all("key").map(str::to_owned).collect();
    if keys.is_empty() {
        return Ok(done(&format!("/ledgers/{name}"), "ledgers-none-chosen", &[]));
    }
    let missing = || app::Error::NotFound { what: "項目".to_owned() };
    let column = ledger.column(fields.get("column")).ok_or_else(missing)?;
    let c = visit.chrome("ledgers-title");
    let file = c.with("ledgers-bulk-file", "column", c.word(column.label));
    let (actor, facility) = (visit.me()?.actor(), visit.facility()?);
    let changed = visit.app().change_rows(&actor, facility, ledger, &keys, column, fields.get("value"), &file).await?;
    Ok(done(&format!("/imports?ledger={name}"), "ledgers-bulk-done", &[("n", &changed)]))
}

#[derive(Template)]
#[template(path = "ledgers_label.html")]
struct Label {
    c: Chrome,
    key: String,
    name: String,
    qr: String,
}

/// A label for the device: its number as QR code and text.
pub(crate) async fn label(visit: Visit, Path((name, key)): Path<(String, String)>) -> PageResult {
    let ledger = find(&name)?;
    let stored = visit.app().row(visit.facility()?, ledger, &key).await?;
    let qr = qr(&key).ok_or_else(|| Problem::from(app::Error::Internal { message: "qr".to_owned() }))?;
    let name = stored.row.get("name").map(ToString::to_string).unwrap_or_default();
    visit.page(&Label { c: visit.chrome("ledgers-label"), key, name, qr })
}

/// A QR code as SVG.
pub(crate) fn qr(text: &str) -> Option<String> {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).ok()?;
    let svg = code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(160, 160).quiet_zone(true).build();
    // Inside a page the XML declaration has no place.
    Some(svg.find("<svg").map_or(svg.clone(), |at| svg.get(at..).unwrap_or_default().to_owned()))
}
