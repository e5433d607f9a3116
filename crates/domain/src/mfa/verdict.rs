//! What the rule can answer, in the words of the screen.

use crate::text::Label;

/// Where a system stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Meets 表14-1 as it stands.
    Ok,
    /// Met through a bastion or an approved equivalent measure.
    OkDeemed,
    /// Not met; a plan names a day within 令和9年度.
    Planned,
    /// Not met; the relief applies until the next renewal.
    Deferred,
    /// An equivalent measure is written that nobody has approved.
    Review,
    /// Not met before the reference date, without a plan.
    Action,
    /// Not met, and nothing excuses it.
    Gap,
    /// Out of scope.
    NotApplicable,
    /// Not enough answers.
    Unknown,
}

/// Why; the letters `A` (scope), `C` (client), `S` (server), `T` (time) and `H` (保守委託機関 path)
/// begin [`Code::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Two factors at the application.
    ClientApp,
    /// Two factors at the operating system or middleware, linked to the application's rights.
    ClientLinked,
    /// One factor at the application and one below it.
    ClientSplit,
    /// Two factors below the application, without a link to its rights.
    ClientUnlinked,
    /// One factor.
    ClientSingle,
    /// Two factors at the operating system.
    ServerOs,
    /// Bastion design ①.
    ServerBastionTwoFactor,
    /// Bastion design ②.
    ServerBastionWatched,
    /// Equivalent measure, approved or waiting for it.
    ServerEquivalent,
    /// The bastion can be passed by.
    ServerPath,
    /// The bastion is in the servers' domain.
    ServerDomain,
    /// The bastion follows neither design.
    ServerAlternative,
    /// Precondition (a): users from outside are, or may be, administrators.
    ServerPreAdmin,
    /// Precondition (b): updates are not, or may not be, sufficient.
    ServerPrePatch,
    /// Precondition (c): a password is, or may be, shared.
    ServerPreShared,
    /// One factor.
    ServerSingle,
    /// Introduced or renewed after edition 7.0 without two-factor.
    Missed,
    /// The same, excused by the relief.
    MissedWarning,
    /// Renewed on or after the reference date without two-factor.
    RenewalUsed,
    /// The vendor supports two-factor at the next renewal.
    VendorChosen,
    /// Handles no medical information.
    OutOfScope,
    /// Not said whether it handles medical information.
    ScopeOpen,
    /// Not in use on the reference date.
    NotInUse,
    /// Not said whether it is in use on the reference date.
    InUseOpen,
    /// No login is listed, or one of which no method is stated.
    NothingStated,
}

/// A verdict and its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Where the system stands.
    pub verdict: Verdict,
    /// Why, each once: clients, servers, then dates.
    pub codes: Vec<Code>,
}

impl Verdict {
    /// The sentence for the screen. For [`Verdict::Deferred`] the day is [`renewal`], shown beside it.
    ///
    /// [`renewal`]: super::SystemCase::renewal
    pub const fn label(self) -> Label {
        match self {
            Self::Ok => Label::new("表14-1を満たしています", "meets table 14-1"),
            Self::OkDeemed => Label::new(
                "踏み台等の代替で満たしたとみなせます(前提条件の証跡を保存)",
                "deemed met through a bastion or an equivalent measure (keep evidence of the preconditions)",
            ),
            Self::Planned => {
                Label::new("未対応。令和9年度内の計画があります", "not met; planned within fiscal year 2027")
            }
            Self::Deferred => {
                Label::new("未対応。経過措置:次の更新までに対応", "not met; relief until the next renewal")
            }
            Self::Review => {
                Label::new("同等の措置の説明が承認待ちです", "an equivalent measure is waiting for approval")
            }
            Self::Action => Label::new("未対応で計画がありません", "not met and not planned"),
            Self::Gap => Label::new("未対応です", "not met"),
            Self::NotApplicable => Label::new("対象外", "not applicable"),
            Self::Unknown => Label::new("回答が足りません", "not enough answers"),
        }
    }

    /// Whether two factors are in use, really or as deemed. A plan or the relief is not enough: the
    /// shorter password of [`password`](super::password()) is allowed only where this holds.
    pub const fn is_in_place(self) -> bool {
        matches!(self, Self::Ok | Self::OkDeemed)
    }

    /// Whether the system is one that the facts count.
    pub const fn is_counted(self) -> bool {
        !matches!(self, Self::NotApplicable)
    }
}

impl Code {
    /// The short code, as reports cite it: `C-APP`.
    pub const fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// The reason in one line.
    pub const fn label(self) -> Label {
        self.entry().1
    }

    /// Whether it is a pass that stands in for two factors at the operating system.
    pub(super) const fn is_deemed(self) -> bool {
        matches!(self, Self::ServerBastionTwoFactor | Self::ServerBastionWatched | Self::ServerEquivalent)
    }

