//! `GET /api/v1/openapi.json`: what programs may ask, as OpenAPI 3.1.
//!
//! Paths, methods and scopes come from [`ROUTES`], the shape of rows from [`LEDGERS`]; [`OPERATIONS`] adds a sentence and
//! the shapes around them (`shapes`). A route over a ledger is written once for each ledger, so that each has its own columns.

mod shapes;

use std::sync::OnceLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use domain::access::review::Closing;
use domain::ledger::{LEDGERS, Ledger};
use serde_json::{Map, Value, json};
use shapes::*;

use super::fhir::{BASE, FHIR};
use super::ledgers::FORMATS;
use super::values::{self, INTEGER_MAX};
use super::work::{self, LENDING};
use super::{accesses, acts, people, proofs, settings};
use crate::pages::imports::XLSX;
use crate::routes::{Access, ROUTES, Route};

/// Answers with the description.
pub(crate) async fn show() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| describe().to_string());
    ([(CONTENT_TYPE, "application/json")], text.clone()).into_response()
}

/// What is said of a route besides its line in the table.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Parameters after the question mark.
    query: fn(Option<&'static Ledger>) -> Vec<Value>,
    /// What is sent.
    body: Option<fn(&'static Ledger) -> Value>,
    /// Status and content of the answer.
    status: &'static str,
    answer: fn(&'static Ledger) -> Value,
}

const fn operation(
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    status: &'static str,
    answer: fn(&'static Ledger) -> Value,
) -> Operation {
    Operation { method, path, summary, query: |_| Vec::new(), body: None, status, answer }
}

impl Operation {
    const fn asks(self, query: fn(Option<&'static Ledger>) -> Vec<Value>) -> Self {
        Self { query, ..self }
    }

    const fn takes(self, body: fn(&'static Ledger) -> Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Every route for programs.
#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    operation("GET", "/api/v1/facility", "施設", "200", |_| named("Facility")),
    operation("GET", "/api/v1/ledgers", "台帳の一覧", "200", |_| json_of(object(&[("ledgers", array(object(&[
        ("name", string()), ("label", string()), ("key", array(string())), ("rows", count()),
    ])))]))),
    operation("GET", "/api/v1/ledgers/{ledger}/rows", "行の一覧（50行ずつ）", "200", |l| json_of(object(&[
        ("rows", array(row(l))), ("total", count()), ("page", count()), ("pages", count()),
    ]))).asks(listing),
    operation("POST", "/api/v1/ledgers/{ledger}/rows", "行を追加する", "201", |l| json_of(row(l)))
        .takes(|l| json_of(object(&[("values", values_of(l))]))),
    operation("GET", "/api/v1/ledgers/{ledger}/rows/{key}", "1行", "200", |l| json_of(row(l))),
    operation("PUT", "/api/v1/ledgers/{ledger}/rows/{key}", "行の値を置き換える（書かない列は「記載なし」になる。rev が古ければ409）", "200", |l| json_of(row(l)))
        .takes(|l| json_of(object(&[("rev", revision()), ("values", values_of(l))]))),
    operation("DELETE", "/api/v1/ledgers/{ledger}/rows/{key}", "行を外す（内容と理由は操作記録に残る。rev が古ければ409）", "204", |_| Value::Null)
        .asks(|_| vec![parameter("rev", true, "読んだときの rev", &revision()), parameter("reason", true, "理由", &json!({ "type": "string", "minLength": 1 }))]),
    operation("GET", "/api/v1/ledgers/{ledger}/rows/{key}/history", "行の履歴（新しい順）", "200", |_| json_of(object(&[("entries", array(object(&[
        ("seq", count()), ("at", instant()), ("actor", string()), ("action", string()),
        ("details", json!({ "type": "object", "additionalProperties": string() })),
    ])))]))),
    operation("GET", "/api/v1/ledgers/{ledger}/export", "台帳をファイルで書き出す", "200", |_| json!({
        "application/json": { "schema": { "type": "object" } },
        "text/csv": { "schema": string() },
        XLSX: { "schema": {} },
    })).asks(|_| vec![parameter("format", false, "形式（既定は json）", &json!({ "type": "string", "enum": FORMATS }))]),
    operation("POST", "/api/v1/ledgers/{ledger}/import", "ファイル（xlsx・CSV・TSV）を取り込む", "200", |_| json_of(object(&[
        ("file", string()), ("notes", array(string())), ("sheets", array(object(&[
            ("sheet", string()), ("ledger", string()), ("import", nullable("string")), ("unmatched", array(string())),
            ("added", array(string())), ("changed", array(string())), ("unchanged", count()),
            ("rejected", array(object(&[("line", count()), ("key", nullable("string")), ("problems", array(string()))]))),
        ]))),
    ]))).takes(|_| json!({ "application/octet-stream": { "schema": {} } })).asks(|_| vec![
        parameter("name", false, "ファイル名", &string()),
        parameter("dry_run", false, "何が変わるかだけを答える", &json!({ "type": "boolean" })),
    ]),
    operation("POST", "/api/v1/ledgers/{ledger}/headings", "取り込むファイルの見出しが、どの列かを覚える（列が空なら、その見出しは読まない）", "204", |_| Value::Null)
        .takes(|l| json_of(object(&[("heading", entered()), ("column", json!({ "type": "string", "enum": column_names(l, &[""]) }))]))),
    operation("POST", "/api/v1/ledgers/{ledger}/bulk", "行をまとめて変える（取込みとして記録され、取り消せる）", "200", |_| json_of(object(&[("changed", count())])))
        .takes(|l| json_of(partly(&[("keys", entered_list()), ("column", json!({ "type": "string", "enum": column_names(l, &[]) })), ("value", text())], &["keys", "column"]))),
    operation("POST", "/api/v1/ledgers/{ledger}/confirm", "行を今日見たとおりと確認する（棚卸し）", "200", |_| json_of(object(&[("confirmed", count())])))
        .takes(|_| json_of(object(&[("keys", entered_list())]))),
    operation("GET", "/api/v1/imports", "これまでの取込み（新しい順）", "200", |_| json_of(object(&[("imports", array(object(&[
        ("id", string()), ("ledger", string()), ("file", string()), ("sha256", string()), ("at", instant()),
        ("added", count()), ("changed", count()), ("unchanged", count()), ("rejected", count()), ("undone", json!({ "type": "boolean" })),
    ])))]))),
    operation("POST", "/api/v1/imports/{id}/undo", "取込みを取り消す", "200", |_| json_of(object(&[("removed", count()), ("restored", count())])))
        .takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/requirements", "ある版の判定（省くと施設が従う版）", "200", |_| named("Verdicts"))
        .asks(|_| vec![parameter("edition", false, "版", &string())]),
    operation("GET", "/api/v1/requirements/{id}", "要求事項の判定と根拠（番号の / は %2F と書く）", "200", |_| named("Finding")),
    operation("POST", "/api/v1/requirements/{id}/answer", "要求事項に答える、または担当と目標日を決める", "204", |_| Value::Null)
        .takes(|_| json_of(partly(&columns("attestations", &acts::STATEMENT, &[("said_by", string())]), &[]))),
    operation("POST", "/api/v1/overrides", "チェックリストの回答の上書きを申請する", "201", |_| json_of(named_row("overrides")))
        .takes(|_| json_of(partly(&columns("overrides", &acts::OVERRIDE, &[]), &["requirement", "answer", "reason"]))),
    operation("POST", "/api/v1/overrides/withdraw", "上書きを取り下げる", "200", |_| json_of(named_row("overrides")))
        .takes(|_| json_of(object(&[("requirement", entered()), ("rev", revision()), ("reason", entered())]))),
    operation("GET", "/api/v1/checklists/{edition}/{form}", "チェックリストの判定", "200", |_| named("Verdicts")),
    operation("GET", "/api/v1/checklists/{edition}/{form}/paper", "チェックリストの提出用の書類", "200", |_| json!({
        "application/pdf": { "schema": {} }, XLSX: { "schema": {} },
    })).asks(|_| vec![parameter("format", false, "形式（既定は pdf）", &json!({ "type": "string", "enum": ["pdf", "xlsx"] }))]),
    operation("GET", "/api/v1/monthly", "12か月の判定の推移と、変わったもの（省くと施設が従う版）", "200", |_| json_of(object(&[
        ("edition", string()), ("on", json!({ "type": "string", "format": "date" })), ("counts", counts(false)),
        ("months", array(object(&[("month", string()), ("counted_on", day()), ("counts", counts(true))]))), ("since", day()),
        ("moved", array(object(&[
            ("requirement", string()), ("before", verdict()), ("now", verdict()), ("way", json!({ "type": "string", "enum": ["worse", "better"] })),
        ]))),
    ]))).asks(|_| vec![parameter("edition", false, "版", &string())]),
    operation("GET", "/api/v1/monthly/paper", "月次報告（A4の1枚）", "200", |_| json!({ "application/pdf": { "schema": {} } }))
        .asks(|_| vec![parameter("edition", false, "版", &string())]),
    operation("GET", "/api/v1/tasks", "やること（急ぐ順）", "200", |_| json_of(object(&[("tasks", array(object(&[
        ("group", json!({ "type": "string", "enum": app::Group::ALL.map(work::group) })), ("title", string()),
        ("link", json!({ "type": "object", "properties": { "requirement": string(), "request": string(), "ledger": string(), "key": string(), "user": string() }, "additionalProperties": false })),
        ("due_on", day()), ("owner", nullable("string")),
    ])))]))),
    operation("GET", "/api/v1/approvals", "承認待ち", "200", |_| json_of(object(&[("approvals", array(object(&[
        ("ledger", string()), ("key", string()), ("rev", revision()), ("title", string()), ("asked_by", nullable("string")), ("asked_on", day()),
        ("with", array(string())), ("checked", array(string())),
    ])))]))),
    operation("GET", "/api/v1/circulars", "回覧（見ていないものが先）", "200", |_| json_of(object(&[("circulars", array(object(&[
        ("id", string()), ("ledger", string()), ("key", string()), ("title", string()), ("note", string()), ("by", string()),
        ("at", instant()), ("due_on", day()), ("with", array(string())), ("seen", array(string())),
    ])))]))),
    operation("POST", "/api/v1/circulars", "台帳の行を回覧する（見たことは、見る人が示す）", "204", |_| Value::Null)
        .takes(|_| json_of(partly(&[("ledger", entered()), ("key", entered()), ("readers", entered_list()), ("note", text()), ("due_on", date())], &["ledger", "key", "readers"]))),
    operation("POST", "/api/v1/circulars/{id}/end", "自分の回覧を終える", "204", |_| Value::Null).takes(|_| json_of(object(&[]))),
    operation("POST", "/api/v1/approvals/{name}/{key}/send-back", "承認待ちのものを差し戻す（name は台帳）", "200", |_| json_of(json!({ "type": "object" })))
        .takes(|_| json_of(object(&[("rev", revision()), ("reason", entered())]))),
    operation("GET", "/api/v1/deputies", "代理（誰が誰の代わりに承認するか）", "200", |_| json_of(object(&[("deputies", array(object(&[
        ("id", string()), ("principal", string()), ("deputy", string()), ("from_on", date()), ("until_on", date()), ("reason", string()),
    ])))]))),
    operation("POST", "/api/v1/deputies", "自分の代わりに承認する人を決める", "204", |_| Value::Null)
        .takes(|_| json_of(object(&[("deputy", entered()), ("from_on", date()), ("until_on", date()), ("reason", entered())]))),
    operation("POST", "/api/v1/deputies/{id}/end", "代理を終える", "204", |_| Value::Null).takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/loans", "終わっていない貸出・持出し", "200", |_| json_of(object(&[("loans", array(object(&[
        ("state", string()), ("device", string()), ("borrower", string()), ("due_on", day()),
        ("overdue_days", count()), ("row", named_row("loans")),
    ])))]))),
    operation("POST", "/api/v1/loans", "貸し出す。院外なら持出しを申請する", "201", |_| json_of(named_row("loans"))).takes(|_| json_of(lending())),
    operation("POST", "/api/v1/loans/{no}/amend", "差し戻された貸出・持出しを、直して申請し直す", "200", |_| json_of(named_row("loans")))
        .takes(|_| json_of(partly(&columns("loans", &LENDING, &[("rev", revision())]), &["device", "borrower", "rev"]))),
    operation("POST", "/api/v1/loans/{no}/hand-over", "承認された機器を引き渡す", "200", |_| json_of(named_row("loans")))
        .takes(|_| json_of(object(&[("rev", revision())]))),
    operation("POST", "/api/v1/loans/{no}/return", "返却を受ける", "200", |_| json_of(named_row("loans")))
        .takes(|_| json_of(partly(&[("rev", revision()), ("inspection", cell("loans", "inspection")), ("note", cell("loans", "note"))], &["rev"]))),
    operation("POST", "/api/v1/loans/{no}/cancel", "引き渡す前の貸出を取り消す", "200", |_| json_of(named_row("loans")))
        .takes(|_| json_of(object(&[("rev", revision()), ("reason", entered())]))),
    operation("POST", "/api/v1/accesses/ask", "アクセス記録を照会する。照会したことは操作記録に残る", "200", |_| json_of(object(&[
        ("count", count()), ("older", nullable("string")),
        ("accesses", array(access())),
        ("bursts", array(object(&[
            ("signal", string()), ("source", string()), ("subject", string()), ("first", instant()), ("last", instant()),
            ("accesses", count()), ("people", count()), ("patients", count()),
        ]))),
    ])))
        .takes(|_| json_of(partly(&question(&[]), &[]))),
    operation("POST", "/api/v1/accesses/export", "照会の答えをファイルで書き出す。書き出したことは操作記録に残る", "200", |_| json!({
        XLSX: { "schema": {} }, "text/csv": { "schema": string() }, "application/pdf": { "schema": {} },
    })).takes(|_| json_of(partly(&question(&[("format", one_of(&accesses::FORMATS))]), &["format"]))),
    operation("POST", "/api/v1/accesses/report", "患者本人への回答の書類（zip は証明を含む）", "200", |_| json!({
        "application/pdf": { "schema": {} }, "application/zip": { "schema": {} },
    })).takes(|_| json_of(partly(&[
        ("patient", entered()), ("since", date()), ("until", date()), ("staff", one_of(&accesses::STAFF)),
        ("reason", text()), ("format", one_of(&accesses::REPORTS)),
    ], &["patient", "staff", "format"]))),
    operation("GET", "/api/v1/accesses/cases", "アクセス記録の確認事項", "200", |_| json_of(object(&[
        ("open", array(case())), ("beyond", array(case())), ("closed", array(case())),
    ]))),
    operation("POST", "/api/v1/accesses/cases/find", "確認事項を探す", "200", |_| json_of(object(&[("found", count())]))).takes(|_| json_of(object(&[]))),
    operation("POST", "/api/v1/accesses/cases/{no}/look", "確認事項の記録を見る。見たことは操作記録に残る", "200", |_| json_of(object(&[
        ("case", case()), ("subject", string()), ("accesses", array(access())),
    ]))).takes(|_| json_of(object(&[]))),
    operation("POST", "/api/v1/accesses/cases/{no}/close", "確認事項を閉じる", "204", |_| Value::Null)
        .takes(|_| json_of(object(&[("verdict", one_of(&Closing::ALL.map(|row| row.1))), ("reason", entered())]))),
    operation("GET", "/api/v1/accesses/rules", "確認事項の基準", "200", |_| json_of(review_rules())),
    operation("PUT", "/api/v1/accesses/rules", "確認事項の基準を決める", "204", |_| Value::Null).takes(|_| json_of(review_rules())),
    operation("POST", "/api/v1/incidents", "攻撃の疑いを届け出る", "201", |_| json_of(object(&[("record", string())])))
        .takes(|_| json_of(partly(&[("what_happened", entered()), ("place", string())], &["what_happened"]))),
    operation("POST", "/api/v1/losses", "機器・媒体の紛失を届け出る", "201", |_| json_of(named_row("records")))
        .takes(|_| json_of(object(&[("device", entered()), ("what_happened", entered())]))),
    operation("GET", "/api/v1/contacts", "何かあったときに知らせる人と業者", "200", |_| json_of(object(&[("contacts", array(object(&[
        ("name", string()), ("role", string()), ("phone", nullable("string")),
    ])))]))).asks(|_| vec![parameter("device", false, "機器", &string())]),
    operation("POST", "/api/v1/byod", "個人端末の利用を申請する", "201", |_| json_of(named_row("byod")))
        .takes(|_| json_of(partly(&columns("byod", &acts::PERMIT, &[]), &["person", "device", "until_on"]))),
    operation("POST", "/api/v1/byod/{no}/amend", "差し戻された個人端末の利用を、直して申請し直す", "200", |_| json_of(named_row("byod")))
        .takes(|_| json_of(partly(&columns("byod", &acts::PERMIT, &[("rev", revision())]), &["person", "device", "until_on", "rev"]))),
    operation("POST", "/api/v1/byod/{no}/refuse", "個人端末の利用を認めない", "200", |_| json_of(named_row("byod")))
        .takes(|_| json_of(object(&[("rev", revision()), ("reason", entered())]))),
    operation("POST", "/api/v1/byod/{no}/end", "個人端末の利用を終える", "200", |_| json_of(named_row("byod")))
        .takes(|_| json_of(object(&[("rev", revision())]))),
    operation("POST", "/api/v1/disposals", "廃棄を登録する", "201", |_| json_of(named_row("disposals")))
        .takes(|_| json_of(partly(&columns("disposals", &acts::DISPOSAL, &[]), &["method", "done_by"]))),
    operation("POST", "/api/v1/training/{no}/attendance", "研修を受けた人を記録する", "200", |_| json_of(object(&[("entered", count())])))
        .takes(|_| json_of(partly(&[("people", entered_list()), ("attended_on", cell("attendance", "attended_on"))], &["people"]))),
    operation("GET", "/api/v1/requests", "監査担当者の証拠の依頼（監査担当者には自分のものだけ）", "200", |_| json_of(object(&[("requests", array(request()))]))),
    operation("POST", "/api/v1/requests", "証拠を求める", "201", |_| json_of(request()))
        .takes(|_| json_of(object(&[("requirement", entered()), ("what", entered()), ("due_on", json!({ "type": "string", "format": "date" }))]))),
    operation("GET", "/api/v1/requests/{no}", "証拠の依頼とその回答", "200", |_| json_of(request())),
    operation("POST", "/api/v1/requests/{no}/answer", "依頼に、台帳の行を示して回答する（ファイルは画面から出す）", "200", |_| json_of(request()))
        .takes(|_| json_of(partly(&[("rev", revision()), ("said", text()), ("links", json!({ "type": "array", "items": entered(), "maxItems": app::LINKS_MAX }))], &["rev"]))),
    operation("POST", "/api/v1/requests/{no}/send-back", "出された証拠を差し戻す", "200", |_| json_of(request()))
        .takes(|_| json_of(object(&[("rev", revision()), ("reason", entered())]))),
    operation("POST", "/api/v1/requests/{no}/withdraw", "証拠の依頼を取り下げる", "200", |_| json_of(request()))
        .takes(|_| json_of(object(&[("rev", revision()), ("reason", entered())]))),
    operation("GET", "/api/v1/requests/{no}/files/{place}", "出されたファイル", "200", |_| json!({ "application/octet-stream": { "schema": {} } })),
    operation("GET", "/api/v1/jobs", "処理の一覧（新しい順）", "200", |_| json_of(object(&[("jobs", array(job()))]))),
    operation("POST", "/api/v1/jobs", "監査フォルダか要件の一覧を作り始める", "202", |_| json_of(job()))
        .takes(|_| json_of(partly(&[("work", json!({ "type": "string", "enum": proofs::WORKS })), ("edition", string())], &["work"]))),
    operation("GET", "/api/v1/jobs/{id}", "処理の進み", "200", |_| json_of(job())),
    operation("GET", "/api/v1/jobs/{id}/file", "処理が作ったファイル", "200", |_| json!({
        "application/zip": { "schema": {} }, "application/pdf": { "schema": {} },
    })),
    operation("GET", "/api/v1/journal", "操作記録（新しい順に50件ずつ。続きは before に older の値）", "200", |_| json_of(object(&[
        ("entries", array(object(&[
            ("seq", count()), ("at", instant()), ("actor", string()), ("action", string()), ("subject", string()),
            ("details", json!({ "type": "object", "additionalProperties": string() })),
        ]))),
        ("older", json!({ "type": ["integer", "null"] })),
    ]))).asks(|_| {
        let date = json!({ "type": "string", "format": "date" });
        vec![
            parameter("q", false, "対象・操作・人で探す言葉", &string()),
            parameter("since", false, "この日から", &date),
            parameter("until", false, "この日まで", &date),
            parameter("before", false, "この番号より前", &json!({ "type": "integer", "minimum": 1, "maximum": INTEGER_MAX })),
        ]
    }),
    operation("GET", "/api/v1/retention", "記録の保存期間、処分の停止、いま処分できるもの、処分したもの", "200", |_| json_of(object(&[
        ("periods", array(object(&[("kind", string()), ("years", nullable("integer")), ("basis", nullable("string"))]))),
        ("holds", array(object(&[("id", string()), ("reason", string()), ("from", day()), ("made_by", string()), ("made_at", instant()), ("lifted_at", json!({ "type": ["string", "null"], "format": "date-time" }))]))),
        ("plan", json!({ "anyOf": [{ "type": "null" }, going()] })),
        ("keeps", array(string())),
        ("disposals", array(disposal())),
    ]))),
    operation("PUT", "/api/v1/retention/periods", "記録の保存期間を決める（years が空なら処分しない）", "204", |_| Value::Null)
        .takes(|_| json_of(partly(&[
            ("kind", json!({ "type": "string", "enum": domain::retention::Kind::ALL.map(domain::retention::Kind::code) })),
            ("years", text()), ("basis", text()),
        ], &["kind"]))),
    operation("POST", "/api/v1/retention/holds/{id}/lift", "処分の停止を解く", "204", |_| Value::Null)
        .takes(|_| json_of(object(&[("reason", entered())]))),
    operation("POST", "/api/v1/retention/disposals/{id}/withdraw", "処分の申請を取り下げる・差し戻す", "204", |_| Value::Null)
        .takes(|_| json_of(object(&[("reason", entered())]))),
    operation("POST", "/api/v1/retention/holds", "保存期間が過ぎても記録を残す", "204", |_| Value::Null)
        .takes(|_| json_of(partly(&[("reason", entered()), ("from", text())], &["reason"]))),
    operation("POST", "/api/v1/retention/disposals", "いま処分できる記録の処分を申請する（承認は人が行う）", "201", |_| json_of(disposal()))
        .takes(|_| json_of(object(&[("reason", entered())]))),
    operation("GET", "/api/v1/unrecorded", "記録できないときに続けてよい操作（このサーバのすべての施設に効く）", "200", |_| json_of(object(&decisions()))),
    operation("PUT", "/api/v1/unrecorded", "記録できないときに続けてよい操作を決める（書かない分類は変わらない）", "200", |_| json_of(object(&decisions())))
        .takes(|_| {
            let any = partly(&decisions(), &[]);
            let one = json!({ "minProperties": 1 });
            json_of(json!({ "allOf": [any, one] }))
        }),
    operation("GET", "/api/v1/journal/heads", "ほかの所にある、操作記録の先頭（新しい順）", "200", |_| json_of(object(&[("heads", array(object(&[
        ("grade", one_of(&app::Grade::ALL.map(app::Grade::code))), ("name", string()), ("at", instant()), ("fresh", yes()),
        ("origin", string()), ("size", count()), ("root", string()),
    ])))]))),
    operation("GET", "/api/v1/users", "利用者の一覧と、最後の棚卸し", "200", |_| json_of(object(&[
        ("users", array(user())), ("sha256", string()),
        ("reviewed", or_null(object(&[("by", string()), ("on", date()), ("unchanged", yes())]))),
    ]))),
    operation("POST", "/api/v1/users", "利用者を加える（サインインの手段は、本人確認の後に本人が登録する）", "201", |_| json_of(user()))
        .takes(|_| json_of(partly(&[
            ("login", entered()), ("name", entered()), ("person", text()), ("role", role()), ("valid_from", date()), ("valid_until", date()),
            ("sees_from", date()), ("sees_until", date()), ("email", text()), ("sealed", yes()),
        ], &["login", "name", "role"]))),
    operation("POST", "/api/v1/users/review", "利用者の棚卸し（sha256 は一覧のもの。その後に変わっていれば409）", "200", |_| json_of(object(&[("accounts", count())])))
        .takes(|_| json_of(object(&[("sha256", entered())]))),
    operation("POST", "/api/v1/users/{id}/role", "役割を変える", "200", |_| json_of(user())).takes(|_| json_of(object(&[("role", role())]))),
    operation("POST", "/api/v1/users/{id}/duties", "異動した人の役割を判断する（shown は moved の now。変わっていれば409）", "200", |_| json_of(user()))
        .takes(|_| json_of(object(&[("role", role()), ("reason", entered()), ("shown", json!({ "type": "string", "maxLength": people::DUTIES_MAX }))]))),
    operation("POST", "/api/v1/users/{id}/disable", "利用を止める", "200", |_| json_of(user())).takes(|_| reason()),
    operation("POST", "/api/v1/users/{id}/enable", "利用を再開する", "200", |_| json_of(user())).takes(|_| json_of(object(&[]))),
    operation("POST", "/api/v1/users/{id}/open", "非常時用アカウントを開封する", "200", |_| json_of(user())).takes(|_| reason()),
    operation("POST", "/api/v1/users/{id}/seal", "非常時用アカウントとして封印する", "200", |_| json_of(user())).takes(|_| reason()),
    operation("GET", "/api/v1/users/{id}/sessions", "利用者のセッション", "200", |_| json_of(sessions())),
    operation("POST", "/api/v1/users/{id}/sessions/end", "利用者のセッションをすべて終える", "200", |_| json_of(object(&[("ended", count())])))
        .takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/sessions", "自分のアカウントのセッション", "200", |_| json_of(sessions())),
    operation("POST", "/api/v1/sessions/{id}/revoke", "セッションを一つ終える", "204", |_| Value::Null).takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/tokens", "自分のアカウントの、使えるトークン", "200", |_| json_of(object(&[("tokens", array(object(&[
        ("id", string()), ("name", string()), ("scopes", array(string())), ("ends_on", date()), ("made_at", instant()),
        ("used_at", json!({ "type": ["string", "null"], "format": "date-time" })),
    ])))]))),
    operation("POST", "/api/v1/tokens/{id}/revoke", "トークンを取り消す", "204", |_| Value::Null).takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/settings/mail", "メールの設定（パスワードは答えない）", "200", |_| json_of(object(&[
        ("host", string()), ("port", port()), ("security", security()), ("login", string()), ("has_password", yes()), ("sender", string()),
        ("authority", string()), ("waiting", count()), ("failed", count()), ("sent", count()), ("problem", nullable("string")),
    ]))),
    operation("PUT", "/api/v1/settings/mail", "メールの設定を決める", "204", |_| Value::Null)
        .takes(|_| json_of(partly(&[
            ("host", entered()), ("port", port()), ("security", security()), ("login", text()),
            ("password", json!({ "type": "string", "maxLength": settings::PASSWORD_MAX, "writeOnly": true })), ("sender", entered()),
            ("authority", json!({ "type": "string", "maxLength": settings::AUTHORITY_MAX })),
        ], &["host", "port", "security", "sender"]))),
    operation("DELETE", "/api/v1/settings/mail", "メールを送らないようにする", "204", |_| Value::Null),
    operation("POST", "/api/v1/settings/mail/try", "自分のアドレスに、試しのメールを送る", "200", |_| json_of(object(&[("to", string())])))
        .takes(|_| json_of(object(&[]))),
    operation("GET", "/api/v1/accesses/transfer", "期間のアクセス記録を、ほかのシステムの形式で書き出す（書き出したことは操作記録に残る）", "200", |_| json!({
        FHIR: { "schema": { "type": "object" } }, "application/x-ndjson": { "schema": string() },
        "application/xml-external-parsed-entity": { "schema": string() }, "text/csv": { "schema": string() },
    })).asks(|_| vec![
        parameter("from", true, "最初の日", &json!({ "type": "string", "format": "date" })),
        parameter("until", true, "最後の日", &json!({ "type": "string", "format": "date" })),
        parameter("format", false, "形式（既定は fhir）", &json!({ "type": "string", "enum": app::AccessExport::ALL.map(app::AccessExport::code) })),
    ]),
    operation("POST", "/api/v1/fhir", "FHIR R4のBundle（batch・transaction・collection）でアクセス記録を送る", "200", |_| fhir_of("Bundle", &["type"]))
        .takes(|_| fhir_of("Bundle", &["type"])).asks(|_| vec![source()]),
    operation("POST", "/api/v1/fhir/AuditEvent", "FHIR R4のAuditEventを1件送る", "201", |_| fhir_of("OperationOutcome", &["issue"]))
        .takes(|_| fhir_of("AuditEvent", &["type", "recorded", "agent", "source"])).asks(|_| vec![source()]),
];

