//! From sections to a [`Machine`].

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::read::{self, Row, date, flag, instant, object, rows, text, texts};
use super::reconcile::{mac, serial};
use super::remote::remote_control;
use super::{Antivirus, LYNIS, Machine, Sections, Warning};

/// How far an agent's clock may run ahead before its time is not believed.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// Reads a machine from its merged `sections`, of which the latest arrived at `received`.
pub fn observe(sections: &Sections, received: Timestamp) -> Machine {
    let empty = Row::new();
    let section = |name| object(sections, name).unwrap_or(&empty);
    let (hardware, bios, device, lynis) =
        (section("hardware"), section("bios"), section("network_device"), section(LYNIS));
    let hostname = text(hardware, "name").or_else(|| text(device, "name")).or_else(|| text(lynis, "hostname"));
    let offset = time_offset(sections);
    Machine {
        hostname: hostname.and_then(|name| name.split('.').next().map(str::to_owned)),
        serial: ["ssn", "enclosureserial", "biosserial", "msn"]
            .into_iter()
            .filter_map(|field| text(bios, field))
            .chain(text(device, "serial"))
            .find(|number| serial(number).is_some()),
        maker: ["smanufacturer", "mmanufacturer", "bmanufacturer"]
            .into_iter()
            .find_map(|field| text(bios, field))
            .or_else(|| text(device, "manufacturer")),
        model: text(bios, "smodel").or_else(|| text(bios, "mmodel")).or_else(|| text(device, "model")),
        os: os(sections),
        os_build: os_build(sections),
        kind: kind(sections),
        macs: macs(sections),
        ips: ips(sections),
        observed_at: observed_at(sections, offset, received),
        patched_on: patched_on(sections, received),
        antivirus: rows(sections, "antivirus").filter_map(antivirus).collect(),
        disk_encrypted: disk_encrypted(sections),
        local_admins: local_admins(sections),
        remote_control: remote_control(sections),
        usb_storage: usb_storage(sections),
        hardening_index: text(lynis, "hardening_index").and_then(|index| index.parse().ok()),
        warnings: rows(lynis, "warnings").filter_map(warning).collect(),
        software_count: sections.get("softwares").map(|_| rows(sections, "softwares").count()),
    }
}

/// The agent's own time zone. Lynis and old agents name none; they run in Japan.
fn time_offset(sections: &Sections) -> Offset {
    object(sections, "operatingsystem")
        .and_then(|os| os.get("timezone")?.as_object())
        .and_then(|zone| read::offset(&text(zone, "offset")?))
        .unwrap_or(Offset::constant(9))
}

/// The agent's time where an agent reported, else the end of the audit.
fn observed_at(sections: &Sections, offset: Offset, received: Timestamp) -> Option<Timestamp> {
    let said = match object(sections, "accesslog") {
        Some(log) => instant(log, "logdate", offset),
        None => instant(object(sections, LYNIS)?, "finished_at", offset),
    }?;
    let latest = received.checked_add(CLOCK_TOLERANCE).unwrap_or(received);
    Some(if said > latest { received } else { said })
}

fn os(sections: &Sections) -> Option<String> {
    let full = object(sections, "operatingsystem").and_then(|os| {
        let version = text(os, "version");
        let full = text(os, "full_name")
            .or_else(|| Some([text(os, "name")?, version.clone().unwrap_or_default()].join(" ").trim().to_owned()))?;
        let full = full.strip_prefix("Microsoft ").unwrap_or(&full);
        // Windows says which feature update it is only beside its name.
        Some(match (full.starts_with("Windows"), version, os_build(sections)) {
            (true, Some(version), _) if !full.contains(&version) => format!("{full} {version}"),
            (true, None, Some(build)) => format!("{full} (build {build})"),
            _ => full.to_owned(),
        })
    });
    full.or_else(|| text(object(sections, "hardware")?, "osname"))
        .or_else(|| text(object(sections, LYNIS)?, "os"))
        .or_else(|| {
            let device = object(sections, "network_device")?;
            let firmware = text(device, "firmware")?;
            let parts = [text(device, "manufacturer"), text(device, "model"), Some(firmware)];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        })
}

/// Windows says `build.revision` in the service pack; everybody else the kernel.
fn os_build(sections: &Sections) -> Option<String> {
    let os = object(sections, "operatingsystem");
    os.and_then(|os| {
        text(os, "service_pack")
            .filter(|s| s.starts_with(|c: char| c.is_ascii_digit()))
            .or_else(|| text(os, "kernel_version"))
    })
    .or_else(|| text(object(sections, LYNIS)?, "kernel"))
}

