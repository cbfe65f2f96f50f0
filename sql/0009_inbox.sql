-- The events of others that have been applied, each written in the transaction that applied it: one that comes twice is
-- known by its source and its id, and applied once.
CREATE TABLE IF NOT EXISTS inbox (
    -- Bytes, because text would lose a space at its end: 255 characters of UTF-8. Both are 2040 bytes, of 3072 in an index.
    source      VARBINARY(1020) NOT NULL,
    id          VARBINARY(1020) NOT NULL,
    received_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (source, id),
    -- Old ones are deleted by their age.
    KEY (received_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC
