-- What an event's `sequence` says: each change raises it; where it begins, 0010 says. ADD COLUMN IF NOT EXISTS is
-- MariaDB's alone: that the column is there already counts as done.
ALTER TABLE orders ADD COLUMN version BIGINT UNSIGNED NOT NULL DEFAULT 1
