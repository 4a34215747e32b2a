"""`/api/v1/reports`: the answers of the reports themselves, and refusals that say what to fix."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from dashboards.api.reports import view_of
from dashboards.pages.report_page import ReportPage
from dashboards.reports.catalogue import REPORTS
from events.event_ids import uuid7
from events.models import ApiToken
from events.rollups import compact
from tests.dashboards.reports.random_events import fill
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

BASE = "/api/v1/reports"


def whoever_may_read_all() -> Client:
    return client_of(make_person("eve", "view_issue", "view_event", "view_analytics", "view_incident"))


def ask(client: Client, name: str, status: int = 200, /, **query: str) -> Any:
    answer: Any = client.get(f"{BASE}/{name}?{urlencode(query)}")
    assert answer.status_code == status, answer.content
    return orjson.loads(answer.content)


def subjects_of(name: str) -> dict[str, str]:
    known = {
        "endpoint": "/api/jobs", "user": "0" * 32, "name": "api_error", "contains": "error", "severity": "error",
        "feature": "career", "before": f"{uuid7(timezone.now())}",
    }  # fmt: skip
    return {subject.name: known[subject.name] for subject in REPORTS[name].subjects if subject.is_required}


def test_the_list_names_every_report_and_its_address(db: None) -> None:
    client = whoever_may_read_all()

    entries = client.get(BASE).json()

    assert [entry["name"] for entry in entries] == list(REPORTS)
    for entry in entries:
        subjects = urlencode({name: subjects_of(entry["name"])[name] for name in entry["subjects"]})
        assert client.get(f"{entry['url']}?{subjects}").status_code == 200


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_answers_of_many_events(make_sender: Callable[[str], Sender], name: str) -> None:
    fill(make_sender, seed=7, count=150, now=timezone.now())
    client = whoever_may_read_all()

    whole = ask(client, name, window="30d", **subjects_of(name))
    none = ask(client, name, window="30d", environment="nowhere", **subjects_of(name))

    assert whole.keys() == none.keys()
    assert isinstance(whole[REPORTS[name].rows], list)


def test_it_answers_what_the_page_answers(sender: Sender) -> None:
    sender.store({"event": "api_error", "severity": "error", "endpoint": "/api/jobs", "user_id": "u-1"})
    compact()
    client = client_of(reader())

    answer = ask(client, "failure-rates", service=sender.service.slug, zone="Asia/Kathmandu")

    (endpoint,) = answer["endpoints"]
    assert (endpoint["endpoint"], endpoint["failures"], endpoint["users_hurt"]) == ("/api/jobs", 1, 1)
    page: Any = client.get(f"/admin/analytics/endpoints/?format=json&service={sender.service.pk}")
    assert orjson.loads(page.content)["endpoints"] == answer["endpoints"]


def test_a_span_of_its_own(sender: Sender) -> None:
    now = timezone.now()
    for hours in (2, 5):
        at = (now - timedelta(hours=hours)).isoformat()
        sender.store({"event": "api_error", "severity": "error", "endpoint": f"/{hours}", "timestamp": at})
    compact()
    client = client_of(reader())
    since, until = (now - timedelta(hours=6)).isoformat(), (now - timedelta(hours=3)).isoformat()

    assert [one["endpoint"] for one in ask(client, "failure-rates", since=since, until=until)["endpoints"]] == ["/5"]
    assert len(ask(client, "failure-rates", since=since)["endpoints"]) == 2
    assert len(ask(client, "failure-rates", since="1999-01-01T00:00:00Z")["endpoints"]) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"window": "9h"}, "window"),
        ({"service": "nobody"}, "service"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-03-04T12:00:00Z"}, "until"),
        ({"since": "2026-03-04T12:00:00Z", "until": "2026-03-04T11:00:00Z"}, "since"),
        ({"since": "2199-03-04T12:00:00Z"}, "since"),
        ({"colour": "red"}, "colour"),
        ({"limit": "5"}, "limit"),
        ({"release": "x" * 201}, "release"),
    ],
)
def test_what_cannot_be_asked_is_refused(db: None, query: dict[str, str], field: str) -> None:
    problem = ask(client_of(reader()), "failure-rates", 400, **query)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_subject_must_be_named(db: None) -> None:
    problem = ask(client_of(reader()), "endpoint", 400)

    assert problem["errors"][0]["field"] == "endpoint"


def test_what_a_report_may_be_told_can_be_left_out(sender: Sender) -> None:
    sender.store({"event": "api_error", "severity": "error"}, {"event": "db_down", "severity": "error"})
    compact()
    client = client_of(reader())

    assert len(ask(client, "top-errors")["errors"]) == 2
    assert [one["name"] for one in ask(client, "top-errors", contains="error")["errors"]] == ["api_error"]


def test_a_report_of_events_needs_the_right_to_see_them(db: None) -> None:
    client = client_of(make_person("max", "view_analytics"))

    assert ask(client, "user", 403, user="0" * 32)["code"] == "permission_missing"
    assert ask(client, "user-impact")["users"] == []


def test_a_report_of_issues_needs_the_right_to_see_them(sender: Sender) -> None:
    sender.store({"event": "api_error", "severity": "error", "message": "a secret title"})
    some = client_of(make_person("max", "view_analytics", "view_event"))

    assert ask(some, "overview", 403)["code"] == "permission_missing"
    assert "a secret title" in orjson.dumps(ask(client_of(reader()), "overview")).decode()


def test_it_asks_for_the_rights_that_the_page_asks_for() -> None:
    pages = import_module("liftmon.urls") and ReportPage.__subclasses__()

    assert {page.report_name for page in pages} == set(REPORTS)
    for page in pages:
        asked = page.permission_required
        rights = (asked,) if isinstance(asked, str) else asked
        assert set(view_of(REPORTS[page.report_name]).reading_rights) == set(rights), page.report_name


@pytest.mark.parametrize("name", ["", "/failure-rates"])
def test_it_needs_the_right(db: None, name: str) -> None:
    assert Client().get(f"{BASE}{name}").status_code == 401
    assert client_of(make_person("max", "view_event", "view_issue")).get(f"{BASE}{name}").status_code == 403


def test_a_token_that_only_reads_will_do(db: None) -> None:
    _, text = ApiToken.issue(reader(), name="script")

    assert Client().get(f"{BASE}/overview", headers={"Authorization": f"Bearer {text}"}).status_code == 200


def test_no_report_of_that_name_is_not_found(db: None) -> None:
    assert client_of(reader()).get(f"{BASE}/nothing").status_code == 404


def test_it_asks_few_questions(
    sender: Sender, django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    client = client_of(reader())

    with django_assert_max_num_queries(8):
        ask(client, "failure-rates")
