"""Rejections: what a row shows, narrowing, rights and costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from events.models import IngestRejection
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

LIST = "/admin/events/ingestrejection/"


def refuse(sender: Sender | None, code: str, *, days_ago: int = 0, count: int = 1) -> IngestRejection:
    at = timezone.now() - timedelta(days=days_ago)
    return IngestRejection.objects.create(
        service=sender.service if sender else None,
        code=code,
        detail=f"{code}: send it as the guide says",
        day=at.date(),
        rejection_count=count,
        sample='{"event": ',
        first_at=at,
        last_at=at,
    )


def codes(client: Client, query: str = "") -> list[str]:
    page: Any = client.get(LIST + query)
    assert page.status_code == 200
    return [rejection.code for rejection in page.context["cl"].result_list]


@pytest.fixture
def max_(db: None) -> Client:
    return client_of(make_person("max", "view_ingestrejection"))


def test_the_latest_come_first(sender: Sender, max_: Client) -> None:
    refuse(sender, "older", days_ago=1)
    refuse(sender, "newer")

    assert codes(max_) == ["newer", "older"]


def test_it_narrows_to_a_service_a_reason_and_a_day(
    make_sender: Callable[[str], Sender], sender: Sender, max_: Client
) -> None:
    web = make_sender("lift web")
    refuse(web, "too_large", days_ago=3)
    refuse(sender, "invalid_json")
    refuse(None, "unknown_key", days_ago=3)
    day = (timezone.now() - timedelta(days=3)).date()

    assert codes(max_, f"?service__id__exact={web.service.pk}") == ["too_large"]
    assert codes(max_, "?service__isnull=True") == ["unknown_key"]
    assert codes(max_, "?code=invalid_json") == ["invalid_json"]
    assert set(codes(max_, f"?day__day={day.day}&day__month={day.month}&day__year={day.year}")) == {
        "too_large",
        "unknown_key",
    }


def test_a_search_without_a_hit_does_not_claim_that_nothing_was_refused(sender: Sender, max_: Client) -> None:
    refuse(sender, "invalid_json")

    page: Any = max_.get(f"{LIST}?q=nothing_like_it")

    assert "Nothing was refused" not in page.content.decode()


def test_a_refusal_without_a_valid_key_names_no_service(max_: Client) -> None:
    refuse(None, "unknown_key", count=1_204)

    page = max_.get(LIST).content.decode()

    assert "no valid key" in page
    assert "1,204" in page


def test_staff_who_may_not_view_rejections_are_refused(sender: Sender) -> None:
    rejection = refuse(sender, "invalid_json")
    client = client_of(reader())

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{rejection.pk}/change/").status_code == 403


def test_a_viewer_sees_what_was_wrong_and_changes_nothing(sender: Sender, max_: Client) -> None:
    rejection = refuse(sender, "invalid_json")

    page = max_.get(f"{LIST}{rejection.pk}/change/").content.decode()

    assert "invalid_json: send it as the guide says" in page
    assert 'name="_save"' not in page
    assert max_.post(f"{LIST}{rejection.pk}/change/", {"code": "x"}).status_code == 403
    assert max_.get(f"{LIST}add/").status_code == 403


def test_it_asks_the_same_questions_however_many_services_there_are(
    make_sender: Callable[[str], Sender], max_: Client
) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            codes(max_)
        return len(queries)

    refuse(make_sender("first"), "invalid_json")
    with_one = asked()
    for number in range(12):
        refuse(make_sender(f"more {number}"), "invalid_json")

    assert asked() == with_one


def test_an_empty_list_of_rejections_says_what_it_is_for(admin_client: Client) -> None:
    assert "Nothing was refused" in admin_client.get(LIST).content.decode()


def test_rejections_are_listed_with_service_reason_and_count(sender: Sender, admin_client: Client) -> None:
    sender.post(b"{")
    sender.post(b"{ <script>alert(1)</script>")
    sender.post([{"event": "a"}, 1, 2])

    page = admin_client.get(LIST).content.decode()
    rejection = IngestRejection.objects.get(code="invalid_json")
    detail = admin_client.get(f"{LIST}{rejection.pk}/change/").content.decode()

    assert rejection.rejection_count == 2
    assert IngestRejection.objects.get(code="not_an_object").rejection_count == 2
    assert "lift api" in page
    assert "not_an_object" in page
    assert "<script>alert" not in detail
    assert "&lt;script&gt;alert(1)" in detail


def test_nobody_changes_a_rejection(sender: Sender, admin_client: Client) -> None:
    sender.post(b"{")
    rejection = IngestRejection.objects.get()

    assert admin_client.post(f"{LIST}{rejection.pk}/change/", {"code": "x"}).status_code == 403
    assert admin_client.post(f"{LIST}{rejection.pk}/delete/", {"post": "yes"}).status_code == 403
