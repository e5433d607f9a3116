//! What there is to do, in the demonstration clinic.

use app::{Group, Task, TaskLink};
use testkit::actor;

use super::on_each;

fn titles(tasks: &[Task], group: Group) -> Vec<&str> {
    tasks.iter().filter(|t| t.group == group).map(|t| t.title.as_str()).collect()
}

#[tokio::test]
async fn the_demonstration_knows_what_is_late_and_what_waits() {
    let outcomes = on_each(async |site| {
        let facility = site.app.load_demo(&actor()).await.unwrap();
        let assessment = site.app.assess(&facility).await.unwrap();
        let tasks = site.app.tasks(&facility, &assessment).await.unwrap();
        assert_eq!(tasks, site.app.tasks(&facility, &assessment).await.unwrap(), "the same on every call");
        tasks
    })
    .await;
    for other in &outcomes[1..] {
        assert_eq!(&outcomes[0], other, "every database gives the same tasks");
    }
    let tasks = &outcomes[0];
    let overdue = titles(tasks, Group::Overdue);
    assert!(overdue.contains(&"返却を求める：PC-010 訪問診療用ノート（濵田 隆さん、7日超過）"), "{overdue:?}");
    let today = titles(tasks, Group::Today);
    assert!(today.iter().any(|t| t.contains("退職した伊藤 慎吾さんのアカウント")), "{today:?}");
    let waiting = titles(tasks, Group::Waiting);
    for wanted in ["MD-002", "checklist-r7/2-13の回答を「はい」に上書き", "事業継続計画(案)"] {
        assert!(waiting.iter().any(|t| t.contains(wanted)), "{wanted}: {waiting:?}");
    }
    assert!(!tasks.iter().any(|t| t.title.contains("「事業継続計画」を作成")), "the draft that waits is the task");
    let mut sorted: Vec<&str> = tasks.iter().map(|t| t.title.as_str()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), tasks.len(), "each step once");
    let groups: Vec<Group> = tasks.chunk_by(|a, b| a.group == b.group).map(|chunk| chunk[0].group).collect();
    assert!(groups.is_sorted(), "{groups:?}");
    assert!(tasks.iter().any(|t| matches!(&t.link, TaskLink::Requirement(id) if id.starts_with("checklist-r7/"))));
}
