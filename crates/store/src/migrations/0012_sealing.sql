-- Who seals, of all the nodes that share this database, and the newest head that was signed. One row. `place` is the
-- folder of whoever seals, `term` grows when another takes over, `beat` while the same goes on. `root` is hex.

CREATE TABLE sealing (
    id BIGINT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL,
    term BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    origin TEXT NOT NULL,
    size BIGINT NOT NULL,
    root TEXT NOT NULL
);

INSERT INTO sealing (id, place, term, beat, origin, size, root) VALUES (1, '', 0, 0, '', 0, '');

-- What was decided about acts that cannot be recorded, by class; where nothing was, the product's own choice holds.

CREATE TABLE unrecorded (
    class TEXT NOT NULL PRIMARY KEY,
    goes_on BIGINT NOT NULL
);
