-- What the journal says about one subject is asked of what people did here; who opened a record is asked of the index of
-- accesses. A hundred million of these need no second index by patient, which was the dearest part of writing one.
DROP INDEX journal_subject;
CREATE INDEX journal_subject ON journal (facility, subject) WHERE action < 'access.' OR action >= 'access/';
