//! Facilities: finding the one meant, and registering one.

use domain::evaluate::Facility;
use domain::journal::{Actor, Event};
use domain::ledger::{Row, Value, ledger};
use uuid::Uuid;

use crate::App;
use crate::error::{Error, Result};

/// A facility to register; kind and the rest can follow by import.
#[derive(Clone, Debug, Default)]
pub struct NewFacility {
    /// Code people use; made up from the name when empty.
    pub no: String,
    /// Name.
    pub name: String,
    /// Kind code, if known.
    pub kind: Option<String>,
}

/// Endings of names that tell the kind of a facility; the longer first.
const KIND_WORDS: &[(&str, &str)] = &[
    ("歯科", "dental"),
    ("薬局", "pharmacy"),
    ("助産", "midwifery"),
    ("訪問看護", "visiting_nurse"),
    ("病院", "hospital"),
    ("医療センター", "hospital"),
    ("クリニック", "clinic"),
    ("診療所", "clinic"),
    ("医院", "clinic"),
    ("介護", "care"),
];

/// The kind a name points to, if any. A guess to be confirmed, never evidence.
pub(crate) fn kind_from_name(name: &str) -> Option<&'static str> {
    KIND_WORDS.iter().find(|(word, _)| name.contains(word)).map(|(_, kind)| *kind)
}

impl App {
    /// The facility meant by a code or name; the only one when nothing is said.
    ///
    /// # Errors
    /// When there is none, or several and nothing was said that tells them apart.
    pub async fn facility(&self, wanted: Option<&str>) -> Result<Facility> {
        let all = self.store.facility_list().await?;
        let names = || all.iter().map(|f| format!("{}（{}）", f.name, f.no)).collect::<Vec<_>>().join("、");
        match wanted {
            Some(wanted) => {
                let key = domain::text::fold(wanted);
                if let Some(found) = all.iter().find(|f| domain::text::fold(&f.no) == key) {
                    return Ok(found.clone());
                }
                let named: Vec<&Facility> = all.iter().filter(|f| domain::text::fold(&f.name) == key).collect();
                match named.as_slice() {
                    [] => Err(Error::invalid(
                        "FAC-001",
                        format!(
                            "施設「{wanted}」は登録されていません。登録されているのは「{}」です。番号か名前を確かめてください。",
                            names()
                        ),
                    )),
                    [only] => Ok((*only).clone()),
                    several => {
                        let codes: Vec<&str> = several.iter().map(|f| f.no.as_str()).collect();
                        let codes = codes.join("」「");
                        Err(Error::invalid(
                            "FAC-007",
                            format!(
                                "施設「{wanted}」を一つに決められません。同じ名前の施設が{}件あり、施設コードは「{codes}」です。コードで指定してください。",
                                several.len()
                            ),
                        ))
                    }
                }
            }
            None => match all.as_slice() {
                [] => Err(Error::invalid(
                    "FAC-002",
                    "施設がまだ登録されていません。sakimori facility add か、施設の台帳の取込みで登録してください。",
                )),
                [only] => Ok(only.clone()),
                _ => Err(Error::invalid(
                    "FAC-003",
                    format!("施設が複数あります。--facility で選んでください：{}。", names()),
                )),
            },
        }
    }

    /// Registers a facility and returns it.
    ///
    /// # Errors
    /// When the name is empty or the code is taken.
    pub async fn add_facility(&self, actor: &Actor, new: NewFacility) -> Result<Facility> {
        let facilities = ledger("facilities").ok_or_else(|| Error::Internal { message: "facilities".to_owned() })?;
        let name = domain::text::tidy(&new.name);
        if name.is_empty() {
            return Err(Error::invalid("FAC-004", "施設名がありません。施設名を入れてください。"));
        }
        let no = match domain::text::tidy(&new.no) {
            given if !given.is_empty() => given,
            _ => {
                let taken = self.store.facility_list().await?;
                let free = |no: &String| taken.iter().all(|f| domain::text::fold(&f.no) != domain::text::fold(no));
                (1..).map(|n| format!("F{n:03}")).find(free).unwrap_or_default()
            }
        };
        if self.store.facility_list().await?.iter().any(|f| domain::text::fold(&f.no) == domain::text::fold(&no)) {
            return Err(Error::invalid(
                "FAC-005",
                format!("施設コード「{no}」はすでに使われています。別のコードにしてください。"),
            ));
        }
        let kind = new.kind.or_else(|| kind_from_name(&name).map(str::to_owned));
        let mut row = Row::from([("no", Value::Text(no.clone())), ("name", Value::Text(name))]);
        if let Some(kind) = kind {
            row.insert("kind", Value::Text(kind));
        }
        let id = Uuid::now_v7().to_string();
        let key = facilities.row_key(&row).unwrap_or_else(|| no.clone());
        let mut tx = self.store.begin(actor, &id, self.now()).await?;
        tx.row_upsert(facilities, &[(key, row)], None).await?;
        tx.record(Event::new("facility.add", no.clone()));
        tx.commit().await?;
        self.facility(Some(&no)).await
    }

    /// The facility with this id.
    ///
    /// # Errors
    /// When there is none.
    pub async fn facility_by_id(&self, id: &str) -> Result<Facility> {
        self.store.facility_fetch(id).await?.ok_or_else(|| Error::NotFound { what: "施設".to_owned() })
    }
}
