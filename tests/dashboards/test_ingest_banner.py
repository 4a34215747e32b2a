"""The banner: events that wait on disk and limits that were reached, where people look, and nothing on other days."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboards.pages.ingest_banner import notices
from dashboards.reports.ingest import IngestHealth, LimitsReached, ingest_health
from events.ingest.spool import Depth
from events.ingest.storing import spool
from events.models import Guard, GuardHit, Service
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
NOTHING = Depth(0, None)
PLACES = ("/admin/", "/admin/events/service/", "/admin/events/service/{}/change/")


def hit(service: Service, guard: Guard = Guard.NAMES, *, count: int = 1, at: datetime | None = None) -> None:
    at = at or timezone.now()
    GuardHit.objects.create(
        service=service, guard=guard, day=at.astimezone(UTC).date(), event_count=count, first_at=at, last_at=at
    )


def banner(client: Client, address: str) -> str:
    """What all notices of a page say, on one line."""
    page: Any = client.get(address)
    assert page.status_code == 200
    found = re.findall(r'role="status" aria-label="Notice">(.*?)</section>', page.content.decode(), re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", " ".join(found))).strip()


# --- The report --------------------------------------------------------------------------------------------------


def test_limits_of_today_are_told_by_service_most_first(make_sender: Callable[[str], Sender]) -> None:
    web, api = make_sender("lift web").service, make_sender("lift api").service
    hit(web, at=NOON)
    hit(api, Guard.TAGS, count=3, at=NOON)
    hit(api, Guard.NAMES, count=40, at=NOON)
    hit(api, Guard.ENDPOINTS, count=500, at=NOON - timedelta(days=1))

    reached = ingest_health(now=NOON).reached

    assert [(one.service.name, one.events) for one in reached] == [
        ("lift api", [(Guard.NAMES, 40), (Guard.TAGS, 3)]),
        ("lift web", [(Guard.NAMES, 1)]),
    ]


def test_the_day_is_that_of_utc(sender: Sender) -> None:
    hit(sender.service, at=datetime(2026, 3, 28, 23, 30, tzinfo=UTC))

    with timezone.override("Europe/Berlin"):  # where it is the 29th, and the clocks change
        before = ingest_health(now=datetime(2026, 3, 28, 23, 59, tzinfo=UTC).astimezone())
        after = ingest_health(now=datetime(2026, 3, 29, 0, 1, tzinfo=UTC).astimezone())

    assert (len(before.reached), len(after.reached)) == (1, 0)


def test_it_is_one_query_for_all_and_none_without_limits(
    make_sender: Callable[[str], Sender], django_assert_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    services = [make_sender(f"service {number}").service for number in range(5)]
    for service in services:
        hit(service, at=NOON)

    with django_assert_num_queries(1):
        assert len(ingest_health(now=NOON).reached) == 5
    with django_assert_num_queries(1):
        assert [one.service for one in ingest_health(now=NOON, service=services[2]).reached] == [services[2]]
    with django_assert_num_queries(0):
        assert ingest_health(now=NOON, has_limits=False).reached == []


def test_an_empty_database_and_an_empty_spool_are_well(db: None) -> None:
    assert ingest_health(now=NOON) == IngestHealth(NOTHING, [])


def test_a_spool_that_cannot_be_read_breaks_no_page(db: None, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file is in the way")

    assert ingest_health(now=NOON).waiting == NOTHING


# --- The words ---------------------------------------------------------------------------------------------------


def test_a_good_day_has_no_notice() -> None:
    assert notices(IngestHealth(NOTHING, []), now=NOON) == []


def test_what_waits_comes_first() -> None:
    waiting = Depth(12_345, (NOON - timedelta(seconds=40)).timestamp())
    reached = LimitsReached(Service(pk=3, name="lift api"), [(Guard.NAMES, 1)])

    found = notices(IngestHealth(waiting, [reached]), now=NOON)

    assert [notice.headline for notice in found] == [
        "12.3 kB wait since 40 s on disk.",
        "lift api reached a limit today: too many event names (1 event).",
    ]
    assert [notice.link for notice in found] == ["", "/admin/events/guardhit/?service__id__exact=3"]


def test_several_limits_of_a_service_are_one_notice() -> None:
    reached = LimitsReached(Service(pk=3, name="lift api"), [(Guard.NEW_ISSUES, 1_204), (Guard.TAGS, 2)])

    (notice,) = notices(IngestHealth(NOTHING, [reached]), now=NOON)

    assert notice.headline == (
        "lift api reached 2 limits today: too many new issues in an hour (1,204 events), "
        "too many values of a tag (2 events)."
    )


@pytest.mark.parametrize(
    ("services", "last"),
    [
        (3, "service 2 reached a limit today: too many event names (1 event)."),
        (4, "1 other service reached a limit today."),
        (9, "6 other services reached a limit today."),
    ],
)
def test_more_than_three_services_are_summed_up(services: int, last: str) -> None:
    reached = [LimitsReached(Service(pk=n + 1, name=f"service {n}"), [(Guard.NAMES, 1)]) for n in range(services)]

    found = notices(IngestHealth(NOTHING, reached), now=NOON)

    assert len(found) == min(services, 4)
    assert [bool(notice.meaning) for notice in found] == [True, *[False] * (len(found) - 1)]
    assert found[-1].headline == last


# --- The pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_shown_on_a_good_day(sender: Sender, admin_client: Client, place: str) -> None:
    assert banner(admin_client, place.format(sender.service.pk)) == ""


@pytest.mark.parametrize("place", PLACES)
def test_what_waits_is_shown_where_people_look(sender: Sender, admin_client: Client, place: str) -> None:
    spool().append([b"x" * 88])
    assert time.time() - spool().segments()[0].stat().st_mtime < 60

    assert re.match(
        r"100 bytes wait since \d+ s on disk\. PostgreSQL does not",
        banner(admin_client, place.format(sender.service.pk)),
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_limit_is_shown_where_people_look_and_leads_to_the_rows(
    sender: Sender, admin_client: Client, place: str
) -> None:
    hit(sender.service, count=7)
    address = place.format(sender.service.pk)

    assert banner(admin_client, address).startswith("lift api reached a limit today: too many event names (7 events).")
    link = f"/admin/events/guardhit/?service__id__exact={sender.service.pk}"
    assert f'href="{link}"' in admin_client.get(address).content.decode()
    assert "too many event names" in admin_client.get(link).content.decode().lower()


def test_the_page_of_a_service_is_silent_about_the_others(
    make_sender: Callable[[str], Sender], sender: Sender, admin_client: Client
) -> None:
    hit(make_sender("lift web").service)

    assert banner(admin_client, PLACES[2].format(sender.service.pk)) == ""
    assert "lift web" in banner(admin_client, PLACES[1])


def test_limits_are_told_to_those_who_may_see_them_and_what_waits_to_all_staff(sender: Sender) -> None:
    hit(sender.service)
    spool().append([b"x" * 88])

    without = banner(client_of(make_person("eve", "view_issue", "view_event")), "/admin/")
    with_right = banner(client_of(make_person("max", "view_guardhit")), "/admin/")

    assert "wait since" in without
    assert "limit" not in without
    assert "lift api reached a limit" in with_right


def test_names_are_shown_and_not_run(sender: Sender, admin_client: Client) -> None:
    Service.objects.update(name="<img src=x onerror=alert(1)>")
    hit(sender.service)

    page = admin_client.get("/admin/").content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
