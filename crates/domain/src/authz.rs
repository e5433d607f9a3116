//! Who may do what: six roles, sixteen permissions, one table.
//!
//! The roles are those the guideline names (`mhlw-7.0/keiei`, `mhlw-7.0/unyo/5`), not job titles; a person has one.
//! Everything that asks for a permission, every page that lists them and every test reads `TABLE`.

use crate::text::Label;

/// What somebody with an account is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// 医療情報システム安全管理責任者: runs the product.
    Admin,
    /// 管理者（院長）: approves.
    Approver,
    /// システム運用担当者: keeps the ledgers.
    Operator,
    /// 職員: borrows devices, has tasks.
    #[default]
    Staff,
    /// 保守事業者: an outside company's person.
    Vendor,
    /// 監査担当者: reads, and asks for evidence.
    Auditor,
}

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// One's own credentials, sessions and language.
    UseOwnAccount,
    /// The tasks of the facility.
    ReadTasks,
    /// Lend devices out and take them back.
    LendDevices,
    /// Read the ledgers.
    ReadLedgers,
    /// Change the ledgers.
    EditLedgers,
    /// Read verdicts with their evidence.
    ReadVerdicts,
    /// Say how something is that no machine can judge.
    Attest,
    /// Approve, and sign checklists.
    Approve,
    /// Make the papers for an inspection.
    MakePapers,
    /// Read the journal.
    ReadJournal,
    /// Ask who opened which patient.
    ReadAccesses,
    /// Work off the cases of the log review, and sign it.
    ReviewAccesses,
    /// Send access events of other systems.
    SendAccesses,
    /// Add, disable and change accounts.
    ManageUsers,
    /// Change settings.
    ManageSettings,
    /// Ask for evidence, and confirm what was handed in or send it back.
    RequestEvidence,
}

use Role::{Admin, Approver, Auditor, Operator, Staff, Vendor};

/// Every role: code, name.
const ROLES: [(Role, &str, Label); 6] = [
    (Admin, "admin", Label::new("医療情報システム安全管理責任者", "security manager")),
    (Approver, "approver", Label::new("管理者（院長）", "director")),
    (Operator, "operator", Label::new("システム運用担当者", "system operator")),
    (Staff, "staff", Label::new("職員", "staff")),
    (Vendor, "vendor", Label::new("保守事業者", "maintenance vendor")),
    (Auditor, "auditor", Label::new("監査担当者", "auditor")),
];

/// Every permission: code, name, and who has it.
const TABLE: [(Permission, &str, Label, &[Role]); 16] = {
    use Permission as P;
    [
        (
            P::UseOwnAccount,
            "own-account",
            Label::new("自分のアカウントの利用", "use one's own account"),
            &[Admin, Approver, Operator, Staff, Vendor, Auditor],
        ),
        (P::ReadTasks, "read-tasks", Label::new("やることの閲覧", "read tasks"), &[Admin, Approver, Operator, Staff]),
        (P::LendDevices, "lend-devices", Label::new("機器の貸出", "lend devices"), &[Admin, Approver, Operator, Staff]),
        (
            P::ReadLedgers,
            "read-ledgers",
            Label::new("台帳の閲覧", "read ledgers"),
            &[Admin, Approver, Operator, Auditor],
        ),
        (P::EditLedgers, "edit-ledgers", Label::new("台帳の変更", "edit ledgers"), &[Admin, Operator]),
        (
            P::ReadVerdicts,
            "read-verdicts",
            Label::new("判定の閲覧", "read verdicts"),
            &[Admin, Approver, Operator, Auditor],
        ),
        (P::Attest, "attest", Label::new("確認の記録", "attest"), &[Admin, Approver, Operator]),
        (P::Approve, "approve", Label::new("承認と署名", "approve and sign"), &[Admin, Approver]),
        (
            P::MakePapers,
            "make-papers",
            Label::new("提出書類の作成", "make papers"),
            &[Admin, Approver, Operator, Auditor],
        ),
        (
            P::ReadJournal,
            "read-journal",
            Label::new("操作記録の閲覧", "read the journal"),
            &[Admin, Approver, Operator, Auditor],
        ),
        (
            P::ReadAccesses,
            "read-accesses",
            Label::new("アクセス記録の照会", "ask who opened which patient"),
            &[Admin, Approver, Auditor],
        ),
        (
            P::ReviewAccesses,
            "review-accesses",
            Label::new("アクセス記録の確認", "review the access log"),
            &[Admin, Approver],
        ),
        (P::SendAccesses, "send-accesses", Label::new("アクセス記録の送信", "send access events"), &[Admin, Operator]),
        (P::ManageUsers, "manage-users", Label::new("アカウントの管理", "manage accounts"), &[Admin]),
        (P::ManageSettings, "manage-settings", Label::new("設定の変更", "change settings"), &[Admin]),
        // Not even the widest role: nobody confirms evidence of their own house in an auditor's place.
        (
            P::RequestEvidence,
            "request-evidence",
            Label::new("証拠の依頼と確認", "ask for evidence and confirm it"),
            &[Auditor],
        ),
    ]
};

