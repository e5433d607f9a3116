//! Machines as agents report them.

use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use crate::error::Result;
use crate::{Store, WriteTx};

/// One observed machine. Lists are joined by line feeds; `None` is what the agent did not report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineRow {
    /// The agent's own id, unique per facility.
    pub agent_id: String,
    /// Name and version of the agent.
    pub agent: String,
    /// Key of the ledger device it was matched to.
    pub device: Option<String>,
    /// Why it was matched, or could not be.
    pub match_note: Option<String>,
    /// Kind code of the device ledger.
    pub kind: String,
    /// Host name.
    pub hostname: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// MAC addresses.
    pub macs: Option<String>,
    /// IP addresses.
    pub ips: Option<String>,
    /// Operating system with version.
    pub os: Option<String>,
    /// Civil day (Japan) of the observation.
    pub observed_on: String,
    /// Instant of the observation, UTC microseconds.
    pub observed_at: i64,
    /// Instant of receipt, UTC microseconds.
    pub received_at: i64,
    /// Day of the last update.
    pub patched_on: Option<String>,
    /// Names of antivirus products.
    pub antivirus: Option<String>,
    /// Whether one is enabled.
    pub antivirus_on: Option<i64>,
    /// Whether its definitions are current, by its own word.
    pub antivirus_current: Option<i64>,
    /// Day of its definitions.
    pub definitions_on: Option<String>,
    /// Whether every fixed volume is encrypted.
    pub disk_encrypted: Option<i64>,
    /// Remote-control products found; empty when there are none.
    pub remote_control: Option<String>,
    /// USB storage seen.
    pub usb_storage: Option<String>,
    /// Local administrators.
    pub local_admins: Option<String>,
    /// Lynis hardening index, 0–100.
    pub hardening_index: Option<i64>,
    /// Number of hardening warnings.
    pub hardening_warnings: Option<i64>,
    /// The merged sections, JSON.
    pub sections: String,
}

const COLUMNS: &str = "agent_id, agent, device, match_note, kind, hostname, serial, macs, ips, os, observed_on, observed_at, \
    received_at, patched_on, antivirus, antivirus_on, antivirus_current, definitions_on, disk_encrypted, remote_control, \
    usb_storage, local_admins, hardening_index, hardening_warnings, sections";

fn machine(r: &QueryResult) -> Result<MachineRow> {
    Ok(MachineRow {
        agent_id: r.try_get_by_index(0)?,
        agent: r.try_get_by_index(1)?,
        device: r.try_get_by_index(2)?,
        match_note: r.try_get_by_index(3)?,
        kind: r.try_get_by_index(4)?,
        hostname: r.try_get_by_index(5)?,
        serial: r.try_get_by_index(6)?,
        macs: r.try_get_by_index(7)?,
        ips: r.try_get_by_index(8)?,
        os: r.try_get_by_index(9)?,
        observed_on: r.try_get_by_index(10)?,
        observed_at: r.try_get_by_index(11)?,
        received_at: r.try_get_by_index(12)?,
        patched_on: r.try_get_by_index(13)?,
        antivirus: r.try_get_by_index(14)?,
        antivirus_on: r.try_get_by_index(15)?,
        antivirus_current: r.try_get_by_index(16)?,
        definitions_on: r.try_get_by_index(17)?,
        disk_encrypted: r.try_get_by_index(18)?,
        remote_control: r.try_get_by_index(19)?,
        usb_storage: r.try_get_by_index(20)?,
        local_admins: r.try_get_by_index(21)?,
        hardening_index: r.try_get_by_index(22)?,
        hardening_warnings: r.try_get_by_index(23)?,
        sections: r.try_get_by_index(24)?,
    })
}

impl Store {
    /// The machines of a facility. Without `sections` the (large) JSON stays in the database.
    ///
    /// # Errors
    /// Any store error.
    pub async fn machine_list(&self, facility: &str) -> Result<Vec<MachineRow>> {
        let columns = COLUMNS.replace(", sections", ", '{}' AS sections");
        self.machines(
            &format!("SELECT {columns} FROM machines WHERE facility = $1 ORDER BY agent_id"),
            vec![facility.into()],
        )
        .await
    }

    /// One machine by its agent's id, with its sections.
    ///
    /// # Errors
    /// Any store error.
    pub async fn machine_find(&self, facility: &str, agent_id: &str) -> Result<Option<MachineRow>> {
        let sql = format!("SELECT {COLUMNS} FROM machines WHERE facility = $1 AND agent_id = $2");
        Ok(self.machines(&sql, vec![facility.into(), agent_id.into()]).await?.into_iter().next())
    }

