//! The answer to a patient's own request: who opened my record. A paper to read, and an archive in which each line of it
//! can be checked against the sealed log by tools that are not ours.

use std::io::{Cursor, Write as _};
use std::path::Path;

use domain::access::Exposure;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::jp::{self, day_in_japan};
use domain::text::{Lang, tidy};
use jiff::civil::Date;
use report::{Align, Block, Column, Document, Emphasis, Table, TableRow, Width};
use zip::write::SimpleFileOptions;

use super::tables::{csv, moment};
use super::{AccessLine, AccessQuestion};
use crate::App;
use crate::error::{Error, Result};

/// Lines of a report at most: more than a record of a lifetime has.
const MOST: u32 = 5_000;

/// Fields of an entry that tell who somebody is.
const WHO: &[&str] = &["details.user", "details.name", "details.for", "details.terminal", "actor"];

/// Whether the report names the staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffNames {
    /// It does.
    Shown,
    /// It says profession and department instead, for this reason.
    Withheld(String),
}

/// What a report is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// Id of the patient.
    pub patient: String,
    /// First day, in Japan; five years back where none is given.
    pub since: Option<Date>,
    /// Last day, in Japan.
    pub until: Option<Date>,
    /// Whether the staff are named.
    pub staff: StaffNames,
}

/// The report.
#[derive(Clone, Debug)]
pub struct PatientReport {
    /// The paper.
    pub pdf: Vec<u8>,
    /// Paper, table, and a proof for each line that is sealed.
    pub zip: Vec<u8>,
    /// Number of lines.
    pub lines: usize,
    /// Lines with a proof; the others are sealed within the minute.
    pub proved: usize,
    /// Name for files; nothing in it tells whom it is about.
    pub name: String,
}

impl App {
    /// Makes the report on a patient's record. `folder` is the data folder, where the sealed log is.
    ///
    /// # Errors
    /// [`Error::Fields`] without a patient, or when names are withheld without a reason; a log or document that cannot be
    /// read or made; any store error.
    pub async fn patient_report(
        &self,
        by: &Actor,
        facility: &Facility,
        folder: &Path,
        options: &ReportOptions,
    ) -> Result<PatientReport> {
        let patient = tidy(&options.patient);
        if patient.is_empty() {
            return Err(Error::field("patient", "患者IDがありません（ACC-009）。患者IDを入れてください。"));
        }
        let withheld = match &options.staff {
            StaffNames::Withheld(reason) if tidy(reason).is_empty() => {
                let message = "職員の氏名を伏せる理由がありません（ACC-010）。理由を書いてください。";
                return Err(Error::field("reason", message));
            }
            StaffNames::Withheld(reason) => Some(tidy(reason)),
            StaffNames::Shown => None,
        };
        let asked = AccessQuestion {
            patient: patient.clone(),
            since: options.since,
            until: options.until,
            ..AccessQuestion::default()
        };
        let (mut lines, days) = self.whole_answer(facility, &asked, MOST).await?;
        lines.reverse();
        let fields: Vec<String> =
            if withheld.is_some() { WHO.iter().map(|field| (*field).to_owned()).collect() } else { Vec::new() };
        let proofs = self.proofs(folder, &lines, &fields).await?;
        let gone = self.disposed_until().await?.filter(|gone| *gone >= days.0);
        let document = self.report_paper(by, facility, &patient, &lines, (days, gone), withheld.as_deref());
        let pdf = crate::papers::pressed(document).await?;
        let table = csv(&lines.iter().map(|line| told(line, withheld.is_some())).collect::<Vec<_>>());
        let zip = self.report_archive(folder, &pdf, &table, &proofs)?;
        let name = format!("アクセス開示_{}", self.today());
        let mut event = Event::new("accesses.report", patient)
            .with("since", days.0)
            .with("until", days.1)
            .with("lines", lines.len())
            .with("proofs", proofs.len())
            .with("sha256", sha256(&zip));
        if let Some(reason) = withheld {
            event = event.with("withheld", reason);
        }
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.record(event);
        tx.commit().await?;
        Ok(PatientReport { pdf, zip, lines: lines.len(), proved: proofs.len(), name })
    }

