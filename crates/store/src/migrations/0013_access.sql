-- Who opened which patient: where the records come from, what came, and the index that questions are asked of.

CREATE TABLE log_sources (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    row_key TEXT NOT NULL,
    no TEXT,
    name TEXT,
    system TEXT,
    format TEXT,
    zone TEXT,
    address TEXT,
    folder TEXT,
    silent_hours BIGINT,
    numbered BIGINT CHECK (numbered IN (0, 1)),
    in_use BIGINT CHECK (in_use IN (0, 1)),
    note TEXT,
    rev BIGINT NOT NULL,
    entered_at BIGINT NOT NULL,
    entered_on TEXT NOT NULL,
    import TEXT,
    search TEXT NOT NULL DEFAULT '',
    UNIQUE (facility, row_key)
);
CREATE TABLE work_plans (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    row_key TEXT NOT NULL,
    no TEXT,
    vendor TEXT,
    system TEXT,
    from_on TEXT,
    until_on TEXT,
    purpose TEXT,
    worker TEXT,
    approved_by TEXT,
    approved_on TEXT,
    note TEXT,
    rev BIGINT NOT NULL,
    entered_at BIGINT NOT NULL,
    entered_on TEXT NOT NULL,
    import TEXT,
    search TEXT NOT NULL DEFAULT '',
    UNIQUE (facility, row_key)
);

-- What came, as it came. `place` counts within the source from 1; `hash` covers the arrival and the one before it.
-- `content` is compressed and in base64, as dumps are text.
CREATE TABLE arrivals (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    source TEXT NOT NULL,
    place BIGINT NOT NULL,
    format TEXT NOT NULL,
    parser BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    size BIGINT NOT NULL,
    hash TEXT NOT NULL,
    fresh BIGINT NOT NULL,
    known BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    content TEXT NOT NULL,
    UNIQUE (facility, source, place)
);
-- What is known of a source from what it sent: the head of its chain, and which of its numbers are missing.
CREATE TABLE arrival_heads (
    facility TEXT NOT NULL,
    source TEXT NOT NULL,
    place BIGINT NOT NULL,
    hash TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    event_at BIGINT,
    numbers TEXT NOT NULL,
    PRIMARY KEY (facility, source)
);

-- The index. It is made from the journal and can be made anew at any time, so it is in no dump. There may be a hundred
-- million rows: texts are numbers of access_names, and columns are as narrow as they may be. The facility is in the
-- names. The place of an act, exposure or outcome in the tables of domain::access is what stands here.
CREATE TABLE access_names (
    id INTEGER NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT,
    UNIQUE (facility, kind, name)
);
CREATE TABLE accesses (
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    mark BIGINT NOT NULL,
    source INTEGER NOT NULL,
    person INTEGER NOT NULL,
    patient INTEGER,
    terminal INTEGER,
    plan INTEGER,
    act SMALLINT NOT NULL,
    exposure SMALLINT NOT NULL,
    outcome SMALLINT NOT NULL,
    records BIGINT
);
CREATE INDEX accesses_patient ON accesses (patient, at) WHERE patient IS NOT NULL;
CREATE INDEX accesses_person ON accesses (person, at);
CREATE INDEX accesses_source ON accesses (source, at);
CREATE INDEX accesses_mark ON accesses (mark);
-- What was printed or taken out.
CREATE INDEX accesses_taken ON accesses (source, at) WHERE act IN (7, 8);

-- Settings of the log review, and its cases. `subject` is the account or the patient that a case is about.
CREATE TABLE review_settings (
    facility TEXT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (facility, name)
);
CREATE TABLE review_cases (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    no BIGINT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    accesses BIGINT NOT NULL,
    people BIGINT NOT NULL,
    patients BIGINT NOT NULL,
    weight BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    week TEXT NOT NULL,
    verdict TEXT CHECK (verdict IN ('appropriate', 'inappropriate', 'unclear')),
    reason TEXT,
    closed_by TEXT,
    closed_at BIGINT,
    review TEXT,
    UNIQUE (facility, no),
    UNIQUE (facility, kind, source, subject, week)
);
CREATE INDEX review_cases_open ON review_cases (facility, closed_at);

-- The journal without the accesses: what people did here. Among a hundred million accesses it has to be found at once.
CREATE INDEX journal_own ON journal (facility, seq) WHERE action < 'access.' OR action >= 'access/';
