DROP TABLE events_people_fives, events_hurtusers_fives, events_nameusers_fives, events_featureusers_fives,
    events_endpointusers_fives, events_endpointlatency_fives, events_namecounts_minutes, events_featurecounts_minutes,
    events_trialcounts_minutes,
    events_hurtanywhere_fives, events_hurtanywhere_hours, events_hurtanywhere_days, events_failuresanywhere_days;
