"""Requests made up from the API's own description: whatever is asked, no 5xx, and every answer as it is described."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from events.merging import merge
from events.models import ApiToken, Event, Issue, Service, TokenScope
from tests.events.api.v1.making_up import AUTH, NEGATIVE, POSITIVE, allowed, asked, everything, operations
from tests.events.conftest import Sender
from tests.events.ingest.guide_events import GUIDE_EVENTS

CORPUS = sorted((Path(__file__).parents[3] / "corpus").glob("*.200.body"))


@pytest.fixture
def filled(make_sender: Callable[[str], Sender]) -> Sender:
    """Events of every kind and the oddest that are accepted; issues of every status, two of them merged."""
    sender = make_sender("lift api")
    make_sender("silent")
    for path in CORPUS:
        sender.post(path.read_bytes())
    sender.post(
        [{**event.document, "release": f"lift@{number % 3}"} for number, event in enumerate(GUIDE_EVENTS.values())]
    )
    now, ada = timezone.now(), User.objects.create_user("ada", is_staff=True)
    issues = list(Issue.objects.order_by("pk"))
    for status, issue in zip([Issue.resolve, Issue.mute, lambda *_, **__: None] * 9, issues, strict=False):
        status(issue, by=ada, at=now)
        issue.assign(random.choice([ada, None]), by=None, at=now)
    merge(issues[0], issues[1], by=ada, at=now)
    return sender


@pytest.fixture
def token(admin_user: User) -> dict[str, str]:
    _, text = ApiToken.issue(admin_user, name="schemathesis", scope=TokenScope.WRITE)
    return {"Authorization": f"Bearer {text}"}


def answers_as_described(case: Any, filled: Sender, token: dict[str, str]) -> None:
    case.call_and_validate(headers=token, excluded_checks=[POSITIVE])


def accepts_whatever_names_things_that_are_there(case: Any, filled: Sender, token: dict[str, str]) -> None:
    """And the pages before and after as well."""
    point_to_what_is_there(case)
    answer = case.call_and_validate(headers=token).json()
    if "/reports" in case.path:
        return
    for way in ("next", "previous"):
        if answer.get(way):
            case.query["cursor"] = parse_qs(urlsplit(answer[way]).query)["cursor"][0]
            case.query.pop("since", None)
            case.call_and_validate(headers=token)


def look_back(case: Any, chance: random.Random) -> None:
    """What no description can say of a report: that it looks back from now, and which users there are."""
    users = [*Event.objects.exclude(user_hash="").values_list("user_hash", flat=True).distinct(), "0" * 32]
    known = {"since": ["2001-01-01T00:00:00Z", "2026-03-01T12:00:00+01:00"], "user": users}
    for name in set(case.query) & set(known):
        case.query[name] = chance.choice(known[name])
    case.query.pop("before", None)


def point_to_what_is_there(case: Any) -> None:
    """What no description can say: which ids, names and cursors exist, and that until follows since."""
    # Hypothesis holds the common generator still; this one depends on the case alone.
    chance = random.Random(repr((case.path_parameters, case.query, case.body)))
    issues = list(Issue.objects.order_by("pk").values_list("pk", flat=True))
    there = {
        "issue_id": issues,
        "issue": issues,
        "service_id": list(Service.objects.order_by("pk").values_list("pk", flat=True)),
        "event_id": [str(pk) for pk in Event.objects.order_by("pk").values_list("pk", flat=True)],
        "service": list(Service.objects.order_by("pk").values_list("slug", flat=True)),
        "assignee": ["me", "nobody", "anyone", "ada"],
        "zone": ["UTC", "Europe/Berlin", "Asia/Kathmandu"],
    }
    for values in (case.path_parameters or {}, case.query or {}):
        for name in set(values) & set(there):
            values[name] = chance.choice(there[name])
    case.query.pop("cursor", None)
    case.query.pop("until", None)
    if "/reports" in case.path:
        look_back(case, chance)
        return
    if case.method == "GET" and not case.path.endswith("}"):
        case.query["limit"] = chance.choice([1, 2, 7, 100])
    # Few of the texts that are made up stand in an event: without most of them there is something to see.
    for name in ("name", "endpoint", "environment", "release", "user", "query", "slug"):
        if chance.random() < 0.8:
            case.query.pop(name, None)
    if isinstance(case.body, dict) and "assignee" in case.body:
        case.body["assignee"] = chance.choice(["ada", None])


def the_door_answers_as_described(case: Any, sender: Sender) -> None:
    """It takes and mends far more than it describes, and any of three places for the key will do."""
    headers = {"X-Ingest-Key": sender.keys.secret}
    case.call_and_validate(headers=headers, excluded_checks=[POSITIVE, NEGATIVE, AUTH])


OPERATIONS = operations(of_alerts=False)
for _operation in OPERATIONS:
    if _operation == "track":
        _tests = [asked(everything, _operation, the_door_answers_as_described)]
    else:
        _tests = [
            asked(everything, _operation, answers_as_described),
            asked(allowed, _operation, accepts_whatever_names_things_that_are_there),
        ]
    globals().update({test.__name__: test for test in _tests})


def test_every_operation_is_asked() -> None:
    assert {"track", "list_services", "read_event", "list_issues", "change_issue", "list_issue_events"} <= set(
        OPERATIONS
    )
    assert all(any(name.startswith(f"test_{operation}_") for name in globals()) for operation in OPERATIONS)
