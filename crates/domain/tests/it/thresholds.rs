//! 判定のめやす.

use std::fmt::Write as _;

use domain::threshold::THRESHOLDS;

const HEAD: &str = "\
# 判定のめやす

ガイドラインとチェックリストは「定期的に」「速やかに」「数世代」のように言い、数を示さないことがあります。判定には数が要るので、
この製品が決めました。**次の数は、厚生労働省などが定めたものではありません。** 立入検査などで問われたら、そう説明してください。
数を示すもの（パスワードの8桁・13桁、二要素認証の令和9年4月1日など）は、[二要素認証とパスワードの判定](../concept/two-factor.md)に
あります。

この頁は、判定に使う表から作ったものです。

";

#[test]
fn the_page_of_thresholds_is_current() {
    let mut page = HEAD.to_owned();
    page.push_str("| めやす | 数 | 理由 |\n|---|---|---|\n");
    for t in THRESHOLDS {
        writeln!(page, "| {} | {}{} | {}。 |", t.label.ja, t.value, t.unit.ja, t.why.ja).unwrap();
    }
    super::current("thresholds.md", &page);
}
