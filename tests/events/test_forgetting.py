"""Erasing one person."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from events.forgetting import forget_user
from events.ingest import storing
from events.ingest.configured_scrubber import scrubber
from events.ingest.scrub import Scrubber
from events.models import Event, FingerprintUser, Issue
from events.rebuilding import compare, complete_since
from events.rollups import compact
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
STACK = "TypeError: Ann Miller is not a function\n    at pay (/srv/app/pay.js:10:5)"


@pytest.fixture
def two_people(sender: Sender) -> Sender:
    for user in ("ann", "bob"):
        sender.store(
            {
                "event": "api_error",
                "level": "error",
                "message": f"no luck for {user}-the-student",
                "stack": STACK,
                "fingerprint": ["same"],
                "user_id": user,
                "session_id": f"session-of-{user}",
                "tags": {"plan": f"plan-of-{user}"},
                "data": {"note": f"note-of-{user}"},
                "breadcrumbs": [{"message": f"crumb-of-{user}"}],
                "duration_ms": 5,
            },
            {"event": "feature_used", "user_id": user, "data": {"feature": "flashcards"}},
            {"event": "page_view", "session_id": f"session-of-{user}"},
        )
    return sender


def whole_database() -> str:
    text = ""
    with connection.cursor() as cursor:
        for table in ("events_event", "events_usernumber", "events_fact", "events_fingerprintuser"):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} AS t")
            text += cursor.fetchone()[0] or ""
    return text


def test_nothing_of_the_person_is_left_and_everything_of_others_is(two_people: Sender) -> None:
    hash_ = scrubber().hash_user("ann")
    compact()

    erased = forget_user([hash_])

    assert (erased.events, erased.session_events, erased.issues) == (2, 1, 1)
    left = whole_database()
    for word in (hash_, "session-of-ann", "plan-of-ann", "note-of-ann", "crumb-of-ann", "ann-the-student"):
        assert word not in left
    for word in (scrubber().hash_user("bob"), "session-of-bob", "plan-of-bob", "note-of-bob", "crumb-of-bob"):
        assert word in left


def test_the_address_of_the_person_goes_from_events_and_counts(sender: Sender) -> None:
    for user, address in (("ann", "203.0.113.7"), ("ann", "203.0.113.7"), ("bob", "198.51.100.9")):
        sender.store({"event": "security_incident_lockout", "user_id": user, "duration_ms": 9, "data": {"ip": address}})
    compact()
    sender.store({"event": "login_rate_limited", "user_id": "ann", "data": {"ip": "203.0.113.7"}})
    address = Event.objects.filter(name="login_rate_limited").get().labels["ip"]

    forget_user([scrubber().hash_user("ann")])
    compact()

    assert Event.objects.filter(labels__ip=address).count() == 0
    assert list(Event.objects.filter(labels={}).values_list("name", flat=True).order_by("name")) == [
        "login_rate_limited",
        "security_incident_lockout",
        "security_incident_lockout",
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(labels ->> 'ip', ''), sum(event_count) FROM events_count_minutes JOIN events_series ON id = series_id "
            "GROUP BY 1 HAVING sum(event_count) <> 0"
        )
        assert dict(cursor.fetchall()) == {"": 3, Event.objects.get(labels__has_key="ip").labels["ip"]: 1}
    assert compare(since=complete_since()).differences == []


def test_counts_stay_true(two_people: Sender) -> None:
    forget_user([scrubber().hash_user("ann")])

    issue = Issue.objects.get()
    assert (issue.event_count, issue.user_count) == (2, 1)
    assert Event.objects.count() == 6
    assert compare(since=complete_since()).differences == []


def test_counted_users_are_those_of_others(two_people: Sender) -> None:
    compact()
    two_people.store({"event": "api_error", "level": "error", "user_id": "ann"})
    forget_user([scrubber().hash_user("ann")])
    compact()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT user_id) FROM events_user_minutes")
        assert cursor.fetchone() == (1,)
        for grain in ("hours", "days"):
            cursor.execute(f"SELECT bit_count(bit_or(users)) FROM events_users_{grain}")
            assert cursor.fetchone() == (1,)
        cursor.execute(
            "SELECT user_hash, event_count FROM events_userfailure_minutes JOIN events_usernumber ON id = user_id"
        )
        assert cursor.fetchall() == [(scrubber().hash_user("bob"), 1)]
        cursor.execute(
            "SELECT DISTINCT failures = events_failures_of(id, 1) FROM events_failures_days, events_usernumber"
        )
        assert cursor.fetchall() == [(True,)]
    assert compare(since=complete_since()).differences == []


def test_an_emptied_event_keeps_its_frames_and_says_what_happened_to_it(two_people: Sender) -> None:
    forget_user([scrubber().hash_user("ann")])

    event = Event.objects.get(message="[forgotten]")
    (exception,) = event.exception
    assert exception["type"] == "TypeError"
    assert "value" not in exception
    assert exception["frames"][0]["function"] == "pay"
    assert {"path": "*", "rule": "forgotten"} in event.scrubbed


def test_a_second_run_finds_nothing(two_people: Sender) -> None:
    hashes = [scrubber().hash_user("ann")]
    forget_user(hashes)

    assert forget_user(hashes).is_empty


def test_it_takes_many_batches(two_people: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.forgetting._BATCH", 1)
    steps: list[int] = []

    assert forget_user([scrubber().hash_user("ann")], advance=steps.append).events == 2
    assert steps == [1, 1, 1]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("forgetuser", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_finds_a_person_under_an_older_key(two_people: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    rotated = Scrubber(user_hash_keys=("a new key", *scrubber().user_hash_keys))
    monkeypatch.setattr("events.management.commands.forgetuser.scrubber", lambda: rotated)

    assert json.loads(run("ann", "--json"))["events"] == 2
    assert not FingerprintUser.objects.filter(user_hash=scrubber().hash_user("ann")).exists()
    assert FingerprintUser.objects.filter(user_hash=scrubber().hash_user("bob")).exists()


def test_the_command_shows_and_asks_first(two_people: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")

    assert "Found: 2 events" in run("ann", "--dry-run")
    with pytest.raises(CommandError, match="Nothing was erased"):
        run("ann")
    assert Event.objects.filter(message="[forgotten]").count() == 0
    assert "Erased: 2 events" in run("ann", "--yes")
    assert "Nothing was found" in run("ann")


def test_the_command_takes_a_hash(two_people: Sender) -> None:
    assert json.loads(run(scrubber().hash_user("ann"), "--hash", "--json", "--dry-run"))["events"] == 2
    with pytest.raises(CommandError, match="32 characters"):
        run("ann", "--hash")


def test_the_command_waits_for_events_in_the_spool(two_people: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(storing, "write", fail)
    two_people.post({"event": "api_error", "user_id": "ann"})

    with pytest.raises(CommandError, match="spool"):
        run("ann", "--yes")