impl Role {
    /// Every role, the widest first.
    pub const ALL: [Self; 6] = [Admin, Approver, Operator, Staff, Vendor, Auditor];

    /// The stable code, as it is stored.
    pub fn code(self) -> &'static str {
        ROLES.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        ROLES.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// The role with this code.
    pub fn parse(code: &str) -> Option<Self> {
        ROLES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// Whether the role is somebody's from outside, who comes for a time: such an account has an end.
    pub const fn is_guest(self) -> bool {
        matches!(self, Auditor | Vendor)
    }

    /// Whether somebody with this role may do this.
    pub fn may(self, permission: Permission) -> bool {
        TABLE.iter().any(|row| row.0 == permission && row.3.contains(&self))
    }
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 16] = [
        Self::UseOwnAccount,
        Self::ReadTasks,
        Self::LendDevices,
        Self::ReadLedgers,
        Self::EditLedgers,
        Self::ReadVerdicts,
        Self::Attest,
        Self::Approve,
        Self::MakePapers,
        Self::ReadJournal,
        Self::ReadAccesses,
        Self::ReviewAccesses,
        Self::SendAccesses,
        Self::ManageUsers,
        Self::ManageSettings,
        Self::RequestEvidence,
    ];

    /// The stable code, as tokens keep it.
    pub fn code(self) -> &'static str {
        TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The name for people.
    pub fn label(self) -> Label {
        TABLE.iter().find(|row| row.0 == self).map_or(Label::new("", ""), |row| row.2)
    }

    /// The permission with this code.
    pub fn parse(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == code).map(|row| row.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use Permission as P;

    /// The permissions a role lacks.
    fn lacks(role: Role) -> Vec<Permission> {
        P::ALL.into_iter().filter(|permission| !role.may(*permission)).collect()
    }

    #[test]
    fn each_role_may_what_its_duty_needs_and_no_more() {
        let has = |role: Role| P::ALL.into_iter().filter(|p| role.may(*p)).collect::<Vec<_>>();
        assert_eq!(lacks(Admin), [P::RequestEvidence]);
        assert_eq!(
            lacks(Approver),
            [P::EditLedgers, P::SendAccesses, P::ManageUsers, P::ManageSettings, P::RequestEvidence]
        );
        assert_eq!(
            lacks(Operator),
            [P::Approve, P::ReadAccesses, P::ReviewAccesses, P::ManageUsers, P::ManageSettings, P::RequestEvidence]
        );
        assert_eq!(has(Staff), [P::UseOwnAccount, P::ReadTasks, P::LendDevices]);
        assert_eq!(has(Vendor), [P::UseOwnAccount]);
        assert_eq!(
            has(Auditor),
            [
                P::UseOwnAccount,
                P::ReadLedgers,
                P::ReadVerdicts,
                P::MakePapers,
                P::ReadJournal,
                P::ReadAccesses,
                P::RequestEvidence
            ]
        );
    }

    #[test]
    fn codes_and_names_are_there_and_unique() {
        let mut codes: Vec<&str> = Role::ALL.into_iter().map(Role::code).collect();
        codes.extend(P::ALL.into_iter().map(P::code));
        assert!(codes.iter().all(|code| !code.is_empty()));
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.code()), Some(role));
            assert!(!role.label().ja.is_empty());
        }
        for permission in P::ALL {
            assert_eq!(P::parse(permission.code()), Some(permission));
            assert!(!permission.label().ja.is_empty());
        }
        assert_eq!(Role::parse("root"), None);
    }
}
