//! The facts as SQL: for each, what it looks at, what makes a row bad, and when it was observed.
//!
//! One query per base relation answers every fact about it, for all facilities at once; the same
//! condition lists the offenders. SQL's three values are ours: a condition that is NULL is *unknown*.
//! `{today}`, `{today-90}` stand for ISO dates.

use jiff::civil::Date;

use domain::evaluate::plus;
use domain::fact::{Fact, fact};

/// A relation with one row per thing looked at; `e` is its alias in every condition.
pub(crate) struct Base {
    /// `FROM` clause, giving `e`.
    pub(crate) from: &'static str,
    /// Key, name and place of a row, for the list of offenders.
    pub(crate) shows: [&'static str; 3],
    /// Ledger whose row it is.
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
    Before(&'static str, i32),
}

const fn q(fact: &'static str, scope: &'static str, bad: &'static str) -> Query {
    Query { fact, scope, bad: Bad::Fresh(bad) }
}
/// A fact whose condition takes care of ages itself.
const fn dated(fact: &'static str, scope: &'static str, bad: &'static str) -> Query {
    Query { fact, scope, bad: Bad::When(bad) }
}
/// A fact that asks for a day within the last `days`.
const fn within(fact: &'static str, scope: &'static str, column: &'static str, days: i32) -> Query {
    Query { fact, scope, bad: Bad::Before(column, days) }
}

const FACILITY: Base = Base {
    from: "(SELECT f.facility, f.row_key, f.name, f.entered_on, \
            (SELECT COUNT(*) FROM people p WHERE p.facility = f.facility AND p.duties IS NOT NULL) AS with_duties, \
            (SELECT MAX(p.entered_on) FROM people p WHERE p.facility = f.facility) AS people_on, \
            (SELECT COUNT(*) FROM people p WHERE p.facility = f.facility AND p.duties LIKE '%safety_manager%' AND COALESCE(p.start_on, '') <= '{today}' AND COALESCE(p.leave_on, '9999') > '{today}') AS safety_managers, \
            (SELECT COUNT(*) FROM people p WHERE p.facility = f.facility AND p.duties LIKE '%planning_manager%' AND COALESCE(p.start_on, '') <= '{today}' AND COALESCE(p.leave_on, '9999') > '{today}') AS planning_managers, \
            (SELECT COUNT(*) FROM people p WHERE p.facility = f.facility AND p.duties LIKE '%operator%' AND COALESCE(p.start_on, '') <= '{today}' AND COALESCE(p.leave_on, '9999') > '{today}') AS operators, \
            (SELECT COUNT(*) FROM people p WHERE p.facility = f.facility AND p.duties LIKE '%data_manager%' AND COALESCE(p.start_on, '') <= '{today}' AND COALESCE(p.leave_on, '9999') > '{today}') AS data_managers \
            FROM facilities f) e",
    shows: ["e.row_key", "e.name", "NULL"],
    ledger: "facilities",
    at: "e.people_on",
};
const FACILITY_ACCOUNTS: Base = Base {
    from: "(SELECT f.facility, f.row_key, f.name, \
            (SELECT COUNT(*) FROM accounts a WHERE a.facility = f.facility) AS accounts, \
            (SELECT MAX(a.entered_on) FROM accounts a WHERE a.facility = f.facility) AS accounts_on, \
            (SELECT COUNT(*) FROM accounts a WHERE a.facility = f.facility AND a.emergency = 1) AS emergency_accounts \
            FROM facilities f) e",
    shows: ["e.row_key", "e.name", "NULL"],
    ledger: "facilities",
    at: "e.accounts_on",
};
const PEOPLE: Base =
    Base { from: "people e", shows: ["e.row_key", "e.name", "e.job"], ledger: "people", at: "e.entered_on" };
const DEVICES: Base = Base {
    from: "devices e",
    shows: ["e.row_key", "e.name", "e.place"],
    ledger: "devices",
    at: "COALESCE(e.checked_on, e.entered_on)",
};
/// Ledger devices with the machine matched to them, and machines nobody registered. What a fresh
/// report says goes before what the ledger says; a report older than a month says nothing.
const ENDPOINTS: Base = Base {
    from: "(SELECT u.*, s.supported_until FROM ( \
            SELECT d.facility, d.row_key, d.name, d.place, d.kind, COALESCE(d.status, 'in_use') AS status, d.agentless, 1 AS declared, m.machine, \
              CASE WHEN m.seen_on >= '{today-31}' THEN m.seen_on ELSE COALESCE(d.checked_on, d.entered_on) END AS known_on, \
              m.seen_on, COALESCE(m.os, d.os) AS os, COALESCE(m.patched_on, d.patched_on) AS patched_on, \
              COALESCE(m.antivirus_on, d.antivirus_on) AS antivirus_on, m.antivirus_current, \
              COALESCE(m.definitions_on, d.definitions_on) AS definitions_on, COALESCE(m.encrypted, d.encrypted) AS encrypted, \
              m.remote_control, m.hardening_index, m.hardening_warnings \
            FROM devices d LEFT JOIN ( \
              SELECT facility, device, MAX(agent_id) AS machine, MAX(observed_on) AS seen_on, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN os END) AS os, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN patched_on END) AS patched_on, \
                MIN(CASE WHEN observed_on >= '{today-31}' THEN antivirus_on END) AS antivirus_on, \
                MIN(CASE WHEN observed_on >= '{today-31}' THEN antivirus_current END) AS antivirus_current, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN definitions_on END) AS definitions_on, \
                MIN(CASE WHEN observed_on >= '{today-31}' THEN disk_encrypted END) AS encrypted, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN remote_control END) AS remote_control, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN hardening_index END) AS hardening_index, \
                MAX(CASE WHEN observed_on >= '{today-31}' THEN hardening_warnings END) AS hardening_warnings \
              FROM machines WHERE device IS NOT NULL GROUP BY facility, device \
            ) m ON m.facility = d.facility AND m.device = d.row_key \
            UNION ALL \
            SELECT m.facility, m.agent_id, m.hostname, m.ips, m.kind, 'in_use', NULL, 0, m.agent_id, m.observed_on, m.observed_on, \
              f.os, f.patched_on, f.antivirus_on, f.antivirus_current, f.definitions_on, f.disk_encrypted, \
              f.remote_control, f.hardening_index, f.hardening_warnings \
            FROM machines m LEFT JOIN machines f ON f.id = m.id AND f.observed_on >= '{today-31}' WHERE m.device IS NULL AND m.observed_on >= '{today-31}' \
           ) u LEFT JOIN os_support s ON s.os = u.os) e",
    shows: ["e.row_key", "e.name", "COALESCE(e.os, e.place)"],
    ledger: "devices",
    at: "e.known_on",
};
const ACCOUNTS: Base = Base {
    from: "(SELECT a.*, p.row_key AS holder, COALESCE(p.leave_on, '9999') AS holder_leaves, p.name AS holder_name \
            FROM accounts a LEFT JOIN people p ON p.facility = a.facility AND p.row_key = a.person) e",
    shows: ["e.row_key", "COALESCE(e.holder_name, e.person)", "e.system"],
    ledger: "accounts",
    at: "COALESCE(e.reviewed_on, e.entered_on)",
};
const SYSTEMS: Base = Base {
    from: "systems e",
    shows: ["e.row_key", "e.name", "e.vendor"],
    ledger: "systems",
    at: "COALESCE(e.observed_on, e.entered_on)",
};
const ANSWERS: Base = Base {
    from: "vendor_answers e",
    shows: ["e.row_key", "e.area", "e.remarks"],
    ledger: "vendor_answers",
    at: "COALESCE(e.answered_on, e.entered_on)",
};
const VENDORS: Base =
    Base { from: "vendors e", shows: ["e.row_key", "e.name", "e.services"], ledger: "vendors", at: "e.entered_on" };
const CONTRACTS: Base =
    Base { from: "contracts e", shows: ["e.row_key", "e.name", "e.vendor"], ledger: "contracts", at: "e.entered_on" };
const ROUTES: Base = Base {
    from: "routes e",
    shows: ["e.row_key", "e.name", "COALESCE(e.system, e.device)"],
    ledger: "routes",
    at: "COALESCE(e.observed_on, e.entered_on)",
};
const LOANS: Base = Base {
    from: "loans e",
    shows: ["e.row_key", "e.device", "e.borrower"],
    ledger: "loans",
    at: "COALESCE(e.returned_on, e.lent_on, e.entered_on)",
};
const BYOD: Base =
    Base { from: "byod e", shows: ["e.row_key", "e.device", "e.person"], ledger: "byod", at: "e.entered_on" };
const DISPOSALS: Base = Base {
    from: "disposals e",
    shows: ["e.row_key", "COALESCE(e.object, e.device)", "e.done_by"],
    ledger: "disposals",
    at: "COALESCE(e.disposed_on, e.entered_on)",
};
/// What has to be updated by the vendor for the 保守委託機関 path: every system in use, and every terminal
/// on which the application runs to completion (a server in the guideline's sense).
const SERVERS: Base = Base {
    from: "(SELECT s.facility, s.row_key, s.name, s.entered_on AS known_on, \
              CASE WHEN s.update_duty = 'vendor' THEN CASE WHEN s.update_duty_in IN ('contract', 'terms', 'sla') THEN 0 \
                     WHEN s.update_duty_in = 'none' THEN 1 END \
                   WHEN s.update_duty IS NOT NULL THEN 1 END AS own \
            FROM systems s WHERE COALESCE(s.handles, 1) = 1 AND COALESCE(s.retires_on, '9999') > '{today}' \
            UNION ALL \
            SELECT d.facility, d.row_key, d.name, COALESCE(d.checked_on, d.entered_on), \
              CASE WHEN d.updated_by IS NULL THEN NULL \
                   WHEN EXISTS (SELECT 1 FROM vendors v WHERE v.facility = d.facility AND (v.row_key = d.updated_by OR v.name = d.updated_by)) THEN 0 ELSE 1 END \
            FROM devices d WHERE d.completes_locally = 1 AND COALESCE(d.status, 'in_use') <> 'disposed') e",
    shows: ["e.row_key", "e.name", "NULL"],
    ledger: "systems",
    at: "e.known_on",
};

const ALL: &str = "1 = 1";
const LIVE: &str = "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost')";
const LIVE_PC: &str = "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND e.kind IN ('server', 'terminal')";
const LIVE_TERMINAL: &str = "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND e.kind = 'terminal'";
const OPEN: &str = "COALESCE(e.enabled, 1) = 1";
const PERSONAL: &str = "COALESCE(e.enabled, 1) = 1 AND COALESCE(e.vendor_use, 0) = 0 AND COALESCE(e.emergency, 0) = 0";
const IN_USE: &str = "COALESCE(e.handles, 1) = 1 AND COALESCE(e.retires_on, '9999') > '{today}'";
/// Every system but the institution's own; one without a vendor in the ledger is unknown, not exempt.
const WITH_VENDOR: &str = "COALESCE(e.handles, 1) = 1 AND COALESCE(e.retires_on, '9999') > '{today}' AND (e.vendor IS NOT NULL OR COALESCE(e.update_duty, '') <> 'own')";
const RUNNING: &str = "COALESCE(e.end_on, '9999') >= '{today}'";

/// Facts that take more than one row to judge; computed from the rows by `domain`.
pub(crate) const COMPUTED: &[&str] =
    &["system.two_factor", "system.two_factor_planned", "system.password_length", "system.password_r7"];

/// The pseudo-fact behind the 保守委託機関 path.
pub(crate) const PATH: &str = "path";

/// Every base with the facts it answers.
pub(crate) static GROUPS: &[(Base, &[Query])] = &[
    (
        FACILITY,
        &[
            q("person.safety_manager", ALL, "CASE WHEN e.with_duties > 0 THEN e.safety_managers END = 0"),
            q("person.planning_manager", ALL, "CASE WHEN e.with_duties > 0 THEN e.planning_managers END = 0"),
            q("person.operator", ALL, "CASE WHEN e.with_duties > 0 THEN e.operators END = 0"),
            q("person.data_manager", ALL, "CASE WHEN e.with_duties > 0 THEN e.data_managers END = 0"),
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
            within("device.stocktaken", LIVE, "e.checked_on", 366),
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
            q(
                "device.portable_encrypted",
                "COALESCE(e.status, 'in_use') NOT IN ('disposed', 'lost') AND (e.portable = 1 OR e.kind = 'medium')",
                "e.encrypted = 0",
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
            q(
                "device.agentless_justified",
                "e.declared = 1 AND e.status NOT IN ('disposed', 'lost') AND e.kind IN ('server', 'terminal')",
                "e.machine IS NULL AND e.agentless IS NULL",
            ),
            dated("device.known", "e.seen_on >= '{today-31}'", "e.declared = 0"),
            within(
                "device.seen",
                "e.declared = 1 AND e.status NOT IN ('disposed', 'lost', 'stored') AND e.kind IN ('server', 'terminal') AND e.agentless IS NULL",
                "e.seen_on",
                31,
            ),
            dated(
                "device.os_supported",
                "e.status NOT IN ('disposed', 'lost') AND (e.kind IN ('server', 'terminal') OR e.supported_until IS NOT NULL)",
                "e.supported_until < '{today}'",
            ),
            within("device.patched", LIVE_PC, "e.patched_on", 90),
            dated(
                "device.antivirus_on",
                LIVE_PC,
                "CASE WHEN e.known_on BETWEEN '{today-366}' AND '{today}' THEN e.antivirus_on END = 0",
            ),
            dated(
                "device.antivirus_current",
                LIVE_PC,
                "CASE WHEN e.definitions_on < '{today-14}' THEN 1 WHEN e.definitions_on <= '{today}' THEN 0 ELSE 1 - e.antivirus_current END = 1",
            ),
            dated(
                "device.encrypted",
                LIVE_TERMINAL,
                "CASE WHEN e.known_on BETWEEN '{today-366}' AND '{today}' THEN e.encrypted END = 0",
            ),
            dated(
                "device.remote_control_known",
                "e.seen_on >= '{today-31}'",
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
            within("account.used", PERSONAL, "e.last_login_on", 180),
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
            within("account.reviewed", OPEN, "e.reviewed_on", 366),
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
            q("system.backup_generations", IN_USE, "e.backup_generations < 3"),
            q("system.backup_methods", IN_USE, "e.backup_methods < 2"),
            q("system.backup_offline", IN_USE, "e.backup_offline = 0"),
            within("system.backup_recent", IN_USE, "e.backup_on", 7),
            within("system.restore_tested", IN_USE, "e.restored_on", 366),
            q("system.in_japan", IN_USE, "e.in_japan = 0"),
            q("system.edit_history", IN_USE, "e.edit_history = 0"),
            q("system.proxy_entry_logged", IN_USE, "e.proxy_entry_logged = 0"),
            q("system.readable", IN_USE, "e.readable = 0"),
            q(
                "system.update_duty",
                IN_USE,
                "e.update_duty = 'unclear' OR (e.update_duty = 'vendor' AND e.update_duty_in = 'none')",
            ),
            q(
                "vendor.disclosed",
                WITH_VENDOR,
                "CASE WHEN e.vendor IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM vendor_answers v WHERE v.facility = e.facility AND v.system = e.row_key) END",
            ),
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
            within("route.updated", ALL, "e.updated_on", 180),
            q("route.logged", ALL, "e.logged = 0"),
            q("route.source_limited", ALL, "e.source_limited = 0"),
            q("route.two_factor", ALL, "e.two_factor = 0"),
            q("route.work_plan", ALL, "e.work_plan = 0"),
        ],
    ),
    (SERVERS, &[q(PATH, ALL, "e.own = 1")]),
    (
        LOANS,
        &[
            dated(
                "loan.returned_in_time",
                "e.state = 'lent' OR (e.state = 'returned' AND e.returned_on >= '{today-366}')",
                "e.state = 'lent' AND e.due_on < '{today}'",
            ),
            dated(
                "loan.approved_outside",
                "e.place = 'outside' AND (e.state = 'lent' OR (e.state IN ('returned', 'lost') AND COALESCE(e.returned_on, e.lent_on, e.entered_on) >= '{today-366}'))",
                "e.approved_by IS NULL OR e.approved_on IS NULL",
            ),
        ],
    ),
    (
        BYOD,
        &[dated(
            "byod.approved_current",
            "e.state = 'approved'",
            "e.approved_by IS NULL OR e.approved_on IS NULL OR e.until_on < '{today}'",
        )],
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
                let (at, holds) = (base.at, self.declared().map_or(366, |f| f.holds_days));
                let judged = judged(condition);
                format!(
                    "CASE WHEN {at} >= '{{today-{holds}}}' AND {at} <= '{{today}}' THEN {judged} ELSE {unknown} END"
                )
            }
            Bad::When(condition) => judged(condition),
            Bad::Before(column, days) => format!(
                "CASE WHEN {column} < '{{today-{days}}}' THEN {bad} WHEN {column} <= '{{today}}' THEN {good} ELSE {unknown} END"
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
    dates(&sql, today)
}

/// The statement that lists what makes a fact bad or unknown in one facility (`$1`).
pub(crate) fn offender_sql(base: &Base, query: &Query, today: Date) -> String {
    let [key, name, place] = base.shows;
    let outcome = query.outcome(base, 0, 1, 2);
    let sql = format!(
        "SELECT k, n, p, seen, CAST(v AS BIGINT) FROM (SELECT {key} AS k, {name} AS n, {place} AS p, {} AS seen, {outcome} AS v \
         FROM {} WHERE e.facility = $1 AND ({})) t WHERE v > 0 ORDER BY v, k",
        base.at, base.from, query.scope
    );
    dates(&sql, today)
}

/// Replaces `{today}` and `{today-N}` by ISO dates; they come from a [`Date`], never from people.
fn dates(sql: &str, today: Date) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once("{today") {
        out.push_str(before);
        let (days, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(&plus(today, days.parse().unwrap_or(0)).to_string());
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
    fn dates_are_filled_in() {
        let today: Date = "2026-11-22".parse().unwrap();
        assert_eq!(dates("a < '{today-90}' AND b > '{today}'", today), "a < '2026-08-24' AND b > '2026-11-22'");
    }
}
