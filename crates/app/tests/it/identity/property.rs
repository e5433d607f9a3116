//! A reset needs two people whatever they try: acts in any order, by anybody, from any terminal.

use app::{Cookie, ResetMethod, Terminal};
use domain::authz::Role;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// What somebody tries.
#[derive(Clone, Debug)]
enum Act {
    /// The applicant asks on one of the terminals.
    Ask { terminal: usize },
    /// One of the people confirms the code last shown there, or a wrong one.
    Confirm { person: usize, terminal: usize, wrong: bool },
    /// Somebody goes in on a terminal, with the cookie that was given on the same or on another one.
    Enter { terminal: usize, given_on: usize },
    /// Time passes.
    Wait { minutes: i64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..3_usize).prop_map(|terminal| Act::Ask { terminal }),
        (0..4_usize, 0..3_usize, any::<bool>()).prop_map(|(person, terminal, wrong)| Act::Confirm {
            person,
            terminal,
            wrong
        }),
        (0..3_usize, 0..3_usize).prop_map(|(terminal, given_on)| Act::Enter { terminal, given_on }),
        (1..20_i64).prop_map(|minutes| Act::Wait { minutes }),
    ]
}

/// What is known of the request on a terminal.
struct Asked {
    cookie: Cookie,
    code: String,
    ends: i64,
    confirmed: bool,
}

/// Goes through the acts; a model says who may get in.
async fn play(site: &Site, acts: &[Act]) {
    let (_, desk, admin) = installed(site).await;
    let app = &site.app;
    let (applicant, own, _) = colleague(app, &admin, "applicant", Role::Approver).await;
    let (_, there, cookie) = colleague(app, &admin, "staff", Role::Staff).await;
    let staff = on(app, &there, &cookie).await.unwrap();
    let (_, there, cookie) = colleague(app, &admin, "second", Role::Approver).await;
    let second = on(app, &there, &cookie).await.unwrap();
    let themselves = {
        let cookie = app.sign_in_password(&own, "applicant", LONG, None).await.unwrap();
        on(app, &own, &cookie).await.unwrap()
    };
    let helpers = [&admin, &second, &staff, &themselves];
    let terminals: [Terminal; 3] = [own, desk, terminal("stranger")];
    let mut asked: [Option<Asked>; 3] = [None, None, None];
    let mut minutes = 0;
    for act in acts {
        match *act {
            Act::Ask { terminal } => {
                // A terminal may be told to wait; what it had stands.
                if let Ok((cookie, code)) = app.reset_ask(&terminals[terminal], "applicant").await {
                    asked[terminal] = Some(Asked { cookie, code, ends: minutes + 30, confirmed: false });
                }
            }
            Act::Confirm { person, terminal, wrong } => {
                let Some(request) = &mut asked[terminal] else { continue };
                let code = if wrong { "00000000".to_owned() } else { request.code.clone() };
                let right = !wrong || request.code == code;
                let done = app.reset_confirm(helpers[person], &code, &applicant.id, ResetMethod::Face, "職員証").await;
                let may = person < 2 && right && minutes < request.ends && !request.confirmed;
                assert_eq!(done.is_ok(), may, "{act:?} of {acts:?}: {done:?}");
                if may {
                    (request.confirmed, request.ends) = (true, minutes + 15);
                }
            }
            Act::Enter { terminal, given_on } => {
                let Some(request) = &asked[given_on] else { continue };
                let entered = app.reset_use(&terminals[terminal], request.cookie.expose()).await;
                let may = request.confirmed && terminal == given_on && minutes < request.ends;
                assert_eq!(matches!(entered, Ok(Some(_))), may, "{act:?} of {acts:?}");
                if may {
                    asked[given_on] = None;
                }
            }
            Act::Wait { minutes: passed } => {
                wait(site, passed * 60);
                minutes += passed;
            }
        }
        // What a helper sees of those who wait holds neither code nor cookie.
        let shown = format!("{:?}", app.reset_pending(&second).await.unwrap());
        for request in asked.iter().flatten() {
            assert!(!shown.contains(request.cookie.expose()) && !shown.contains(&request.code), "{shown}");
        }
    }
}

#[test]
fn nobody_gets_in_without_a_second_person_on_the_terminal_that_asked() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config = Config { cases: 12, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    runner
        .run(&prop::collection::vec(act(), 1..14), |acts| {
            runtime.block_on(async {
                let store = testkit::sqlite().await;
                play(&Site::new(store.store, store.name), &acts).await;
            });
            Ok(())
        })
        .unwrap();
}
