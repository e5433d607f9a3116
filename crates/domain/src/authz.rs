//! stub
#![allow(missing_docs)]
use crate::text::Label;
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Approver,
    Operator,
    Staff,
    Vendor,
    Auditor,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    UseOwnAccount,
    ReadTasks,
    LendDevices,
    ReadLedgers,
    EditLedgers,
    ReadVerdicts,
    Attest,
    Approve,
    MakePapers,
    ReadJournal,
    ManageUsers,
    ManageSettings,
}
impl Role {
    pub fn may(self, _p: Permission) -> bool {
        true
    }
    pub const fn label(self) -> Label {
        Label::new("管理者", "admin")
    }
}
