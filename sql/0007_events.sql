-- Events that wait for a sink, side by side with the others of their line.
CREATE TABLE IF NOT EXISTS events (
    line     BIGINT UNSIGNED NOT NULL,
    number   BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    event_id VARCHAR(64)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind     VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    time     BIGINT UNSIGNED NOT NULL, -- microseconds since 1970
    sequence BIGINT UNSIGNED NOT NULL,
    data     MEDIUMTEXT   COLLATE utf8mb4_bin NOT NULL, -- JSON, as text: a number keeps its digits
    PRIMARY KEY (line, number),
    KEY (number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
