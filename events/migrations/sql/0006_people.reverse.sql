DROP TABLE events_people_hours, events_people_days;
