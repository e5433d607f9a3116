//! The demonstration's audit: what an auditor asked for, in each of its states.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::evaluate::plus;
use domain::journal::sha256;
use domain::jp::start_in_japan;
use domain::workflow::request::{Act, State};
use jiff::civil::Date;
use store::{RequestRow, RequestStepRow, WriteTx};
use uuid::Uuid;

use crate::error::{Error, Result};

/// Who audits. The account is nobody's: the demonstration has one, and that runs the product.
const AUDITOR: &str = "三好 亮";
const ACCOUNT: &str = "00000000-0000-7000-8000-00000000a0d1";

/// One step: days after the first day of the audit, what was done, by whom, what was said, rows, and the text of a file.
type Step = (i32, Act, &'static str, &'static str, &'static [(&'static str, &'static str)], Option<Paper>);
/// Name and text of a file.
type Paper = (&'static str, &'static str);

/// Every request: requirement, what is asked for, days after the first day until it is due, and its steps.
const REQUESTS: &[(&str, &str, i32, &[Step])] = &[
    (
        "mhlw-7.0/keiei/3.1-r2",
        "情報セキュリティ方針と、全部署に知らせたことが分かる記録",
        9,
        &[
            (
                2,
                Act::Answer,
                "髙橋 由美子",
                "方針と、研修の記録です。",
                &[("documents", "D-001"), ("records", "H-008")],
                None,
            ),
            (4, Act::Confirm, AUDITOR, "", &[], None),
        ],
    ),
    (
        "checklist-r7/2-5",
        "退職者と使っていないIDを無効にした記録（この1年分）",
        14,
        &[
            (3, Act::Answer, "﨑山 健", "", &[("records", "H-004")], None),
            (
                5,
                Act::SendBack,
                AUDITOR,
                "棚卸しの後に無効にした日が分かりません。日付の分かるものを足してください。",
                &[],
                None,
            ),
        ],
    ),
    (
        "mhlw-7.0/unyo/17-1",
        "アクセスログを確認した記録と、確認の手順",
        16,
        &[(
            6,
            Act::Answer,
            "﨑山 健",
            "確認の記録と、手順の写しです。",
            &[("records", "H-002"), ("documents", "D-002")],
            Some((
                "アクセスログ確認の手順.txt",
                "1. 月曜に前の週の確認事項を見る\n2. 理由を記録する\n3. 責任者が署名する\n",
            )),
        )],
    ),
    ("checklist-r7/3-2", "バックアップから戻せることを確かめた記録（方法・日・結果）", 18, &[]),
    ("checklist-r7/2-10", "二要素認証をまだ使っていないシステムの一覧と、切替えの計画", 6, &[]),
];

/// The first day of the audit, in days before today.
const BEGAN: i32 = 8;

/// Writes the requests as they stand on `today`.
pub(super) async fn requests(tx: &mut WriteTx, today: Date) -> Result<()> {
    let first = plus(today, -BEGAN);
    let at = |days: i32, hour: i64| start_in_japan(plus(first, days)).as_microsecond() + hour * 3_600_000_000;
    for (requirement, what, due, steps) in REQUESTS {
        let row = RequestRow {
            id: Uuid::now_v7().to_string(),
            no: 0,
            requirement: (*requirement).to_owned(),
            what: (*what).to_owned(),
            due_on: plus(first, *due).to_string(),
            state: State::Open.code().to_owned(),
            asked_by: ACCOUNT.to_owned(),
            asked_name: AUDITOR.to_owned(),
            asked_at: at(0, 10),
            rev: 1,
        };
        tx.request_insert(&row).await?;
        let mut state = State::Open;
        for ((days, act, by, said, links, paper), place) in steps.iter().zip(1_i64..) {
            state = act.take(state, said)?;
            let step = RequestStepRow {
                request: row.id.clone(),
                place,
                act: act.code().to_owned(),
                made_by: (*by).to_owned(),
                made_at: at(*days, 14),
                said: (*said).to_owned(),
                links: serde_json::to_string(links).map_err(|e| Error::Internal { message: e.to_string() })?,
                file: paper.map(|(name, text)| {
                    (name.to_owned(), sha256(text.as_bytes()), i64::try_from(text.len()).unwrap_or_default())
                }),
            };
            let content = paper.map(|(_, text)| STANDARD.encode(text));
            tx.request_step(&step, place, state.code(), content).await?;
        }
    }
    Ok(())
}
