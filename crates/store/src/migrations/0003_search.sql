-- What pages need: words to search, what happened to one row, and which rows an import touched.

-- The words of a row as they are compared (domain::text::search_key); derived, filled by every write.
ALTER TABLE facilities ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE vendors ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE systems ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE contracts ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE vendor_answers ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE routes ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE records ADD COLUMN search TEXT NOT NULL DEFAULT '';
ALTER TABLE attestations ADD COLUMN search TEXT NOT NULL DEFAULT '';

-- Action and subject of an entry, to be asked for; derived from the entry, which alone is hashed.
ALTER TABLE journal ADD COLUMN action TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN subject TEXT NOT NULL DEFAULT '';
CREATE INDEX journal_subject ON journal (facility, subject);

-- Which version of the program's derivation the derived columns hold; the program fills them again when it is newer.
CREATE TABLE derived (
    version BIGINT NOT NULL
);
INSERT INTO derived (version) VALUES (0);

-- Every row an import touched. Added: entered_on is NULL. Confirmed: row_before is NULL. Changed: row_before is the
-- row as it was.
CREATE TABLE import_rows (
    import TEXT NOT NULL,
    ledger TEXT NOT NULL,
    row_key TEXT NOT NULL,
    facility TEXT NOT NULL,
    row_before TEXT,
    entered_at BIGINT,
    entered_on TEXT,
    import_was TEXT,
    PRIMARY KEY (import, ledger, row_key)
);
INSERT INTO import_rows (import, ledger, row_key, facility, row_before, entered_at, entered_on, import_was)
SELECT b.import, i.ledger, b.row_key, b.facility, b.row_before, b.entered_at, b.entered_on, b.import_was
FROM import_before b JOIN imports i ON i.id = b.import;
DROP TABLE import_before;
