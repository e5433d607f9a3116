//! The log in a bucket: what works as in a folder, what is said when it does not, and nodes with a data folder each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use app::{App, Health, LogBucket, Sealed, Sealer, verify_proof};
use domain::journal::{Actor, Event};
use jiff::{SignedDuration, Timestamp};
use seal::{Bucket, Checkpoint, Pin, Place, PublicKey, Settings, Verifier};
use store::{Location, Store};
use tempfile::TempDir;
use testkit::{Fault, Heeds, S3, TestStore, actor, fresh_postgres, noon, stores};

/// Keys that nodes of one log share, copied once.
const SHARED: [&str; 3] = ["log.key", "log.epoch", "bucket.toml"];

async fn stage(app: &App, count: u32) {
    let events = (0..count).map(|n| Event::new("access.read", n.to_string())).collect();
    app.stage(&Actor::new("test"), "f", events).await.unwrap();
}

/// Writes the settings of a bucket as they have to be.
fn set_up(folder: &Path, text: &str) {
    let file = folder.join("bucket.toml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn over(store: Store, clock: Timestamp, folder: &Path) -> App {
    App::new(store, clock).with_data(folder).with_bucket(LogBucket::of(folder, None).unwrap())
}

fn code<T>(outcome: app::Result<T>) -> &'static str {
    outcome.err().map_or("", |error| error.code())
}

async fn sealed(app: &App, folder: &Path) -> u64 {
    let mut sealer = app.sealer(folder).await.unwrap();
    app.seal(&mut sealer).await.unwrap().unwrap().size
}

