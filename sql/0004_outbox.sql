-- Events as the transaction of the change itself writes them: a row for each statement, however many rows it changed.
CREATE TABLE IF NOT EXISTS outbox (
    id     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- Random; an event's id is this and its place in `events`.
    batch  CHAR(32)        CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind   VARCHAR(100)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    time   BIGINT UNSIGNED NOT NULL,                       -- microseconds since 1970
    count  INT UNSIGNED    NOT NULL,                       -- of events; 0: they do not read, and are not told
    events MEDIUMBLOB      NOT NULL                        -- a JSON array of [key, sequence, data], compressed (LZ4)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
