-- Mail to the people who use the product: how it is sent, and what waits to be sent. The password is encrypted with a key
-- that is not in the database. Instants are UTC microseconds.
ALTER TABLE users ADD COLUMN email TEXT;
-- The days that a guest from outside (監査担当者) sees; NULL is no bound.
ALTER TABLE users ADD COLUMN sees_from TEXT;
ALTER TABLE users ADD COLUMN sees_until TEXT;

CREATE TABLE mail_settings (
    facility TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    security TEXT NOT NULL,
    login TEXT,
    secret TEXT,
    sender TEXT NOT NULL,
    authority TEXT,
    digest_on TEXT
);

-- Fleeting, not part of a dump. One mail for each account and matter, however often it is asked for.
CREATE TABLE mails (
    user_id TEXT NOT NULL,
    about TEXT NOT NULL,
    facility TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    sent_at BIGINT,
    failed_at BIGINT,
    problem TEXT,
    PRIMARY KEY (user_id, about)
);
CREATE INDEX mails_due ON mails (due_at);

-- 代理: who approves in somebody's place, and for which days.
CREATE TABLE deputies (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    principal TEXT NOT NULL,
    deputy TEXT NOT NULL,
    from_on TEXT NOT NULL,
    until_on TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX deputies_facility ON deputies (facility, deputy);

-- 後閲: who has seen, afterwards, what was approved without them.
CREATE TABLE seen_approvals (
    facility TEXT NOT NULL,
    ledger TEXT NOT NULL,
    row_key TEXT NOT NULL,
    approved_on TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seen_by TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (facility, ledger, row_key, approved_on, user_id)
);

-- On which terminals an account was used; fleeting, not part of a dump.
CREATE TABLE known_terminals (
    user_id TEXT NOT NULL,
    terminal_sha256 TEXT NOT NULL,
    first_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, terminal_sha256)
);
