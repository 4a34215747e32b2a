from typing import Any

import pytest
from django.test import Client

from events.ingest import pipeline
from events.models import Event, EventType, IngestRejection
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
REJECTIONS = "/admin/events/ingestrejection/"
CATALOGUE = "/admin/events/eventtype/"


def test_an_empty_list_of_rejections_says_what_it_is_for(admin_client: Client) -> None:
    assert "Nothing was refused" in admin_client.get(REJECTIONS).content.decode()


def test_rejections_are_listed_with_service_reason_and_count(sender: Sender, admin_client: Client) -> None:
    sender.post(b"{")
    sender.post(b"{ <script>alert(1)</script>")
    sender.post([{"event": "a"}, 1, 2])

    page = admin_client.get(REJECTIONS).content.decode()
    rejection = IngestRejection.objects.get(code="invalid_json")
    detail = admin_client.get(f"{REJECTIONS}{rejection.pk}/change/").content.decode()

    assert rejection.rejection_count == 2
    assert IngestRejection.objects.get(code="not_an_object").rejection_count == 2
    assert "lift api" in page
    assert "not_an_object" in page
    assert "<script>alert" not in detail
    assert "&lt;script&gt;alert(1)" in detail


def test_nobody_changes_a_rejection(sender: Sender, admin_client: Client) -> None:
    sender.post(b"{")
    rejection = IngestRejection.objects.get()

    assert admin_client.post(f"{REJECTIONS}{rejection.pk}/change/", {"code": "x"}).status_code == 403
    assert admin_client.post(f"{REJECTIONS}{rejection.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("count", [1, 25])
def test_the_catalogue_costs_the_same_however_long_it_is(
    sender: Sender, admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    sender.store(*({"event": f"name_{number}"} for number in range(count)))

    with django_assert_max_num_queries(12):
        page = admin_client.get(f"{CATALOGUE}?is_from_guide__exact=0")

    assert page.content.decode().count("first seen in an event") == count


def test_the_catalogue_counts_the_last_seven_days(sender: Sender, admin_client: Client) -> None:
    sender.store(*({"event": "api_timeout"} for _ in range(3)))

    assert (
        '<a href="/admin/events/event/?name=api_timeout&amp;window=7d">3</a>'
        in admin_client.get(CATALOGUE).content.decode()
    )


def test_an_edit_decides_what_the_next_event_is(sender: Sender, admin_client: Client) -> None:
    entry = EventType.objects.get(name="cache_performance")

    response = admin_client.post(
        f"{CATALOGUE}{entry.pk}/change/",
        {
            "name": "another",
            "tier": "immediate",
            "default_severity": "critical",
            "kind": "error",
            "description": "",
            "question": "",
        },
    )
    pipeline._catalogue.cache_clear()  # it is read again every few seconds
    sender.store({"event": "cache_performance"})

    assert response.status_code == 302
    entry.refresh_from_db()
    assert entry.name == "cache_performance"
    assert (Event.objects.get().tier, Event.objects.get().severity) == ("immediate", "critical")


def test_an_entry_of_the_guide_stays(admin_client: Client) -> None:
    entry = EventType.objects.get(name="ai_failure")

    assert admin_client.post(f"{CATALOGUE}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