    async fn proofs(&self, folder: &Path, lines: &[AccessLine], withheld: &[String]) -> Result<Vec<(i64, String)>> {
        let mut prover = self.prover(folder).await?;
        let sealed = prover.size();
        let mut proofs = Vec::with_capacity(lines.len());
        for line in lines {
            let Ok(seq) = u64::try_from(line.seq) else { continue };
            if seq <= sealed {
                proofs.push((line.seq, self.prove_beside(&mut prover, seq, withheld).await?));
            }
        }
        Ok(proofs)
    }

    fn report_paper(
        &self,
        by: &Actor,
        facility: &Facility,
        patient: &str,
        lines: &[AccessLine],
        ((since, until), gone): ((Date, Date), Option<Date>),
        withheld: Option<&str>,
    ) -> Document {
        let opened: Vec<&AccessLine> = lines.iter().filter(|line| line.exposure == Exposure::Opened).collect();
        let listed: Vec<&AccessLine> = lines.iter().filter(|line| line.exposure == Exposure::Listed).collect();
        let day = |day: Date| jp::show(day, Lang::Ja);
        let mut people: Vec<(&str, &str)> =
            opened.iter().map(|line| (line.source.as_str(), line.user.as_str())).collect();
        people.sort_unstable();
        people.dedup();
        let mut facts = vec![
            ("患者ID".to_owned(), patient.to_owned()),
            ("期間".to_owned(), format!("{} から {} まで", day(since), day(until))),
            ("記録を開いた回数".to_owned(), format!("{}回（{}人）", opened.len(), people.len())),
            ("一覧に表示された回数".to_owned(), format!("{}回", listed.len())),
        ];
        if let Some(gone) = gone {
            let text = format!("{}までの記録は、保存期間が過ぎたため処分してあり、この書面にはありません", day(gone));
            facts.push(("処分した記録".to_owned(), text));
        }
        if let Some(reason) = withheld {
            facts.push(("職員の氏名".to_owned(), format!("伏せています。理由：{reason}")));
        }
        let mut blocks = vec![
            Block::Facts(facts),
            Block::Note(
                "この書面は、あなたの診療の記録を、いつ、だれが、どのように見たかを、院内のシステムの記録から書き出したものです。\
                 「開いた」は記録の中身を見たこと、「一覧に表示」は一覧や検索の結果にお名前が出たことを表し、中身を見たことにはなりません。\
                 日時は、記録した側のシステムの時計によります。番号は、書き換えられないように封印した操作記録での番号です。"
                    .to_owned(),
            ),
            Block::Heading { level: 1, text: "記録を開いた操作".to_owned() },
        ];
        blocks.push(listing(&opened, withheld.is_some(), "この期間に、記録を開いた操作はありません。"));
        blocks.push(Block::Heading { level: 1, text: "一覧や検索の結果への表示".to_owned() });
        blocks.push(listing(&listed, withheld.is_some(), "この期間に、一覧や検索の結果への表示はありません。"));
        if lines.len() == MOST as usize {
            blocks.push(Block::Note(format!(
                "件数が多いため、新しい{MOST}件だけを載せています。期間を分けて作ってください。"
            )));
        }
        let subtitle = "ご本人からの求めによる".to_owned();
        self.paper(by, facility, "診療の記録へのアクセスの開示", subtitle, blocks)
    }