    const fn entry(self) -> (&'static str, Label) {
        let (code, ja, en) = match self {
            Self::ClientApp => ("C-APP", "アプリのログインが二要素", "two factors at the application login"),
            Self::ClientLinked => (
                "C-LINKED",
                "OS側の二要素がアプリの権限付与とつながっている",
                "two factors at the OS, linked to the rights in the application",
            ),
            Self::ClientSplit => (
                "C-SPLIT",
                "OSで一つ、アプリで一つは二要素と認められない",
                "one factor at the OS and one at the application do not count as two",
            ),
            Self::ClientUnlinked => (
                "C-UNLINKED",
                "OSは二要素だが、アプリの資格情報とつながっていない(画面への自動入力だけ等)",
                "two factors at the OS, not linked to the application's credentials (form filling only, etc.)",
            ),
            Self::ClientSingle => ("C-SINGLE", "端末のログインが一要素だけ", "one factor at the client login"),
            Self::ServerOs => ("S-OS", "サーバのOSログインが二要素", "two factors at the server OS login"),
            Self::ServerBastionTwoFactor => {
                ("S-B1", "踏み台①(踏み台が二要素)", "bastion design 1 (two factors at the bastion)")
            }
            Self::ServerBastionWatched => {
                ("S-B2", "踏み台②(振舞い検知+VPN限定)", "bastion design 2 (behaviour detection and VPN only)")
            }
            Self::ServerEquivalent => ("S-EQ", "同等以上の措置", "equivalent or better measure"),
            Self::ServerPath => {
                ("S-PATH", "踏み台以外からもサーバへ入れる", "the server can be reached past the bastion")
            }
            Self::ServerDomain => {
                ("S-DOMAIN", "踏み台がサーバと同じドメインにある", "the bastion is in the servers' domain")
            }
            Self::ServerAlternative => (
                "S-ALT",
                "踏み台に二要素も、②の組合せ(振舞い検知とVPN限定)もない",
                "the bastion has neither two factors nor behaviour detection with VPN only",
            ),
            Self::ServerPreAdmin => (
                "S-PRE-ADMIN",
                "外部から踏み台に入る利用者が管理者(またはそうでない確認がない)",
                "users from outside are administrators of the bastion, or nobody confirmed that they are not",
            ),
            Self::ServerPrePatch => (
                "S-PRE-PATCH",
                "踏み台のOS更新が不十分(または確認がない)",
                "the bastion's OS updates are insufficient, or nobody confirmed them",
            ),
            Self::ServerPreShared => (
                "S-PRE-SHAREDPW",
                "サーバと踏み台のパスワードが共通(またはそうでない確認がない)",
                "a password is shared between servers and bastion, or nobody confirmed that none is",
            ),
            Self::ServerSingle => ("S-SINGLE", "サーバのOSログインが一要素だけ", "one factor at the server OS login"),
            Self::Missed => (
                "T-MISSED",
                "第7.0版の策定後に導入・更改したのに対応していない",
                "introduced or renewed after edition 7.0 without two-factor",
            ),
            Self::MissedWarning => (
                "T-WARN-MISSED-TRIGGER",
                "導入・更改の機会に対応できなかった理由を説明できるようにする",
                "be ready to explain why two-factor did not come with the introduction or renewal",
            ),
            Self::RenewalUsed => (
                "T-RENEWAL-USED",
                "令和9年度以降の更新を済ませたのに未対応。経過措置は終わっている",
                "renewed in or after fiscal year 2027 without two-factor; the relief has ended",
            ),
            Self::VendorChosen => (
                "H-VENDOR",
                "次の更新で対応できる事業者を選んでいる(保守委託機関編9章)",
                "the chosen vendor supports two-factor at the next renewal",
            ),
            Self::OutOfScope => ("A-SCOPE", "医療情報を扱わない", "handles no medical information"),
            Self::ScopeOpen => {
                ("A-SCOPE?", "医療情報を扱うかどうかが未回答", "not stated whether it handles medical information")
            }
            Self::NotInUse => (
                "A-DATE",
                "令和9年4月1日に使われていない(次の導入・更改のときに判定し直す)",
                "not in use on 2027-04-01 (judge again at the next introduction or renewal)",
            ),
            Self::InUseOpen => (
                "A-DATE?",
                "令和9年4月1日に使われているかどうかが未回答",
                "not stated whether it is in use on 2027-04-01",
            ),
            Self::NothingStated => {
                ("A-EMPTY", "ログイン方式が登録されていない", "the login methods are not registered")
            }
        };
        (code, Label::new(ja, en))
    }
}

impl Judgement {
    /// Joins a verdict and its reasons, each reason once.
    pub(super) fn new(verdict: Verdict, reasons: impl IntoIterator<Item = Code>) -> Self {
        let mut codes = Vec::new();
        for code in reasons {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        Self { verdict, codes }
    }

    /// The codes in one line, missing preconditions joined: `C-APP, S-PRE-ADMIN+PATCH`.
    pub fn codes_text(&self) -> String {
        const PRECONDITION: &str = "S-PRE-";
        let mut line = String::new();
        let mut after_precondition = false;
        for code in &self.codes {
            let code = code.as_str();
            let precondition = code.strip_prefix(PRECONDITION);
            match precondition {
                Some(rest) if after_precondition => {
                    line.push('+');
                    line.push_str(rest);
                }
                _ => {
                    if !line.is_empty() {
                        line.push_str(", ");
                    }
                    line.push_str(code);
                }
            }
            after_precondition = precondition.is_some();
        }
        line
    }
}