async fn holds(app: &App, folder: &Path) -> u64 {
    match app.sealed(folder, None).await.unwrap() {
        Sealed::Holds { head, .. } => head.size,
        found => panic!("{found:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_as_in_a_folder() {
    for TestStore { store, name, .. } in stores().await {
        let (s3, data) = (S3::start(Heeds::Yes), TempDir::new().unwrap());
        set_up(data.path(), &s3.settings("log"));
        let app = over(store, noon(), data.path());
        let facility = app.load_demo(&actor()).await.unwrap();
        stage(&app, 600).await;
        let mut sealer = app.sealer(data.path()).await.unwrap();
        let head = app.seal(&mut sealer).await.unwrap().unwrap();
        assert!(!data.path().join("log").exists(), "nothing of it is in the folder");
        assert_eq!(holds(&app, data.path()).await, head.size, "{name}");
        assert_eq!(app.last_head(data.path()).await.unwrap().unwrap().0, head);
        let note = app.log_file("checkpoint").await.unwrap().unwrap();
        assert_eq!(s3.objects()["log/checkpoint"], note);
        assert_eq!(app.log_file("tile/0/000").await.unwrap().unwrap(), s3.objects()["log/tile/0/000"]);
        let key = app.log_key(data.path()).unwrap();
        let proof = app.prove(&mut sealer, 5, &[]).await.unwrap();
        assert_eq!(verify_proof(&proof, &key).unwrap().head, head);
        let copy = data.path().join("copy");
        app.copy_log(&sealer, &copy).await.unwrap();
        assert_eq!(fs::read(copy.join("checkpoint")).unwrap(), note);
        let handed = app.handed_log(&facility, true).await.unwrap();
        assert!(handed.iter().any(|(name, bytes)| name.ends_with("写し/checkpoint") && *bytes == note));
        let (_, line) = app.paper_head(&actor(), "", data.path()).await.unwrap().unwrap();
        let known = app.known_head(data.path(), line.as_bytes()).unwrap();
        assert!(matches!(app.sealed(data.path(), Some(known)).await.unwrap(), Sealed::Holds { .. }));
        let check = app.doctor(data.path()).await.unwrap().into_iter().find(|check| check.key == "bucket").unwrap();
        assert_eq!((check.health, check.seen.contains("If-Match ✓")), (Health::Good, true), "{}", check.seen);
        // What is altered there is found and named.
        s3.put("log/tile/0/001", &[0; 8_192]);
        let found = app.sealed(data.path(), None).await.unwrap().fault().unwrap();
        assert!(found.contains("JRN-008") && found.contains("tile/0/001"), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_fails_is_said_and_nothing_waits_for_it() {
    for TestStore { store, name, .. } in stores().await {
        let (s3, data) = (S3::start(Heeds::Yes), TempDir::new().unwrap());
        set_up(data.path(), &s3.settings("log"));
        let app = over(store, noon(), data.path());
        stage(&app, 300).await;
        assert_eq!(sealed(&app, data.path()).await, 300);
        for (fault, told) in [
            (Fault::Status(503, "SlowDown"), "503 SlowDown"),
            (Fault::Status(403, "RequestTimeTooSkewed"), "時計"),
            (Fault::Status(404, "NoSuchBucket"), "バケットの名前"),
            (Fault::Gone, "つながりません"),
        ] {
            let fate = fault.clone();
            let mut sealer = app.sealer(data.path()).await.unwrap();
            s3.fate(move |method, _| if method == "PUT" { fate.clone() } else { Fault::None });
            stage(&app, 300).await;
            let error = app.seal(&mut sealer).await.unwrap_err();
            assert_eq!(error.code(), "JRN-041", "{fault:?}");
            app.seal_failed(&error);
            let said = app.seal_fault().unwrap();
            assert!(said.contains(told) && said.contains("失われて") && !said.contains("himitsu"), "{said}");
            let all = fault.clone();
            s3.fate(move |_, _| all.clone());
            drop(sealer);
            assert_eq!(code(app.sealer(data.path()).await), "JRN-041", "{fault:?}");
            let check = app.doctor(data.path()).await.unwrap().into_iter().find(|check| check.key == "bucket").unwrap();
            assert_eq!((check.health, check.seen.contains("JRN-041")), (Health::Bad, true));
            s3.mend();
            let (count, _) = app.store.journal_head().await.unwrap();
            assert_eq!(sealed(&app, data.path()).await, u64::try_from(count).unwrap(), "{fault:?}: it goes on");
            assert_eq!(app.seal_fault(), None);
        }
        // What is written has an answer of no length, which cannot be cut; what is read has.
        s3.fate(|_, _| Fault::Cut);
        let error = app.sealer(data.path()).await.err().unwrap();
        assert_eq!((error.code(), error.to_string().contains("途中で切れ")), ("JRN-041", true), "{error}");
        s3.mend();
        assert_eq!(holds(&app, data.path()).await, 1_500, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_moved_from_the_folder_and_goes_on_with_its_keys() {
    for of in stores().await {
        let (s3, data) = (S3::start(Heeds::Yes), TempDir::new().unwrap());
        drop(of.store);
        let reopened = async |days: i64| {
            let store = Store::open(&of.location).await.unwrap();
            over(store, noon() + SignedDuration::from_hours(24 * days), data.path())
        };
        for day in 0..3 {
            let app = reopened(day).await;
            stage(&app, 300).await;
            sealed(&app, data.path()).await;
        }
        let app = reopened(2).await;
        assert_eq!(code(app.move_log(&actor(), data.path()).await), "JRN-043", "there is no bucket");
        drop(app);
        set_up(data.path(), &s3.settings("log"));
        let app = reopened(2).await;
        assert_eq!(code(app.sealer(data.path()).await), "JRN-042", "the log is still in the folder");
        assert_eq!(app.move_log(&actor(), data.path()).await.unwrap().size, 900);
        assert!(!data.path().join("log").exists() && data.path().join("log.moved/checkpoint").exists());
        assert_eq!(holds(&app, data.path()).await, 900);
        assert_eq!(code(app.move_log(&actor(), data.path()).await), "JRN-043", "once");
        drop(app);
        let app = reopened(3).await;
        stage(&app, 300).await;
        assert_eq!(sealed(&app, data.path()).await, 1_201, "with the entry that says so");
        assert_eq!(holds(&app, data.path()).await, 1_201, "{}", of.name);
        // Lost altogether, it is made again of the journal and the turns, as it was.
        let was = s3.objects();
        let empty = S3::start(Heeds::Yes);
        drop(app);
        set_up(data.path(), &empty.settings("log"));
        let app = reopened(3).await;
        assert_eq!(sealed(&app, data.path()).await, 1_201);
        assert_eq!(empty.objects()["log/epochs"], was["log/epochs"]);
        assert_eq!(empty.objects()["log/tile/0/003"], was["log/tile/0/003"]);
        assert_eq!(holds(&app, data.path()).await, 1_201, "{}", of.name);
    }
}

#[test]
fn settings_that_do_not_do_are_refused_and_tell_no_secret() {
    let data = TempDir::new().unwrap();
    assert!(LogBucket::of(data.path(), None).unwrap().is_none());
    let good = "url = \"http://192.0.2.1:9000/bucket/log\"\nid = \"reader\"\nsecret = \"himitsu\"\n";
    set_up(data.path(), good);
    assert_eq!(LogBucket::of(data.path(), None).unwrap().unwrap().place(), "http://192.0.2.1:9000/bucket/log");
    let cases = [
        ("another key", format!("{good}secrets = \"himitsu\"\n")),
        ("no table", "secret = himitsu".to_owned()),
        ("no secret", good.replace("secret", "# secret")),
        ("no address", good.replace("http://192.0.2.1:9000/bucket/log", "192.0.2.1")),
        ("no bucket", good.replace("/bucket/log", "")),
        ("no certificates", format!("{good}ca = \"none.pem\"\n")),
        ("certificates that are none", format!("{good}ca = \"bucket.toml\"\n").replace("http:", "https:")),
        ("empty", String::new()),
    ];
    for (what, text) in cases {
        set_up(data.path(), &text);
        let error = LogBucket::of(data.path(), None).unwrap_err();
        assert_eq!(error.code(), "JRN-040", "{what}");
        assert!(!error.to_string().contains("himitsu"), "{what}: {error}");
    }
    set_up(data.path(), good);
    fs::set_permissions(data.path().join("bucket.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(LogBucket::of(data.path(), None).unwrap_err().to_string().contains("0600"));
    let absent = data.path().join("absent.toml");
    assert_eq!(code(LogBucket::of(data.path(), Some(&absent))), "JRN-040", "what is named has to be there");
}

/// Two machines on one PostgreSQL and one bucket, each with a data folder of its own.
struct World {
    url: String,
    s3: S3,
    folders: [TempDir; 2],
    dice: u64,
}

impl World {
    fn throw(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % sides
    }

    /// A node as it starts on that day.
    async fn node(&self, which: usize, day: i64) -> App {
        let store = Store::open(&Location::Postgres(self.url.clone())).await.unwrap();
        over(store, noon() + SignedDuration::from_hours(24 * day), self.folders[which].path())
    }

    /// From the given request on the store hears nothing of the node that is sealing: it is dead, or cut off. The last
    /// request may have arrived.
    fn dies_after(&mut self, requests: u64) {
        let (mut count, arrives) = (0, self.throw(2) == 0);
        self.s3.fate(move |_, _| {
            count += 1;
            match count {
                alive if alive <= requests => Fault::None,
                last if last == requests + 1 && arrives => Fault::Unanswered,
                _ => Fault::Gone,
            }
        });
    }

    /// Seals until it dies or is done, as a server does.
    async fn live(&mut self, app: &App, which: usize) -> Option<Sealer> {
        let mut sealer = app.sealer(self.folders[which].path()).await.ok()?;
        for _ in 0..2 {
            let more = u32::try_from(self.throw(400)).unwrap();
            stage(app, more).await;
            app.seal(&mut sealer).await.ok()?;
        }
        Some(sealer)
    }
}

async fn one_history(url: String, seed: u64, heeds: Heeds) {
    let s3 = S3::start(heeds);
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    set_up(folders[0].path(), &s3.settings("log"));
    let mut world = World { url, s3, folders, dice: seed | 1 };
    let first = world.node(0, 0).await;
    stage(&first, 300).await;
    assert_eq!(sealed(&first, world.folders[0].path()).await, 300);
    // A machine without the keys seals nothing, and makes none of its own.
    set_up(world.folders[1].path(), &world.s3.settings("log"));
    let second = world.node(1, 0).await;
    assert_eq!(code(second.sealer(world.folders[1].path()).await), "JRN-031");
    assert!(!world.folders[1].path().join("log.key").exists());
    for name in SHARED {
        fs::copy(world.folders[0].path().join(name), world.folders[1].path().join(name)).unwrap();
    }
    drop((first, second));
    for day in 1..4_i64 {
        let which = usize::try_from(day % 2).unwrap();
        let app = world.node(which, day).await;
        let requests = world.throw(14);
        world.dies_after(requests);
        let asleep = world.live(&app, which).await;
        world.s3.mend();
        // The other takes over, a day later for good measure.
        let other = world.node(1 - which, day + 1).await;
        stage(&other, 50).await;
        let mut awake = other.sealer(world.folders[1 - which].path()).await.unwrap();
        let head = other.seal(&mut awake).await.unwrap().unwrap();
        assert_eq!(i64::try_from(head.size).unwrap(), other.store.journal_head().await.unwrap().0);
        let published = world.s3.objects()["log/checkpoint"].clone();
        // And the first wakes up.
        if let Some(mut asleep) = asleep {
            stage(&app, 10).await;
            assert_eq!(code(app.seal(&mut asleep).await), "JRN-032");
            assert_eq!(world.s3.objects()["log/checkpoint"], published, "nothing more was published");
        }
        let at = |which: usize| fs::read(world.folders[which].path().join("log.epoch")).unwrap();
        let alive = async {
            for _ in 0..8 {
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                other.seal(&mut awake).await.unwrap();
            }
        };
        let (refused, ()) = tokio::join!(app.sealer(world.folders[which].path()), alive);
        assert_eq!(code(refused), "JRN-005", "it stands by");
        assert_eq!(at(which), at(1 - which), "and has no older key");
    }
    // Every head that was ever published lies on one line, for whoever verifies with the public key alone.
    let last = world.node(0, 9).await;
    stage(&last, 256).await;
    let size = sealed(&last, world.folders[0].path()).await;
    assert_eq!(holds(&last, world.folders[0].path()).await, size);
    let key = PublicKey::parse(&last.log_key(world.folders[0].path()).unwrap()).unwrap();
    let known = world.s3.written("log/checkpoint").into_iter().map(|note| {
        let head = Checkpoint::open(&note, &key).unwrap();
        Pin { size: head.size, root: head.root, what: "published".to_owned() }
    });
    let known: Vec<Pin> = known.collect();
    assert!(known.is_sorted_by_key(|head| head.size), "a head went back");
    let place = Place::Bucket(std::sync::Arc::new(Bucket::new(&settings(&world.s3)).unwrap()));
    tokio::task::spawn_blocking(move || {
        let mut verifier = Verifier::open(&place, &key, known).unwrap().unwrap();
        assert_eq!(verifier.skim().unwrap(), Ok(()));
        assert_eq!(verifier.fault(), None);
    })
    .await
    .unwrap();
}

fn settings(s3: &S3) -> Settings {
    let (id, secret) = ("reader".to_owned(), "himitsu".to_owned());
    Settings { url: s3.url("log"), region: "us-east-1".to_owned(), id, secret, ca: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_a_folder_each_take_over_from_each_other_in_one_history() {
    let mut worlds = tokio::task::JoinSet::new();
    for seed in 1..4_u64 {
        let Some(url) = fresh_postgres() else { return };
        let heeds = if seed == 3 { Heeds::No } else { Heeds::Yes };
        worlds.spawn(one_history(url, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), heeds));
    }
    while let Some(ended) = worlds.join_next().await {
        ended.unwrap();
    }
}
