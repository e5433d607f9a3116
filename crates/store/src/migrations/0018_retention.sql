-- 保存期間: how long a facility keeps records of a kind, and why so long. Without a row everything is kept.
CREATE TABLE retention (
    facility TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('journal', 'accesses')),
    years BIGINT NOT NULL,
    basis TEXT NOT NULL,
    PRIMARY KEY (facility, kind)
);
-- 処分の停止: what is kept although its period is over, from a day on or altogether.
CREATE TABLE legal_holds (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    reason TEXT NOT NULL,
    from_on TEXT,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    lifted_by TEXT,
    lifted_why TEXT,
    lifted_at BIGINT
);
-- 処分: the beginnings of the journal that were disposed of, asked for by one person and approved by another. Entries
-- from `first_seq` to `last_seq` go; `hash` is that of the last of them, from which the chain of what is kept goes on.
-- `bounds` says up to when originals and the keys of months go with them, by facility (JSON). An approved one is carried
-- out in small steps, and done when nothing is left.
CREATE TABLE disposals_of_records (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('asked', 'withdrawn', 'approved', 'done')),
    hash TEXT NOT NULL,
    rules TEXT NOT NULL,
    months TEXT NOT NULL,
    bounds TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    decided_by TEXT,
    why TEXT,
    root TEXT,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    since_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    accesses BIGINT NOT NULL,
    originals BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    decided_at BIGINT,
    done_at BIGINT
);
-- The last of what came from a source that was disposed of, from which its chain goes on.
ALTER TABLE arrival_heads ADD COLUMN gone BIGINT;
ALTER TABLE arrival_heads ADD COLUMN gone_hash TEXT;
