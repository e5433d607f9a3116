//! Jobs and their files.

use domain::journal::Event;
use jiff::{Timestamp, ToSpan};
use store::{Store, WriteTx};
use testkit::{actor, noon, stores};

use super::FACILITY;

async fn write(store: &Store, at: Timestamp, act: impl AsyncFnOnce(&mut WriteTx)) {
    let mut tx = store.begin(&actor(), FACILITY, at).await.unwrap();
    act(&mut tx).await;
    tx.record(Event::new("test.job", "job"));
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_job_ends_once_and_its_file_is_the_facilitys_own() {
    for s in stores().await {
        let file: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        write(&s.store, noon(), async |tx| tx.job_insert("j1", "paper", "mhlw-7.0", "node", "髙橋").await.unwrap())
            .await;
        let job = s.store.job_fetch(FACILITY, "j1").await.unwrap();
        assert_eq!((job.state.as_str(), job.ended_at, job.file_bytes), ("running", None, 0), "{}", s.name);
        assert_eq!(s.store.job_file(FACILITY, "j1").await.unwrap_err().code(), "STO-001", "{}", s.name);

        let later = noon() + 5.seconds();
        let made = Some(("判定.pdf".to_owned(), file.clone()));
        write(&s.store, later, async |tx| tx.job_end("j1", Ok("code"), made).await.unwrap()).await;
        write(&s.store, later, async |tx| tx.job_end("j1", Err("too late"), None).await.unwrap()).await;
        let job = s.store.job_fetch(FACILITY, "j1").await.unwrap();
        assert_eq!((job.state.as_str(), job.result.as_deref()), ("done", Some("code")), "{}", s.name);
        assert_eq!((job.ended_at, job.file_bytes), (Some(later), 300_000), "{}", s.name);
        assert_eq!(s.store.job_file(FACILITY, "j1").await.unwrap(), ("判定.pdf".to_owned(), file), "{}", s.name);

        assert_eq!(s.store.job_fetch("another", "j1").await.unwrap_err().code(), "STO-001", "{}", s.name);
        assert_eq!(s.store.job_file("another", "j1").await.unwrap_err().code(), "STO-001", "{}", s.name);
        assert!(s.store.job_list("another").await.unwrap().is_empty(), "{}", s.name);
    }
}

#[tokio::test]
async fn only_the_newest_jobs_are_kept_and_running_ones_always() {
    for s in stores().await {
        for n in 0..6_i64 {
            write(&s.store, noon() + n.minutes(), async |tx| {
                let id = format!("j{n}");
                tx.job_insert(&id, "paper", "", "node", "test").await.unwrap();
                if n > 0 {
                    tx.job_end(&id, Ok(""), None).await.unwrap();
                }
            })
            .await;
        }
        write(&s.store, noon(), async |tx| assert_eq!(tx.job_prune(3).await.unwrap(), 2)).await;
        let left: Vec<String> = s.store.job_list(FACILITY).await.unwrap().into_iter().map(|j| j.id).collect();
        assert_eq!(left, ["j5", "j4", "j3", "j0"], "{}", s.name);
    }
}
