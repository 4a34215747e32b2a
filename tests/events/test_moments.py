from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from events.templatetags.moments import ago, exactly, moment

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=60), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_it_says_how_long_ago(apart: timedelta, said: str) -> None:
    assert ago(NOW - apart, now=NOW) == said


def test_it_tells_the_exact_time_in_the_readers_zone() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert exactly(NOW) == "4 Mar 2026, 13:00:00 CET"
        assert 'title="4 Mar 2026, 13:00:00 CET"' in moment(NOW)


def test_it_says_never_for_no_time() -> None:
    assert moment(None) == "never"
