//! What endpoint agents send: received, merged, matched with the device ledger.

use domain::evaluate::Facility;
use domain::inventory::{Declared, Machine, Outcome, Owner, Sections, Seen, merge, observe, owner, reconcile};
use domain::journal::{Actor, Event, sha256};
use domain::jp::day_in_japan;
use domain::ledger::ledger;
use intake::inventory::{
    Inventory, InventoryError, Message, contact_reply, error_reply, ok_reply, parse, prolog_reply,
};
use store::MachineRow;

use crate::App;
use crate::error::{Error, Result};

/// What was done with a message of an agent, and what to answer it.
#[derive(Debug)]
pub struct Received {
    /// Answer for the agent.
    pub reply: Vec<u8>,
    /// The machine recorded, when the message was an inventory.
    pub machine: Option<RecordedMachine>,
}

/// A machine as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedMachine {
    /// Host name, or the agent's id.
    pub name: String,
    /// Operating system.
    pub os: Option<String>,
    /// Key of the ledger device it was matched to.
    pub device: Option<String>,
    /// Why it was matched, or could not be.
    pub note: Option<String>,
}

impl App {
    /// Takes what an agent sent, from a file or over HTTP.
    ///
    /// # Errors
    /// When it cannot be read, or does not say which of several machines it is about (nothing is stored then); any
    /// store error.
    pub async fn receive_inventory(
        &self,
        actor: &Actor,
        facility: &Facility,
        bytes: &[u8],
        legacy_reply: bool,
    ) -> Result<Received> {
        let (bytes, now) = (bytes.to_vec(), self.now());
        let (message, looks) = crate::blocking(move || {
            parse(&bytes).map(|message| {
                let looks = match &message {
                    Message::Inventory(inventory) => observe(&inventory.sections, now),
                    Message::Prolog { .. } | Message::Contact { .. } => Machine::default(),
                };
                (message, looks)
            })
        })
        .await??;
        match message {
            Message::Prolog { .. } => Ok(Received { reply: prolog_reply(legacy_reply), machine: None }),
            Message::Contact { .. } => Ok(Received { reply: contact_reply(), machine: None }),
            Message::Inventory(inventory) => {
                let machine = self.record_inventory(actor, facility, inventory, looks).await?;
                Ok(Received { reply: ok_reply(legacy_reply), machine: Some(machine) })
            }
        }
    }

    /// What to answer an agent whose message was refused.
    pub fn refuse_inventory(&self, error: &InventoryError) -> Vec<u8> {
        error_reply(error)
    }

    /// Stores an inventory; `looks` is what it says of its machine by itself.
    async fn record_inventory(
        &self,
        actor: &Actor,
        facility: &Facility,
        mut arrived: Inventory,
        looks: Machine,
    ) -> Result<RecordedMachine> {
        let now = self.now();
        // What is merged is what is replaced: parts of one machine may arrive at the same moment. The first look takes
        // the facility for this transaction alone, so the list after it is what stands.
        let mut tx = self.store.begin(actor, &facility.id, now).await?;
        tx.machine_find(&arrived.device_id).await?;
        let machines = self.store.machine_list(&facility.id).await?;
        let looks = Seen {
            id: arrived.device_id.clone(),
            hostname: looks.hostname,
            serial: looks.serial,
            macs: looks.macs,
            ips: looks.ips,
        };
        let under_its_id = format!("{}{COPY}", arrived.device_id);
        let known: Vec<Seen> = machines
            .iter()
            .filter(|m| m.agent_id == arrived.device_id || m.agent_id.starts_with(&under_its_id))
            .map(seen)
            .collect();
        let keep_as = match owner(&known, &looks, arrived.partial) {
            Owner::Known(id) => {
                id.clone_into(&mut arrived.device_id);
                Some(id.to_owned())
            }
            Owner::Unclear => return Err(InventoryError::SharedId.into()),
            Owner::New if arrived.sections.contains_key(domain::inventory::LYNIS) => host_of(&machines, &looks),
            Owner::New => None,
        };
        if keep_as.is_none() && !known.is_empty() {
            // A copied disk: two machines with one agent id are two machines, not one that changes.
            let apart = looks.serial.or_else(|| looks.macs.into_iter().next()).or(looks.hostname);
            arrived.device_id = format!("{under_its_id}{}", apart.unwrap_or_default());
        }
        let known = match keep_as {
            Some(id) => tx.machine_find(&id).await?,
            None => None,
        };
        let partial = arrived.partial;
        let (machine, row) = crate::blocking(move || merged(known, arrived, now)).await??;
        let name = machine.hostname.clone().unwrap_or_else(|| row.agent_id.clone());
        tx.machine_upsert(&row).await?;
        tx.record(
            Event::new("machine.observe", row.agent_id.clone())
                .with("agent", &row.agent)
                .with("partial", partial)
                .with("sha256", sha256(row.sections.as_bytes())),
        );
        tx.commit().await?;
        self.match_machines(facility).await?;
        let stored = self.store.machine_find(&facility.id, &row.agent_id).await?;
        let (device, note) = stored.map(|m| (m.device, m.match_note)).unwrap_or_default();
        Ok(RecordedMachine { name, os: machine.os, device, note })
    }