/// The kind of device, only where the data tells.
fn kind(sections: &Sections) -> Option<&'static str> {
    if let Some(device) = object(sections, "network_device") {
        return match text(device, "type")?.as_str() {
            "Networking" => Some("network"),
            "Printer" => Some("printer"),
            "Phone" => Some("terminal"),
            "Storage" => Some("server"),
            _ => None,
        };
    }
    let os = os(sections)?.to_lowercase();
    let chassis = object(sections, "hardware").and_then(|h| text(h, "chassis_type")).unwrap_or_default().to_lowercase();
    let any = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    if any(&os, &["windows server"]) || any(&chassis, &["server", "rack mount", "blade", "storage"]) {
        Some("server")
    } else if any(&os, &["windows", "macos", "android", "ios"])
        || any(
            &chassis,
            &[
                "desktop",
                "laptop",
                "notebook",
                "portable",
                "tablet",
                "convertible",
                "detachable",
                "all in one",
                "hand held",
            ],
        )
    {
        Some("terminal")
    } else {
        None
    }
}

/// A card of the machine itself: not the loopback, not one that virtual machines or containers use.
fn is_own(card: &&Row) -> bool {
    text(card, "type").as_deref() != Some("loopback") && flag(card, "virtualdev") != Some(true)
}

fn macs(sections: &Sections) -> Vec<String> {
    let cards = rows(sections, "networks").filter(is_own).filter_map(|card| text(card, "mac"));
    let device = object(sections, "network_device").and_then(|d| text(d, "mac"));
    let mut found: Vec<String> = cards.chain(device).filter_map(|text| mac(&text)).collect();
    if found.is_empty() {
        let audited = object(sections, LYNIS).map(|l| texts(l, "macs")).unwrap_or_default();
        found = audited.iter().filter_map(|text| mac(text)).collect();
    }
    unique(found)
}

/// The addresses of its own cards; where they have none (bridges and bonds of a server carry them),
/// of all cards.
fn ips(sections: &Sections) -> Vec<String> {
    let of = |card: &Row| {
        ["ipaddress", "ipaddress6"].map(|field| text(card, field)).into_iter().flatten().collect::<Vec<_>>()
    };
    let mut found: Vec<String> = rows(sections, "networks").filter(is_own).flat_map(of).collect();
    if found.is_empty() {
        found = rows(sections, "networks").flat_map(of).collect();
    }
    found.extend(object(sections, "network_device").map(|d| texts(d, "ips")).unwrap_or_default());
    if found.is_empty() {
        found = object(sections, LYNIS).map(|l| texts(l, "ips")).unwrap_or_default();
    }
    found.retain(|ip| {
        ip.parse::<std::net::IpAddr>().is_ok_and(|ip| match ip {
            std::net::IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
            std::net::IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified()),
        })
    });
    unique(found)
}

fn unique(mut list: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    list.retain(|item| seen.insert(item.clone()));
    list
}

/// Definition and scanner updates that come as KB numbers but are no patches of the system.
const NOT_A_PATCH: &[&str] = &["KB2267602", "KB4052623", "KB890830"];
/// Packages that come with every installation, so that a newer date can only be an update.
const BASE_PACKAGES: &[&str] = &["kernel", "kernel-core", "glibc", "libc6", "openssl-libs", "libssl3", "systemd"];

/// The newest date of something that can only be an update. The date of any other program is the
/// day somebody installed it, and proves nothing.
fn patched_on(sections: &Sections, received: Timestamp) -> Option<Date> {
    let latest = received.checked_add(CLOCK_TOLERANCE).unwrap_or(received).to_zoned(jiff::tz::TimeZone::UTC).date();
    rows(sections, "softwares")
        .filter(|row| is_update(row))
        .filter_map(|row| date(row, "install_date"))
        .filter(|installed| *installed <= latest)
        .max()
}

fn is_update(row: &Row) -> bool {
    let Some(name) = text(row, "name") else { return false };
    let windows_update = name.strip_prefix("KB").is_some_and(|n| n.len() >= 4 && n.chars().all(|c| c.is_ascii_digit()))
        && !NOT_A_PATCH.contains(&name.as_str());
    let base_package =
        matches!(text(row, "from").as_deref(), Some("deb" | "rpm")) && BASE_PACKAGES.contains(&name.as_str());
    windows_update || base_package
}

fn antivirus(row: &Row) -> Option<Antivirus> {
    Some(Antivirus {
        name: text(row, "name")?,
        enabled: flag(row, "enabled"),
        up_to_date: flag(row, "uptodate"),
        version: text(row, "version"),
        definitions_on: date(row, "base_creation"),
    })
}

