-- What an account may do, in the institution's words.
ALTER TABLE accounts ADD COLUMN rights TEXT;

-- How a facility reads the two-factor rule where the guideline is silent; NULL is the product's reading.
ALTER TABLE facilities ADD COLUMN mfa_plan_until TEXT;
ALTER TABLE facilities ADD COLUMN mfa_missed_from TEXT;
ALTER TABLE facilities ADD COLUMN mfa_later BIGINT CHECK (mfa_later IN (0, 1));
ALTER TABLE facilities ADD COLUMN mfa_approval BIGINT CHECK (mfa_approval IN (0, 1));
ALTER TABLE facilities ADD COLUMN mfa_software BIGINT CHECK (mfa_software IN (0, 1));
ALTER TABLE facilities ADD COLUMN mfa_form_fill BIGINT CHECK (mfa_form_fill IN (0, 1));
