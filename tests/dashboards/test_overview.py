"""The overview: one true sentence, the numbers behind it, and what to look at first."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboards.pages.overview import verdict
from dashboards.reports import overview as report
from dashboards.reports.overview import Attention, Number
from events.merging import merge
from events.models import Issue
from events.onboarding import create_service
from events.rollups import compact
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

OVERVIEW = "/admin/"
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
# Session, user, the two of permissions, badge, setup, three of attention, totals, users and hours.
QUERIES = 12


def failure(name: str = "api_timeout", *, severity: str = "error", user: str = "", **ago: float) -> dict[str, Any]:
    at = timezone.now() - timedelta(**ago)
    return {
        "event": name, "message": f"{name} broke", "severity": severity, "user_id": user, "timestamp": at.isoformat(),
    }  # fmt: skip


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    """Over HTTP, where it is noted that a service has been heard."""
    assert sender.post(list(documents)).status_code == 200


def text_of(client: Client) -> str:
    """What the page says, on one line."""
    page: Any = client.get(OVERVIEW)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def attention(**counts: Any) -> Attention:
    quiet: dict[str, Any] = dict.fromkeys(("unresolved", "critical", "regressed", "others", "new_today"), 0)
    return Attention(**{**quiet, "top": [], "burning": None, **counts})


def burning(*, users: int, since: datetime = NOON - timedelta(minutes=138)) -> Issue:
    return Issue(name="stripe_checkout_error", user_count=users, first_seen_at=since)


@pytest.fixture
def eve(db: None) -> User:
    return reader()


@pytest.mark.parametrize(
    ("state", "failures", "sentence", "tone"),
    [
        (attention(), 0, "Nothing has failed in the last 24 hours.", "good"),
        (attention(unresolved=1, others=1), 0, "Nothing has failed in the last 24 hours; 1 issue is open.", "good"),
        (
            attention(unresolved=2, others=2),
            9,
            "Nothing critical and nothing new in the last 24 hours; 2 issues are open.",
            "good",
        ),
        (attention(), 1, "No issue is open; 1 failure in the last 24 hours came to resolved or muted ones.", "good"),
        (
            attention(unresolved=4, others=4, new_today=3),
            9,
            "Nothing critical; 3 new issues in the last 24 hours.",
            "warn",
        ),
        (
            attention(unresolved=1, regressed=1),
            9,
            "1 issue came back after being resolved; everything else is normal.",
            "warn",
        ),
        (
            attention(unresolved=3, regressed=2, others=1),
            9,
            "2 issues came back after being resolved; 1 other issue open.",
            "warn",
        ),
        (attention(unresolved=1, critical=1), 0, "1 critical issue is unresolved; everything else is normal.", "bad"),
        (
            attention(unresolved=2, critical=2, burning=burning(users=31)),
            40,
            (
                "2 critical issues are unresolved; stripe_checkout_error has hurt 31 users since 09:42; "
                "everything else is normal."
            ),
            "bad",
        ),
        (
            attention(unresolved=1_204, critical=1, others=1_203, burning=burning(users=0)),
            40,
            "1 critical issue is unresolved; stripe_checkout_error has gone on since 09:42; 1,203 other issues open.",
            "bad",
        ),
        (
            attention(unresolved=1, critical=1, burning=burning(users=1, since=NOON - timedelta(days=2))),
            40,
            (
                "1 critical issue is unresolved; stripe_checkout_error has hurt 1 user since 2 Mar, 12:00; "
                "everything else is normal."
            ),
            "bad",
        ),
    ],
)
def test_the_verdict_says_what_is_so(state: Attention, failures: int, sentence: str, tone: str) -> None:
    assert verdict(state, failures=failures, now=NOON) == (sentence, tone)


def test_the_verdict_is_in_the_readers_time() -> None:
    state = attention(unresolved=1, critical=1, burning=burning(users=31))

    with timezone.override("Europe/Berlin"):
        sentence, _ = verdict(state, failures=1, now=NOON)

    assert "since 10:42" in sentence


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (0, 0, "as the day before"),
        (5, 5, "as the day before"),
        (5, 0, "none the day before"),
        (112, 100, "+12 % against the day before"),
        (0, 8, "-100 % against the day before"),
    ],
)
def test_a_change_is_told_in_words(now: int, before: int, change: str) -> None:
    assert Number(now, before).change == change


def test_the_page_tells_the_verdict_of_real_events(sender: Sender, eve: User) -> None:
    users = [failure("stripe_checkout_error", severity="critical", user=f"u-{number}", hours=1) for number in range(3)]
    send(sender, *users, failure(minutes=5))

    text = text_of(client_of(eve))

    assert "1 critical issue is unresolved; stripe_checkout_error has hurt 3 users since" in text
    assert "; 1 other issue open." in text


def test_a_critical_issue_that_came_back_is_told_of_once(sender: Sender, eve: User) -> None:
    sender.store(failure(severity="critical", hours=3))
    Issue.objects.get().resolve(by=eve, at=timezone.now() - timedelta(hours=2))
    sender.store(failure(severity="critical", hours=1))

    state = report.attention(now=timezone.now())

    assert (state.unresolved, state.critical, state.regressed, state.others) == (1, 1, 0, 0)


def test_an_issue_that_came_back_is_not_among_the_others(sender: Sender, eve: User) -> None:
    sender.store(failure(hours=3))
    Issue.objects.get().resolve(by=eve, at=timezone.now() - timedelta(hours=2))
    sender.store(failure(hours=1), failure("another", hours=1))

    state = report.attention(now=timezone.now())

    assert (state.unresolved, state.critical, state.regressed, state.others) == (2, 0, 1, 1)


def test_merged_issues_are_one(sender: Sender, eve: User) -> None:
    sender.store(failure("kept", hours=1), failure("absorbed", hours=1))
    kept, absorbed = Issue.objects.get(name="kept"), Issue.objects.get(name="absorbed")
    merge(absorbed, kept, by=eve, at=timezone.now())

    state = report.attention(now=timezone.now())

    assert state.unresolved == 1
    assert [issue.pk for issue in state.top] == [kept.pk]


def test_the_issue_that_hurts_most_users_burns(sender: Sender) -> None:
    many = [failure("many", severity="critical", user=f"u-{number}", hours=2) for number in range(4)]
    sender.store(*many, failure("one", severity="critical", user="u-1", minutes=1))
    sender.store(*(failure("old", severity="critical", user=f"u-{number}", hours=30) for number in range(9)))

    state = report.attention(now=timezone.now())

    assert state.burning is not None
    assert state.burning.name == "many"
    assert state.critical == 3


def test_the_worst_come_first_and_no_more_than_eight(sender: Sender) -> None:
    sender.store(*(failure(f"broke_{letter}", hours=1) for letter in "abcdefghij"))
    sender.store(failure("burns", severity="critical", hours=9))

    top = report.attention(now=timezone.now()).top

    assert len(top) == 8
    assert top[0].name == "burns"


def test_totals_are_of_24_hours_and_the_24_before(sender: Sender) -> None:
    now = timezone.now()
    info = {"event": "page_view", "severity": "info", "timestamp": now.isoformat()}
    sender.store(failure(hours=1), failure(severity="warning", hours=23), info)
    sender.store(failure(hours=25), failure(hours=26), failure(hours=47), failure(hours=49))

    totals = report.totals(now=now)

    assert totals.events == Number(3, 3)
    assert totals.failures == Number(2, 3)


def test_folding_the_rollups_changes_no_total(sender: Sender) -> None:
    now = timezone.now()
    for _ in range(3):
        sender.store(failure(hours=1), failure(hours=30))
    before = report.totals(now=now), report.failures_by_hour(now=now)

    assert compact() > 0

    assert (report.totals(now=now), report.failures_by_hour(now=now)) == before


def test_a_user_of_two_failures_is_one_user_and_yesterdays_do_not_count(sender: Sender) -> None:
    sender.store(failure("one", user="u-1", hours=1), failure("two", user="u-1", hours=2))
    sender.store(failure("one", user="u-2", hours=3), failure("two", user="u-3", hours=25), failure("three", hours=1))

    assert report.users_hurt(now=timezone.now()) == 2


def test_hours_without_failures_are_there_with_zeros(sender: Sender) -> None:
    now = timezone.now()
    sender.store(failure(hours=2), failure(severity="critical", hours=2), failure(severity="warning", hours=5))
    sender.store(failure(hours=26))

    hours = report.failures_by_hour(now=now)

    assert len(hours) == 24
    assert [hour.start for hour in hours] == sorted(hour.start for hour in hours)
    assert hours[-1].start <= now < hours[-1].start + timedelta(hours=1)
    assert [(hour.critical, hour.error, hour.warning) for hour in hours if hour != type(hour)(hour.start, 0, 0, 0)] == [
        (0, 0, 1),
        (1, 1, 0),
    ]


def test_an_empty_database_answers_every_report(db: None) -> None:
    now = timezone.now()

    assert report.totals(now=now) == report.Totals(events=Number(0, 0), failures=Number(0, 0))
    assert report.users_hurt(now=now) == 0
    assert sum(hour.critical + hour.error + hour.warning for hour in report.failures_by_hour(now=now)) == 0
    assert report.attention(now=now).top == []
    assert report.setup() == report.Setup(has_service=False, has_event=False)


def test_the_chart_and_its_table_hold_the_same_numbers(sender: Sender, eve: User) -> None:
    send(sender, failure(hours=2), failure(severity="critical", hours=2), failure(severity="warning", hours=5))

    page = client_of(eve).get(OVERVIEW).content.decode()

    (source,) = re.findall(r'<script id="lm-failures" type="application/json">(.*?)</script>', page)
    chart = json.loads(source)
    (body,) = re.findall(r"<tbody>(<tr><th scope=\"row\">.*?)</tbody>", page, re.DOTALL)
    rows = [[int(cell) for cell in re.findall(r"<td>(\d+)</td>", row)] for row in body.split("</tr>")[:-1]]
    assert [list(column) for column in zip(*rows, strict=True)] == [one["data"] for one in chart["datasets"]]
    assert [sum(one["data"]) for one in chart["datasets"]] == [1, 1, 1]
    assert 'data-lm-chart="lm-failures"' in page


def test_every_tile_links_to_rows_that_answer(sender: Sender, eve: User) -> None:
    send(sender, failure(user="u-1", hours=1))
    client = client_of(eve)

    page = client.get(OVERVIEW).content.decode()

    links = re.findall(r'class="lm-card lm-tile" href="([^"]+)"', page)
    assert len(links) == 4
    for link in links:
        rows: Any = client.get(link.replace("&amp;", "&"))
        assert rows.status_code == 200
        assert "api_timeout" in rows.content.decode()


def test_without_a_service_it_says_what_to_do_next(admin_client: Client) -> None:
    page = admin_client.get(OVERVIEW).content.decode()

    assert "Welcome to Liftmon" in page
    assert 'href="/admin/events/service/add/"' in page


def test_without_an_event_it_leads_to_the_services(admin_client: Client) -> None:
    create_service(name="lift api")

    page = admin_client.get(OVERVIEW).content.decode()

    assert "No event has arrived yet" in page
    assert 'href="/admin/events/service/"' in page
    assert "Nothing has failed" not in page


@pytest.mark.parametrize("right", ["view_event", "view_service", "view_eventtype"])
def test_staff_who_may_not_see_issues_see_nothing_of_them(sender: Sender, right: str) -> None:
    send(sender, failure("stripe_checkout_error", severity="critical", user="u-1", hours=1))
    client = client_of(make_person("max", right))

    with CaptureQueriesContext(connection) as asked:
        text = text_of(client)

    assert "stripe_checkout_error" not in text
    assert "critical issue" not in text
    assert "Unresolved issues" not in text
    # Nor is anything of them fetched, for a later template to show.
    assert not any("events_issue" in query["sql"] or "rollup" in query["sql"] for query in asked.captured_queries)


def test_strangers_are_sent_to_the_login(db: None) -> None:
    page: Any = Client().get(OVERVIEW)

    assert page.status_code == 302
    assert page.url.startswith("/admin/login/")


def test_names_of_failures_are_shown_and_not_run(sender: Sender, eve: User) -> None:
    send(sender, failure("<img src=x onerror=alert(1)>", severity="critical", hours=1))

    page = client_of(eve).get(OVERVIEW).content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize("issues", [1, 30])
def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender,
    eve: User,
    issues: int,
    django_assert_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    send(sender, *(failure(f"broke_{number}", user=f"u-{number}", hours=1) for number in range(issues)))
    client = client_of(eve)

    with django_assert_num_queries(QUERIES) as captured:
        client.get(OVERVIEW)

    assert not any('FROM "events_event"' in query["sql"] for query in captured.captured_queries)


def test_the_banner_costs_one_question_more_for_those_who_may_see_limits(
    sender: Sender, django_assert_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    send(sender, failure(hours=1))
    client = client_of(make_person("max", "view_issue", "view_event", "view_guardhit"))

    with django_assert_num_queries(QUERIES + 1):
        client.get(OVERVIEW)
