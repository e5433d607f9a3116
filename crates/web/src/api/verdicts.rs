//! The facility and its verdicts, for programs.

use app::{Assessment, Count};
use axum::extract::Path;
use axum::http::StatusCode;
use domain::catalog::Catalog;
use domain::evaluate::{Finding, Truth};
use domain::text::Lang;
use domain::trend::Way;
use serde_json::{Map, Value, json};

use super::{ApiResult, Asked, Caller, answer, named};

/// The facility of the token.
pub(crate) async fn facility(caller: Caller, asked: Asked) -> ApiResult {
    asked.done()?;
    let facility = caller.facility();
    let document = json!({
        "no": facility.no,
        "name": facility.name,
        "kind": facility.kind,
        "hosting": facility.hosting,
        "staff": facility.staff,
        "edition": facility.edition,
        "uses_systems": facility.uses_systems,
    });
    Ok(answer(StatusCode::OK, &document))
}

/// The verdicts of an edition; of the one that the facility follows when none is named.
pub(crate) async fn requirements(caller: Caller, mut asked: Asked) -> ApiResult {
    let wanted = asked.take("edition");
    asked.done()?;
    let assessment = caller.app().assess(caller.facility()).await?;
    let edition = match &wanted {
        Some(id) => edition(&assessment, id)?,
        None => assessment.editions().into_iter().next().ok_or_else(missing)?,
    };
    let findings = assessment.findings(&edition.id)?;
    Ok(answer(StatusCode::OK, &verdicts(&assessment, edition, &findings)))
}

/// The verdict of one requirement with its evidence.
pub(crate) async fn requirement(caller: Caller, id: Path<String>, asked: Asked) -> ApiResult {
    asked.done()?;
    let id = named(id)?;
    let (catalog, requirement) = caller.app().catalogs().requirement(&id).ok_or_else(missing)?;
    let assessment = caller.app().assess(caller.facility()).await?;
    let own = assessment.evidence.facility.form();
    let form = match requirement.forms.first() {
        Some(first) if !requirement.forms.iter().any(|form| form == own) => first,
        _ => own,
    };
    let findings = assessment.findings_on(&catalog.id, form)?;
    let finding = findings.iter().find(|f| f.requirement.id == id).ok_or_else(missing)?;
    Ok(answer(StatusCode::OK, &finding_json(&assessment, finding)))
}

/// A checklist on one of its forms.
pub(crate) async fn checklist(caller: Caller, at: Path<(String, String)>, asked: Asked) -> ApiResult {
    asked.done()?;
    let Path((id, form)) = at;
    let (id, form) = (named(Path(id))?, named(Path(form))?);
    let assessment = caller.app().assess(caller.facility()).await?;
    let edition = edition(&assessment, &id)?;
    let findings = assessment.findings_on(&edition.id, &form)?;
    if edition.fiscal_year.is_none() || findings.is_empty() {
        return Err(missing().into());
    }
    Ok(answer(StatusCode::OK, &verdicts(&assessment, edition, &findings)))
}

/// How the verdicts of an edition went, month by month, and what moved lately.
pub(crate) async fn monthly(caller: Caller, mut asked: Asked) -> ApiResult {
    let edition = asked.take("edition");
    asked.done()?;
    let (app, facility) = (caller.app(), caller.facility());
    let assessment = app.assess(facility).await?;
    let report = app.monthly(facility, &assessment, edition.as_deref()).await?;
    let months: Vec<Value> = report
        .months
        .iter()
        .map(|(first, counted)| {
            let month: String = first.to_string().chars().take(7).collect();
            let on = counted.as_ref().map(|(day, _)| day.to_string());
            json!({ "month": month, "counted_on": on, "counts": counted.as_ref().map(|(_, count)| counts(count)) })
        })
        .collect();
    let moved: Vec<Value> = report
        .moved
        .iter()
        .map(|moved| {
            let way = if moved.way == Way::Better { "better" } else { "worse" };
            json!({
                "requirement": moved.requirement.id, "before": moved.before.code(), "now": moved.now.code(), "way": way,
            })
        })
        .collect();
    let document = json!({
        "edition": report.edition.id, "on": report.today.to_string(), "counts": counts(&report.now), "months": months,
        "since": report.since.map(|day| day.to_string()), "moved": moved,
    });
    Ok(answer(StatusCode::OK, &document))
}

fn counts(count: &Count) -> Map<String, Value> {
    count.each().map(|(verdict, n)| (verdict.code().to_owned(), n.into())).collect()
}

fn missing() -> app::Error {
    app::Error::NotFound { what: "要求事項か版".to_owned() }
}

fn edition(assessment: &Assessment, id: &str) -> app::Result<&'static Catalog> {
    assessment.editions().into_iter().find(|edition| edition.id == id).ok_or_else(missing)
}

fn verdicts(assessment: &Assessment, edition: &Catalog, findings: &[Finding<'_>]) -> Value {
    json!({
        "edition": edition.id,
        "title": edition.title.ja,
        "on": assessment.today.to_string(),
        "counts": counts(&Count::of(findings)),
        "findings": findings.iter().map(|finding| finding_json(assessment, finding)).collect::<Vec<_>>(),
    })
}

const fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
        Truth::Skip => "skip",
    }
}

fn finding_json(assessment: &Assessment, finding: &Finding<'_>) -> Value {
    let evidence: Vec<Value> = finding
        .leaves
        .iter()
        .map(|leaf| {
            let line = leaf.line(Lang::Ja);
            let on = line.on.map(|day| day.to_string());
            json!({ "says": line.says, "source": line.source, "on": on, "truth": truth(line.truth) })
        })
        .collect();
    let overridden = assessment.evidence.overrides.get(&finding.requirement.id).map(|o| {
        json!({
            "answer": o.answer,
            "reason": o.reason,
            "approved_by": o.approved_by,
            "approved_on": o.approved_on.to_string(),
            "valid_until": o.valid_until.to_string(),
            "sole": o.sole,
        })
    });
    json!({
        "id": finding.requirement.id,
        "number": finding.requirement.number,
        "summary": finding.requirement.summary.ja,
        "verdict": finding.verdict.code(),
        "reasons": finding.reasons(Lang::Ja),
        "evidence": evidence,
        "overridden": overridden,
        "next": finding.next_actions(Lang::Ja),
        "owner": finding.declared.and_then(|d| d.owner.clone()),
        "target_on": finding.declared.and_then(|d| d.target_on).map(|day| day.to_string()),
        "holds_until": finding.holds_until.map(|day| day.to_string()),
    })
}
