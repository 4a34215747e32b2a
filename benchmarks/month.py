"""Fill the database of DATABASE_URL with a month of events and everything that is counted of them. Called by benchmarks.reports.

    python -m benchmarks.month --millions 10
    python -m benchmarks.month --top-up         # what came since the month was made, at the same rate

Events are made by SQL, a day at a time in two sessions, from the patterns of benchmarks.patterns: visits of a heavy-tailed crowd,
most of them in the evening, a release every two and a half days. Each day every pattern comes at least once in each environment,
so that the number of counters does not depend on the number of events. The facts of a day go where ingest appends them, and
`compact()` folds them: the counters are what operation would have left.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import django
import orjson
import psycopg

if __name__ == "__main__":
    django.setup()

from django.db import connection

from benchmarks.patterns import SERVICES, Pattern, patterns
from benchmarks.rows import COLUMNS
from events.demo.traffic import weight
from events.models import Issue, IssueFingerprint, IssueTransition, Service, TransitionKind
from events.partitions import index_arrivals, make_partitions
from events.retention import rollup_kept
from events.rollup_tables import FAILED, FOLDED_TABLES
from events.rollups import LATENCY_BUCKET, compact

DAYS: Final = 30
USERS: Final = 20_000
RELEASES: Final = 12
_DAY: Final = timedelta(days=1)
_EVENTS_PER_VISIT: Final = 15
_STAGING_SHARE: Final = 0.06
# A pattern's part of so many slots is its share; an event draws a slot.
_SLOTS: Final = 200_000
# Sessions that make events: two, as the cores of a small machine.
_SESSIONS: Final = 2
Say = Callable[[str], object]

_TABLES = """
    CREATE SCHEMA benchmark;
    CREATE TABLE benchmark.pattern (
        id integer PRIMARY KEY, service_id integer, name text, tier text, kind text, severity text, endpoint text, message text,
        fingerprint_id bigint, labels jsonb, data jsonb, exception jsonb, key text, duration text, median float8, spread float8,
        has_user boolean, service text
    );
    CREATE TABLE benchmark.slot (slot integer PRIMARY KEY, pattern_id integer);
    -- When a month was whole: its end, and how many events it has.
    CREATE TABLE benchmark.month (until timestamptz, events bigint, seconds float8, folding_seconds float8);
    CREATE UNLOGGED TABLE benchmark.fact (day integer, LIKE events_fact);
