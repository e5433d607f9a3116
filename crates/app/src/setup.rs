//! The first questions: what a person can say on the first day, from the catalogs.

use domain::catalog::Rule;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::ledger::{Row, Value, ledger};

use crate::App;
use crate::error::{Error, Result};

/// Editions the first questions come from: what the inspector will ask comes first.
const ASKED_FROM: [&str; 2] = ["checklist-r7", "mhlw-7.0"];

impl App {
    /// Up to `most` requirements of which a person has to say something and that apply to the kind of facility: id and
    /// what is asked, in Japanese.
    pub fn first_questions(&self, facility: &Facility, most: usize) -> Vec<(String, &'static str)> {
        let question = |leaf: &'static Rule| match leaf {
            Rule::Attest { question } => Some(question.as_str()),
            _ => None,
        };
        let asked = ASKED_FROM.iter().filter_map(|edition| self.catalogs().catalog(edition));
        asked
            .flat_map(|catalog| catalog.requirements())
            .filter(|r| r.forms.is_empty() || r.forms.iter().any(|form| form == facility.form()))
            .filter(|r| r.is_counted())
            .filter_map(|r| Some((r.id.clone(), r.rule.as_ref()?.leaves().into_iter().find_map(question)?)))
            .take(most)
            .collect()
    }

    /// Keeps はい/いいえ of a named person to questions of [`Self::first_questions`], as of today.
    ///
    /// # Errors
    /// When a question is none of them; any store error.
    pub async fn answer_questions(
        &self,
        actor: &Actor,
        facility: &Facility,
        said_by: &str,
        answers: &[(String, bool)],
    ) -> Result<()> {
        if answers.is_empty() {
            return Ok(());
        }
        let attestations =
            ledger("attestations").ok_or_else(|| Error::Internal { message: "attestations".to_owned() })?;
        let asked = self.first_questions(facility, usize::MAX);
        let mut rows = Vec::with_capacity(answers.len());
        for (id, yes) in answers {
            if !asked.iter().any(|(known, _)| known == id) {
                return Err(Error::NotFound { what: format!("質問「{id}」") });
            }
            let answer = if *yes { "yes" } else { "no" };
            let row = Row::from([
                ("requirement", Value::Text(id.clone())),
                ("answer", Value::Text(answer.to_owned())),
                ("said_by", Value::Text(said_by.to_owned())),
                ("said_on", Value::Date(self.today())),
            ]);
            rows.push((attestations.row_key(&row).unwrap_or_else(|| id.clone()), row));
        }
        let mut tx = self.store.begin(actor, &facility.id, self.now()).await?;
        tx.row_upsert(attestations, &rows, None).await?;
        let said = |wanted: bool| {
            let ids = answers.iter().filter(|(_, yes)| *yes == wanted).map(|(id, _)| id.as_str());
            ids.collect::<Vec<_>>().join(" ")
        };
        tx.record(
            Event::new("attestations.first", facility.no.clone()).with("yes", said(true)).with("no", said(false)),
        );
        Ok(tx.commit().await?)
    }
}