    /// Matches every machine of a facility with its device ledger. Only what changed is written.
    pub(crate) async fn match_machines(&self, facility: &Facility) -> Result<()> {
        let machines = self.store.machine_list(&facility.id).await?;
        let Some(devices) = ledger("devices") else { return Ok(()) };
        if machines.is_empty() {
            return Ok(());
        }
        let declared: Vec<Declared> = self
            .store
            .row_list(devices, Some(&facility.id))
            .await?
            .into_iter()
            .map(|stored| {
                let text = |name: &str| stored.row.get(name).map(ToString::to_string);
                Declared {
                    name: text("name"),
                    serial: text("serial"),
                    hostname: text("hostname"),
                    mac: text("mac"),
                    ip: text("ip"),
                    no: stored.key,
                }
            })
            .collect();
        let observed: Vec<Seen> = machines.iter().map(seen).collect();
        let links = crate::blocking(move || reconcile(&declared, &observed)).await?;
        let mut changed = Vec::new();
        for (machine, link) in machines.iter().zip(links) {
            let (device, note) = match link.outcome {
                Outcome::Matched { device, by } => (Some(device), Some(format!("{}が一致", by.label().ja))),
                Outcome::Ambiguous { by, devices } => {
                    (None, Some(format!("{}が複数の機器（{}）と一致", by.label().ja, devices.join("、"))))
                }
                Outcome::Unregistered => (None, None),
            };
            if machine.device != device || machine.match_note != note {
                changed.push((machine.agent_id.clone(), device, note));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.begin(&Actor::new("system"), &facility.id, self.now()).await?;
        for (id, device, note) in &changed {
            tx.machine_match(id, device.as_deref(), note.as_deref()).await?;
        }
        tx.record(Event::new("machine.match", facility.no.clone()).with("changed", changed.len()));
        Ok(tx.commit().await?)
    }

    /// Makes a new secret for the agents of a facility; the old one ends. `secret` has to come from a
    /// cryptographic random source; only its SHA-256 is kept.
    ///
    /// # Errors
    /// Any store error.
    pub async fn set_agent_secret(&self, actor: &Actor, facility: &Facility, secret: &str) -> Result<()> {
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.agent_key_set(&sha256(secret.as_bytes())).await?;
        tx.record(Event::new("agent_key.set", facility.no.clone()));
        Ok(tx.commit().await?)
    }

    /// The facility whose agents authenticate with this code and secret; `None` when they do not fit.
    ///
    /// # Errors
    /// Any store error.
    pub async fn agent_facility(&self, no: &str, secret: &str) -> Result<Option<Facility>> {
        let facility = self.store.facility_list().await?.into_iter().find(|f| f.no == no);
        let kept = match &facility {
            Some(facility) => self.store.agent_key(&facility.id).await?,
            None => None,
        };
        // Compared in full also where there is nothing to compare with.
        let given = sha256(secret.as_bytes());
        let same = constant_time_eq(given.as_bytes(), kept.unwrap_or_else(|| "0".repeat(given.len())).as_bytes());
        Ok(facility.filter(|_| same))
    }
}

/// Between an agent's id and what tells the second machine under it apart.
const COPY: char = '#';

/// A stored machine by what identifies it.
fn seen(machine: &MachineRow) -> Seen {
    Seen {
        id: machine.agent_id.clone(),
        hostname: machine.hostname.clone(),
        serial: machine.serial.clone(),
        macs: lines(machine.macs.as_deref()),
        ips: lines(machine.ips.as_deref()),
    }
}

/// A server's Lynis audit belongs to the machine of that host name, if its agent has reported.
fn host_of(machines: &[MachineRow], audited: &Seen) -> Option<String> {
    let hostname = audited.hostname.as_deref().map(domain::text::fold)?;
    let mut same =
        machines.iter().filter(|m| m.hostname.as_deref().map(domain::text::fold).as_ref() == Some(&hostname));
    match (same.next(), same.next()) {
        (Some(only), None) => Some(only.agent_id.clone()),
        _ => None,
    }
}

/// What is known of a machine after a report: as it is read, and as it is stored.
fn merged(known: Option<MachineRow>, arrived: Inventory, now: jiff::Timestamp) -> Result<(Machine, MachineRow)> {
    let mut sections: Sections = match &known {
        Some(machine) => serde_json::from_str(&machine.sections)
            .map_err(|_| Error::Internal { message: format!("machine {}", machine.agent_id) })?,
        None => Sections::new(),
    };
    merge(&mut sections, arrived.sections, arrived.partial);
    let machine = observe(&sections, now);
    let mut row = machine_row(&machine, &sections, now);
    (row.agent_id, row.agent) = (arrived.device_id, arrived.agent);
    if let Some(known) = known {
        // Matched again afterwards; until then, and mostly after, it stays the same device.
        (row.device, row.match_note) = (known.device, known.match_note);
        if known.agent_id != row.agent_id {
            (row.agent_id, row.agent) = (known.agent_id, known.agent);
        }
    }
    Ok((machine, row))
}

/// Compares in a time that depends on the lengths alone.
fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (x, y)| difference | (x ^ y)) == 0
}

