//! 証拠の依頼 (request for evidence): what an auditor asks for on a requirement, and how far it is.
//!
//! The auditor asks, the institution answers, the auditor confirms or sends back. An answer may be added to as long as
//! the auditor has not confirmed. Nobody but the auditor confirms, so what is 確認済 was seen by somebody from outside. What
//! is not to be answered any more is withdrawn, with the reason.

use super::Refusal;
use crate::text::Label;

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// 差戻し: what was handed in does not do.
    SentBack,
    /// 未準備: nothing was handed in yet.
    Open,
    /// 提出可: the auditor may look at it.
    Ready,
    /// 確認済: the auditor has seen it and it does.
    Confirmed,
    /// 取下げ: nobody wants it any more.
    Withdrawn,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The institution hands something in.
    Answer,
    /// The auditor confirms it.
    Confirm,
    /// The auditor sends it back.
    SendBack,
    /// The auditor withdraws it, or the institution when the auditor's account is over.
    Withdraw,
}

/// Every state: code, word.
const STATES: [(State, &str, Label); 5] = [
    (State::SentBack, "sent_back", Label::new("差戻し", "sent back")),
    (State::Open, "open", Label::new("未準備", "not ready")),
    (State::Ready, "ready", Label::new("提出可", "ready")),
    (State::Confirmed, "confirmed", Label::new("確認済", "confirmed")),
    (State::Withdrawn, "withdrawn", Label::new("取下げ", "withdrawn")),
];

/// States of a request that is not over.
const UNDER_WAY: &[State] = &[State::Open, State::SentBack, State::Ready];

/// Every act: code, from which states, into which, and 事象 when it is refused.
const ACTS: [(Act, &str, &[State], State, &str); 4] = [
    (Act::Answer, "answer", UNDER_WAY, State::Ready, "依頼に回答できませんでした"),
    (Act::Confirm, "confirm", &[State::Ready], State::Confirmed, "依頼を確認済にできませんでした"),
    (Act::SendBack, "send_back", &[State::Ready], State::SentBack, "依頼を差し戻せませんでした"),
    (Act::Withdraw, "withdraw", UNDER_WAY, State::Withdrawn, "依頼を取り下げられませんでした"),
];

impl State {
    /// Every state, the most pressing for the institution first.
    pub const ALL: [Self; 5] = [Self::SentBack, Self::Open, Self::Ready, Self::Confirmed, Self::Withdrawn];

    /// The stable code, as it is stored.
    pub fn code(self) -> &'static str {
        STATES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The word for people.
    pub fn label(self) -> Label {
        STATES.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// The state with this code.
    pub fn parse(code: &str) -> Option<Self> {
        STATES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// Whether anybody is still to act.
    pub fn is_under_way(self) -> bool {
        UNDER_WAY.contains(&self)
    }

    /// Whether the institution is to act.
    pub const fn waits_for_answer(self) -> bool {
        matches!(self, Self::Open | Self::SentBack)
    }
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 4] = [Self::Answer, Self::Confirm, Self::SendBack, Self::Withdraw];

    /// The stable code, as it is stored.
    pub fn code(self) -> &'static str {
        ACTS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The act with this code.
    pub fn parse(code: &str) -> Option<Self> {
        ACTS.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// The state after it.
    ///
    /// # Errors
    /// `FLOW-001` from a state that it does not start from, `FLOW-002` when something is sent back or withdrawn without a
    /// reason.
    pub fn take(self, state: State, said: &str) -> Result<State, Refusal> {
        let Some((_, _, from, to, refused)) = ACTS.iter().find(|row| row.0 == self) else { return Ok(state) };
        let refuse =
            |code, why: String, mend: &str| Refusal { code, what: (*refused).to_owned(), why, mend: mend.to_owned() };
        if !from.contains(&state) {
            let why = format!("いまの状態は「{}」です", state.label().ja);
            return Err(refuse("FLOW-001", why, "依頼の画面で今の状態を確かめてください"));
        }
        let mend = match self {
            Self::SendBack => "足りないものを書いてください",
            Self::Withdraw => "取り下げる理由を書いてください",
            Self::Answer | Self::Confirm => return Ok(*to),
        };
        if said.trim().is_empty() {
            return Err(refuse("FLOW-002", "理由がありません".to_owned(), mend));
        }
        Ok(*to)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_request_goes_to_and_fro_until_it_is_confirmed() {
        let ready = Act::Answer.take(State::Open, "").unwrap();
        assert_eq!(ready, State::Ready);
        assert_eq!(Act::Answer.take(ready, "").unwrap(), State::Ready, "more may be handed in");
        assert_eq!(Act::SendBack.take(ready, " ").unwrap_err().code, "FLOW-002");
        let back = Act::SendBack.take(ready, "日付がない").unwrap();
        assert!(back.waits_for_answer());
        assert_eq!(Act::Withdraw.take(back, " ").unwrap_err().code, "FLOW-002");
        let withdrawn = Act::Withdraw.take(back, "監査が終わった").unwrap();
        assert!(!withdrawn.is_under_way() && Act::Answer.take(withdrawn, "").is_err());
        assert_eq!(Act::Confirm.take(back, "").unwrap_err().code, "FLOW-001");
        let again = Act::Answer.take(back, "").unwrap();
        let confirmed = Act::Confirm.take(again, "").unwrap();
        for act in [Act::Answer, Act::Confirm, Act::SendBack, Act::Withdraw] {
            assert_eq!(act.take(confirmed, "x").unwrap_err().code, "FLOW-001");
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        for state in State::ALL {
            assert_eq!(State::parse(state.code()), Some(state));
        }
        for act in [Act::Answer, Act::Confirm, Act::SendBack] {
            assert_eq!(Act::parse(act.code()), Some(act));
        }
        assert_eq!((State::parse("x"), Act::parse("x")), (None, None));
    }
}
