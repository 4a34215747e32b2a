"""`/api/v1/events`."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from events.merging import merge
from events.models import Event, Issue
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db


def names(response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    return {event["name"] for event in response.json()["results"]}


def test_it_tells_of_an_event_what_the_admin_shows(sender: Sender, reader: Caller) -> None:
    sender.store(
        {
            "event": "api_timeout",
            "level": "error",
            "message": "took too long",
            "endpoint": "/api/career",
            "duration_ms": 10050,
            "user_id": "u-1",
            "session_id": "s-1",
            "environment": "production",
            "release": "lift@5",
            "stack": "TypeError: x is undefined\n    at List (app/List.jsx:12:7)",
            "tags": {"plan": "trial"},
            "breadcrumbs": [{"category": "ui", "message": "click"}],
            "password": "hunter2",
            "retry_count": 2,
        }
    )
    event = Event.objects.get()

    summary = reader.get("events").json()["results"][0]
    detail = reader.get(f"events/{event.id}").json()

    assert {name: detail[name] for name in summary} == summary
    assert summary["id"] == str(event.id)
    assert summary["service"] == {"id": sender.service.pk, "slug": "lift-api", "name": "lift api"}
    assert summary["issue"] == Issue.objects.get().pk
    assert (summary["severity"], summary["endpoint"], summary["duration_ms"]) == ("error", "/api/career", 10050)
    assert (summary["environment"], summary["release"], summary["session_id"]) == (
        "production",
        "lift@5",
        event.session_id,
    )
    assert summary["user_hash"] == event.user_hash
    assert summary["occurred_at"].endswith("Z")
    assert summary["admin_url"].endswith(f"/admin/events/event/{event.id}/change/")
    assert detail["exception"][0]["type"] == "TypeError"
    assert detail["tags"] == {"plan": "trial"}
    assert detail["breadcrumbs"][0]["message"] == "click"
    assert detail["data"]["retry_count"] == 2
    assert {"path": "data.password", "rule": "password"} in detail["scrubbed"]
    assert b"hunter2" not in reader.get(f"events/{event.id}").content
    assert "data" not in summary


def test_what_is_no_failure_has_no_issue(sender: Sender, reader: Caller) -> None:
    sender.store({"event": "login"})

    assert reader.get("events").json()["results"][0]["issue"] is None
    assert reader.get(f"events/{Event.objects.get().id}").json()["issue"] is None


@pytest.mark.parametrize(
    "event_id", [uuid4(), "019cb8ad-22d2-7f3a-9c51-6d1f0b8e4a77", "ffffffff-ffff-7fff-bfff-ffffffffffff"]
)
def test_an_unknown_event_is_404(reader: Caller, event_id: Any) -> None:
    assert reader.get(f"events/{event_id}").json()["code"] == "not_found"


@pytest.fixture
def four(sender: Sender) -> Sender:
    sender.store(
        {
            "event": "a",
            "level": "error",
            "endpoint": "/api/x",
            "user_id": "u1",
            "message": "Connection RESET by peer",
            "release": "lift@1",
        },
        {"event": "b", "environment": "staging", "level": "info", "message": "100% done_"},
        {"event": "c", "level": "warn", "endpoint": "/api/y", "timestamp": ago(hours=5).isoformat()},
        {"event": "d", "level": "critical", "timestamp": ago(days=3).isoformat()},
    )
    return sender


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, "abc"),
        ({"severity": "error"}, "a"),
        ({"severity": "error,warning"}, "ac"),
        ({"severity": ["error", "info"]}, "ab"),
        ({"severity": ["error,warning", "info"]}, "abc"),
        ({"severity": "critical"}, ""),
        ({"service": "lift-api"}, "abc"),
        ({"name": "b"}, "b"),
        ({"endpoint": "/api/x"}, "a"),
        ({"endpoint": "/api/*"}, "ac"),
        ({"environment": "staging"}, "b"),
        ({"release": "lift@1"}, "a"),
        ({"query": "reset BY"}, "a"),
        ({"query": "100% done_"}, "b"),
        ({"query": "100_"}, ""),
        ({"name": "a", "severity": "info"}, ""),
    ],
)
def test_it_finds_what_is_asked_for(four: Sender, reader: Caller, parameters: dict[str, Any], found: str) -> None:
    assert names(reader.get("events", **parameters)) == set(found)


def test_it_keeps_to_the_time_that_is_asked_for(four: Sender, reader: Caller) -> None:
    def between(since: timedelta | None = None, until: timedelta | None = None) -> set[str]:
        now = timezone.now()
        parameters = {"since": since, "until": until}
        return names(
            reader.get("events", **{name: (now - back).isoformat() for name, back in parameters.items() if back})
        )

    assert between(since=timedelta(days=4)) == set("abcd")
    assert between(since=timedelta(hours=6), until=timedelta(hours=1)) == {"c"}
    assert between(until=timedelta(hours=1)) == {"c"}
    assert between(until=timedelta(days=2, hours=20)) == {"d"}
    assert between(since=timedelta(days=4), until=timedelta(days=3, hours=1)) == set()


def test_the_edges_are_from_and_before(sender: Sender, reader: Caller) -> None:
    sender.store({"event": "a", "timestamp": ago(hours=1).isoformat()})
    at = Event.objects.get().occurred_at
    after = at + timedelta(microseconds=1)

    assert names(reader.get("events", since=at.isoformat())) == {"a"}
    assert names(reader.get("events", since=after.isoformat())) == set()
    assert names(reader.get("events", until=at.isoformat())) == set()
    assert names(reader.get("events", until=after.isoformat())) == {"a"}


def test_it_finds_a_users_and_an_issues_events(four: Sender, reader: Caller) -> None:
    user = Event.objects.get(name="a").user_hash
    issue = Issue.objects.get(name="c")

    assert names(reader.get("events", user=user)) == {"a"}
    assert names(reader.get("events", user="0" * 32)) == set()
    assert names(reader.get("events", issue=issue.pk)) == {"c"}


def test_a_merged_issue_stands_for_the_one_that_it_went_into(four: Sender, reader: Caller) -> None:
    source, into = Issue.objects.get(name="a"), Issue.objects.get(name="c")
    merge(source, into, by=None, at=timezone.now())

    assert names(reader.get("events", issue=source.pk)) == {"a", "c"}
    assert {event["issue"] for event in reader.get("events", severity="error,warning").json()["results"]} == {into.pk}


def test_a_service_is_named_by_id_or_slug(make_sender: Any, reader: Caller) -> None:
    one, other = make_sender("one"), make_sender("other")
    one.store({"event": "a"})
    other.store({"event": "b"})

    assert names(reader.get("events", service=one.service.pk)) == {"a"}
    assert names(reader.get("events", service="other")) == {"b"}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"severity": "fatal"}, "severity"),
        ({"severity": "error,"}, "severity"),
        ({"severity": ""}, "severity"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-03-04T12:00:00"}, "since"),
        ({"since": "2026-03-04T12:00:00 01:00"}, "since"),
        ({"since": "2026-02-30T12:00:00Z"}, "since"),
        ({"until": "1"}, "until"),
        ({"since": "2026-03-04T12:00:00Z", "until": "2026-03-04T12:00:00Z"}, "until"),
        ({"service": "nothing"}, "service"),
        ({"service": "9" * 60}, "service"),
        ({"service": "٣"}, "service"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"endpoint": "x" * 501}, "endpoint"),
        ({"environment": "x" * 65}, "environment"),
        ({"release": "x" * 201}, "release"),
        ({"user": "u-42"}, "user"),
        ({"user": "A" * 32}, "user"),
        ({"issue": "x"}, "issue"),
        ({"issue": "0"}, "issue"),
        ({"issue": "9" * 40}, "issue"),
        ({"issue": "123456"}, "issue"),
        ({"query": "ab"}, "query"),
        ({"query": "x" * 201}, "query"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "1e3"}, "limit"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"window": "7d"}, "window"),
        ({"Severity": "error"}, "Severity"),
    ],
)
def test_what_it_does_not_understand_it_refuses_and_names(
    sender: Sender, reader: Caller, parameters: Any, field: str
) -> None:
    response = reader.get("events", **parameters)

    assert response.status_code == 400
    problem = response.json()
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["detail"] == f"{field}: {problem['errors'][0]['detail']}"


def test_it_says_how_to_write_a_plus_sign(reader: Caller) -> None:
    problem = Client().get("/api/v1/events?since=2026-03-04T12:00:00+01:00", headers=reader.headers).json()

    assert "%2B" in problem["detail"]


def test_several_slips_are_named_at_once(reader: Caller) -> None:
    problem = reader.get("events", severity="fatal", limit="x", colour="red").json()

    assert {error["field"] for error in problem["errors"]} == {"severity", "limit", "colour"}


@pytest.mark.parametrize("address", ["events", "issues", "services"])
@pytest.mark.parametrize("cursor", ["x", "", "W10", "bnVsbA", "eyJhIjoxfQ", "x" * 301, "é", "=", "WyJldmVudHMiXQ"])
def test_a_cursor_that_is_none_is_400(reader: Caller, address: str, cursor: str) -> None:
    assert reader.get(address, cursor=cursor).status_code == 400


def test_the_cursor_of_one_list_does_not_belong_in_another(sender: Sender, reader: Caller) -> None:
    sender.store(*({"event": f"e{number}", "level": "error"} for number in range(3)))
    cursors = {
        address: parse_qs(urlsplit(reader.get(address, limit=1).json()["next"]).query)["cursor"][0]
        for address in ("events", "issues")
    }

    assert reader.get("events", cursor=cursors["issues"]).json()["code"] == "invalid_cursor"
    assert reader.get("issues", cursor=cursors["events"]).json()["code"] == "invalid_cursor"
    assert reader.get("issues", cursor=cursors["issues"], order="-events").json()["code"] == "invalid_cursor"


def test_every_event_is_on_one_page_forwards_and_back(sender: Sender, reader: Caller) -> None:
    at = ago(minutes=5).isoformat()
    sender.store(*({"event": "login", "timestamp": at, "user_id": f"u{number}"} for number in range(23)))
    everything = [str(pk) for pk in Event.objects.order_by("-id").values_list("id", flat=True)]

    down = [reader.get("events", limit=10, name="login").json()]
    while down[-1]["next"]:
        down.append(reader.get(down[-1]["next"]).json())
    up = [down[-1]]
    while up[-1]["previous"]:
        up.append(reader.get(up[-1]["previous"]).json())

    assert [[event["id"] for event in page["results"]] for page in down] == [
        everything[:10],
        everything[10:20],
        everything[20:],
    ]
    assert [event["id"] for page in reversed(up) for event in page["results"]] == everything
    assert down[0]["previous"] is None


def test_later_pages_keep_the_filters_and_the_window_of_the_first(sender: Sender, reader: Caller) -> None:
    sender.store(*({"event": "a", "level": level} for level in ("error", "error", "info", "error")))

    address = reader.get("events", severity="error", limit=2).json()["next"]

    query = parse_qs(urlsplit(address).query)
    assert (query["severity"], query["limit"]) == (["error"], ["2"])
    assert query["since"][0].endswith("Z")
    assert [event["severity"] for event in reader.get(address).json()["results"]] == ["error"]


def test_an_event_that_comes_meanwhile_moves_nothing(sender: Sender, reader: Caller) -> None:
    sender.store(*({"event": "a"} for _ in range(4)))
    first = reader.get("events", limit=2).json()
    sender.store({"event": "new"})

    second = reader.get(first["next"]).json()

    ids = [event["id"] for page in (first, second) for event in page["results"]]
    assert len(set(ids)) == 4
    assert names(reader.get(second["previous"])) == {"a"}


def test_a_search_that_takes_too_long_is_given_up_and_says_so(
    sender: Sender, reader: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("events.patience.PATIENCE", timedelta(milliseconds=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION dawdle(text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT $1 FROM pg_sleep(1) $$;"
        )
    sender.store({"event": "api_timeout"})
    slow = Event.objects.extra(where=["dawdle(name) = 'api_timeout'"])
    monkeypatch.setattr("events.event_search.matching_events", lambda *_: slow)

    response = reader.get("events")

    assert (response.status_code, response.json()["code"]) == (400, "search_too_slow")
    assert "shorter time" in response.json()["detail"]


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_costs_the_same_however_long_it_is(sender: Sender, reader: Caller, count: int) -> None:
    sender.store(*({"event": f"e{number}", "level": "error", "user_id": f"u{number}"} for number in range(count)))
    reader.get("events")

    with queries() as asked:
        assert len(reader.get("events").json()["results"]) == count

    assert len(asked) <= 5
    assert not any("COUNT" in query for query in asked)


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00+05:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"])
def test_however_far_back_is_everything(sender: Sender, reader: Caller, since: str) -> None:
    sender.store({"event": "a"})

    assert names(reader.get("events", since=since)) == {"a"}


def test_however_far_ahead_is_everything(sender: Sender, reader: Caller) -> None:
    sender.store({"event": "a"})
    since = ago(hours=1).isoformat()

    assert names(reader.get("events", since=since, until="9999-12-31T23:59:59-05:00")) == {"a"}
    assert names(reader.get("events", since="9999-12-31T23:59:59-05:00")) == set()


@pytest.mark.parametrize("address", ["events/{event}", "issues/{issue}", "services/{service}"])
def test_one_thing_takes_no_parameters(sender: Sender, reader: Caller, address: str) -> None:
    sender.store({"event": "a", "level": "error"})
    whole = address.format(event=Event.objects.get().id, issue=Issue.objects.get().pk, service=sender.service.pk)

    assert reader.get(whole).status_code == 200
    assert reader.get(whole, fields="id").json()["errors"][0]["field"] == "fields"


def test_times_are_in_utc_for_a_reader_elsewhere(sender: Sender, reader: Caller) -> None:
    sender.store({"event": "a"})
    client = Client()
    client.cookies["lm_tz"] = "Asia/Kathmandu"

    event: Any = client.get("/api/v1/events", headers=reader.headers)

    assert event.json()["results"][0]["occurred_at"].endswith("Z")
