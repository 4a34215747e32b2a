"""How many events issues had over time, from their rollups: for sparklines and timeline charts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.db import connection

# Events by the hour (aware, UTC, on the full hour) in which they occurred; hours without events are missing.
HourlyCounts = Mapping[datetime, int]
HOUR = timedelta(hours=1)


def hourly_counts(issue_ids: Iterable[int], *, start: datetime) -> dict[int, HourlyCounts]:
    """The hourly counts of each issue, merged ones included, from the hour of ``start`` on; one query for all."""
    wanted = list(issue_ids)
    counts: dict[int, dict[datetime, int]] = {issue_id: {} for issue_id in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT fingerprint.issue_id, rollup.hour, sum(rollup.event_count)
            FROM events_issuefingerprint AS fingerprint
            JOIN events_issuerollup AS rollup ON rollup.fingerprint_id = fingerprint.id
            WHERE fingerprint.issue_id = ANY(%s) AND rollup.hour >= %s
            GROUP BY fingerprint.issue_id, rollup.hour
            """,
            [wanted, full_hour(start)],
        )
        for issue_id, hour, count in cursor.fetchall():
            counts[issue_id][hour.astimezone(UTC)] = int(count)
    return dict(counts)


def by_hour(counts: HourlyCounts, *, start: datetime, now: datetime) -> list[tuple[datetime, int]]:
    """One (start, count) per hour, oldest first: every hour that ``start`` to ``now`` touches."""
    first = full_hour(start)
    starts = [first + HOUR * number for number in range((full_hour(now) - first) // HOUR + 1)]
    return [(hour, counts.get(hour, 0)) for hour in starts]


def by_day(counts: HourlyCounts, *, start: datetime, now: datetime, zone: tzinfo) -> list[tuple[datetime, int]]:
    """One (start, count) per day of that time zone, oldest first: every day that ``start`` to ``now`` touches.

    An hour belongs to the day in which it begins, which a zone off by half an hour only sees at midnight.
    """
    totals: dict[date, int] = defaultdict(int)
    for hour, count in counts.items():
        totals[hour.astimezone(zone).date()] += count
    first, last = start.astimezone(zone).date(), now.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(datetime.combine(day, time(), tzinfo=zone), totals.get(day, 0)) for day in days]


def full_hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
