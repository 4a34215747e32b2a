"""PostgreSQL or the spool: what is acknowledged is kept, and stored once."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.utils import timezone

from events.ingest import spool_records, storing
from events.ingest.pipeline import read
from events.ingest.storing import replay, spool
from events.ingest.writer import write
from events.models import Event, EventReceipt, EventRollup, IngestRejection, Issue, IssueTransition
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
EVENT = {"event": "api_timeout", "message": "gave up", "data": {"endpoint": "/api/career", "user_id": "u-1"}}


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """PostgreSQL is away until the value is called."""

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as patched:
        patched.setattr(storing, "write", fail)

        def come_back() -> None:
            patched.undo()
            storing.database.came_back()

        yield come_back


def waiting() -> list[bytes]:
    chunk = spool().read(most=1_000)
    return chunk.payloads if chunk else []


def test_an_event_is_accepted_while_the_database_is_away_and_stored_afterwards(sender: Sender, away: Any) -> None:
    response = sender.post(EVENT)

    assert response.status_code == 200
    assert not Event.objects.exists()
    away()
    assert replay() == 1
    event = Event.objects.get()
    assert str(event.event_id) == response.json()["id"]  # type: ignore[attr-defined]
    assert (Issue.objects.get().event_count, Issue.objects.get().user_count) == (1, 1)
    assert EventRollup.objects.get().event_count == 1
    assert replay() == 0


def test_the_spool_holds_scrubbed_events_only(sender: Sender, away: Any) -> None:
    sender.post(
        {"event": "login_failed", "data": {"password": "hunter2", "email": "ann@example.org", "user_id": "ann"}}
    )

    content = b"".join(path.read_bytes() for path in spool().segments())
    assert b"login_failed" in content
    for secret in (b"hunter2", b"ann@example.org", b'"ann"'):
        assert secret not in content


def test_a_batch_comes_out_of_the_spool_as_it_went_in(sender: Sender, make_sender: Any) -> None:
    documents = [
        {
            **EVENT,
            "event_id": str(uuid4()),
            "tags": {"a": "b"},
            "timestamp": "2026-11-20T10:00:00Z",
            "duration_ms": 1.5,
        },
        {"event": "feature_used", "stack": "Error: no\n    at f (/srv/a.js:1:2)", "level": "critical"},
        {**EVENT, "data": {"nested": {"list": [1, 2.5, None, True, "é"]}}},
    ]
    submission = read(service_id=sender.service.pk, documents=documents, received_at=timezone.now()).submission

    assert spool_records.decode(spool_records.encode(submission)) == submission


def test_a_repeat_is_stored_once_whichever_way_it_comes(sender: Sender, away: Any) -> None:
    document = {**EVENT, "event_id": str(uuid4())}
    first = sender.post(document)
    second = sender.post(document)
    away()
    third = sender.post(document)
    replay()

    assert [response.status_code for response in (first, second, third)] == [200] * 3
    assert Event.objects.count() == 1
    assert Issue.objects.get().event_count == 1
    assert IssueTransition.objects.count() == 1


def test_a_commit_whose_answer_was_lost_is_not_stored_again(sender: Sender) -> None:
    documents = [EVENT, {**EVENT, "event_id": str(uuid4())}, {"event": "feature_used"}]
    submission = read(service_id=sender.service.pk, documents=documents, received_at=timezone.now()).submission
    write([submission])
    spool().append([spool_records.encode(submission)] * 2)

    replay()

    assert Event.objects.count() == 3
    assert sum(EventRollup.objects.values_list("event_count", flat=True)) == 3


def test_a_replay_that_is_killed_after_its_commit_changes_nothing_when_it_runs_again(
    sender: Sender, away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.post([EVENT, {**EVENT, "event_id": str(uuid4())}])
    away()

    def die(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(spool(), "advance", die)
        with pytest.raises(KeyboardInterrupt):
            replay()
    replay()

    assert Event.objects.count() == 2
    assert Issue.objects.get().event_count == 2


def test_while_the_database_stays_away_the_spool_keeps_everything(sender: Sender, away: Any) -> None:
    sender.post(EVENT)

    assert replay() == 0
    assert len(waiting()) == 1


def test_nothing_is_acknowledged_that_neither_could_take(sender: Sender, away: Any, settings: Any) -> None:
    settings.SPOOL_MAX_BYTES = 10
    storing.spool.cache_clear()

    response = sender.post(EVENT)

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["code"] == "storage_unavailable"  # type: ignore[attr-defined]
    away()
    assert replay() == 0
    assert not Event.objects.exists()


def test_refusals_are_counted_through_the_spool_too(sender: Sender, away: Any) -> None:
    assert sender.post(b"{").status_code == 400
    away()
    replay()

    assert IngestRejection.objects.get().rejection_count == 1


def test_an_event_that_the_database_refuses_does_not_take_the_others_along(sender: Sender, away: Any) -> None:
    documents = [EVENT, {**EVENT, "message": "refuse me"}, EVENT]
    submission = read(service_id=sender.service.pk, documents=documents, received_at=timezone.now()).submission
    submission.events[1].event.endpoint = "\x00"  # what the stages before would have mended
    spool().append([spool_records.encode(submission)])
    away()

    assert replay() == 1
    assert Event.objects.count() == 2
    assert IngestRejection.objects.get().code == "unstorable"
    assert waiting() == []


def test_a_record_that_nobody_can_read_is_set_aside(sender: Sender, away: Any) -> None:
    spool().append([b"not json", b'{"events": 1}'])
    sender.post(EVENT)
    away()

    assert replay() == 3
    assert Event.objects.count() == 1
    assert (spool().folder / "unreadable.records").stat().st_size > 0


def test_after_a_failure_the_database_is_not_asked_for_every_request(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(*_: object, **__: object) -> None:
        asked.append(1)
        raise OperationalError("connection refused")

    monkeypatch.setattr(storing, "write", fail)
    for _ in range(5):
        assert sender.post(EVENT).status_code == 200

    assert len(asked) == 1
    assert len(waiting()) == 5


def test_a_stored_receipt_is_one_a_client_id(sender: Sender) -> None:
    event_id = str(uuid4())
    sender.store({**EVENT, "event_id": event_id}, EVENT)

    assert str(EventReceipt.objects.get().event_id) == event_id
