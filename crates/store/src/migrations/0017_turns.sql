-- How the keys of the days follow from each other, by log and number: what was drawn for a day's key, in hex, and the
-- record that its predecessor signed. Nothing in it is secret; with the key of the day before it leads to that of the day.
-- Whichever node writes a number first decides it for all.

CREATE TABLE log_turns (
    origin TEXT NOT NULL,
    number BIGINT NOT NULL,
    fresh TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (origin, number)
);
