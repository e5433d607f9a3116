-- The secrets under which the fields of journal entries are salted when they are sealed: one for each facility and
-- month (UTC), so that a month can be made unreadable for ever without touching the tree. `secret` is hex.

CREATE TABLE seal_keys (
    facility TEXT NOT NULL,
    month TEXT NOT NULL,
    secret TEXT NOT NULL,
    PRIMARY KEY (facility, month)
);
