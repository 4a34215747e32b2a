-- How many users any event names since some moment of a day, up to now. The step is the rest of that day.
-- Parameters: first_day (the day, of UTC), chunk_size (users of one chunk of a set).
-- Columns: users.
-- Index: the primary keys of events_user_minutes and events_users_hours (time, series) for the step; events_usernumber is read whole.
, heard AS (
    SELECT chunk, bit_or(users) AS users FROM users_by_step GROUP BY 1
)
SELECT count(*) AS users FROM events_usernumber AS known LEFT JOIN heard ON heard.chunk = known.id / %(chunk_size)s::int
WHERE last_day > %(first_day)s OR last_day = %(first_day)s AND get_bit(heard.users, known.id %% %(chunk_size)s::int) = 1
