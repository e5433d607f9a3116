//! Which installed products let somebody control a machine from afar.

use super::read::{rows, text};
use super::{Sections, Software};

/// Word in a product name (lower case), product. Built-in helpers of the system that only work with
/// somebody at the screen (Quick Assist, Remote Assistance) are left out on purpose.
const PRODUCTS: &[(&str, &str)] = &[
    ("anydesk", "AnyDesk"),
    ("teamviewer", "TeamViewer"),
    ("ultravnc", "UltraVNC"),
    ("uvnc", "UltraVNC"),
    ("tightvnc", "TightVNC"),
    ("tigervnc", "TigerVNC"),
    ("turbovnc", "TurboVNC"),
    ("realvnc", "RealVNC"),
    ("vnc server", "RealVNC"),
    ("vnc connect", "RealVNC"),
    ("x11vnc", "x11vnc"),
    ("splashtop", "Splashtop"),
    ("rustdesk", "RustDesk"),
    ("chrome remote desktop", "Chrome Remote Desktop"),
    ("chrome-remote-desktop", "Chrome Remote Desktop"),
    ("logmein", "LogMeIn"),
    ("gotomypc", "GoToMyPC"),
    ("isl light", "ISL Online"),
    ("isl alwayson", "ISL Online"),
    ("isl online", "ISL Online"),
    ("dameware", "Dameware"),
    ("screenconnect", "ScreenConnect"),
    ("connectwise control", "ScreenConnect"),
    ("bomgar", "BeyondTrust"),
    ("beyondtrust remote support", "BeyondTrust"),
    ("zoho assist", "Zoho Assist"),
    ("remote utilities", "Remote Utilities"),
    ("radmin server", "Radmin"),
    ("netsupport", "NetSupport"),
    ("supremo", "SupRemo"),
    ("ammyy", "Ammyy Admin"),
    ("aeroadmin", "AeroAdmin"),
    ("litemanager", "LiteManager"),
    ("meshcentral", "MeshCentral"),
    ("mesh agent", "MeshCentral"),
    ("tactical rmm", "Tactical RMM"),
    ("tacticalrmm", "Tactical RMM"),
    ("dwagent", "DWService"),
    ("nomachine", "NoMachine"),
    ("simplehelp", "SimpleHelp"),
    ("getscreen", "Getscreen"),
    ("magicconnect", "MagicConnect"),
    ("remoteview", "RemoteView"),
];

/// Remote-control products among those the agent found running (`remote_mgmt`) and those installed,
/// each product once.
pub(super) fn remote_control(sections: &Sections) -> Vec<Software> {
    let mut found: Vec<Software> = Vec::new();
    let mut add = |name: String, detail: String| {
        if found.iter().all(|f| f.name != name) {
            found.push(Software { name, detail });
        }
    };
    for row in rows(sections, "remote_mgmt") {
        if let Some(kind) = text(row, "type") {
            let name = product(&kind).map_or(kind, str::to_owned);
            add(name, text(row, "id").map(|id| format!("ID {id}")).unwrap_or_default());
        }
    }
    for row in rows(sections, "softwares") {
        if let Some(listed) = text(row, "name")
            && let Some(name) = installed_product(&listed)
        {
            let detail = text(row, "version").map_or_else(|| listed.clone(), |version| format!("{listed} {version}"));
            add(name.to_owned(), detail);
        }
    }
    found
}

/// The product of a software-list entry. The viewer of a VNC only controls others.
fn installed_product(listed: &str) -> Option<&'static str> {
    let lower = listed.to_lowercase();
    let only_views = lower.contains("vnc") && (lower.contains("viewer") || lower.ends_with("-common"));
    if only_views { None } else { product(&lower) }
}

/// The product whose word begins a word of `name`.
fn product(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    PRODUCTS.iter().find(|(word, _)| begins_a_word(&lower, word)).map(|(_, product)| *product)
}

fn begins_a_word(name: &str, word: &str) -> bool {
    name.match_indices(word).any(|(at, _)| {
        name.get(..at).and_then(|before| before.chars().next_back()).is_none_or(|c| !c.is_alphanumeric())
    })
}