    async fn machines(&self, sql: &str, values: Vec<Value>) -> Result<Vec<MachineRow>> {
        self.query(sql, values).await?.iter().map(machine).collect()
    }

    /// SHA-256 (hex) of the secret with which agents of a facility authenticate, if one was made.
    ///
    /// # Errors
    /// Any store error.
    pub async fn agent_key(&self, facility: &str) -> Result<Option<String>> {
        let rows =
            self.query("SELECT secret_sha256 FROM agent_keys WHERE facility = $1", vec![facility.into()]).await?;
        rows.first().map(|r| Ok(r.try_get_by_index(0)?)).transpose()
    }
}

impl WriteTx {
    /// One machine by its agent's id, with its sections. Nobody else records a machine of the facility until this
    /// transaction ends.
    ///
    /// # Errors
    /// Any store error.
    pub async fn machine_find(&mut self, agent_id: &str) -> Result<Option<MachineRow>> {
        self.lock_rows().await?;
        let sql = format!("SELECT {COLUMNS} FROM machines WHERE facility = $1 AND agent_id = $2");
        let found = self.select(&sql, vec![self.facility.clone().into(), agent_id.into()]).await?;
        found.first().map(machine).transpose()
    }

    /// Adds a machine or replaces what was known of it.
    ///
    /// # Errors
    /// Any store error.
    pub async fn machine_upsert(&mut self, machine: &MachineRow) -> Result<()> {
        self.lock_rows().await?;
        let names: Vec<&str> = COLUMNS.split(',').map(str::trim).collect();
        let marks: Vec<String> = (0..names.len()).map(|n| format!("${}", n + 3)).collect();
        let sets: Vec<String> = names.iter().map(|n| format!("{n} = excluded.{n}")).collect();
        let sql = format!(
            "INSERT INTO machines (id, facility, {COLUMNS}, rev) VALUES ($1, $2, {}, 1) \
             ON CONFLICT (facility, agent_id) DO UPDATE SET {}, rev = machines.rev + 1",
            marks.join(", "),
            sets.join(", ")
        );
        let m = machine.clone();
        let values: Vec<Value> = vec![
            Uuid::now_v7().to_string().into(),
            self.facility.clone().into(),
            m.agent_id.into(),
            m.agent.into(),
            Value::String(m.device),
            Value::String(m.match_note),
            m.kind.into(),
            Value::String(m.hostname),
            Value::String(m.serial),
            Value::String(m.macs),
            Value::String(m.ips),
            Value::String(m.os),
            m.observed_on.into(),
            m.observed_at.into(),
            m.received_at.into(),
            Value::String(m.patched_on),
            Value::String(m.antivirus),
            Value::BigInt(m.antivirus_on),
            Value::BigInt(m.antivirus_current),
            Value::String(m.definitions_on),
            Value::BigInt(m.disk_encrypted),
            Value::String(m.remote_control),
            Value::String(m.usb_storage),
            Value::String(m.local_admins),
            Value::BigInt(m.hardening_index),
            Value::BigInt(m.hardening_warnings),
            m.sections.into(),
        ];
        self.execute(&sql, values).await.map(|_| ())
    }

    /// Matches a machine to a ledger device, or to none, and says why.
    ///
    /// # Errors
    /// Any store error.
    pub async fn machine_match(&mut self, agent_id: &str, device: Option<&str>, note: Option<&str>) -> Result<()> {
        let sql = "UPDATE machines SET device = $3, match_note = $4 WHERE facility = $1 AND agent_id = $2";
        let values = vec![
            self.facility.clone().into(),
            agent_id.into(),
            Value::String(device.map(str::to_owned)),
            Value::String(note.map(str::to_owned)),
        ];
        self.execute(sql, values).await.map(|_| ())
    }

    /// Sets the secret of a facility's agents, as SHA-256 in hex.
    ///
    /// # Errors
    /// Any store error.
    pub async fn agent_key_set(&mut self, secret_sha256: &str) -> Result<()> {
        let sql = "INSERT INTO agent_keys (facility, secret_sha256, made_at) VALUES ($1, $2, $3) \
                   ON CONFLICT (facility) DO UPDATE SET secret_sha256 = excluded.secret_sha256, made_at = excluded.made_at";
        let values = vec![self.facility.clone().into(), secret_sha256.into(), self.now.as_microsecond().into()];
        self.execute(sql, values).await.map(|_| ())
    }
}
