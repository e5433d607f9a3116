//! Background jobs: what was asked for is made once, and how it ended is said.

use std::sync::Arc;
use std::time::Duration;

use app::{App, Job, JobState, Work};
use domain::evaluate::Facility;
use domain::journal::{Entry, Event};
use testkit::actor;

use super::on_each;

async fn ended(app: &App, facility: &Facility, id: &str) -> Job {
    for _ in 0..600 {
        let job = app.job(facility, id).await.unwrap();
        if job.state != JobState::Running {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the job never ended");
}

#[tokio::test]
async fn a_job_that_cannot_be_done_says_why_and_is_the_facilitys_own() {
    on_each(async |site| {
        let (facility, other) = (site.facility("架空医院").await, site.facility("架空薬局").await);
        let app = Arc::new(site.app);
        let work = Work::Requirements("mhlw-9.9".to_owned());
        let id = app.start_job(&actor(), &facility, work.clone(), "髙橋").await.unwrap();
        let job = ended(&app, &facility, &id).await;
        assert_eq!((job.state, &job.work, job.made_by.as_str()), (JobState::Failed, &work, "髙橋"), "{}", site.name);
        assert!(job.result.contains("CAT-002") && job.file.is_none(), "{}", job.result);
        assert_eq!(app.job(&other, &id).await.unwrap_err().code(), "STO-001");
        assert!(app.jobs(&other).await.unwrap().is_empty());

        let journal = app.store.journal_list(Some(&facility.id), 2).await.unwrap();
        let actions: Vec<String> =
            journal.iter().map(|line| serde_json::from_str::<Entry>(line).unwrap().action).collect();
        assert_eq!(actions, ["job.end", "job.start"], "{}", site.name);
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_process_that_is_gone_is_interrupted() {
    on_each(async |site| {
        let facility = site.facility("架空医院").await;
        let mut tx = site.app.store.begin(&actor(), &facility.id, site.app.now()).await.unwrap();
        tx.job_insert("j1", "audit_folder", "", "a process that is gone", "髙橋").await.unwrap();
        tx.record(Event::new("job.start", "j1"));
        tx.commit().await.unwrap();
        // On a database that others share, it may be running elsewhere, but not for ever.
        let at_first = if site.name == "sqlite" { JobState::Interrupted } else { JobState::Running };
        assert_eq!(site.app.job(&facility, "j1").await.unwrap().state, at_first, "{}", site.name);
        site.on("2026-11-23");
        assert_eq!(site.app.job(&facility, "j1").await.unwrap().state, JobState::Interrupted, "{}", site.name);
    })
    .await;
}
