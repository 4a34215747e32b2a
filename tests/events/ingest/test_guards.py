"""A client that makes up values cannot fill counters and lists."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from events.ingest import guards
from events.models import Event, EventRollup, EventType, GuardHit, Issue, KnownValue
from events.retention import forget_expired
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def caps(settings: Any) -> Any:
    settings.INGEST_CARDINALITY = {"name": 3, "endpoint": 3, "environment": 2, "tag_key": 2, "tag": 2}
    settings.INGEST_NEW_ISSUES_PER_HOUR = 4
    return settings


def endpoints(sender: Sender, *names: str) -> None:
    for name in names:
        sender.store({"event": "feature_used", "endpoint": name})


@pytest.mark.usefixtures("caps")
def test_endpoints_beyond_the_cap_are_counted_as_other_and_keep_their_words(sender: Sender) -> None:
    endpoints(sender, "/a", "/b", "/c", "/d", "/a", "/e")

    assert sorted(EventRollup.objects.values_list("endpoint", flat=True)) == ["/a", "/a", "/b", "/c", "other", "other"]
    folded = Event.objects.filter(endpoint="other").order_by("id").first()
    assert folded is not None
    assert folded.data["endpoint"] == "/d"
    assert {"path": "endpoint", "rule": "cardinality"} in folded.repaired
    hit = GuardHit.objects.get()
    assert (hit.guard, hit.event_count, hit.sample) == ("endpoint", 2, "/e")


@pytest.mark.usefixtures("caps")
def test_one_batch_is_held_to_the_cap_too(sender: Sender) -> None:
    sender.store(*({"event": "feature_used", "endpoint": f"/{number}"} for number in range(50)))

    assert len(set(EventRollup.objects.values_list("endpoint", flat=True))) == 4
    assert GuardHit.objects.get().event_count == 47


@pytest.mark.usefixtures("caps")
def test_names_environments_and_tags_are_held_too(sender: Sender) -> None:
    for number in range(5):
        sender.store(
            {
                "event": f"made_up_{number}",
                "environment": f"env{number}",
                "tags": {"shard": str(number), f"key{number}": "x"},
            }
        )

    assert set(Event.objects.values_list("name", flat=True)) == {"made_up_0", "made_up_1", "made_up_2", "other"}
    assert set(Event.objects.values_list("environment", flat=True)) == {"env0", "env1", "other"}
    assert not EventType.objects.filter(name="made_up_4").exists()
    newest = Event.objects.newest_first().first()
    assert newest is not None
    assert newest.tags == {"shard": "other"}
    assert newest.data["folded_tags"] == {"shard": "4", "key4": "x"}
    assert set(GuardHit.objects.values_list("guard", flat=True)) == {"name", "environment", "tag_key", "tag"}


@pytest.mark.usefixtures("caps")
def test_services_have_room_of_their_own(sender: Sender, make_sender: Any) -> None:
    endpoints(sender, "/a", "/b", "/c", "/d")
    endpoints(make_sender("lift web"), "/d")

    assert Event.objects.filter(endpoint="/d").count() == 1


@pytest.mark.usefixtures("caps")
def test_what_a_process_does_not_remember_it_asks(sender: Sender) -> None:
    endpoints(sender, "/a", "/b", "/c")
    guards.forget_memory()
    endpoints(sender, "/a", "/d")

    assert KnownValue.objects.filter(dimension="endpoint").count() == 3
    assert Event.objects.filter(endpoint="/a").count() == 2
    assert Event.objects.filter(endpoint="other").count() == 1


@pytest.mark.usefixtures("caps")
def test_values_that_were_not_seen_for_long_give_their_place_to_others(sender: Sender) -> None:
    endpoints(sender, "/a", "/b", "/c")
    KnownValue.objects.filter(value="/a").update(last_seen_on=timezone.now().date() - timedelta(days=31))
    forget_expired(now=timezone.now())
    guards.forget_memory()
    endpoints(sender, "/d", "/e")

    assert set(Event.objects.values_list("endpoint", flat=True)) == {"/a", "/b", "/c", "/d", "other"}


def test_known_values_cost_no_query(sender: Sender, django_assert_num_queries: Any) -> None:
    from django.db import connection

    from events.ingest.guards import Learned, fold_excess
    from events.ingest.pipeline import read

    document = {"event": "feature_used", "endpoint": "/a", "environment": "production", "tags": {"a": "b"}}
    sender.store(document)
    events = read(service_id=sender.service.pk, documents=[document], received_at=timezone.now()).submission.events

    with django_assert_num_queries(0), connection.cursor() as cursor:
        fold_excess(cursor, events, Learned())


def failures(sender: Sender, *fingerprints: str, at: datetime | None = None) -> None:
    sender.store(
        *({"event": "api_error", "level": "error", "fingerprint": [one], "message": one} for one in fingerprints), at=at
    )


@pytest.mark.usefixtures("caps")
def test_new_issues_beyond_the_cap_are_folded_into_one_burst_issue(sender: Sender) -> None:
    at = timezone.now()  # of one hour
    failures(sender, "a", "b", "c", at=at)
    failures(sender, "d", "e", "f", "g", at=at)
    failures(sender, "a", "h", at=at)

    burst = Issue.objects.get(title__startswith="Burst")
    assert Issue.objects.count() == 5
    assert burst.event_count == 4
    assert sum(Issue.objects.values_list("event_count", flat=True)) == 9
    assert Event.objects.filter(fingerprint__issue=burst).count() == 4
    assert GuardHit.objects.get(guard="new_issues").event_count == 4
    assert [transition.kind for transition in burst.transitions.all()] == ["new"]


@pytest.mark.usefixtures("caps")
def test_the_cap_is_one_of_each_hour(sender: Sender) -> None:
    failures(sender, "a", "b", "c", "d", "e")
    later = timezone.now() + timedelta(hours=1)
    sender.store({"event": "api_error", "level": "error", "fingerprint": ["z"]}, at=later)

    assert Issue.objects.filter(title__startswith="Burst").get().event_count == 1
    assert Issue.objects.count() == 6
