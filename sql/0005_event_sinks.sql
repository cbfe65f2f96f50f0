CREATE TABLE IF NOT EXISTS event_sinks (
    id         INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name       VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    stopped_at BIGINT UNSIGNED,    -- it wants no more events; microseconds since 1970
    reason     VARCHAR(255)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
