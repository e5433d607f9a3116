-- 承認の段階: which steps lead to an approval, by ledger, where that is more than the approval itself; and who has checked
-- what on the way. A check counts for exactly what was shown (SHA-256), so it ends when the row changes.
CREATE TABLE approval_routes (
    facility TEXT NOT NULL,
    ledger TEXT NOT NULL,
    route TEXT NOT NULL,
    PRIMARY KEY (facility, ledger)
);
CREATE TABLE approval_checks (
    facility TEXT NOT NULL,
    ledger TEXT NOT NULL,
    row_key TEXT NOT NULL,
    shown_sha256 TEXT NOT NULL,
    step BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (facility, ledger, row_key, shown_sha256, step)
);

-- 回覧: several people see a row and say so, in whatever order.
CREATE TABLE circulars (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    ledger TEXT NOT NULL,
    row_key TEXT NOT NULL,
    note TEXT NOT NULL,
    due_on TEXT,
    made_by TEXT NOT NULL,
    made_name TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX circulars_facility ON circulars (facility, made_at);
CREATE TABLE circular_readers (
    circular TEXT NOT NULL,
    user_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    name TEXT NOT NULL,
    seen_at BIGINT,
    PRIMARY KEY (circular, user_id)
);
CREATE INDEX circular_readers_facility ON circular_readers (facility);
