//! 事実の一覧, with the requirements that ask for each.

use std::fmt::Write as _;

use domain::catalog::{Catalogs, Requirement, Rule};
use domain::fact::{ALWAYS, FACTS, Fact};

const HEAD: &str = "\
# 事実の一覧

台帳と端末の報告から集計する事実です。どの事実も、見るものの数、そのうち満たさないものの数、分からないものの数からなります。
一つでも満たさないものがあれば「満たさない」、なければ、分からないものがある限り「分からない」です。

「有効」は、確認した日（なければ取り込んだ日）からの日数で、過ぎると「分からない」になります。日数は[判定のめやす](thresholds.md)に
よります。「90日以内に」のように日付そのものを見る事実は、その日付で決まります。満たさないもの・分からないものの一覧は `sakimori assess --offenders` で見られます。

この頁は、判定に使う表から作ったものです。

";

fn asks(requirement: &Requirement, fact: &Fact) -> bool {
    requirement.rule.as_ref().is_some_and(|rule: &Rule| rule.facts().any(|asked| asked.name == fact.name))
}

#[test]
fn the_page_of_facts_is_current() {
    let mut page = HEAD.to_owned();
    for fact in FACTS {
        let holds = match fact.holds_days {
            ALWAYS => "期限なし（日付は条件が見る）".to_owned(),
            days => format!("{days}日"),
        };
        let (label, source) = (fact.label.ja, fact.source.label().ja);
        writeln!(page, "## {label}\n\n- コードでの名前：`{}`\n- もと：{source}", fact.name).unwrap();
        writeln!(page, "- 数え方：{}\n- 有効：{holds}", fact.unit.ja).unwrap();
        writeln!(page, "- 満たさないとき：{}\n- 求める項目：", fact.remedy.ja).unwrap();
        for catalog in &Catalogs::embedded().catalogs {
            let asking: Vec<String> =
                catalog.requirements().filter(|r| asks(r, fact)).map(Requirement::cited).collect();
            if !asking.is_empty() {
                writeln!(page, "  - {}：{}", catalog.short.ja, asking.join("、")).unwrap();
            }
        }
        page.push('\n');
    }
    super::current("facts.md", &format!("{}\n", page.trim_end()));
}
