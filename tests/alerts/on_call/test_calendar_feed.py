"""A schedule as a calendar that programs fetch."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import OnCallSchedule, OnCallShift
from alerts.on_call import calendar_feed
from tests.alerts.on_call.test_icalendar import unfolded
from tests.alerts.people import make_person, make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def schedule(db: None) -> OnCallSchedule:
    return make_schedule(make_person("ada"), make_person("ben"), name="Primary, Berlin")


def path_of(schedule: OnCallSchedule) -> str:
    return "/" + calendar_feed.address_of(schedule).split("/", 3)[3]


def test_it_lists_turns_and_who_stands_in_to_whoever_has_its_address(client: Client, schedule: OnCallSchedule) -> None:
    start = timezone.now() + timedelta(days=1)
    cleo = make_person("cleo")
    OnCallShift.objects.create(schedule=schedule, person=cleo, starts_at=start, ends_at=start + timedelta(hours=3))

    answer = client.get(path_of(schedule))
    lines = unfolded(answer.content)

    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "X-WR-CALNAME:On call: Primary\\, Berlin" in lines
    summaries = {line for line in lines if line.startswith("SUMMARY:")}
    assert summaries == {
        "SUMMARY:Ada on call: Primary\\, Berlin", "SUMMARY:Ben on call: Primary\\, Berlin",
        "SUMMARY:Cleo stands in: Primary\\, Berlin",
    }  # fmt: skip
    ids = [line for line in lines if line.startswith("UID:")]
    assert len(ids) == len(set(ids)) > 10


def test_gaps_are_entries_too(client: Client) -> None:
    schedule = make_schedule()

    assert client.get(path_of(schedule)).status_code == 200

    ended = make_schedule(make_person("ada"), name="Ended", ends_on=timezone.now().date() + timedelta(days=3))
    OnCallShift.objects.create(
        schedule=ended, person=make_person("ben"),
        starts_at=timezone.now() + timedelta(days=20), ends_at=timezone.now() + timedelta(days=21),
    )  # fmt: skip
    assert b"SUMMARY:Nobody on call: Ended" in client.get(path_of(ended)).content


def test_an_address_that_is_not_or_no_longer_ours_shows_nothing(client: Client, schedule: OnCallSchedule) -> None:
    address = path_of(schedule)
    assert client.get(address.replace(".ics", "x.ics")).status_code == 404
    assert client.get("/alerts/on-call/1.ics").status_code == 404

    OnCallSchedule.objects.update(feed_number=2)

    assert client.get(address).status_code == 404
    assert client.post(path_of(OnCallSchedule.objects.get())).status_code == 405


def test_an_entry_keeps_its_id_from_one_fetch_to_the_next(client: Client, schedule: OnCallSchedule) -> None:
    first, second = (
        [line for line in unfolded(client.get(path_of(schedule)).content) if line.startswith(("UID:", "DTSTART:"))]
        for _ in range(2)
    )

    assert first == second
