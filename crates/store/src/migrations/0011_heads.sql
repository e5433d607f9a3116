-- Heads of the sealed log that somebody else has: witnesses, time stamps, paper. `log_keepers` are those that are asked
-- by themselves, with their public key (a witness) or their authority's certificates (a time stamp), and the authority
-- of their TLS certificate where it is not a public one. `log_heads` is the last head each of them was given, each time
-- stamp and each print. `proof` is what shows it: a signed note with its cosignature, a reply in base64, the printed line.

CREATE TABLE log_keepers (
    id TEXT NOT NULL PRIMARY KEY,
    grade TEXT NOT NULL CHECK (grade IN ('own', 'foreign', 'stamp')),
    url TEXT NOT NULL,
    trust TEXT NOT NULL,
    tls TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE TABLE log_heads (
    id TEXT NOT NULL PRIMARY KEY,
    grade TEXT NOT NULL CHECK (grade IN ('own', 'foreign', 'stamp', 'paper')),
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL,
    at BIGINT NOT NULL,
    proof TEXT NOT NULL
);