fn lines(joined: Option<&str>) -> Vec<String> {
    joined.map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}

fn joined(list: impl IntoIterator<Item = String>) -> Option<String> {
    let text = list.into_iter().collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}

/// What a machine says about itself; whose agent it is and which device comes from elsewhere.
fn machine_row(machine: &Machine, sections: &Sections, now: jiff::Timestamp) -> MachineRow {
    // An agent's clock may run ahead; nothing was observed after it arrived.
    let observed = machine.observed_at.unwrap_or(now).min(now);
    // One working scanner protects the machine; it is off only when every scanner says so.
    let switched = |of: fn(&domain::inventory::Antivirus) -> Option<bool>| {
        let said: Vec<bool> = machine.antivirus.iter().filter_map(of).collect();
        (!said.is_empty()).then(|| i64::from(said.contains(&true)))
    };
    // Found none and could not look are different answers.
    let remote_control: Vec<&str> = machine.remote_control.iter().map(|s| s.name.as_str()).collect();
    let looked = machine.software_count.is_some() || !remote_control.is_empty();
    MachineRow {
        kind: machine.kind.unwrap_or("terminal").to_owned(),
        hostname: machine.hostname.clone(),
        serial: machine.serial.clone(),
        macs: joined(machine.macs.clone()),
        ips: joined(machine.ips.clone()),
        os: machine.os.clone(),
        observed_on: day_in_japan(observed).to_string(),
        observed_at: observed.as_microsecond(),
        received_at: now.as_microsecond(),
        patched_on: machine.patched_on.map(|d| d.to_string()),
        antivirus: joined(machine.antivirus.iter().map(|a| a.name.clone())),
        antivirus_on: switched(|a| a.enabled),
        antivirus_current: switched(|a| a.up_to_date),
        definitions_on: machine.antivirus.iter().filter_map(|a| a.definitions_on).max().map(|d| d.to_string()),
        disk_encrypted: machine.disk_encrypted.map(i64::from),
        remote_control: looked.then(|| remote_control.join("\n")),
        usb_storage: joined(machine.usb_storage.clone()),
        local_admins: joined(machine.local_admins.clone()),
        hardening_index: machine.hardening_index,
        hardening_warnings: machine.hardening_index.map(|_| i64::try_from(machine.warnings.len()).unwrap_or(i64::MAX)),
        sections: serde_json::Value::Object(sections.clone()).to_string(),
        ..MachineRow::default()
    }
}
