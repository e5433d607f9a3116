-- Background jobs and what they made. The files are made anew at any time and only the newest are kept, so they are in
-- no dump. BYTEA is what PostgreSQL calls it; SQLite stores a blob in a column of whatever name.
CREATE TABLE jobs (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    runner TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    ended_at BIGINT,
    result TEXT,
    file_name TEXT,
    bytes BYTEA
);
CREATE INDEX jobs_facility ON jobs (facility, made_at);