    fn report_archive(&self, folder: &Path, pdf: &[u8], table: &[u8], proofs: &[(i64, String)]) -> Result<Vec<u8>> {
        let internal = |e: &dyn std::fmt::Display| Error::Internal { message: e.to_string() };
        let today = self.today();
        let part = |n: i8| u8::try_from(n).unwrap_or(1);
        let year = u16::try_from(today.year()).unwrap_or(1980);
        let time = zip::DateTime::from_date_and_time(year, part(today.month()), part(today.day()), 0, 0, 0);
        let options = SimpleFileOptions::default().last_modified_time(time.map_err(|e| internal(&e))?);
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mut put = |name: &str, bytes: &[u8]| {
            out.start_file(name, options).map_err(|e| internal(&e))?;
            out.write_all(bytes).map_err(|e| internal(&e))
        };
        put("開示.pdf", pdf)?;
        put("一覧.csv", table)?;
        put("公開鍵.txt", format!("{}\n", self.log_key(folder)?).as_bytes())?;
        put("確かめ方.txt", HOW.as_bytes())?;
        for (seq, proof) in proofs {
            put(&format!("証明/{seq}.tlog-proof"), proof.as_bytes())?;
        }
        Ok(out.finish().map_err(|e| internal(&e))?.into_inner())
    }
}

const HOW: &str = "確かめ方\r\n\r\n\
    「証明」の一つ一つのファイルは、開示.pdf の一行（番号）に当たる記録が、封印した操作記録に入っていることの証明です。\r\n\
    C2SP の tlog-proof の形式で、公開鍵.txt の鍵だけで、この施設に問い合わせずに確かめられます。\r\n\r\n\
    sakimori verify 証明/番号.tlog-proof --key \"公開鍵.txt の一行\"\r\n\r\n\
    伏せた項目は、内容の代わりに印（ハッシュ）だけが入っています。\r\n\
    公開鍵は、この書面とは別の経路（窓口の掲示など）でも受け取って比べてください。\r\n";

/// A line as the report tells it.
fn told(line: &AccessLine, withheld: bool) -> AccessLine {
    if !withheld {
        return line.clone();
    }
    AccessLine {
        user: String::new(),
        name: Some(line.post.clone().unwrap_or_else(|| "職員".to_owned())),
        terminal: None,
        ..line.clone()
    }
}

fn listing(lines: &[&AccessLine], withheld: bool, none: &str) -> Block {
    if lines.is_empty() {
        return Block::Paragraph(none.to_owned());
    }
    let column = |head: &str, width: Width, align: Align| Column { head: head.to_owned(), width, align };
    let columns = vec![
        column("日時", Width::Mm(36.0), Align::Left),
        column(if withheld { "職種・所属" } else { "見た人" }, Width::Share(1.2), Align::Left),
        column("操作", Width::Share(1.0), Align::Left),
        column("目的・理由", Width::Share(1.0), Align::Left),
        column("番号", Width::Mm(18.0), Align::Right),
    ];
    let mut rows = Vec::with_capacity(lines.len());
    let mut day = None;
    for line in lines {
        let on = day_in_japan(line.at);
        if day != Some(on) {
            day = Some(on);
            let mut cells = vec![jp::show(on, Lang::Ja).into()];
            cells.resize(columns.len(), Default::default());
            rows.push(TableRow { cells, emphasis: Emphasis::Strong });
        }
        let line = told(line, withheld);
        let who = match (&line.name, &line.post) {
            (Some(name), Some(post)) if !withheld => format!("{name}\n{post}"),
            (Some(name), _) => name.clone(),
            (None, _) => line.user.clone(),
        };
        let what = [Some(line.act.label().ja.to_owned()), line.resource.clone()];
        let outcome = (line.outcome != domain::access::Outcome::Done).then(|| line.outcome.label().ja.to_owned());
        let what = what.into_iter().flatten().chain(outcome).collect::<Vec<_>>().join("\n");
        let time = moment(line.at).split_once(' ').map(|(_, time)| time.to_owned()).unwrap_or_default();
        let cells = [time, who, what, line.why.join("\n"), line.seq.to_string()].map(Into::into).into();
        rows.push(TableRow { cells, emphasis: Emphasis::Plain });
    }
    Block::Table(Table { columns, rows })
}
