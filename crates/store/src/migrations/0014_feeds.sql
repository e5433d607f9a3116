-- Files of watched folders that were taken: by their content, so that the same file is never taken twice.

CREATE TABLE feed_files (
    facility TEXT NOT NULL,
    source TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (facility, source, sha256)
);
