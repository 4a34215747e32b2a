DROP SCHEMA liftmon_views CASCADE;
