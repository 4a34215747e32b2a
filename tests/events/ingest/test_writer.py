"""The one writer, on a real PostgreSQL."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from events.event_ids import occurred_at_of
from events.models import (
    Event,
    EventRollup,
    EventType,
    FingerprintUser,
    Issue,
    IssueFingerprint,
    IssueRollup,
    IssueStatus,
    IssueTransition,
)
from events.rollups import compact
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db


def timeout(**fields: object) -> dict[str, object]:
    return {"event": "api_timeout", "message": "gave up", "endpoint": "/api/career", **fields}


def test_a_failure_becomes_an_event_an_issue_and_counts(sender: Sender) -> None:
    sender.store(timeout(user_id="u-1", duration_ms=10050))

    event = Event.objects.get()
    issue = Issue.objects.get()
    assert event.fingerprint is not None
    assert event.fingerprint.issue == issue
    assert (issue.event_count, issue.user_count, issue.severity, issue.tier) == (1, 1, "error", "daily")
    assert issue.first_seen_at == issue.last_seen_at == event.occurred_at
    assert occurred_at_of(event.id) == event.occurred_at.replace(
        microsecond=event.occurred_at.microsecond // 1000 * 1000
    )
    assert Event.objects.by_id(event.id).get() == event
    assert EventRollup.objects.get().event_count == 1
    assert IssueRollup.objects.get().fingerprint_id == event.fingerprint_id
    assert [transition.kind for transition in IssueTransition.objects.all()] == ["new"]


def test_tracked_steps_are_counted_and_are_no_issue(sender: Sender) -> None:
    sender.store({"event": "feature_used", "data": {"feature": "flashcards", "user_id": "u-1"}})

    assert Event.objects.get().severity == "info"
    assert EventRollup.objects.get().event_count == 1
    assert not Issue.objects.exists()


def test_it_counts_a_retried_event_once(sender: Sender) -> None:
    event_id = str(uuid4())

    first = sender.store(timeout(event_id=event_id))
    again = sender.store(timeout(event_id=event_id), timeout(event_id=event_id))

    assert first.event_ids[0] == again.event_ids[0]
    assert again.accepted == 2
    assert Event.objects.count() == 1
    assert Issue.objects.get().event_count == 1
    assert EventRollup.objects.get().event_count == 1


def test_the_same_id_of_another_service_is_another_event(sender: Sender, make_sender: object) -> None:
    event_id = str(uuid4())
    other = make_sender("lift web")  # type: ignore[operator]

    sender.store(timeout(event_id=event_id))
    other.store(timeout(event_id=event_id))

    assert Event.objects.count() == 2
    assert Issue.objects.count() == 2


def test_an_id_may_be_used_again_after_seven_days(sender: Sender) -> None:
    event_id = str(uuid4())

    sender.store(timeout(event_id=event_id), at=ago(days=8))
    sender.store(timeout(event_id=event_id))

    assert Event.objects.count() == 2


def test_users_are_counted_exactly_and_only_as_hashes(sender: Sender) -> None:
    sender.store(*(timeout(user_id=f"user-number-{number % 7}") for number in range(50)))

    assert Issue.objects.get().user_count == 7
    assert FingerprintUser.objects.count() == 7
    assert sum(FingerprintUser.objects.values_list("event_count", flat=True)) == 50
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_event WHERE events_event::text LIKE '%%user-number%%'")
        assert cursor.fetchone() == (0,)


def test_a_resolved_issue_that_recurs_is_unresolved_and_regressed(sender: Sender) -> None:
    sender.store(timeout())
    issue = Issue.objects.get()
    issue.resolve(by=None, at=ago(minutes=5))

    sender.store(timeout())

    issue.refresh_from_db()
    assert issue.status == IssueStatus.UNRESOLVED
    assert issue.is_regressed
    assert [transition.kind for transition in issue.transitions.order_by("id")] == ["new", "resolved", "regressed"]


def test_a_late_event_from_before_the_resolve_does_not_reopen_it(sender: Sender) -> None:
    sender.store(timeout())
    issue = Issue.objects.get()
    issue.resolve(by=None, at=timezone.now())

    sender.store(timeout(timestamp=ago(hours=2).isoformat()))

    issue.refresh_from_db()
    assert issue.status == IssueStatus.RESOLVED
    assert issue.event_count == 2


def test_a_muted_issue_keeps_counting_and_stays_muted(sender: Sender) -> None:
    sender.store(timeout())
    issue = Issue.objects.get()
    issue.mute(by=None, at=timezone.now())

    sender.store(timeout())

    issue.refresh_from_db()
    assert (issue.status, issue.event_count) == (IssueStatus.MUTED, 2)


def test_an_issue_shows_its_newest_event_even_when_an_older_one_arrives_last(sender: Sender) -> None:
    sender.store(timeout(fingerprint=["one"], message="the new words"))
    sender.store(timeout(fingerprint=["one"], message="the old words", timestamp=ago(days=3).isoformat()))

    issue = Issue.objects.get()
    assert "the new words" in issue.title
    assert issue.last_seen_at - issue.first_seen_at > timedelta(days=2)


def test_an_issue_keeps_the_worst_severity(sender: Sender) -> None:
    sender.store(timeout(severity="warning"), timeout(severity="critical"), timeout(severity="warning"))

    assert Issue.objects.get().severity == "critical"


def test_unknown_names_register_themselves_as_daily(sender: Sender) -> None:
    sender.store({"event": "brand_new", "level": "error"}, {"event": "brand_new", "level": "error"})

    entry = EventType.objects.get(name="brand_new")
    assert (entry.tier, entry.is_from_guide, entry.kind) == ("daily", False, "error")


def test_the_catalogue_decides_what_an_event_leaves_open(sender: Sender) -> None:
    EventType.objects.filter(name="formspree_failure").update(tier="immediate", default_severity="critical")

    sender.store({"event": "formspree_failure", "data": {"message": "x"}})

    event = Event.objects.get()
    assert (event.tier, event.severity) == ("immediate", "critical")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_event_immediate")
        assert cursor.fetchone() == (1,)


def test_rollups_equal_the_events_before_and_after_compaction(sender: Sender) -> None:
    for part in range(3):
        sender.store(
            *(timeout(endpoint=f"/api/{number % 3}", timestamp=ago(minutes=part).isoformat()) for number in range(20))
        )

    assert sum(EventRollup.objects.values_list("event_count", flat=True)) == 60
    saved = compact()
    sender.store(timeout(endpoint="/api/0"))
    saved += compact()

    assert saved > 0
    assert sum(EventRollup.objects.values_list("event_count", flat=True)) == 61
    assert sum(IssueRollup.objects.values_list("event_count", flat=True)) == 61
    keys = EventRollup.objects.values_list("service_id", "name", "severity", "endpoint", "environment", "minute")
    assert len(set(keys)) == len(keys)
    assert compact() == 0


def test_a_missing_partition_is_made_instead_of_losing_the_event(sender: Sender) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'IYYY\"w\"IW')")
        (week,) = cursor.fetchone()
        cursor.execute(f"DROP TABLE events_event_daily_{week}")

    sender.store(timeout())

    assert Event.objects.count() == 1


def test_fingerprints_remember_their_parts(sender: Sender) -> None:
    sender.store(timeout())

    fingerprint = IssueFingerprint.objects.get()
    assert fingerprint.home_issue == fingerprint.issue
    assert any(part["contributes"] for part in fingerprint.parts)


@pytest.mark.parametrize("count", [1, 100])
def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(
    sender: Sender, count: int, django_assert_max_num_queries: object
) -> None:
    sender.store(timeout())  # the catalogue is read once

    with django_assert_max_num_queries(16):  # type: ignore[operator]
        sender.store(*(timeout(event_id=str(uuid4()), user_id=f"u{number}") for number in range(count)))
