//! The archive for whoever helps from outside.

use std::io::Read as _;

use domain::ledger::{Kind, LEDGERS, Value};
use testkit::actor;

use super::on_each;

#[tokio::test]
async fn the_archive_for_helpers_counts_and_names_nobody() {
    on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("髙橋由美子の控え.txt"), "x").unwrap();
        std::fs::write(folder.path().join("secret.key"), "do not tell").unwrap();
        let bytes = site.app.support_archive(folder.path()).await.unwrap();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        archive.by_name("summary.json").unwrap().read_to_string(&mut text).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
        let devices = site.rows(&facility, "devices").await.len();
        assert_eq!(summary["rows"]["devices"], devices, "{}", site.name);
        let database = summary["database"].as_str().unwrap();
        assert!(database.starts_with("SQLite 3") || database.starts_with("PostgreSQL 1"), "{database}");
        let told: i64 = summary["events"].as_object().unwrap().values().filter_map(serde_json::Value::as_i64).sum();
        assert_eq!(summary["rows"]["journal"], told, "every event is counted");
        assert!(text.contains("secret.key"));

        // No cell that somebody wrote, no file they named, no secret.
        assert!(!text.contains("髙橋") && !text.contains("do not tell") && !text.contains(&facility.name), "{text}");
        for ledger in LEDGERS {
            let written = |name: &str| ledger.column(name).is_some_and(|c| matches!(c.kind, Kind::Text | Kind::Ref(_)));
            for (key, row) in site.rows(&facility, ledger.name).await {
                for (column, value) in row.iter().filter(|(column, _)| written(column)) {
                    let Value::Text(told) = value else { continue };
                    // What is as short as a number or a word of our own says nothing.
                    let long = told.chars().count() > 4 && !told.is_ascii();
                    assert!(!long || !text.contains(told.as_str()), "{} {key} {column}: {told}", ledger.name);
                }
            }
        }
    })
    .await;
}
