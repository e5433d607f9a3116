-- Files that people sent and have not decided about yet: shown as a dry run, taken in or dropped. In the database,
-- so that any node may finish what another began, and never where a browser could fetch them. `content` is base64.

CREATE TABLE uploads (
    id TEXT NOT NULL PRIMARY KEY,
    facility TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    content TEXT NOT NULL
);
CREATE INDEX uploads_made ON uploads (made_at);
