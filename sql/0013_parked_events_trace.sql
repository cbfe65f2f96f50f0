-- The trace of the request that has changed what the events are about (W3C Trace Context); NULL: none. And an index, by
-- which those of one sink are counted however many another one has.
ALTER TABLE parked_events ADD COLUMN traceparent CHAR(55) CHARACTER SET ascii COLLATE ascii_bin,
    ADD INDEX sink (sink)
