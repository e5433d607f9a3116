//! The demonstration's past: what the verdicts were month by month, with a gap, and what moved in the last one.

use domain::evaluate::{Verdict, plus};
use domain::journal::{Actor, Event};
use jiff::civil::Date;

use crate::App;
use crate::assess::{Assessment, Count};
use crate::error::Result;

/// Days before today on which was counted, and of how many in a hundred that hold now nobody knew then. In between the
/// server stood still for two months.
const COUNTED: [(i32, u32); 8] = [(275, 70), (245, 62), (214, 55), (184, 48), (92, 30), (61, 22), (31, 12), (8, 5)];
/// Every so many requirements that hold were found out in the last month; so many that do not, held before.
const FOUND_OUT: usize = 7;
const LOST: usize = 12;

impl App {
    /// Writes the past of the demonstration.
    pub(super) async fn demo_months(&self, actor: &Actor, assessment: &Assessment) -> Result<()> {
        let (facility, today) = (&assessment.evidence.facility.id, assessment.today);
        let on = |days: i32| plus(today, -days);
        let mut tx = self.store.begin(actor, facility, self.now()).await?;
        let mut at_first: Vec<(&str, Verdict)> = Vec::new();
        let mut turned: Vec<(Date, &str, Verdict)> = Vec::new();
        for edition in assessment.editions() {
            let findings = assessment.findings(&edition.id)?;
            let now = Count::of(&findings);
            for (days, unknown) in COUNTED {
                tx.verdict_count(&edition.id, on(days), earlier(&now, unknown)).await?;
            }
            let (mut held, mut open) = (0, 0);
            for finding in &findings {
                let id = finding.requirement.id.as_str();
                let counter = if finding.verdict.holds() { &mut held } else { &mut open };
                *counter += 1;
                let was = match finding.verdict {
                    verdict if verdict.holds() && *counter % FOUND_OUT == 1 => Verdict::Unknown,
                    Verdict::Unmet if *counter % LOST == 1 => Verdict::Met,
                    verdict => verdict,
                };
                at_first.push((id, was));
                if was != finding.verdict {
                    turned.push((on(8), id, finding.verdict));
                }
            }
        }
        let first = COUNTED.first().map_or(today, |(days, _)| on(*days));
        tx.verdict_turn(first, &at_first).await?;
        for (day, id, verdict) in turned {
            tx.verdict_turn(day, &[(id, verdict)]).await?;
        }
        tx.record(Event::new("verdicts.count", "demo"));
        Ok(tx.commit().await?)
    }
}

/// The counts with a share of what holds still unknown.
fn earlier(now: &Count, hundredths: u32) -> [u32; Verdict::ALL.len()] {
    let mut counts = now.all();
    let mut moved = 0;
    for (_, count) in Verdict::ALL.into_iter().zip(counts.iter_mut()).filter(|(verdict, _)| verdict.holds()) {
        let share = *count * hundredths / 100;
        *count -= share;
        moved += share;
    }
    for (verdict, count) in Verdict::ALL.into_iter().zip(counts.iter_mut()) {
        if verdict == Verdict::Unknown {
            *count += moved;
        }
    }
    counts
}
