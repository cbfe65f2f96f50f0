-- What an event's `sequence` says: it starts at the clock, so that a row that is deleted and made again does not go back,
-- and each change raises it. ADD COLUMN IF NOT EXISTS is MariaDB's alone: that the column is there already counts as done.
ALTER TABLE orders ADD COLUMN version BIGINT UNSIGNED NOT NULL DEFAULT 1
