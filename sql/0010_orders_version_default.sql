-- It starts at the database's clock, in microseconds since 1970, so that a row that is deleted and made again does not go
-- back. A step of its own: so neither has to rewrite the table.
ALTER TABLE orders ALTER COLUMN version SET DEFAULT (TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)))
