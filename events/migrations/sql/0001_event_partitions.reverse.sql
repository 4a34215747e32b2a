DROP FUNCTION events_make_partitions(timestamptz, timestamptz);
DROP TABLE events_event;
