-- What the ledger of people said of the account's person (profession, department, duties) when somebody last decided on
-- its role. Where it says something else now, the role is to be looked at again.
ALTER TABLE users ADD COLUMN duties TEXT;
