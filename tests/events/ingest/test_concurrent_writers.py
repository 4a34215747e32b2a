"""Many writers at once, on a real PostgreSQL with real commits."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from events.ingest.pipeline import ingest
from events.models import Event, EventRollup, Issue, IssueFingerprint, IssueRollup, IssueTransition
from events.onboarding import create_service
from events.rollups import compact

WRITERS = 50


def in_threads(work: object, count: int) -> None:
    def run(number: int) -> None:
        try:
            work(number)  # type: ignore[operator]
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(run, number) for number in range(count)]:
            future.result()


@pytest.mark.django_db(transaction=True)
def test_fifty_writers_of_one_new_failure_make_one_issue_with_the_exact_count() -> None:
    service, _ = create_service(name="lift api")

    in_threads(
        lambda number: ingest(
            service_id=service.pk,
            documents=[{"event": "stripe_checkout_error", "message": "No such price", "user_id": f"u{number % 20}"}]
            * 2,
            received_at=timezone.now(),
        ),
        WRITERS,
    )

    issue = Issue.objects.get()
    assert (issue.event_count, issue.user_count) == (WRITERS * 2, 20)
    assert IssueFingerprint.objects.get().event_count == WRITERS * 2
    assert Event.objects.count() == WRITERS * 2
    assert [transition.kind for transition in IssueTransition.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
def test_writers_with_the_same_failures_in_any_order_neither_deadlock_nor_miscount() -> None:
    service, _ = create_service(name="lift api")
    names = [f"failure_{number}" for number in range(12)]

    def work(number: int) -> None:
        turned = names[number % 12 :] + names[: number % 12]
        documents = [
            {"event": name, "level": "error", "event_id": str(uuid4()), "user_id": f"u{number}"} for name in turned
        ]
        ingest(service_id=service.pk, documents=documents, received_at=timezone.now())
        if number % 10 == 0:
            compact()

    in_threads(work, WRITERS)

    assert Issue.objects.count() == 12
    assert set(Issue.objects.values_list("event_count", "user_count")) == {(WRITERS, WRITERS)}
    assert sum(EventRollup.objects.values_list("event_count", flat=True)) == WRITERS * 12
    assert sum(IssueRollup.objects.values_list("event_count", flat=True)) == WRITERS * 12


@pytest.mark.django_db(transaction=True)
def test_the_same_id_sent_by_everybody_at_once_is_stored_once() -> None:
    service, _ = create_service(name="lift api")
    event_id = str(uuid4())

    in_threads(
        lambda number: ingest(
            service_id=service.pk,
            documents=[{"event": "api_timeout", "event_id": event_id}],
            received_at=timezone.now(),
        ),
        WRITERS,
    )

    assert Event.objects.count() == 1
    assert Issue.objects.get().event_count == 1
