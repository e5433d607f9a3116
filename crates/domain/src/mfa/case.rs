//! What the rule has to know about one system. Dates and answers only: names, texts and evidence
//! stay in the ledgers.
//!
//! An `Option<bool>` is はい, いいえ or not answered. Of a bastion only a stated, favourable answer
//! counts: a precondition that nobody confirmed is not satisfied.

use jiff::civil::Date;

/// A kind of authentication factor (認証の要素). Two secrets of one kind are one factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// 記憶: password, PIN.
    Knowledge,
    /// 所持: IC card, device certificate, security key, one-time password.
    Possession,
    /// 生体: fingerprint, face, vein.
    Inherence,
}

/// A set of [`Factor`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors(u8);

/// One system, as 運用編14章⑤ asks about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemCase {
    /// Whether it creates, updates, shows, deletes or stores medical information.
    pub handles: Option<bool>,
    /// Whether it runs on the reference date.
    pub in_use_at_ref: Option<bool>,
    /// The last introduction or renewal; a day after today is one that is planned.
    pub event: Option<Event>,
    /// One per kind of terminal or browser access.
    pub clients: Vec<Client>,
    /// One per server that holds the data.
    pub servers: Vec<Server>,
    /// A technical or similar reason why two-factor cannot come in time.
    pub difficulty: Option<Claim>,
    /// The next renewal of the system.
    pub renewal: Option<Date>,
    /// When two-factor will be in place.
    pub plan: Option<Date>,
    /// Whether the institution is on the 保守委託機関 path.
    pub hoshu: bool,
    /// On that path: whether the chosen vendor supports two-factor at the renewal.
    pub vendor_capable: Option<bool>,
}

/// An introduction or renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub on: Date,
}

/// The kinds of [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// 新規導入.
    New,
    /// 機器の入替を伴う更改.
    RenewalEquipment,
    /// ソフトウェアのみの更改.
    RenewalSoftware,
}

/// Something written that counts once it is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Written down, not approved.
    Stated,
    /// Approved by a named person on a known day.
    Approved,
}

/// How users log in at a kind of terminal. With at least one factor stated, an empty set means that
/// nothing is asked there; with none stated at all, nothing is known about the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// At the application.
    pub app: Factors,
    /// At the middleware.
    pub middleware: Factors,
    /// At the operating system.
    pub os: Factors,
    /// How the latter two reach the application.
    pub link: Link,
}

/// Whether a login at the operating system or middleware gives the rights in the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// It does not, or nobody said so.
    #[default]
    None,
    /// Its result is linked to the application's credentials.
    Credential,
    /// It only has the application's form filled in.
    FormFill,
}

/// How administrators log in at a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// At the operating system.
    pub os: Factors,
    /// 踏み台 through which they come, if they do.
    pub bastion: Option<Bastion>,
    /// A measure explained as equivalent; looked at only where there is no bastion.
    pub equivalent: Option<Claim>,
}

/// 踏み台: the terminal from which alone servers are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bastion {
    /// The servers can be reached from nowhere else.
    pub only_path: Option<bool>,
    /// It is in another domain than the servers.
    pub separate_domain: Option<bool>,
    /// Login at its operating system.
    pub os: Factors,
    /// It detects behaviour that operation does not expect; no product of that name is needed.
    pub edr: Option<bool>,
    /// From outside the institution one reaches only the bastion, and only by VPN.
    pub external_vpn_only: Option<bool>,
    /// Users from outside are administrators of it (must be *no*).
    pub external_user_is_admin: Option<bool>,
    /// Its operating system gets its security updates.
    pub os_patched: Option<bool>,
    /// A password is shared between it and the servers (must be *no*).
    pub shared_password: Option<bool>,
}

impl Factor {
    /// The factor that the ledger of login methods writes as `K`, `P` or `B`.
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'K' => Some(Self::Knowledge),
            'P' => Some(Self::Possession),
            'B' => Some(Self::Inherence),
            _ => None,
        }
    }
}

impl Factors {
    /// The factors of login methods, written as their codes in the ledger: `password+ic_card`. An
    /// unknown code adds nothing.
    pub fn from_methods(codes: &str) -> Self {
        codes.split('+').flat_map(crate::ledger::methods).filter_map(|letter| Factor::from_letter(*letter)).collect()
    }

    /// The set with `factor` in it.
    #[must_use]
    pub const fn with(self, factor: Factor) -> Self {
        Self(self.0 | 1 << factor as u8)
    }

    /// How many kinds of factor there are, 0–3.
    pub fn kinds(self) -> u32 {
        self.0.count_ones()
    }
}

impl FromIterator<Factor> for Factors {
    fn from_iter<I: IntoIterator<Item = Factor>>(factors: I) -> Self {
        factors.into_iter().fold(Self::default(), Self::with)
    }
}