/// Agents that cannot look report no status at all; then nothing is known. Where they looked, a
/// fixed data volume without a status is a plain one.
fn disk_encrypted(sections: &Sections) -> Option<bool> {
    let volumes: Vec<&Row> = rows(sections, "drives").filter(|drive| is_fixed_data_volume(drive)).collect();
    let statuses: Vec<Option<bool>> = volumes.iter().map(|drive| flag(drive, "encrypt_status")).collect();
    let looked = volumes.iter().any(|drive| drive.contains_key("encrypt_status"));
    let unclear =
        volumes.iter().zip(&statuses).any(|(drive, status)| drive.contains_key("encrypt_status") && status.is_none());
    if statuses.contains(&Some(false)) {
        Some(false)
    } else if !looked || unclear {
        None
    } else {
        Some(statuses.iter().all(|status| *status == Some(true)))
    }
}

/// File systems that hold no data of their own.
const NO_DATA: &[&str] = &[
    "tmpfs", "devtmpfs", "overlay", "squashfs", "iso9660", "udf", "cdfs", "nfs", "nfs4", "cifs", "smbfs", "webdav",
    "hgfs",
];
/// Mount points of boot files and of media that come and go.
const NOT_FIXED: &[&str] =
    &["/boot", "/media", "/run", "/mnt", "/snap", "/dev", "/proc", "/sys", "/Volumes", "/System/Volumes"];

/// A volume of the machine's own disks on which people's data can lie: a Windows local disk with a
/// letter, or a mounted file system.
fn is_fixed_data_volume(drive: &Row) -> bool {
    if text(drive, "filesystem").is_some_and(|fs| NO_DATA.contains(&fs.to_lowercase().as_str())) {
        return false;
    }
    let Some(kind) = text(drive, "type") else { return false };
    if kind.starts_with('/') {
        let below = |top: &&str| kind.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        return !NOT_FIXED.iter().any(below);
    }
    let lettered = text(drive, "letter").is_some_and(|l| l.chars().nth(1) == Some(':'));
    kind == "Local Disk" && lettered
}

/// Groups whose members are administrators, by name or by Windows' fixed id.
const ADMIN_GROUPS: &[&str] = &["administrators", "sudo", "wheel", "admin"];
const ADMIN_GROUP_SID: &str = "S-1-5-32-544";

fn local_admins(sections: &Sections) -> Vec<String> {
    let members = rows(sections, "local_groups")
        .filter(|group| {
            text(group, "id").as_deref() == Some(ADMIN_GROUP_SID)
                || text(group, "name").is_some_and(|name| ADMIN_GROUPS.contains(&name.to_lowercase().as_str()))
        })
        .flat_map(|group| texts(group, "members"));
    // uid 0, and the built-in administrator whose SID ends in -500
    let built_in = rows(sections, "local_users").filter_map(|user| {
        let id = text(user, "id")?;
        let is_admin = id == "0" || (id.starts_with("S-1-5-21-") && id.ends_with("-500"));
        is_admin.then(|| text(user, "login").or_else(|| text(user, "name"))).flatten()
    });
    unique(built_in.chain(members).collect())
}

/// USB class 8, the words Windows uses for it, and disks attached by USB.
fn usb_storage(sections: &Sections) -> Vec<String> {
    let devices = rows(sections, "usbdevices").filter(|device| {
        let words =
            format!("{} {}", text(device, "caption").unwrap_or_default(), text(device, "name").unwrap_or_default())
                .to_lowercase();
        text(device, "class").is_some_and(|class| class.trim_start_matches('0') == "8")
            || ["mass storage", "大容量記憶", "attached scsi"].iter().any(|word| words.contains(word))
    });
    let disks = rows(sections, "storages")
        .filter(|disk| text(disk, "interface").is_some_and(|i| i.eq_ignore_ascii_case("usb")));
    let mut serials = std::collections::HashSet::new();
    devices
        .chain(disks)
        .filter(|row| text(row, "serial").is_none_or(|number| serials.insert(number)))
        .filter_map(|row| {
            let name = ["caption", "model", "name"].into_iter().find_map(|field| text(row, field))?;
            let parts = [
                text(row, "manufacturer").filter(|m| !name.contains(m.as_str())),
                Some(name),
                text(row, "serial").map(|s| format!("(S/N {s})")),
            ];
            Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

fn warning(row: &Row) -> Option<Warning> {
    Some(Warning { id: text(row, "id")?, text: text(row, "text").unwrap_or_default() })
}
