-- The first answer to a POST with an Idempotency-Key, for those who ask again. It is written in the transaction of the
-- change itself. While `status` is NULL, that one is still running.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    -- 255 visible ASCII characters: longer than any UUID, and two that differ in case are two.
    idempotency_key VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    -- SHA-256 of the method, the path, the token and the body.
    fingerprint     BINARY(32) NOT NULL,
    status          SMALLINT UNSIGNED,
    content_type    VARCHAR(100) CHARACTER SET ascii,
    location        VARCHAR(255) CHARACTER SET ascii,
    body            MEDIUMBLOB,
    created_at      TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    -- Old ones are deleted by their age.
    KEY (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4
