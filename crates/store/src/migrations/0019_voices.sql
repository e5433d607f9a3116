-- Who speaks for whom: for which sources a token may hand in records, one to a line (nothing: for every one of its
-- facility), and how often a source was told of in the name of another one.

ALTER TABLE tokens ADD COLUMN sources TEXT;
ALTER TABLE arrival_heads ADD COLUMN forged BIGINT;
ALTER TABLE arrival_heads ADD COLUMN forged_at BIGINT;
