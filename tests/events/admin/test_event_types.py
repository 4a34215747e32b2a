"""The catalogue: what it says of a name, who may change it, and what an edit does."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from events.models import Event, EventType
from events.rollups import compact
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender, ago

LIST = "/admin/events/eventtype/"
FIELDS = {
    "name": "renamed", "tier": "weekly", "default_severity": "", "kind": "log", "description": "New", "question": "Why?",
}  # fmt: skip


def recent(client: Client, name: str) -> int:
    """The count of the last 7 days that the list shows of a name."""
    page: Any = client.get(f"{LIST}?q={name}")
    (entry,) = [entry for entry in page.context["cl"].result_list if entry.name == name]
    return int(entry.recent_count)


def test_it_says_what_a_name_means_and_what_its_review_must_answer(admin_client: Client) -> None:
    entry = EventType.objects.get(name="ai_failure")

    page = admin_client.get(LIST).content.decode()

    assert entry.description in page
    assert entry.question in page


def test_it_lists_every_name_of_the_guide_by_tier(admin_client: Client) -> None:
    page: Any = admin_client.get(LIST)

    listed = [(entry.tier, entry.name) for entry in page.context["cl"].result_list if entry.is_from_guide]
    assert len(listed) == EventType.objects.filter(is_from_guide=True).count() > 10
    assert listed == sorted(listed)


def test_it_counts_seven_days_of_every_service_and_folded_rows_too(sender: Sender, admin_client: Client) -> None:
    at = [timedelta(hours=1), timedelta(days=6), timedelta(days=8)]
    for back in at:
        sender.store({"event": "api_timeout", "timestamp": (timezone.now() - back).isoformat()})
    sender.store({"event": "api_timeout", "timestamp": ago(hours=1).isoformat()})

    before = recent(admin_client, "api_timeout")
    compact()

    assert before == recent(admin_client, "api_timeout") == 3


def test_a_name_never_sent_counts_none(admin_client: Client) -> None:
    assert recent(admin_client, "ai_failure") == 0


def test_texts_of_senders_are_shown_and_not_run(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "<img src=x onerror=alert(1)>"})
    EventType.objects.filter(is_from_guide=False).update(description="<b>bold</b>", question="<i>why</i>")

    page = admin_client.get(f"{LIST}?is_from_guide__exact=0").content.decode()

    assert "&lt;img src=x" in page
    assert "?name=%3Cimg+src%3Dx" in page
    assert "<img src=x" not in page
    assert "<b>bold</b>" not in page
    assert "<i>why</i>" not in page


def test_the_name_of_an_entry_is_not_for_editing(admin_client: Client) -> None:
    entry = EventType.objects.get(name="ai_failure")

    assert 'name="name"' not in admin_client.get(f"{LIST}{entry.pk}/change/").content.decode()
    admin_client.post(f"{LIST}{entry.pk}/change/", FIELDS)

    entry.refresh_from_db()
    assert (entry.name, entry.tier, entry.question) == ("ai_failure", "weekly", "Why?")


def test_a_name_can_be_described_before_it_is_sent(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", {**FIELDS, "name": "soon_to_come"})

    entry = EventType.objects.get(name="soon_to_come")
    assert (entry.description, entry.is_from_guide) == ("New", False)


def test_an_entry_seen_in_an_event_may_be_deleted(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "typo_timeuot"})
    entry = EventType.objects.get(name="typo_timeuot")

    assert admin_client.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not EventType.objects.filter(pk=entry.pk).exists()


def test_the_list_deletes_nothing_in_bulk(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "first_seen"}, {"event": "then_seen"})
    seen = list(EventType.objects.filter(is_from_guide=False).values_list("pk", flat=True))

    admin_client.post(LIST, {"action": "delete_selected", "_selected_action": seen, "post": "yes"})

    assert len(seen) == 2
    assert EventType.objects.filter(pk__in=seen).count() == 2


@pytest.mark.parametrize(
    ("rights", "status"), [(["view_eventtype"], 403), (["view_eventtype", "change_eventtype"], 302)]
)
def test_only_those_who_may_change_the_catalogue_do(db: None, rights: list[str], status: int) -> None:
    client = client_of(make_person("max", *rights))
    entry = EventType.objects.get(name="ai_failure")

    assert client.get(f"{LIST}{entry.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{entry.pk}/change/", FIELDS).status_code == status


def test_staff_who_may_not_view_the_catalogue_are_refused(db: None) -> None:
    assert client_of(reader()).get(LIST).status_code == 403


@pytest.mark.parametrize("count", [1, 25])
def test_the_catalogue_costs_the_same_however_long_it_is(
    sender: Sender, admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    sender.store(*({"event": f"name_{number}"} for number in range(count)))

    with django_assert_max_num_queries(12):
        page = admin_client.get(f"{LIST}?is_from_guide__exact=0")

    assert page.content.decode().count("first seen in an event") == count


def test_the_catalogue_counts_the_last_seven_days(sender: Sender, admin_client: Client) -> None:
    sender.store(*({"event": "api_timeout"} for _ in range(3)))

    assert (
        '<a href="/admin/events/event/?name=api_timeout&amp;window=7d">3</a>' in admin_client.get(LIST).content.decode()
    )


def test_an_edit_decides_what_the_next_event_is(sender: Sender, admin_client: Client) -> None:
    entry = EventType.objects.get(name="cache_performance")

    response = admin_client.post(
        f"{LIST}{entry.pk}/change/",
        {
            "name": "another",
            "tier": "immediate",
            "default_severity": "critical",
            "kind": "error",
            "description": "",
            "question": "",
        },
    )
    sender.store({"event": "cache_performance"})

    assert response.status_code == 302
    entry.refresh_from_db()
    assert entry.name == "cache_performance"
    assert (Event.objects.get().tier, Event.objects.get().severity) == ("immediate", "critical")


def test_an_entry_of_the_guide_stays(admin_client: Client) -> None:
    entry = EventType.objects.get(name="ai_failure")

    assert admin_client.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
