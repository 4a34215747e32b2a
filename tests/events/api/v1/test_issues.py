"""`/api/v1/issues`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from events.merging import merge
from events.models import Event, Issue, IssueStatus, IssueTransition, TransitionKind
from tests.events.admin.people import make_person
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [issue["name"] for issue in response.json()["results"]]


def issue_of(name: str) -> Issue:
    return Issue.objects.get(name=name)


@pytest.fixture
def three(sender: Sender) -> Sender:
    """a: one critical event, latest; b: two errors of two users; c: three warnings of one user. b was seen first."""
    for document in (
        {"event": "c", "level": "warn", "user_id": "u1", "timestamp": ago(days=5).isoformat()},
        {"event": "c", "level": "warn", "user_id": "u1", "timestamp": ago(days=4).isoformat()},
        {"event": "c", "level": "warn", "user_id": "u1", "timestamp": ago(hours=7).isoformat()},
        {"event": "b", "level": "error", "user_id": "u1", "timestamp": ago(days=6).isoformat()},
        {"event": "b", "level": "error", "user_id": "u2", "timestamp": ago(hours=3).isoformat()},
        {"event": "a", "level": "critical", "timestamp": ago(hours=1).isoformat()},
    ):
        sender.store(document)
    return sender


def test_it_tells_of_an_issue_what_the_admin_shows(three: Sender, reader: Caller) -> None:
    issue, ada = issue_of("b"), make_person("ada", "triage_issue")
    issue.assign(ada, by=reader.person, at=timezone.now())
    issue.resolve(by=ada, at=timezone.now())
    issue.refresh_from_db()

    summary = next(one for one in reader.get("issues").json()["results"] if one["id"] == issue.pk)
    detail = reader.get(f"issues/{issue.pk}").json()

    assert {name: detail[name] for name in summary} == summary
    assert summary["service"]["slug"] == "lift-api"
    assert (summary["title"], summary["culprit"]) == (issue.title, issue.culprit)
    assert (summary["severity"], summary["tier"], summary["status"]) == ("error", "daily", "resolved")
    assert (summary["event_count"], summary["user_count"], summary["assignee"]) == (2, 2, "ada")
    assert datetime.fromisoformat(summary["first_seen_at"]) == issue.first_seen_at
    assert datetime.fromisoformat(summary["resolved_at"]) == issue.resolved_at
    assert summary["admin_url"].endswith(f"/admin/events/issue/{issue.pk}/change/")
    assert [(one["kind"], one["actor"], one["detail"]) for one in detail["history"]] == [
        ("resolved", "ada", ""),
        ("assigned", "eve", "ada"),
        ("new", None, ""),
    ]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "abc"),
        ("-last_seen", "abc"),
        ("last_seen", "cba"),
        ("-first_seen", "acb"),
        ("first_seen", "bca"),
        ("-events", "cba"),
        ("events", "abc"),
        ("-users", "bca"),
        ("users", "acb"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_it_reads_them_in_every_order_page_by_page_and_back(
    three: Sender, reader: Caller, order: str | None, expected: str, limit: int
) -> None:
    parameters = {"order": order} if order else {}
    down = [reader.get("issues", limit=limit, **parameters)]
    while following := down[-1].json()["next"]:
        down.append(reader.get(following))
    up = [down[-1]]
    while preceding := up[-1].json()["previous"]:
        up.append(reader.get(preceding))

    assert [name for page in down for name in names(page)] == list(expected)
    assert [name for page in reversed(up) for name in names(page)] == list(expected)


def test_issues_that_are_equal_in_its_order_are_all_there_once(sender: Sender, reader: Caller) -> None:
    at = ago(hours=1).isoformat()
    sender.store(*({"event": f"e{number}", "level": "error", "timestamp": at} for number in range(7)))

    for order in ("-last_seen", "events", "-users"):
        found, address = [], f"issues?limit=2&order={order}"
        while address:
            page = reader.get(address).json()
            found += [issue["id"] for issue in page["results"]]
            address = page["next"]
        assert sorted(found) == sorted(Issue.objects.values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"severity": "critical"}, "a"),
        ({"severity": "critical,warning"}, "ac"),
        ({"severity": ["critical", "error"]}, "ab"),
        ({"status": "unresolved"}, "a"),
        ({"status": "resolved,muted"}, "bc"),
        ({"tier": "daily"}, "abc"),
        ({"tier": "weekly"}, ""),
        ({"service": "lift-api"}, "abc"),
        ({"name": "b"}, "b"),
        ({"assignee": "me"}, "b"),
        ({"assignee": "ada"}, "c"),
        ({"assignee": "anyone"}, "bc"),
        ({"assignee": "nobody"}, "a"),
        ({"regressed": "true"}, "a"),
        ({"regressed": "false"}, "bc"),
        ({"query": "slow as ever"}, "c"),
        ({"query": "%%%"}, ""),
        ({"status": "unresolved", "severity": "error"}, ""),
    ],
)
def test_it_finds_what_is_asked_for(three: Sender, reader: Caller, parameters: dict[str, Any], found: str) -> None:
    now, ada = timezone.now(), make_person("ada")
    issue_of("b").resolve(by=None, at=now)
    issue_of("b").assign(reader.person, by=None, at=now)
    issue_of("c").mute(by=None, at=now)
    issue_of("c").assign(ada, by=None, at=now)
    Issue.objects.filter(name="a").update(is_regressed=True)
    Issue.objects.filter(name="c").update(title="Slow as EVER")

    assert sorted(names(reader.get("issues", **parameters))) == sorted(found)


@pytest.mark.parametrize(
    ("parameter", "before", "from_then_on"),
    [("first_seen", "bc", "a"), ("last_seen", "bc", "a")],
)
def test_it_keeps_to_when_they_were_seen(
    three: Sender, reader: Caller, parameter: str, before: str, from_then_on: str
) -> None:
    edge = getattr(issue_of("a"), f"{parameter}_at").isoformat()

    assert sorted(names(reader.get("issues", **{f"{parameter}_until": edge}))) == sorted(before)
    assert sorted(names(reader.get("issues", **{f"{parameter}_since": edge}))) == sorted(from_then_on)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"status": "open"}, "status"),
        ({"severity": "info"}, "severity"),
        ({"tier": "monthly"}, "tier"),
        ({"service": "nothing"}, "service"),
        ({"assignee": "nobody at all"}, "assignee"),
        ({"regressed": "yes"}, "regressed"),
        ({"order": "severity"}, "order"),
        ({"order": "--events"}, "order"),
        ({"order": ["events", "users"]}, "order"),
        ({"first_seen_since": "2026-03-04"}, "first_seen_since"),
        ({"last_seen_until": "now"}, "last_seen_until"),
        ({"query": "x"}, "query"),
        ({"name": "x" * 201}, "name"),
        ({"since": "2026-03-04T12:00:00Z"}, "since"),
    ],
)
def test_what_it_does_not_understand_it_refuses_and_names(
    sender: Sender, reader: Caller, parameters: Any, field: str
) -> None:
    response = reader.get("issues", **parameters)

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_merged_issue_is_left_out_and_says_where_it_went(three: Sender, reader: Caller) -> None:
    source, into = issue_of("a"), issue_of("b")
    merge(source, into, by=None, at=timezone.now())

    assert source.pk not in {issue["id"] for issue in reader.get("issues").json()["results"]}
    assert reader.get(f"issues/{source.pk}").json()["merged_into"] == into.pk
    assert reader.get(f"issues/{into.pk}").json()["merged_into"] is None


@pytest.mark.parametrize("address", ["issues/12345", "issues/12345/events", f"issues/{'9' * 18}"])
def test_an_unknown_issue_is_404(reader: Caller, address: str) -> None:
    assert reader.get(address).json()["code"] == "not_found"


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_costs_the_same_however_long_it_is(sender: Sender, reader: Caller, count: int) -> None:
    sender.store(*({"event": f"e{number}", "level": "error"} for number in range(count)))
    for issue in Issue.objects.all():
        issue.assign(reader.person, by=None, at=timezone.now())
    reader.get("issues")

    with queries() as asked:
        assert len(reader.get("issues").json()["results"]) == count

    assert len(asked) <= 5


# --- Its events --------------------------------------------------------------------------------------------------


def test_its_events_are_all_that_are_kept_page_by_page_and_back(sender: Sender, reader: Caller) -> None:
    for number in range(5):
        sender.store(
            {"event": "a", "level": "error", "timestamp": ago(days=number * 3).isoformat()}, {"event": "other"}
        )
    issue = issue_of("a")
    everything = [str(pk) for pk in Event.objects.filter(name="a").order_by("-id").values_list("id", flat=True)]

    down = [reader.get(f"issues/{issue.pk}/events", limit=2).json()]
    while down[-1]["next"]:
        down.append(reader.get(down[-1]["next"]).json())
    up = [down[-1]]
    while up[-1]["previous"]:
        up.append(reader.get(up[-1]["previous"]).json())

    assert [[event["id"] for event in page["results"]] for page in down] == [
        everything[:2],
        everything[2:4],
        everything[4:],
    ]
    assert [event["id"] for page in reversed(up) for event in page["results"]] == everything


def test_its_events_look_as_they_do_in_the_list_of_events(sender: Sender, reader: Caller) -> None:
    sender.store({"event": "a", "level": "error", "user_id": "u1", "session_id": "s", "duration_ms": 3, "release": "r"})

    assert reader.get(f"issues/{issue_of('a').pk}/events").json()["results"] == reader.get("events").json()["results"]


def test_the_events_of_a_merged_issue_are_those_of_the_one_it_went_into(three: Sender, reader: Caller) -> None:
    source, into = issue_of("a"), issue_of("b")
    merge(source, into, by=None, at=timezone.now())

    events = reader.get(f"issues/{source.pk}/events").json()["results"]

    assert [event["name"] for event in events] == ["a", "b", "b"]
    assert {event["issue"] for event in events} == {into.pk}


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_of_its_events_costs_the_same_however_long_it_is(sender: Sender, reader: Caller, count: int) -> None:
    sender.store(*({"event": "a", "level": "error", "user_id": f"u{number}"} for number in range(count)))
    address = f"issues/{issue_of('a').pk}/events"
    reader.get(address)

    with queries() as asked:
        assert len(reader.get(address).json()["results"]) == count

    assert len(asked) <= 6


# --- Changing it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [("resolved", TransitionKind.RESOLVED), ("muted", TransitionKind.MUTED), ("unresolved", TransitionKind.REOPENED)],
)
def test_its_status_changes_under_the_name_of_who_asks(three: Sender, triager: Caller, status: str, kind: str) -> None:
    issue = issue_of("a")
    other = Issue.mute if status == "unresolved" else Issue.reopen
    other(issue, by=None, at=timezone.now())

    response = triager.patch(f"issues/{issue.pk}", {"status": status})

    assert response.status_code == 200
    assert response.json()["status"] == status
    issue.refresh_from_db()
    assert issue.status == status
    latest = IssueTransition.objects.filter(issue=issue).latest("pk")
    assert (latest.kind, latest.actor) == (kind, triager.person)
    assert response.json()["history"][0]["actor"] == "ada"


def test_it_is_given_to_somebody_and_to_nobody(three: Sender, triager: Caller) -> None:
    issue, grace = issue_of("a"), make_person("grace")

    assert triager.patch(f"issues/{issue.pk}", {"assignee": "grace"}).json()["assignee"] == "grace"
    issue.refresh_from_db()
    assert issue.assignee == grace

    assert triager.patch(f"issues/{issue.pk}", {"assignee": None}).json()["assignee"] is None
    issue.refresh_from_db()
    assert issue.assignee is None
    assert issue.status == IssueStatus.UNRESOLVED


def test_both_change_together_or_not_at_all(three: Sender, triager: Caller) -> None:
    issue = issue_of("a")
    changed = triager.patch(f"issues/{issue.pk}", {"status": "resolved", "assignee": "ada"}).json()
    assert (changed["status"], changed["assignee"]) == ("resolved", "ada")

    refused = triager.patch(f"issues/{issue.pk}", {"status": "muted", "assignee": "not there"})

    assert refused.json()["errors"][0]["field"] == "assignee"
    issue.refresh_from_db()
    assert (issue.status, str(issue.assignee)) == ("resolved", "ada")


def test_asking_for_what_holds_already_changes_nothing(three: Sender, triager: Caller) -> None:
    issue = issue_of("a")
    triager.patch(f"issues/{issue.pk}", {"status": "resolved"})
    before = IssueTransition.objects.count()

    assert triager.patch(f"issues/{issue.pk}", {"status": "resolved"}).status_code == 200
    assert triager.patch(f"issues/{issue.pk}", {"assignee": None}).status_code == 200

    assert IssueTransition.objects.count() == before


def test_it_comes_back_as_regressed_after_it_was_resolved(three: Sender, triager: Caller) -> None:
    issue = issue_of("a")
    triager.patch(f"issues/{issue.pk}", {"status": "resolved"})

    three.store({"event": "a", "level": "critical"})

    assert triager.get(f"issues/{issue.pk}").json()["is_regressed"] is True


@pytest.mark.parametrize(
    ("content", "code", "fields"),
    [
        ({}, "nothing_to_change", []),
        ({"status": "open"}, "invalid_request", ["status"]),
        ({"status": None}, "invalid_request", ["status"]),
        ({"status": ["resolved"]}, "invalid_request", ["status"]),
        ({"assignee": ""}, "invalid_request", ["assignee"]),
        ({"assignee": "x" * 151}, "invalid_request", ["assignee"]),
        ({"assignee": {"id": 1}}, "invalid_request", ["assignee"]),
        ({"assignee": "\x00"}, "invalid_request", ["assignee"]),
        ({"title": "mine"}, "invalid_request", ["title"]),
        ({"status": "resolved", "event_count": 0}, "invalid_request", ["event_count"]),
        ({"is_regressed": False, "status": "open"}, "invalid_request", ["is_regressed", "status"]),
        ([], "not_an_object", []),
        ("resolved", "not_an_object", []),
    ],
)
def test_what_cannot_be_changed_is_refused_and_named(
    three: Sender, triager: Caller, content: Any, code: str, fields: list[str]
) -> None:
    issue = issue_of("a")

    response = triager.patch(f"issues/{issue.pk}", content if content != "resolved" else b'"resolved"')

    assert response.status_code == 400
    problem = response.json()
    assert problem["code"] == code
    assert [error["field"] for error in problem.get("errors", [])] == fields
    issue.refresh_from_db()
    assert issue.status == IssueStatus.UNRESOLVED


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 60_000, b'{"status": NaN}', b"\xff", b'{"status": "\\ud800"}', b"status=resolved"]
)
def test_a_body_that_is_no_json_is_400(three: Sender, triager: Caller, body: bytes) -> None:
    response: Any = Client().patch(f"/api/v1/issues/{issue_of('a').pk}", body, headers=triager.headers)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_json")


def test_a_body_that_is_too_large_is_413(three: Sender, triager: Caller) -> None:
    response = triager.patch(f"issues/{issue_of('a').pk}", {"assignee": "x" * 70_000})

    assert response.status_code == 413


def test_it_needs_no_content_type(three: Sender, triager: Caller) -> None:
    address = f"/api/v1/issues/{issue_of('a').pk}"

    response: Any = Client().patch(
        address, b'{"status": "muted"}', content_type="application/x-www-form-urlencoded", headers=triager.headers
    )

    assert response.json()["status"] == "muted"


def test_changing_needs_the_right_to_triage(three: Sender, make_caller: Callable[..., Caller]) -> None:
    eve = make_caller("view_issue", name="eve", scope="write")

    response = eve.patch(f"issues/{issue_of('a').pk}", {"status": "resolved"})

    assert response.status_code == 403
    assert "events.triage_issue" in response.json()["detail"]


def test_a_merged_issue_is_not_changed(three: Sender, triager: Caller) -> None:
    source, into = issue_of("a"), issue_of("b")
    merge(source, into, by=None, at=timezone.now())

    response = triager.patch(f"issues/{source.pk}", {"status": "resolved"})

    assert response.status_code == 409
    assert (response.json()["code"], response.json()["merged_into"]) == ("merged", into.pk)


def test_nobody_who_left_is_given_an_issue(three: Sender, triager: Caller) -> None:
    gone, outsider = make_person("gone"), make_person("outsider")
    gone.is_active = False
    gone.save()
    outsider.is_staff = False
    outsider.save()

    for name in ("gone", "outsider"):
        assert triager.patch(f"issues/{issue_of('a').pk}", {"assignee": name}).status_code == 400
