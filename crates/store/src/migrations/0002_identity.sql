-- Who signs in. Secrets of 256 bits are kept as SHA-256 (hex), passwords as argon2id, TOTP secrets encrypted with a key
-- that is not in the database. Instants are UTC microseconds.

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    person TEXT,
    role TEXT NOT NULL,
    password_hash TEXT,
    password_history TEXT NOT NULL,
    password_alone BIGINT NOT NULL CHECK (password_alone IN (0, 1)),
    totp_secret TEXT,
    totp_last_step BIGINT NOT NULL,
    disabled_reason TEXT,
    disabled_at BIGINT,
    sealed BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    valid_from TEXT,
    valid_until TEXT,
    must_renew BIGINT NOT NULL CHECK (must_renew IN (0, 1)),
    notice TEXT,
    lang TEXT,
    made_at BIGINT NOT NULL,
    last_sign_in_at BIGINT,
    rev BIGINT NOT NULL
);
CREATE INDEX users_facility ON users (facility, person);

-- Passkeys. `id` is the credential id (base64url); the counter lives here, not in the JSON.
CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    passkey TEXT NOT NULL,
    model TEXT,
    attachment TEXT,
    backup_eligible BIGINT NOT NULL CHECK (backup_eligible IN (0, 1)),
    counter BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX credentials_user ON credentials (user_id);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (user_id, sha256)
);

-- Terminals somebody has named; one that is not here is a private one.
CREATE TABLE terminals (
    id TEXT NOT NULL PRIMARY KEY,
    key_sha256 TEXT NOT NULL UNIQUE,
    facility TEXT NOT NULL,
    name TEXT NOT NULL,
    shared BIGINT NOT NULL CHECK (shared IN (0, 1)),
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL
);

-- Secrets with which programs call the API.
CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);

-- What follows is fleeting and not part of a dump.

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    secret_sha256 TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    facility TEXT NOT NULL,
    terminal_sha256 TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    methods TEXT NOT NULL,
    csrf TEXT NOT NULL,
    shared BIGINT NOT NULL CHECK (shared IN (0, 1)),
    started_at BIGINT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    locked_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id);

-- One-time permits: the link of the first set-up, a reset that was asked for, a passkey ceremony under way.
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL UNIQUE,
    user_id TEXT,
    facility TEXT NOT NULL,
    terminal_sha256 TEXT,
    address TEXT,
    state TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    used_at BIGINT
);
CREATE INDEX grants_kind ON grants (kind, user_id);

-- Wrong tries in a row, per account (a keyed tag, since people type passwords where the login goes) and address.
CREATE TABLE failures (
    account_key TEXT NOT NULL,
    address TEXT NOT NULL,
    failed BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account_key, address)
);
