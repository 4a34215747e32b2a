from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from events.models import Issue
from events.rollups import compact
from events.timelines import by_day, by_hour, hourly_counts
from tests.events.conftest import Sender

NOON = datetime(2026, 3, 4, 12, 20, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def hour(day: int, of_day: int) -> datetime:
    return datetime(2026, 3, day, of_day, tzinfo=UTC)


def test_it_gives_every_hour_that_the_window_touches() -> None:
    points = by_hour({hour(4, 10): 3, hour(4, 12): 1}, start=NOON - timedelta(hours=3), now=NOON)

    assert points == [(hour(4, 9), 0), (hour(4, 10), 3), (hour(4, 11), 0), (hour(4, 12), 1)]


def test_it_counts_an_hour_on_the_day_of_the_readers_zone() -> None:
    counts = {hour(2, 22): 5, hour(2, 23): 7}

    points = by_day(counts, start=NOON - timedelta(days=2), now=NOON, zone=BERLIN)

    assert [(start.date().day, count) for start, count in points] == [(2, 5), (3, 7), (4, 0)]


def test_it_gives_each_day_once_when_the_clocks_change() -> None:
    spring = datetime(2026, 3, 30, 12, tzinfo=UTC)
    counts = {datetime(2026, 3, 29, of_day, tzinfo=UTC): 1 for of_day in range(24)}

    points = by_day(counts, start=spring - timedelta(days=3), now=spring, zone=BERLIN)

    # That Sunday has 23 hours in Berlin: 23:00 of the day before in UTC up to 22:00.
    assert [(start.date().day, count) for start, count in points] == [(27, 0), (28, 0), (29, 22), (30, 2)]


def test_it_sums_the_fingerprints_of_each_issue_in_one_query(sender: Sender, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    at = datetime.now(UTC)
    for _ in range(2):
        sender.store(*({"event": name, "message": "broke", "severity": "error"} for name in ("a", "b", "b")), at=at)
    compact()
    sender.store({"event": "b", "message": "broke", "severity": "error"}, at=at)
    issues = {issue.name: issue.pk for issue in Issue.objects.all()}

    with django_assert_num_queries(1):
        counts = hourly_counts(issues.values(), start=at - timedelta(hours=1))

    this_hour = at.replace(minute=0, second=0, microsecond=0)
    assert counts == {issues["a"]: {this_hour: 2}, issues["b"]: {this_hour: 5}}


def test_it_knows_an_issue_without_events(db: None) -> None:
    assert hourly_counts([12345], start=NOON) == {12345: {}}
