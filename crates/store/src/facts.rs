//! The facts as SQL: for each, what it looks at, what makes a row bad, and when it was observed.
//!
//! One query per base relation answers every fact about it, for all facilities at once; the same
//! condition lists the offenders. SQL's three values are ours: a condition that is NULL is *unknown*.
//! `{today}` and `{today-report}` stand for ISO dates, `{generations}` for a number: the names are those of
//! [`domain::threshold`], where every number of ours is declared.

use jiff::civil::Date;

use domain::evaluate::plus;
use domain::fact::{Fact, fact};
use domain::threshold::{self, Threshold, threshold};

/// A relation with one row per thing looked at; `e` is its alias in every condition.
pub(crate) struct Base {
    /// `FROM` clause, giving `e`.
    pub(crate) from: &'static str,
    /// Key, name and place of a row, for the list of offenders, and 1 where its ledger has it.
    pub(crate) shows: [&'static str; 4],
    /// Ledger whose row it is, or where it belongs.
    pub(crate) ledger: &'static str,
    /// Day the row was observed.
    pub(crate) at: &'static str,
}

/// How one fact is asked.
pub(crate) struct Query {
    pub(crate) fact: &'static str,
    /// Which rows count.
    scope: &'static str,
    bad: Bad,
}

/// What makes a row bad. A condition that is NULL is one that nobody knows.
enum Bad {
    /// This condition, on a row observed no longer ago than the fact holds; an older row says nothing.
    Fresh(&'static str),
    /// This condition, however old the row.
    When(&'static str),
    /// The day in this column lies more than so many days back. One that has not come says nothing.
    Before(&'static str, &'static Threshold),
}

const fn q(fact: &'static str, scope: &'static str, bad: &'static str) -> Query {
    Query { fact, scope, bad: Bad::Fresh(bad) }
}
/// A fact whose condition takes care of ages itself.
const fn dated(fact: &'static str, scope: &'static str, bad: &'static str) -> Query {
    Query { fact, scope, bad: Bad::When(bad) }
}
/// A fact that asks for a day within the last `days`.
const fn within(fact: &'static str, scope: &'static str, column: &'static str, days: &'static Threshold) -> Query {
    Query { fact, scope, bad: Bad::Before(column, days) }
}

/// One row per facility and duty: how many hold the duty today, and the day that was entered. That nobody
/// holds it is known from the day the last duty was entered; without any duty in the list nothing is.
const DUTIES: Base = Base {
    from: "(SELECT f.facility, f.row_key, f.name, k.duty, COUNT(p.row_key) AS stated, \
              COUNT(CASE WHEN p.holds = 1 AND p.duties LIKE '%' || k.duty || '%' THEN 1 END) AS holders, \
              COALESCE(MAX(CASE WHEN p.holds = 1 AND p.duties LIKE '%' || k.duty || '%' THEN p.entered_on END), MAX(p.entered_on)) AS known_on \
            FROM facilities f \
            CROSS JOIN (SELECT 'safety_manager' AS duty UNION ALL SELECT 'planning_manager' UNION ALL SELECT 'operator' UNION ALL SELECT 'data_manager') k \
            LEFT JOIN (SELECT facility, row_key, duties, entered_on, \
                CASE WHEN COALESCE(start_on, '') <= '{today}' AND COALESCE(leave_on, '9999') > '{today}' THEN 1 ELSE 0 END AS holds \
              FROM people WHERE duties IS NOT NULL) p ON p.facility = f.facility \
            GROUP BY f.facility, f.row_key, f.name, k.duty) e",
    shows: ["e.row_key", "e.name", "NULL", "1"],
    ledger: "facilities",
    at: "e.known_on",
};
/// One row per facility: how many emergency accounts there are, and the day the newest was confirmed.
const FACILITY_ACCOUNTS: Base = Base {
    from: "(SELECT f.facility, f.row_key, f.name, COUNT(a.row_key) AS accounts, \
              COUNT(CASE WHEN a.emergency = 1 THEN 1 END) AS emergency_accounts, \
              COALESCE(MAX(CASE WHEN a.emergency = 1 THEN COALESCE(a.reviewed_on, a.entered_on) END), MAX(a.entered_on)) AS known_on \
            FROM facilities f LEFT JOIN accounts a ON a.facility = f.facility \
            GROUP BY f.facility, f.row_key, f.name) e",
    shows: ["e.row_key", "e.name", "NULL", "1"],
    ledger: "facilities",
    at: "e.known_on",
};
const PEOPLE: Base =
    Base { from: "people e", shows: ["e.row_key", "e.name", "e.job", "1"], ledger: "people", at: "e.entered_on" };
const DEVICES: Base = Base {
    from: "devices e",
    shows: ["e.row_key", "e.name", "e.place", "1"],
    ledger: "devices",
    at: "COALESCE(e.checked_on, e.entered_on)",
};
/// Ledger devices with the machine matched to them, and machines nobody registered. What a fresh
/// report says goes before what the ledger says; a report older than a month says nothing.
const ENDPOINTS: Base = Base {
    from: "(SELECT u.*, s.supported_until FROM ( \
            SELECT d.facility, d.row_key, d.name, d.place, d.kind, d.portable, COALESCE(d.status, 'in_use') AS status, 1 AS declared, \
              CASE WHEN m.seen_on >= '{today-report}' THEN m.seen_on ELSE COALESCE(d.checked_on, d.entered_on) END AS known_on, \
              m.seen_on, COALESCE(m.os, d.os) AS os, COALESCE(m.patched_on, d.patched_on) AS patched_on, \
              COALESCE(m.antivirus_on, d.antivirus_on) AS antivirus_on, m.antivirus_current, \
              COALESCE(m.definitions_on, d.definitions_on) AS definitions_on, COALESCE(m.encrypted, d.encrypted) AS encrypted, \
              m.remote_control, m.hardening_index, m.hardening_warnings \
            FROM devices d LEFT JOIN ( \
              SELECT facility, device, MAX(observed_on) AS seen_on, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN os END) AS os, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN patched_on END) AS patched_on, \
                MIN(CASE WHEN observed_on >= '{today-report}' THEN antivirus_on END) AS antivirus_on, \
                MIN(CASE WHEN observed_on >= '{today-report}' THEN antivirus_current END) AS antivirus_current, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN definitions_on END) AS definitions_on, \
                MIN(CASE WHEN observed_on >= '{today-report}' THEN disk_encrypted END) AS encrypted, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN remote_control END) AS remote_control, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN hardening_index END) AS hardening_index, \
                MAX(CASE WHEN observed_on >= '{today-report}' THEN hardening_warnings END) AS hardening_warnings \
              FROM machines WHERE device IS NOT NULL GROUP BY facility, device \
            ) m ON m.facility = d.facility AND m.device = d.row_key \
            UNION ALL \
            SELECT m.facility, m.agent_id, m.hostname, m.ips, m.kind, NULL, 'in_use', 0, m.observed_on, m.observed_on, \
              f.os, f.patched_on, f.antivirus_on, f.antivirus_current, f.definitions_on, f.disk_encrypted, \
              f.remote_control, f.hardening_index, f.hardening_warnings \
            FROM machines m LEFT JOIN machines f ON f.id = m.id AND f.observed_on >= '{today-report}' WHERE m.device IS NULL AND m.observed_on >= '{today-report}' \
           ) u LEFT JOIN os_support s ON s.os = u.os) e",
    shows: ["e.row_key", "e.name", "COALESCE(e.os, e.place)", "e.declared"],
    ledger: "devices",
    at: "e.known_on",
};
const ACCOUNTS: Base = Base {
    from: "(SELECT a.*, p.row_key AS holder, COALESCE(p.leave_on, '9999') AS holder_leaves, p.name AS holder_name \
            FROM accounts a LEFT JOIN people p ON p.facility = a.facility AND p.row_key = a.person) e",
    shows: ["e.row_key", "COALESCE(e.holder_name, e.person)", "e.system", "1"],
    ledger: "accounts",
    at: "COALESCE(e.reviewed_on, e.entered_on)",
};
/// Systems with the kind of whoever keeps the list: a vendor (`keeper`) lists what it sells.
const SYSTEMS: Base = Base {
    from: "(SELECT s.*, f.kind AS keeper FROM systems s LEFT JOIN facilities f ON f.facility = s.facility) e",
    shows: ["e.row_key", "e.name", "e.vendor", "1"],
    ledger: "systems",
    at: "COALESCE(e.observed_on, e.entered_on)",
};
const ANSWERS: Base = Base {
    from: "vendor_answers e",
    shows: ["e.row_key", "e.area", "e.remarks", "1"],
    ledger: "vendor_answers",
    at: "COALESCE(e.answered_on, e.entered_on)",
};
const VENDORS: Base = Base {
    from: "vendors e",
    shows: ["e.row_key", "e.name", "e.services", "1"],
    ledger: "vendors",
    at: "e.entered_on",
};
const CONTRACTS: Base = Base {
    from: "contracts e",
    shows: ["e.row_key", "e.name", "e.vendor", "1"],
    ledger: "contracts",
    at: "e.entered_on",
};
const ROUTES: Base = Base {
    from: "routes e",
    shows: ["e.row_key", "e.name", "COALESCE(e.system, e.device)", "1"],
    ledger: "routes",
    at: "COALESCE(e.observed_on, e.entered_on)",
};
const LOANS: Base = Base {
    from: "loans e",
    shows: ["e.row_key", "e.device", "e.borrower", "1"],
    ledger: "loans",
    at: "COALESCE(e.returned_on, e.lent_on, e.entered_on)",
};
const DISPOSALS: Base = Base {
    from: "disposals e",
    shows: ["e.row_key", "COALESCE(e.object, e.device)", "e.done_by", "1"],
    ledger: "disposals",
    at: "COALESCE(e.disposed_on, e.entered_on)",
};
/// What has to be updated by the vendor for the 保守委託機関 path: every system in use, and every terminal
/// on which the application runs to completion (a server in the guideline's sense). Two sources have to agree:
/// what the ledger says of the system or device, and a contract for that system that runs today and puts the
/// updates on the vendor. Where one of them is silent, it is unclear who updates.
const SERVERS: Base = Base {
    from: "(SELECT facility, row_key, name, known_on, \
              CASE WHEN own = 1 OR by_vendor = 0 THEN 1 WHEN own = 0 AND by_vendor = 1 THEN 0 END AS own \
            FROM (SELECT u.*, (SELECT MAX(c.updates_by_vendor) FROM contracts c WHERE c.facility = u.facility AND c.system = u.system \
                AND c.start_on <= '{today}' AND COALESCE(c.end_on, '9999') >= '{today}') AS by_vendor \
              FROM (SELECT s.facility, s.row_key, s.name, s.row_key AS system, COALESCE(s.observed_on, s.entered_on) AS known_on, \
                  CASE WHEN s.update_duty = 'vendor' THEN CASE WHEN s.update_duty_in IN ('contract', 'terms', 'sla') THEN 0 \
                         WHEN s.update_duty_in = 'none' THEN 1 END \
                       WHEN s.update_duty IS NOT NULL THEN 1 END AS own \
                FROM systems s WHERE COALESCE(s.handles, 1) = 1 AND COALESCE(s.retires_on, '9999') > '{today}' \
                UNION ALL \
                SELECT d.facility, d.row_key, d.name, d.system, COALESCE(d.checked_on, d.entered_on), \
                  CASE WHEN d.updated_by IS NULL THEN NULL \
                       WHEN EXISTS (SELECT 1 FROM vendors v WHERE v.facility = d.facility AND (v.row_key = d.updated_by OR v.name = d.updated_by)) THEN 0 ELSE 1 END \
                FROM devices d WHERE d.completes_locally = 1 AND COALESCE(d.status, 'in_use') <> 'disposed') u) t) e",
    shows: ["e.row_key", "e.name", "NULL", "1"],
    ledger: "systems",
    at: "e.known_on",
};

const ALL: &str = "1 = 1";
const NOBODY: &str = "CASE WHEN e.stated > 0 THEN e.holders END = 0";
const LIVE: &str = "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost')";
const LIVE_PC: &str = "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND e.kind IN ('server', 'terminal')";
const OPEN: &str = "COALESCE(e.enabled, 1) = 1";
const PERSONAL: &str = "COALESCE(e.enabled, 1) = 1 AND COALESCE(e.vendor_use, 0) = 0 AND COALESCE(e.emergency, 0) = 0";
const IN_USE: &str = "COALESCE(e.handles, 1) = 1 AND COALESCE(e.retires_on, '9999') > '{today}'";
/// Every system but the institution's own; one without a vendor in the ledger is unknown, not exempt.
const WITH_VENDOR: &str = "COALESCE(e.handles, 1) = 1 AND COALESCE(e.retires_on, '9999') > '{today}' AND (e.vendor IS NOT NULL OR COALESCE(e.update_duty, '') <> 'own')";
/// Every system for which an MDS or SDS is due: those with a vendor, and all that a vendor lists as its own.
const DISCLOSABLE: &str = "COALESCE(e.handles, 1) = 1 AND COALESCE(e.retires_on, '9999') > '{today}' AND (e.keeper = 'vendor' OR e.vendor IS NOT NULL OR COALESCE(e.update_duty, '') <> 'own')";
/// MDS is for what stands in the institution, SDS for services; where the hosting is not stated, either shows
/// only that something came, not that it was the right one. A row without an answer is an empty form.
const SHEET_MISSING: &str = "CASE WHEN e.keeper = 'vendor' OR e.vendor IS NOT NULL THEN \
    CASE WHEN (SELECT COUNT(DISTINCT v.sheet) FROM vendor_answers v WHERE v.facility = e.facility AND v.system = e.row_key AND v.answer IS NOT NULL \
             AND (v.sheet = 'mds' OR COALESCE(e.hosting, '') <> 'on_premises') AND (v.sheet = 'sds' OR COALESCE(e.hosting, '') <> 'cloud')) \
           < CASE WHEN e.hosting = 'mixed' THEN 2 ELSE 1 END THEN 1 \
         WHEN e.hosting IS NOT NULL THEN 0 END END = 1";
const RUNNING: &str = "COALESCE(e.end_on, '9999') >= '{today}'";

/// Facts that take more than one row to judge; computed from the rows by `domain`.
pub(crate) const COMPUTED: &[&str] =
    &["system.two_factor", "system.two_factor_planned", "system.password_length", "system.password_r7"];

/// The pseudo-fact behind the 保守委託機関 path.
pub(crate) const PATH: &str = "path";

/// Every base with the facts it answers.
pub(crate) static GROUPS: &[(Base, &[Query])] = &[
    (
        DUTIES,
        &[
            q("person.safety_manager", "e.duty = 'safety_manager'", NOBODY),
            q("person.planning_manager", "e.duty = 'planning_manager'", NOBODY),
            q("person.operator", "e.duty = 'operator'", NOBODY),
            q("person.data_manager", "e.duty = 'data_manager'", NOBODY),
        ],
    ),
    (
        FACILITY_ACCOUNTS,
        &[q("account.emergency_ready", ALL, "CASE WHEN e.accounts > 0 THEN e.emergency_accounts END = 0")],
    ),
    (PEOPLE, &[dated("person.pledged", "COALESCE(e.leave_on, '9999') > '{today}'", "e.pledged_on > '{today}'")]),
    (
        DEVICES,
        &[
            q("device.registered", LIVE, "e.place IS NULL OR (e.owner IS NULL AND e.updated_by IS NULL)"),
            within("device.stocktaken", LIVE, "e.checked_on", &threshold::LEDGER),
            q("device.usb_limited", LIVE_PC, "e.usb_limited = 0"),
            q(
                "device.password_changed",
                "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND e.kind IN ('server', 'network', 'printer')",
                "e.password_changed = 0",
            ),
            q(
                "device.network_owned",
                "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND e.kind = 'network'",
                "e.updated_by IS NULL",
            ),
            dated(
                "device.disposal_recorded",
                "e.status = 'disposed'",
                "e.disposed_on IS NULL OR e.disposal_method IS NULL OR e.disposed_by IS NULL",
            ),
        ],
    ),
    (
        ENDPOINTS,
        &[
            dated("device.known", "e.seen_on >= '{today-report}'", "e.declared = 0"),
            dated(
                "device.os_supported",
                "e.status NOT IN ('disposed', 'lost') AND (e.kind IN ('server', 'terminal') OR e.supported_until IS NOT NULL)",
                "e.supported_until < '{today}'",
            ),
            within("device.patched", LIVE_PC, "e.patched_on", &threshold::PATCHED),
            dated(
                "device.antivirus_on",
                LIVE_PC,
                "CASE WHEN e.known_on BETWEEN '{today-ledger}' AND '{today}' THEN e.antivirus_on END = 0",
            ),
            dated(
                "device.antivirus_current",
                LIVE_PC,
                "CASE WHEN e.definitions_on < '{today-definitions}' THEN 1 WHEN e.definitions_on <= '{today}' THEN 0 ELSE 1 - e.antivirus_current END = 1",
            ),
            q(
                "device.portable_encrypted",
                "e.declared = 1 AND e.status NOT IN ('disposed', 'lost') AND (e.portable = 1 OR e.kind = 'medium')",
                "e.encrypted = 0",
            ),
            dated(
                "device.remote_control_known",
                "e.seen_on >= '{today-report}'",
                "e.remote_control <> '' AND NOT EXISTS (SELECT 1 FROM routes r WHERE r.facility = e.facility AND r.device = e.row_key)",
            ),
            dated(
                "device.hardened",
                "e.seen_on IS NOT NULL AND e.hardening_index IS NOT NULL",
                "e.hardening_warnings > 0",
            ),
        ],
    ),
    (
        ACCOUNTS,
        &[
            q(
                "account.leaver_disabled",
                "e.holder IS NOT NULL",
                "e.holder_leaves <= '{today}' AND COALESCE(e.enabled, 1) = 1",
            ),
            within("account.used", PERSONAL, "e.last_login_on", &threshold::ACCOUNT_USED),
            q("account.owned", PERSONAL, "e.holder IS NULL"),
            q(
                "account.not_shared",
                OPEN,
                "e.shared = 1 OR (e.shared IS NULL AND e.person IS NULL AND COALESCE(e.vendor_use, 0) = 0 AND COALESCE(e.emergency, 0) = 0)",
            ),
            q(
                "account.admin_named",
                "COALESCE(e.enabled, 1) = 1 AND e.admin = 1",
                "e.holder IS NULL OR e.holder_leaves <= '{today}'",
            ),
            within("account.reviewed", OPEN, "e.reviewed_on", &threshold::LEDGER),
            q("account.vendor_dedicated", "COALESCE(e.enabled, 1) = 1 AND e.vendor_use = 1", "e.shared = 1"),
        ],
    ),
    (
        SYSTEMS,
        &[
            q(
                "account.registered",
                IN_USE,
                "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.facility = e.facility AND a.system = e.row_key)",
            ),
            q("system.registered", IN_USE, "e.kind IS NULL OR e.hosting IS NULL"),
            q("system.password_guess_proof", IN_USE, "e.password_weak_rejected = 0"),
            q("system.password_hashed", IN_USE, "e.password_hashed = 0"),
            q("system.password_unique", IN_USE, "e.password_reused = 1"),
            q("system.lockout", IN_USE, "e.lockout = 0"),
            q("system.auto_lock", IN_USE, "e.auto_lock = 0"),
            q("system.role_based", IN_USE, "e.role_based = 0"),
            q("system.access_log", IN_USE, "e.access_log = 0"),
            q("system.log_protected", IN_USE, "e.log_protected = 0"),
            q("system.time_synced", IN_USE, "e.time_synced = 0"),
            q("system.source_limited", IN_USE, "e.source_limited = 0"),
            q("system.unneeded_stopped", IN_USE, "e.unneeded_stopped = 0"),
            q("system.backup_generations", IN_USE, "e.backup_generations < {generations}"),
            q("system.backup_methods", IN_USE, "e.backup_methods < {methods}"),
            q("system.backup_offline", IN_USE, "e.backup_offline = 0"),
            within("system.backup_recent", IN_USE, "e.backup_on", &threshold::BACKUP),
            within("system.restore_tested", IN_USE, "e.restored_on", &threshold::LEDGER),
            q("system.in_japan", IN_USE, "e.in_japan = 0"),
            q("system.edit_history", IN_USE, "e.edit_history = 0"),
            q("system.proxy_entry_logged", IN_USE, "e.proxy_entry_logged = 0"),
            q("system.readable", IN_USE, "e.readable = 0"),
            q(
                "system.update_duty",
                IN_USE,
                "e.update_duty = 'unclear' OR (e.update_duty = 'vendor' AND e.update_duty_in = 'none')",
            ),
            q("vendor.disclosed", DISCLOSABLE, SHEET_MISSING),
            dated(
                "contract.current",
                WITH_VENDOR,
                "CASE WHEN e.vendor IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM contracts c WHERE c.facility = e.facility AND (c.system = e.row_key OR (c.system IS NULL AND c.vendor = e.vendor)) AND COALESCE(c.start_on, '{today}') <= '{today}' AND COALESCE(c.end_on, '9999') >= '{today}') END",
            ),
        ],
    ),
    (ANSWERS, &[q("vendor.answers_clear", ALL, "e.answer = 'no'")]),
    (
        VENDORS,
        &[
            q(
                "vendor.certified",
                ALL,
                "CASE WHEN e.privacy_mark = 1 OR e.isms = 1 THEN CASE WHEN e.certified_until < '{today}' THEN 1 ELSE 0 END WHEN e.privacy_mark = 0 AND e.isms = 0 THEN 1 END = 1",
            ),
            q("vendor.contact", ALL, "e.phone IS NULL"),
        ],
    ),
    (
        CONTRACTS,
        &[
            q("contract.demarcation", RUNNING, "e.demarcation = 0"),
            q("contract.confidentiality", RUNNING, "e.confidentiality = 0"),
            q("contract.incident_duty", RUNNING, "e.incident_duty = 0"),
            q("contract.erasure_duty", RUNNING, "e.erasure_duty = 0"),
            q("contract.subcontracting", RUNNING, "e.subcontracting = 0"),
            q("contract.in_japan", RUNNING, "e.in_japan = 0"),
        ],
    ),
    (
        ROUTES,
        &[
            q("route.owned", ALL, "e.update_owner IS NULL"),
            within("route.updated", ALL, "e.updated_on", &threshold::ROUTE_UPDATED),
            q("route.logged", ALL, "e.logged = 0"),
            q("route.source_limited", ALL, "e.source_limited = 0"),
            q("route.work_plan", ALL, "e.work_plan = 0"),
        ],
    ),
    (SERVERS, &[q(PATH, ALL, "e.own = 1")]),
    (
        LOANS,
        &[
            dated(
                "loan.returned_in_time",
                "e.state = 'lent' OR (e.state = 'returned' AND e.returned_on >= '{today-ledger}')",
                "e.state = 'lent' AND e.due_on < '{today}'",
            ),
            dated(
                "loan.approved_outside",
                "e.place = 'outside' AND (e.state = 'lent' OR (e.state IN ('returned', 'lost') AND COALESCE(e.returned_on, e.lent_on, e.entered_on) >= '{today-ledger}'))",
                "e.approved_by IS NULL OR e.approved_on IS NULL",
            ),
        ],
    ),
    (
        DISPOSALS,
        &[dated(
            "disposal.proved",
            ALL,
            "COALESCE(e.result, 'ok') = 'failed' OR e.method IS NULL OR e.disposed_on IS NULL OR e.done_by IS NULL OR (e.certificate IS NULL AND e.witness IS NULL)",
        )],
    ),
];

/// The group and the query of a fact.
pub(crate) fn find(name: &str) -> Option<(&'static Base, &'static Query)> {
    GROUPS.iter().find_map(|(base, queries)| Some((base, queries.iter().find(|q| q.fact == name)?)))
}

impl Query {
    /// The declared fact behind it; none for the path.
    pub(crate) fn declared(&self) -> Option<&'static Fact> {
        fact(self.fact)
    }

    /// `good`, `bad` or `unknown` for a row, each evaluated at most once.
    fn outcome(&self, base: &Base, good: i64, bad: i64, unknown: i64) -> String {
        let judged = |condition: &str| {
            format!("CASE ({condition}) WHEN TRUE THEN {bad} WHEN FALSE THEN {good} ELSE {unknown} END")
        };
        match self.bad {
            Bad::Fresh(condition) => {
                let (at, holds) = (base.at, self.declared().map_or(threshold::LEDGER.value, |f| f.holds_days));
                let judged = judged(condition);
                format!(
                    "CASE WHEN {at} >= '{{today-{holds}}}' AND {at} <= '{{today}}' THEN {judged} ELSE {unknown} END"
                )
            }
            Bad::When(condition) => judged(condition),
            Bad::Before(column, days) => format!(
                "CASE WHEN {column} < '{{today-{}}}' THEN {bad} WHEN {column} <= '{{today}}' THEN {good} ELSE {unknown} END",
                days.name
            ),
        }
    }
}

/// Total, bad and unknown travel in one sum, 21 bits each, so that a condition is evaluated once a row; a
/// facility may have two million rows in a ledger.
const BITS: u32 = 21;

/// The three counts in a packed sum: total, bad, unknown.
pub(crate) fn unpack(sum: i64) -> [i64; 3] {
    let mask = (1 << BITS) - 1;
    [sum & mask, (sum >> BITS) & mask, (sum >> (2 * BITS)) & mask]
}

/// One statement with the tallies of every fact of a base: per facility, two columns per fact (packed counts,
/// oldest observation).
pub(crate) fn tally_sql(base: &Base, queries: &[Query], one: bool, today: Date) -> String {
    let columns: Vec<String> = queries
        .iter()
        .map(|q| {
            let outcome = q.outcome(base, 1, 1 | (1 << BITS), 1 | (1 << (2 * BITS)));
            // A fact that asks for a day runs out by that day, not by the day somebody looked.
            let at = if let Bad::Before(column, _) = q.bad { column } else { base.at };
            format!(
                "CAST(COALESCE(SUM(CASE WHEN {0} THEN {outcome} END), 0) AS BIGINT), MIN(CASE WHEN {0} THEN {at} END)",
                q.scope
            )
        })
        .collect();
    let scope = if one { " WHERE e.facility = $1" } else { "" };
    let sql = format!("SELECT e.facility, {} FROM {}{scope} GROUP BY e.facility", columns.join(", "), base.from);
    fill(&sql, today)
}

/// The statement that lists what makes a fact bad or unknown in one facility (`$1`).
pub(crate) fn offender_sql(base: &Base, query: &Query, today: Date) -> String {
    let [key, name, place, known] = base.shows;
    let outcome = query.outcome(base, 0, 1, 2);
    let sql = format!(
        "SELECT k, n, p, seen, CAST(v AS BIGINT), CAST(known AS BIGINT) FROM \
         (SELECT {key} AS k, {name} AS n, {place} AS p, {} AS seen, {outcome} AS v, {known} AS known \
         FROM {} WHERE e.facility = $1 AND ({})) t WHERE v > 0 ORDER BY v, k",
        base.at, base.from, query.scope
    );
    fill(&sql, today)
}

/// Replaces `{today}`, `{today-N}` and `{today-name}` by ISO dates and `{name}` by a number; both come from
/// [`Date`] and [`Threshold`], never from people.
fn fill(sql: &str, today: Date) -> String {
    let number = |name: &str| name.parse().ok().or_else(|| threshold(name).map(|t| t.value)).unwrap_or_default();
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        match name.strip_prefix("today") {
            Some(back) => out.push_str(&plus(today, -number(back.trim_start_matches('-'))).to_string()),
            None => out.push_str(&number(name).to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use domain::fact::FACTS;

    #[test]
    fn every_declared_fact_is_answered_once() {
        for f in FACTS {
            let asked = GROUPS.iter().flat_map(|(_, q)| q.iter()).filter(|q| q.fact == f.name).count();
            let computed = COMPUTED.iter().filter(|c| **c == f.name).count();
            assert_eq!(asked + computed, 1, "{}", f.name);
        }
        for (_, queries) in GROUPS {
            for q in *queries {
                assert!(q.fact == PATH || q.declared().is_some(), "{} is not declared", q.fact);
            }
        }
    }

    #[test]
    fn dates_and_numbers_are_filled_in() {
        let today: Date = "2026-11-22".parse().unwrap();
        assert_eq!(fill("a < '{today-90}' AND b > '{today}'", today), "a < '2026-08-24' AND b > '2026-11-22'");
        assert_eq!(fill("a < '{today-report}' AND b < {generations}", today), "a < '2026-10-22' AND b < 3");
        for (base, queries) in GROUPS {
            let sql = [tally_sql(base, queries, true, today)];
            let listed = queries.iter().map(|q| offender_sql(base, q, today));
            for sql in sql.into_iter().chain(listed) {
                assert!(!sql.contains(['{', '}']), "{sql}");
            }
            for text in queries.iter().flat_map(|q| {
                [
                    q.scope,
                    base.from,
                    match q.bad {
                        Bad::Fresh(c) | Bad::When(c) => c,
                        Bad::Before(..) => "",
                    },
                ]
            }) {
                for name in text.split('{').skip(1).filter_map(|t| t.split('}').next()) {
                    let name = name.trim_start_matches("today").trim_start_matches('-');
                    assert!(name.is_empty() || threshold(name).is_some(), "{name} is no threshold");
                }
            }
        }
    }
}
