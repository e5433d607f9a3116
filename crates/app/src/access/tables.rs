//! Answers to take away: the plain table of the ministry's manual (利用者ID, 氏名, 日時, 区分, 操作) with what else is known.

use domain::access::Exposure;
use domain::evaluate::Facility;
use domain::journal::{Actor, Event, sha256};
use domain::jp::time_in_japan;
use jiff::Timestamp;
use report::{Align, Block, Column, Document, Emphasis, Table, TableRow, Width, Workbook};

use super::{AccessLine, AccessQuestion};
use crate::App;
use crate::error::Result;
use crate::export::{book, quoted, text_sheet};

/// Lines of one file at most.
const MOST: u32 = 50_000;
/// Lines of one paper at most.
const MOST_PRINTED: u32 = 2_000;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessFormat {
    /// Excel.
    Xlsx,
    /// UTF-8 with BOM, as Excel opens it.
    Csv,
    /// A4.
    Pdf,
}

/// A file to take away.
#[derive(Clone, Debug)]
pub struct AccessFile {
    /// Its name; nothing in it tells whom it is about.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The headings: the five of the manual, then the others.
const HEADS: [&str; 11] =
    ["利用者ID", "氏名", "日時", "区分", "操作", "患者ID", "対象", "結果", "端末", "取込み元", "目的・理由"];

/// An instant in Japan as people read it.
pub(super) fn moment(at: Timestamp) -> String {
    time_in_japan(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn cells(line: &AccessLine) -> [String; 11] {
    let kind = match (line.patient.is_some(), line.exposure) {
        (true, Exposure::Opened) => "開いた",
        (true, Exposure::Listed) => "一覧に表示",
        (false, _) => "患者の記録以外",
    };
    let act = line.act.label().ja;
    [
        line.user.clone(),
        line.name.clone().unwrap_or_default(),
        moment(line.at),
        kind.to_owned(),
        line.records.map_or_else(|| act.to_owned(), |records| format!("{act}（{records}件）")),
        line.patient.clone().unwrap_or_default(),
        line.resource.clone().unwrap_or_default(),
        line.outcome.label().ja.to_owned(),
        line.terminal.clone().unwrap_or_default(),
        line.source.clone(),
        line.why.join("、"),
    ]
}

/// The table as CSV.
pub(super) fn csv(lines: &[AccessLine]) -> Vec<u8> {
    let mut out = format!("\u{FEFF}{}\r\n", HEADS.join(","));
    for line in lines {
        out.push_str(&cells(line).iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    out.into_bytes()
}

impl App {
    /// The answer to a question as a file, at most 50,000 lines (on paper 2,000); what was given out, and to whom, is an
    /// entry of the journal.
    ///
    /// # Errors
    /// When the days are the wrong way round; a document that cannot be made; any store error.
    pub async fn export_accesses(
        &self,
        by: &Actor,
        facility: &Facility,
        asked: &AccessQuestion,
        format: AccessFormat,
    ) -> Result<AccessFile> {
        let most = if format == AccessFormat::Pdf { MOST_PRINTED } else { MOST };
        let asked = AccessQuestion { before: None, ..asked.clone() };
        let (lines, days) = self.whole_answer(facility, &asked, most).await?;
        let (bytes, ending) = match format {
            AccessFormat::Csv => (csv(&lines), "csv"),
            AccessFormat::Xlsx => {
                let rows = lines.iter().map(|line| cells(line).to_vec()).collect();
                let sheet = text_sheet("アクセス記録", &HEADS.map(str::to_owned), rows);
                let notes = vec![
                    "日時は記録した側の時計によります。氏名は台帳のもの、なければ取込み元の記載です。".to_owned(),
                    "「開いた」は記録を開いたこと、「一覧に表示」は一覧や検索結果に出たことを表します。".to_owned(),
                ];
                (report::workbook(&Workbook { created_on: self.today(), ..book(vec![sheet], notes) })?, "xlsx")
            }
            AccessFormat::Pdf => (crate::papers::pressed(self.printed(by, facility, &lines, days)).await?, "pdf"),
        };
        let name = format!("アクセス記録_{}.{ending}", self.today());
        self.note_question(by, facility, "accesses.export", &asked, days, lines.len() as u64).await?;
        let mut tx = self.store.begin(by, &facility.id, self.now()).await?;
        tx.record(Event::new("accesses.file", name.clone()).with("sha256", sha256(&bytes)).with("lines", lines.len()));
        tx.commit().await?;
        Ok(AccessFile { name, bytes })
    }

    fn printed(
        &self,
        by: &Actor,
        facility: &Facility,
        lines: &[AccessLine],
        (since, until): (jiff::civil::Date, jiff::civil::Date),
    ) -> Document {
        let column = |head: &str, width: Width| Column { head: head.to_owned(), width, align: Align::Left };
        let columns = vec![
            column("利用者ID", Width::Mm(26.0)),
            column("氏名", Width::Mm(30.0)),
            column("日時", Width::Mm(38.0)),
            column("区分", Width::Mm(26.0)),
            column("操作", Width::Mm(34.0)),
            column("患者ID", Width::Mm(26.0)),
            column("結果", Width::Mm(16.0)),
            column("端末・理由", Width::Share(1.0)),
        ];
        let row = |line: &AccessLine| {
            let [user, name, at, kind, act, patient, _, outcome, terminal, _, why] = cells(line);
            let rest = [terminal, why].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
            let cells = [user, name, at, kind, act, patient, outcome, rest].map(Into::into).into();
            TableRow { cells, emphasis: Emphasis::Plain }
        };
        let blocks = vec![
            Block::Note(
                "日時は記録した側の時計によります。「開いた」は記録を開いたこと、「一覧に表示」は一覧や検索結果に出たことを表します。"
                    .to_owned(),
            ),
            Block::Table(Table { columns, rows: lines.iter().map(row).collect() }),
        ];
        let subtitle = format!("{since} から {until} まで");
        Document { landscape: true, ..self.paper(by, facility, "アクセス記録", subtitle, blocks) }
    }
}
