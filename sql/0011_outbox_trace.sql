-- The trace of the request that has changed what the events are about (W3C Trace Context); NULL: none. While instances
-- of an earlier version run too, the events that those move to the lines lose theirs.
ALTER TABLE outbox ADD COLUMN traceparent CHAR(55) CHARACTER SET ascii COLLATE ascii_bin
