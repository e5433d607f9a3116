//! The report file of a Lynis audit (`lynis-report.dat`), as an inventory with one section.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::error::shorten;
use super::{Inventory, InventoryError, device_id};

/// Whether `text` begins like a report.
pub(super) fn is_report(text: &str) -> bool {
    text.starts_with("# Lynis Report") || text.starts_with("report_version_major=")
}

/// Reads a finished report of format 1. An unfinished one is refused: the warnings that would have
/// come later are missing, and their absence must not look like health.
pub(super) fn parse(text: &str) -> Result<Inventory, InventoryError> {
    let report = Report::read(text);
    match report.one("report_version_major") {
        Some("1") => {}
        other => return Err(InventoryError::LynisVersion(shorten(other.unwrap_or("不明")))),
    }
    if report.one("finish") != Some("true") {
        return Err(InventoryError::LynisUnfinished);
    }
    let id = ["hostid", "hostid2", "hostname"]
        .into_iter()
        .find_map(|key| report.one(key))
        .ok_or(InventoryError::DeviceId)?;
    let section: Map<String, Value> = [
        ("hostname", report.text("hostname")),
        ("os", report.text("os_fullname")),
        ("os_name", report.text("os_name")),
        ("os_version", report.text("os_version")),
        ("kernel", report.text("os_kernel_version_full")),
        ("lynis_version", report.text("lynis_version")),
        ("started_at", report.text("report_datetime_start")),
        ("finished_at", report.text("report_datetime_end")),
        ("hardening_index", report.number("hardening_index")),
        ("tests_done", report.number("lynis_tests_done")),
        ("warnings", report.findings("warning")),
        ("suggestions", report.findings("suggestion")),
        ("vulnerable_packages", report.texts("vulnerable_package")),
        ("firewall_active", report.flag("firewall_active")),
        ("malware_scanner_installed", report.flag("malware_scanner_installed")),
        ("macs", report.texts("network_mac_address")),
        ("ips", report.addresses()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect();
    Ok(Inventory {
        device_id: device_id(Some(&format!("lynis-{id}")))?,
        agent: report.one("lynis_version").map_or_else(|| "Lynis".to_owned(), |version| format!("Lynis {version}")),
        partial: true,
        item_type: "Computer".to_owned(),
        sections: Map::from_iter([("lynis".to_owned(), Value::Object(section))]),
    })
}

/// The lines of a report by key; `key[]=` lines repeat.
struct Report<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Report<'a> {
    fn read(text: &'a str) -> Self {
        let mut lines: HashMap<&str, Vec<&str>> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, value)) = line.split_once('=') {
                lines.entry(key.trim_end_matches("[]")).or_default().push(value.trim());
            }
        }
        Self(lines)
    }

    fn all(&self, key: &str) -> &[&'a str] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// The last non-empty value: Lynis appends, so a later line corrects an earlier one.
    fn one(&self, key: &str) -> Option<&'a str> {
        self.all(key).iter().rev().copied().find(|value| !value.is_empty())
    }

    fn text(&self, key: &str) -> Option<Value> {
        self.one(key).map(Value::from)
    }

    fn number(&self, key: &str) -> Option<Value> {
        self.one(key)?.parse::<i64>().ok().map(Value::from)
    }

    fn flag(&self, key: &str) -> Option<Value> {
        match self.one(key)? {
            "1" => Some(Value::Bool(true)),
            "0" => Some(Value::Bool(false)),
            _ => None,
        }
    }

    fn texts(&self, key: &str) -> Option<Value> {
        Some(Value::from(self.all(key).iter().copied().filter(|value| !value.is_empty()).collect::<Vec<_>>()))
    }

    fn addresses(&self) -> Option<Value> {
        let both = self.all("network_ipv4_address").iter().chain(self.all("network_ipv6_address"));
        Some(Value::from(both.copied().collect::<Vec<_>>()))
    }

    /// `ID|text|detail|solution|` lines.
    fn findings(&self, key: &str) -> Option<Value> {
        let read = |line: &&str| {
            let mut parts = line.split('|');
            json!({"id": parts.next().unwrap_or_default(), "text": parts.next().unwrap_or_default()})
        };
        Some(Value::Array(self.all(key).iter().map(read).collect()))
    }
}
