DROP TABLE events_hurtusers_hours, events_hurtusers_days, events_nameusers_hours, events_nameusers_days, events_featureusers_hours,
    events_featureusers_days, events_endpointusers_hours, events_endpointusers_days, events_endpointlatency_hours,
    events_endpointlatency_days, events_failures_days;
DROP FUNCTION events_failures_of, events_set_of_users, events_percentiles;
DROP INDEX events_userfailure_by_user;
CREATE INDEX events_userfailure_by_user ON events_userfailure_minutes (user_id, minute);
