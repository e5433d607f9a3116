-- 証拠の依頼: what an auditor asks for on a requirement, and what was handed in. A step is one answer, confirmation or
-- sending back; its links are JSON pairs of ledger and key, its file is in base64, as dumps are text.
CREATE TABLE evidence_requests (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    no BIGINT NOT NULL,
    requirement TEXT NOT NULL,
    what TEXT NOT NULL,
    due_on TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'ready', 'confirmed', 'sent_back')),
    asked_by TEXT NOT NULL,
    asked_name TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    UNIQUE (facility, no)
);
CREATE TABLE evidence_steps (
    request TEXT NOT NULL,
    place BIGINT NOT NULL,
    facility TEXT NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('answer', 'confirm', 'send_back')),
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    said TEXT NOT NULL,
    links TEXT NOT NULL,
    file_name TEXT,
    file_sha256 TEXT,
    file_bytes BIGINT,
    content TEXT,
    PRIMARY KEY (request, place)
);
CREATE INDEX evidence_steps_facility ON evidence_steps (facility);

-- 月次報告: how many requirements of an edition had each verdict on a day on which they were counted, and each
-- requirement's verdict from the day on which it was first seen. Days on which nobody counted have no row.
CREATE TABLE verdict_counts (
    facility TEXT NOT NULL,
    edition TEXT NOT NULL,
    counted_on TEXT NOT NULL,
    unmet BIGINT NOT NULL,
    unknown BIGINT NOT NULL,
    due_soon BIGINT NOT NULL,
    deemed BIGINT NOT NULL,
    met BIGINT NOT NULL,
    not_applicable BIGINT NOT NULL,
    PRIMARY KEY (facility, edition, counted_on)
);
CREATE TABLE verdict_turns (
    facility TEXT NOT NULL,
    requirement TEXT NOT NULL,
    turned_on TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (facility, requirement, turned_on)
);
