-- Which users by the few words that most questions ask by: whom anything names, and whom failures hurt. These sets are the union of
-- those of events_users_* over all series of one service, environment and severity: some dozens a day instead of thousands.
-- Frozen: later changes are later files.

CREATE TABLE events_people_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, chunk integer NOT NULL,
    users bit(16384) STORAGE MAIN NOT NULL, PRIMARY KEY (hour, service_id, environment, severity, chunk)
);
CREATE TABLE events_people_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, chunk integer NOT NULL,
    users bit(16384) STORAGE MAIN NOT NULL, PRIMARY KEY (day, service_id, environment, severity, chunk)
);
-- Sets change in place: leave room on the page.
ALTER TABLE events_people_hours SET (fillfactor = 70);
ALTER TABLE events_people_days SET (fillfactor = 70);

INSERT INTO events_people_hours
SELECT hour, service_id, environment, severity, chunk, bit_or(users)
FROM events_users_hours JOIN events_series ON events_series.id = series_id GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_people_days
SELECT day, service_id, environment, severity, chunk, bit_or(users)
FROM events_users_days JOIN events_series ON events_series.id = series_id GROUP BY 1, 2, 3, 4, 5;