"""
# Ranks of users are drawn so that the first of them comes about (rank + 300)⁻¹ as often: the most eager tenth are half of all.
_EVENTS = f"""
    WITH visits AS MATERIALIZED (
        SELECT number, %(start)s + interval '1 hour' * (width_bucket(random(), %(hours)s::float8[]) + random()) AS began_at,
            md5('lift ' || (floor(300 * power((%(users)s + 300) / 300.0, random()) - 300))::int) AS user_hash,
            md5(random()::text) AS session_id, random() < %(staging)s AS is_staging
        FROM generate_series(1, %(visits)s) AS number
    ), drawn AS MATERIALIZED (
        (SELECT least(began_at + random() * interval '12 minutes', %(end)s - interval '1 millisecond') AS occurred_at,
            user_hash, session_id, is_staging, floor(random() * {_SLOTS})::int AS slot, NULL::int AS pattern_id
        FROM visits CROSS JOIN generate_series(1, {_EVENTS_PER_VISIT}) LIMIT greatest(%(count)s - %(once)s, 0))
        UNION ALL
        (SELECT %(start)s + random() * (%(end)s - %(start)s),
            -- All users in turn, so that a million events have them all as well.
            md5('lift ' || (2 * (%(day)s * %(patterns)s + id) + is_staging::int) %% %(users)s), md5(random()::text), is_staging,
            NULL, id
        FROM benchmark.pattern CROSS JOIN (VALUES (true), (false)) AS environments (is_staging) ORDER BY id
        LIMIT least(%(count)s, %(once)s))
    ), made AS MATERIALIZED (
        SELECT (lpad(to_hex((extract(epoch FROM occurred_at) * 1000)::bigint), 12, '0') || '7'
                || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid AS id,
            pattern.tier, occurred_at, pattern.service_id, pattern.fingerprint_id, pattern.name, pattern.kind,
            pattern.severity, pattern.message, CASE WHEN is_staging THEN 'staging' ELSE 'production' END AS environment,
            pattern.service || '@4.' || least(greatest(floor(
                -- Each is rolled out over three hours.
                {RELEASES} * (extract(epoch FROM occurred_at - %(since)s) - random() * 10800) / extract(epoch FROM %(month)s)
            ), 0), {RELEASES - 1}) || '.0' AS release,
            pattern.endpoint, greatest(round(median * exp(spread * random_normal())), 1) AS measured, pattern.duration,
            CASE WHEN has_user THEN user_hash ELSE '' END AS user_hash, session_id, pattern.exception, pattern.data, pattern.key,
            pattern.labels
        FROM drawn LEFT JOIN benchmark.slot USING (slot)
        JOIN benchmark.pattern ON pattern.id = coalesce(drawn.pattern_id, slot.pattern_id)
        ORDER BY occurred_at
    ), timed AS MATERIALIZED (
        SELECT *, CASE duration WHEN '' THEN NULL WHEN 'duration_seconds' THEN 1000 * measured ELSE measured END AS duration_ms
        FROM made
    ), stored AS (
        INSERT INTO events_event ({COLUMNS})
        SELECT id, tier, occurred_at, occurred_at, service_id, fingerprint_id, gen_random_uuid(), name, kind, severity, message,
            environment, release, endpoint, duration_ms, user_hash, session_id, exception, '[]',
            CASE WHEN kind = 'error' THEN '{{"os": "iOS", "browser": "Safari"}}'::jsonb ELSE '{{}}' END,
            data || CASE WHEN user_hash = '' THEN '{{}}' ELSE jsonb_build_object('user_id', user_hash) END
                || CASE WHEN duration = '' THEN '{{}}' ELSE jsonb_build_object(duration, measured::int) END
                || CASE WHEN key = '' THEN '{{}}' ELSE jsonb_build_object('key', key || ':' || floor(random() * 9000)::int) END,
            '[]', '[]', labels
        FROM timed
    )
    INSERT INTO benchmark.fact
    SELECT %(day)s, service_id, name, severity, endpoint, environment, release, labels, date_trunc('minute', occurred_at),
        user_hash, CASE WHEN duration_ms >= 0 THEN {LATENCY_BUCKET} END, fingerprint_id, 1, (duration_ms IS NOT NULL)::int,
        coalesce(duration_ms, 0)
    FROM timed
"""  # noqa: S608 - constants
_ISSUES = """
    INSERT INTO events_fingerprintuser (fingerprint_id, user_hash, event_count, first_seen_at, last_seen_at)
    SELECT fingerprint_id, user_hash, count(*), min(occurred_at), max(occurred_at) FROM events_event
    WHERE fingerprint_id IS NOT NULL AND user_hash <> '' GROUP BY 1, 2;
    UPDATE events_issuefingerprint AS target SET event_count = found.events, first_seen_at = first, last_seen_at = last
    FROM (
        SELECT fingerprint_id, count(*) AS events, min(occurred_at) AS first, max(occurred_at) AS last
        FROM events_event WHERE fingerprint_id IS NOT NULL GROUP BY 1
    ) AS found WHERE found.fingerprint_id = target.id;
    UPDATE events_issue AS target SET event_count = fingerprint.event_count, first_seen_at = fingerprint.first_seen_at,
        last_seen_at = fingerprint.last_seen_at,
        user_count = (SELECT count(*) FROM events_fingerprintuser WHERE fingerprint_id = fingerprint.id)
    FROM events_issuefingerprint AS fingerprint WHERE fingerprint.issue_id = target.id;
    UPDATE events_issuetransition AS target SET at = issue.first_seen_at
    FROM events_issue AS issue WHERE issue.id = target.issue_id;
    UPDATE events_service AS target SET first_event_at = found.first FROM (
        SELECT service_id, min(occurred_at) AS first FROM events_event GROUP BY 1
    ) AS found WHERE found.service_id = target.id
"""
# What counters say of the events, and what the events say themselves.
_SUMS = {
    "events_count_days": "SELECT count(*) FROM events_event",
    "events_count_hours": "SELECT count(*) FROM events_event",
    "events_count_minutes": "SELECT count(*) FROM events_event",
    "events_latency_days CROSS JOIN LATERAL events_buckets(histogram)": "SELECT count(duration_ms) FROM events_event",
    "events_issue_hours": "SELECT count(fingerprint_id) FROM events_event",
    "events_userfailure_minutes": f"SELECT count(*) FROM events_event AS fact WHERE {FAILED} AND user_hash <> ''",  # noqa: S608
}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the month or a part of one: its place, its bounds, how busy each of its hours is, and how many events it has."""

    number: int
    start: datetime
    end: datetime
    hours: list[float]
    count: int
    # Whether every pattern comes at least once.
    is_whole: bool = True


def days_of(*, until: datetime, events: int) -> list[Day]:
    """The 30 days before ``until``, oldest first, with so many events in all."""
    since = until - DAYS * _DAY
    starts = [since + number * _DAY for number in range(DAYS)]
    hours = [[weight(start + timedelta(hours=hour)) for hour in range(24)] for start in starts]
    whole = sum(map(sum, hours))
    found, up_to, told = [], 0.0, 0
    for number, (start, weights) in enumerate(zip(starts, hours, strict=True)):
        up_to += sum(weights)
        count = round(events * up_to / whole) - told
        told += count
        found.append(Day(number, start, start + _DAY, weights, count))
    return found


def fill(*, until: datetime, events: int, say: Say) -> None:
    """Make the month that ends then, in a migrated database without events. Raises RuntimeError when it does not add up."""
    began = time.perf_counter()
    make_partitions(now=until)
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
    _store_patterns(_make_services(), at=until)
    folding = 0.0
    with ThreadPoolExecutor(_SESSIONS) as sessions:
        days = days_of(until=until, events=events)
        making = [sessions.submit(_make_day, day, until=until) for day in days]
        done = 0
        for day, made in zip(days, making, strict=True):
            made.result()
            folding += _fold_day(day, until=until)
            done += day.count
            say(f"{done:,} of {events:,} events, {time.perf_counter() - began:.0f} s, {folding:.0f} s of it folding")
    with connection.cursor() as cursor:
        cursor.execute(_ISSUES)
    _check(say)
    _tidy(say)
    with connection.cursor() as cursor:
        seconds = time.perf_counter() - began
        cursor.execute("INSERT INTO benchmark.month VALUES (%s, %s, %s, %s)", [until, events, seconds, folding])
    say(f"{events:,} events in {seconds:.0f} s; folding took {folding / events * 1e6:.1f} s per million facts")


def top_up(*, now: datetime, say: Say) -> None:
    """Add what came between the end of the month and ``now``, so that windows that end now are as full as any."""
    make_partitions(now=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT until, events FROM benchmark.month")
        until, events = cursor.fetchone()
        cursor.execute("CREATE UNLOGGED TABLE IF NOT EXISTS benchmark.fact (day integer, LIKE events_fact)")
        cursor.execute("SELECT max(minute) FROM events_count_minutes")
        # A top-up before this one went so far.
        start = max(until, cursor.fetchone()[0] + timedelta(minutes=1))
    if start >= now:
        return
    hours = [1.0] * (1 + (now - start) // timedelta(hours=1))
    rest = Day(DAYS, start, now, hours, round(events * ((now - start) / (DAYS * _DAY))), is_whole=False)
    _make_day(rest, until=until)
    _fold_day(rest, until=now)
    index_arrivals(now=now)  # as Beat has it done every minute
    say(f"{rest.count:,} events since {start:%H:%M}")


def _make_services() -> list[Service]:
    return [Service.objects.create(name=name, slug=name.replace(" ", "-")) for name in SERVICES]


def _store_patterns(services: Sequence[Service], *, at: datetime) -> None:
    """Patterns and what they draw from, and for each cause an issue."""
    found = patterns()
    fingerprints = _make_issues(found, services, at=at)
    with connection.cursor() as cursor:
        with cursor.copy("COPY benchmark.pattern FROM STDIN") as copy:
            for number, one in enumerate(found):
                service = services[one.service]
                copy.write_row((
                    number, service.pk, one.name, one.tier, one.kind, one.severity, one.endpoint, one.message,
                    fingerprints.get((one.service, one.name, one.cause)), _json(one.all_labels), _json(one.data),
                    _json(one.exception), one.key, one.duration, one.median, one.spread, one.has_user, service.slug,
                ))  # fmt: skip
        with cursor.copy("COPY benchmark.slot FROM STDIN") as copy:
            for row in enumerate(_slots(found)):
                copy.write_row(row)


def _slots(found: Sequence[Pattern]) -> Iterator[int]:
    """For each slot the number of its pattern."""
    whole, up_to, number = sum(one.share for one in found), found[0].share, 0
    for slot in range(_SLOTS):
        while (slot + 0.5) / _SLOTS * whole > up_to and number < len(found) - 1:
            number += 1
            up_to += found[number].share
        yield number


def _make_issues(found: Sequence[Pattern], services: Sequence[Service], *, at: datetime) -> dict[Any, int]:
    """An issue, its fingerprint and the news of it for each cause; answers the fingerprints' ids."""
    made = {}
    for number, one in enumerate(found):
        key = (one.service, one.name, one.cause)
        if not one.cause and one.severity != "info":
            raise RuntimeError(f"a failure without a cause: {one}")
        if not one.cause or key in made:
            continue
        service = services[one.service]
        issue = Issue.objects.create(
            service=service, title=one.message[:250], culprit=one.endpoint, name=one.name, tier=one.tier,
            severity=one.severity, first_seen_at=at, last_seen_at=at,
        )  # fmt: skip
        fingerprint = IssueFingerprint.objects.create(
            service=service, hash=f"{number:032x}", version=1, issue=issue, home_issue=issue,
            parts=[{"part": "message", "raw": one.message, "normalised": one.message, "contributes": True, "why": "benchmark"}],
            first_seen_at=at, last_seen_at=at,
        )  # fmt: skip
        IssueTransition.objects.create(issue=issue, kind=TransitionKind.NEW, at=at)
        made[key] = fingerprint.pk
    return made


def _make_day(day: Day, *, until: datetime) -> None:
    """The events of one day, and its facts, in a session of its own."""
    up_to, edges = 0.0, []
    for busyness in day.hours[:-1]:
        up_to += busyness
        edges.append(up_to / sum(day.hours))
    with psycopg.connect(**_address()) as session:
        session.execute("SELECT setseed(%s)", [day.number / DAYS])
        # Sorting a day on disk would take as long as making it.
        session.execute("SET LOCAL work_mem = '512MB'")
        session.execute("SET LOCAL synchronous_commit = off")
        session.execute(
            _EVENTS.encode(),
            {
                "day": day.number, "start": day.start, "end": day.end, "since": until - DAYS * _DAY,
                "month": DAYS * _DAY, "hours": edges, "count": day.count, "visits": day.count // _EVENTS_PER_VISIT + 1,
                "users": USERS, "staging": _STAGING_SHARE, "patterns": len(patterns()),
                "once": 2 * len(patterns()) if day.is_whole else 0,
            },
        )  # fmt: skip


def _address() -> dict[str, Any]:
    found = connection.get_connection_params()
    return {name: found[name] for name in ("host", "port", "user", "password", "dbname") if found.get(name)}


def _fold_day(day: Day, *, until: datetime) -> float:
    """Append the facts of a day as ingest does and fold them; answers how many seconds folding took."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_fact SELECT service_id, name, severity, endpoint, environment, release, labels, minute, "
            "user_hash, bucket, fingerprint_id, event_count, duration_count, duration_ms FROM benchmark.fact WHERE day = %s",
            [day.number],
        )
        cursor.execute("DELETE FROM benchmark.fact WHERE day = %s", [day.number])
    began = time.perf_counter()
    compact()
    seconds = time.perf_counter() - began
    with connection.cursor() as cursor:
        for table in FOLDED_TABLES:  # as events.retention does every hour
            cursor.execute(f"DELETE FROM {table.name} WHERE {table.time} < %s", [until - rollup_kept(table)])  # noqa: S608
        cursor.execute(f"VACUUM events_fact, benchmark.fact, {', '.join(table.name for table in FOLDED_TABLES)}")
    return seconds


def _check(say: Say) -> None:
    say("comparing what was counted with the events …")
    with connection.cursor() as cursor:
        for rows, events in _SUMS.items():
            cursor.execute(f"SELECT (SELECT sum(event_count) FROM {rows}), ({events})")  # noqa: S608 - constants
            counted, stored = cursor.fetchone()
            if counted != stored:
                raise RuntimeError(f"{rows.split()[0]} counts {counted:,} events, there are {stored:,}")


def _tidy(say: Say) -> None:
    """As autovacuum leaves it."""
    say("vacuum …")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE benchmark.fact")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=10, help="how many million events (default: 10)")
    parser.add_argument("--top-up", action="store_true", help="add what came since the month was made")
    options = parser.parse_args()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    if options.top_up:
        top_up(now=now, say=_tell)
    else:
        fill(until=now, events=round(options.millions * 1e6), say=_tell)


def _tell(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