/// The whole description.
pub(crate) fn describe() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let Access::Token(needs) = route.access else { continue };
        let Some(operation) = of_route(route) else { continue };
        let over = route.path.contains("{ledger}");
        for ledger in LEDGERS.iter().take(if over { LEDGERS.len() } else { 1 }) {
            let path = route.path.replace("{ledger}", ledger.name);
            let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                let described = describe_one(operation, &path, needs.code(), over.then_some(ledger), ledger);
                item.insert(operation.method.to_lowercase(), described);
            }
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sakimori API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "自分のアカウントの画面で作ったトークンを Authorization: Bearer に付けて使います。1秒に50回（まとめて100回）まで受け付けます。",
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
            "responses": { "Problem": {
                "description": "受け付けられなかった理由",
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            }, "Outcome": {
                "description": "受け付けられなかった理由（FHIRのOperationOutcome）",
                "content": fhir_of("OperationOutcome", &["issue"]),
            } },
        },
    })
}

fn of_route(route: &Route) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.path == route.path && operation.method == route.method.as_str())
}

fn describe_one(
    operation: &Operation,
    path: &str,
    scope: &str,
    over: Option<&'static Ledger>,
    ledger: &'static Ledger,
) -> Value {
    let mut parameters: Vec<Value> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }))
        .collect();
    parameters.extend((operation.query)(over));
    let mut success = json!({ "description": "できました" });
    let content = (operation.answer)(ledger);
    if !content.is_null() {
        success = with(success, "content", content);
    }
    let mut responses = Map::from_iter([(operation.status.to_owned(), success)]);
    let mut refusals = vec!["400", "401", "403", "404", "405", "422", "429", "503"];
    if operation.method != "GET" {
        refusals.extend(["409", "413", "415"]);
    }
    let refusal = if path.starts_with(BASE) { "Outcome" } else { "Problem" };
    responses.extend(
        refusals
            .into_iter()
            .map(|status| (status.to_owned(), json!({ "$ref": format!("#/components/responses/{refusal}") }))),
    );
    let tag = over.map_or("全体", |ledger| ledger.label.ja);
    let mut described = json!({
        "summary": operation.summary,
        "tags": [tag],
        "security": [{ "token": [scope] }],
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = operation.body {
        described = with(described, "requestBody", json!({ "required": true, "content": body(ledger) }));
    }
    described
}

fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    for ledger in LEDGERS {
        let members: Vec<(&str, Value)> = ledger.columns.iter().map(|c| (c.name, values::schema(c))).collect();
        let required: Vec<&str> = ledger.columns.iter().filter(|c| c.required).map(|c| c.name).collect();
        let values = with(partly(&members, &required), "description", ledger.label.ja.into());
        all.insert(format!("{}.values", ledger.name), values);
        let row = object(&[
            ("key", string()),
            ("rev", revision()),
            ("entered_on", json!({ "type": "string", "format": "date" })),
            ("values", values_of(ledger)),
        ]);
        all.insert(format!("{}.row", ledger.name), row);
    }
    let facility = object(&[
        ("no", string()),
        ("name", string()),
        ("kind", nullable("string")),
        ("hosting", nullable("string")),
        ("staff", nullable("boolean")),
        ("edition", nullable("string")),
        ("uses_systems", nullable("boolean")),
    ]);
    let evidence = object(&[
        ("says", string()),
        ("source", string()),
        ("on", day()),
        ("truth", json!({ "type": "string", "enum": ["true", "false", "unknown", "skip"] })),
    ]);
    let mut overridden = object(&[
        ("answer", json!({ "type": "string", "enum": ["yes", "no", "na"] })),
        ("reason", string()),
        ("approved_by", string()),
        ("approved_on", json!({ "type": "string", "format": "date" })),
        ("valid_until", json!({ "type": "string", "format": "date" })),
        ("sole", json!({ "type": "boolean" })),
    ]);
    if let Some(schema) = overridden.as_object_mut() {
        schema.insert("type".to_owned(), json!(["object", "null"]));
        let description = "An approved answer that stands on the checklist instead; the verdict stays.";
        schema.insert("description".to_owned(), json!(description));
    }
    let finding = object(&[
        ("id", string()),
        ("number", nullable("string")),
        ("summary", string()),
        ("verdict", verdict()),
        ("reasons", array(string())),
        ("evidence", array(evidence)),
        ("overridden", overridden),
        ("next", array(string())),
        ("owner", nullable("string")),
        ("target_on", day()),
        ("holds_until", day()),
    ]);
    let verdicts = object(&[
        ("edition", string()),
        ("title", string()),
        ("on", json!({ "type": "string", "format": "date" })),
        ("counts", counts(false)),
        ("findings", array(reference("Finding"))),
    ]);
    let problem = object(&[
        ("status", count()),
        ("title", string()),
        ("code", string()),
        ("detail", string()),
        ("errors", array(object(&[("field", string()), ("message", string())]))),
    ]);
    let named = [("Facility", facility), ("Finding", finding), ("Verdicts", verdicts), ("Problem", problem)];
    all.extend(named.map(|(name, schema)| (name.to_owned(), schema)));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn every_route_for_programs_is_described_and_nothing_else_is() {
        let routes: Vec<(&str, &str)> = ROUTES
            .iter()
            .filter(|route| matches!(route.access, Access::Token(_)))
            .map(|route| (route.method.as_str(), route.path))
            .collect();
        let described: Vec<(&str, &str)> = OPERATIONS.iter().map(|o| (o.method, o.path)).collect();
        assert_eq!(routes, described, "in the same order");
        assert!(
            ROUTES.iter().all(|r| r.path.starts_with("/api/") == matches!(r.access, Access::Token(_))
                || r.path.ends_with("openapi.json"))
        );
        let document = describe();
        let operations: usize =
            document["paths"].as_object().unwrap().values().map(|i| i.as_object().unwrap().len()).sum();
        let over = routes.iter().filter(|(_, path)| path.contains("{ledger}")).count();
        assert_eq!(operations, routes.len() - over + over * LEDGERS.len());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = describe();
        let text = document.to_string();
        let mut found = 0;
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
            found += 1;
        }
        assert!(found > 100);
        for of in LEDGERS {
            let clash = of.columns.iter().find(|c| ["q", "sort", "desc", "page"].contains(&c.name));
            assert!(clash.is_none(), "{}", of.name);
        }
    }
}
