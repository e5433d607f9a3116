-- 取下げ: a request for evidence may be withdrawn, by who asked, or by the institution when that account is over.
ALTER TABLE evidence_requests RENAME TO evidence_requests_before;
CREATE TABLE evidence_requests (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    no BIGINT NOT NULL,
    requirement TEXT NOT NULL,
    what TEXT NOT NULL,
    due_on TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'ready', 'confirmed', 'sent_back', 'withdrawn')),
    asked_by TEXT NOT NULL,
    asked_name TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    UNIQUE (facility, no)
);
INSERT INTO evidence_requests SELECT * FROM evidence_requests_before;
DROP TABLE evidence_requests_before;
ALTER TABLE evidence_steps RENAME TO evidence_steps_before;
CREATE TABLE evidence_steps (
    request TEXT NOT NULL,
    place BIGINT NOT NULL,
    facility TEXT NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('answer', 'confirm', 'send_back', 'withdraw')),
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
INSERT INTO evidence_steps SELECT * FROM evidence_steps_before;
DROP TABLE evidence_steps_before;
CREATE INDEX evidence_steps_facility ON evidence_steps (facility);
