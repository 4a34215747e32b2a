"""Analytics at one look."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboards.pages import hub
from events.patience import SearchTooSlowError
from events.rollups import compact
from tests.dashboards.pages.reading import rows, shown
from tests.events.admin.people import client_of, reader
from tests.events.conftest import Sender

PAGE = "/admin/analytics/"
LATEST = "Latest failures"


@pytest.fixture
def eve(db: None) -> Client:
    return client_of(reader())


def send(sender: Sender, name: str, *, hours: float) -> None:
    at = timezone.now() - timedelta(hours=hours)
    document = {"event": name, "severity": "error", "message": "broke", "timestamp": at.isoformat()}
    assert sender.post([document]).status_code == 200
    compact()


def test_the_latest_failures_are_those_of_the_window(sender: Sender, eve: Client) -> None:
    send(sender, "lately", hours=0.1)
    send(sender, "earlier", hours=50)
    start, end = (timezone.now() - timedelta(hours=hours) for hours in (60, 40))

    today = rows(shown(eve, PAGE), LATEST)
    week = rows(shown(eve, f"{PAGE}?window=7d"), LATEST)
    then = rows(shown(eve, f"{PAGE}?window=custom&from={start:%Y-%m-%dT%H:%MZ}&to={end:%Y-%m-%dT%H:%MZ}"), LATEST)

    assert [len(one) for one in (today, week, then)] == [1, 2, 1]
    assert "earlier" in then[0][2]


def test_without_any_in_the_window_it_says_so(sender: Sender, eve: Client) -> None:
    send(sender, "lately", hours=0.1)

    page = shown(eve, f"{PAGE}?window=7d&environment=nowhere")

    assert "No failure in this window." in page
    assert "24 hours." not in page


def test_looking_that_takes_too_long_is_no_absence(sender: Sender, eve: Client, monkeypatch: Any) -> None:
    send(sender, "lately", hours=0.1)

    def slow(*args: Any, **more: Any) -> None:
        raise SearchTooSlowError

    monkeypatch.setattr(hub, "find_events", slow)

    page = shown(eve, PAGE)

    assert "Looking for them takes too long" in page
    assert "No failure in this window" not in page
