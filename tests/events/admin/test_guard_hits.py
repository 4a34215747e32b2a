"""Limits reached: what a row shows, narrowing, rights, costs, and what an empty list explains."""

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.admin.guard_hit import limit_of
from events.models import Guard, GuardHit
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

LIST = "/admin/events/guardhit/"


def hit(sender: Sender, guard: Guard, *, days_ago: int = 0, count: int = 1, sample: str = "user-4711") -> GuardHit:
    at = timezone.now() - timedelta(days=days_ago)
    return GuardHit.objects.create(
        service=sender.service,
        guard=guard,
        day=at.astimezone(UTC).date(),
        event_count=count,
        sample=sample,
        first_at=at,
        last_at=at,
    )


def guards(client: Client, query: str = "") -> list[str]:
    page: Any = client.get(LIST + query)
    assert page.status_code == 200
    return [row.guard for row in page.context["cl"].result_list]


@pytest.fixture
def max_(db: None) -> Client:
    return client_of(make_person("max", "view_guardhit"))


def test_a_row_tells_service_guard_events_the_latest_value_and_the_limit(sender: Sender, max_: Client) -> None:
    hit(sender, Guard.ENDPOINTS, count=1_204, sample="/user/<b>4711</b>")

    page = max_.get(LIST).content.decode()

    assert "<title>" in page
    assert "Limits reached" in page.split("<title>")[1].split("</title>")[0]
    for shown in ("lift api", "Too many endpoints", "1,204", "LIFTMON_MAX_ENDPOINTS", "/user/&lt;b&gt;4711"):
        assert shown in page
    assert "<b>4711" not in page


def test_the_latest_come_first(sender: Sender, max_: Client) -> None:
    hit(sender, Guard.TAGS, days_ago=1)
    hit(sender, Guard.NAMES)

    assert guards(max_) == ["name", "tag"]


def test_it_narrows_to_a_service_a_guard_and_a_day(
    make_sender: Callable[[str], Sender], sender: Sender, max_: Client
) -> None:
    web = make_sender("lift web")
    hit(web, Guard.TAGS, days_ago=3)
    hit(sender, Guard.NAMES)
    day = (timezone.now() - timedelta(days=3)).date()

    assert guards(max_, f"?service__id__exact={web.service.pk}") == ["tag"]
    assert guards(max_, "?guard__exact=name") == ["name"]
    assert guards(max_, f"?day__day={day.day}&day__month={day.month}&day__year={day.year}") == ["tag"]
    assert guards(max_, "?q=4711") == ["name", "tag"]


def test_a_search_without_a_hit_does_not_claim_that_no_limit_was_reached(sender: Sender, max_: Client) -> None:
    hit(sender, Guard.NAMES)

    assert "No limit was reached" not in max_.get(f"{LIST}?q=nothing_like_it").content.decode()


def test_an_empty_list_names_every_guard_its_limit_and_its_variable(max_: Client, settings: Any) -> None:
    settings.INGEST_CARDINALITY = {**settings.INGEST_CARDINALITY, "tag": 1_234}

    page = max_.get(LIST).content.decode()

    assert "No limit was reached" in page
    assert "<td>1,234</td>" in page
    for guard in Guard:
        assert guard.label in page
        assert f"<td>{limit_of(guard):,}</td>" in page
    for variable in (
        "MAX_NAMES",
        "MAX_ENDPOINTS",
        "MAX_ENVIRONMENTS",
        "MAX_RELEASES",
        "MAX_LABEL_VALUES",
        "MAX_TAG_KEYS",
        "MAX_TAG_VALUES",
    ):
        assert f"LIFTMON_{variable}" in page
    assert "LIFTMON_NEW_ISSUES_PER_HOUR" in page


def test_what_a_real_guard_folded_is_listed(sender: Sender, max_: Client, settings: Any) -> None:
    settings.INGEST_CARDINALITY = {**settings.INGEST_CARDINALITY, "environment": 1}

    sender.store({"event": "a", "environment": "production"}, {"event": "a", "environment": "branch-17"})

    assert guards(max_) == ["environment"]
    assert "branch-17" in max_.get(LIST).content.decode()


def test_a_viewer_sees_what_became_of_it_and_changes_nothing(sender: Sender, max_: Client) -> None:
    row = hit(sender, Guard.NEW_ISSUES)
    address = f"{LIST}{row.pk}/change/"

    page = max_.get(address).content.decode()

    assert "one burst issue of the service" in page
    assert 'name="_save"' not in page
    assert max_.post(address, {"guard": "tag"}).status_code == 403
    assert max_.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert max_.get(f"{LIST}add/").status_code == 403


def test_nobody_changes_a_row(sender: Sender, admin_client: Client) -> None:
    row = hit(sender, Guard.NAMES)

    assert admin_client.post(f"{LIST}{row.pk}/change/", {"guard": "tag"}).status_code == 403
    assert admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_who_may_not_view_them_are_refused(sender: Sender) -> None:
    row = hit(sender, Guard.NAMES)
    client = client_of(reader())

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 403


def test_it_asks_the_same_questions_however_many_services_there_are(
    make_sender: Callable[[str], Sender], max_: Client
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            guards(max_)
        return len(queries)

    hit(make_sender("first"), Guard.NAMES)
    with_one = asked()
    for number in range(12):
        hit(make_sender(f"more {number}"), Guard.NAMES)

    assert asked() == with_one
