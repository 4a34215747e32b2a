DROP TABLE events_namecounts_hours, events_namecounts_days, events_featurecounts_hours, events_featurecounts_days,
    events_trialcounts_hours, events_trialcounts_days;
