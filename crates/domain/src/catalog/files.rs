//! The catalog files that ship with the product, embedded as they are.

macro_rules! catalogs {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../catalogs/", $path)))),*]
    };
}

/// `(path below catalogs/, content)` of every shipped file; a test compares it with the folder.
pub static CATALOG_FILES: &[(&str, &str)] = catalogs![
    "checklist-r5/all.toml",
    "checklist-r5/catalog.toml",
    "checklist-r6/all.toml",
    "checklist-r6/catalog.toml",
    "checklist-r7/all.toml",
    "checklist-r7/catalog.toml",
    "checklist-r8/catalog.toml",
    "crosswalk-checklists.toml",
    "crosswalk.toml",
    "meti-mic-2.0/annex2.toml",
    "meti-mic-2.0/catalog.toml",
    "meti-mic-2.0/main.toml",
    "mhlw-6.0/catalog.toml",
    "mhlw-6.0/gaisetsu.toml",
    "mhlw-6.0/keiei.toml",
    "mhlw-6.0/kikaku.toml",
    "mhlw-6.0/unyo.toml",
    "mhlw-7.0/catalog.toml",
    "mhlw-7.0/gaisetsu.toml",
    "mhlw-7.0/hoshu.toml",
    "mhlw-7.0/keiei.toml",
    "mhlw-7.0/kikaku.toml",
    "mhlw-7.0/unyo.toml",
    "sources-providers.toml",
    "sources.toml",
];
