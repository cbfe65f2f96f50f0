-- Events of one key for one sink stand in line; only the head of a line is sent. A line without events is deleted, unless
-- a parked event holds it.
CREATE TABLE IF NOT EXISTS event_lines (
    id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sink          INT UNSIGNED NOT NULL,
    partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    due_at        DATETIME(6),                          -- UTC; when its head may be sent; NULL: a parked event holds it
    owner         CHAR(32)     CHARACTER SET ascii COLLATE ascii_bin, -- who sends it, until `due_at`
    attempts      INT UNSIGNED NOT NULL DEFAULT 0,      -- of its head
    -- Raised by whoever adds to it, so that a cluster sees the conflict with whoever deletes it at that moment.
    generation    INT UNSIGNED NOT NULL DEFAULT 0,
    UNIQUE KEY (sink, partition_key),
    KEY (sink, due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
