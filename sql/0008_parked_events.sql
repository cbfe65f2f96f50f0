-- Events that a sink does not take, until somebody has them sent again.
CREATE TABLE IF NOT EXISTS parked_events (
    number        INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sink          INT UNSIGNED NOT NULL,
    partition_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    event_number  BIGINT UNSIGNED NOT NULL, -- its place in line
    event_id      VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind          VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    time          BIGINT UNSIGNED NOT NULL, -- microseconds since 1970
    sequence      BIGINT UNSIGNED NOT NULL,
    data          MEDIUMTEXT   COLLATE utf8mb4_bin NOT NULL,
    attempts      INT UNSIGNED NOT NULL,
    last_error    VARCHAR(255) NOT NULL,
    parked_at     BIGINT UNSIGNED NOT NULL  -- microseconds since 1970
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
