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

from dashboards.reports import overview as report
from dashboards.reports.question import Question
from dashboards.window import preset
from events.merging import merge
from events.models import Issue
from events.onboarding import create_service
from events.rollups import compact
from tests.dashboards.pages.reading import behind, links
from tests.dashboards.reports.random_events import fill, questions
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

OVERVIEW = "/admin/"
PLAIN = """
    SELECT count(*), count(*) FILTER (WHERE severity IN ('critical', 'error', 'warning')) AS failures,
        count(DISTINCT nullif(user_hash, '')) AS users,
        count(DISTINCT nullif(user_hash, '')) FILTER (WHERE severity IN ('critical', 'error', 'warning')) AS hurt
    FROM {events}
"""
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
# Session, user, the two of permissions, badge, setup, the two of the controls, totals, endpoints, steps, three of attention, and
# the two of releases (three when there are any).
QUERIES = 16


def failure(name: str = "api_timeout", *, severity: str = "error", user: str = "", **ago: float) -> dict[str, Any]:
    at = timezone.now() - timedelta(**ago)
    return {
        "event": name, "message": f"{name} broke", "severity": severity, "user_id": user, "timestamp": at.isoformat(),
    }  # fmt: skip


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    """Over HTTP, where it is noted that a service has been heard; and count it, as the worker does every few seconds."""
    assert sender.post(list(documents)).status_code == 200
    compact()


def question(window: str = "24h") -> Question:
    return Question(preset(window, timezone.now()), UTC)


def text_of(client: Client) -> str:
    """What the page says, on one line."""
    page: Any = client.get(OVERVIEW)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def test_the_page_tells_the_verdict_of_real_events(sender: Sender, eve: User) -> None:
    users = [failure("stripe_checkout_error", severity="critical", user=f"u-{number}", hours=1) for number in range(3)]
    send(sender, *users, failure(minutes=5))

    text = text_of(client_of(eve))

    assert "Now: 1 critical issue is unresolved; stripe_checkout_error has hurt 3 users since" in text
    assert "; 1 other issue open." in text


def test_a_critical_issue_that_came_back_is_told_of_once(sender: Sender, eve: User) -> None:
    sender.store(failure(severity="critical", hours=3))
    Issue.objects.get().resolve(by=eve, at=timezone.now() - timedelta(hours=2))
    sender.store(failure(severity="critical", hours=1))

    state = report.attention(question())

    assert (state.unresolved, state.critical, state.regressed, state.others) == (1, 1, 0, 0)


def test_an_issue_that_came_back_is_not_among_the_others(sender: Sender, eve: User) -> None:
    sender.store(failure(hours=3))
    Issue.objects.get().resolve(by=eve, at=timezone.now() - timedelta(hours=2))
    sender.store(failure(hours=1), failure("another", hours=1))

    state = report.attention(question())

    assert (state.unresolved, state.critical, state.regressed, state.others) == (2, 0, 1, 1)


def test_merged_issues_are_one(sender: Sender, eve: User) -> None:
    sender.store(failure("kept", hours=1), failure("absorbed", hours=1))
    kept, absorbed = Issue.objects.get(name="kept"), Issue.objects.get(name="absorbed")
    merge(absorbed, kept, by=eve, at=timezone.now())

    state = report.attention(question())

    assert state.unresolved == 1
    assert [issue.id for issue in state.top] == [kept.pk]


def test_the_issue_that_hurts_most_users_burns(sender: Sender) -> None:
    many = [failure("many", severity="critical", user=f"u-{number}", hours=2) for number in range(4)]
    sender.store(*many, failure("one", severity="critical", user="u-1", minutes=1))
    sender.store(*(failure("old", severity="critical", user=f"u-{number}", hours=30) for number in range(9)))

    state = report.attention(question())

    assert state.burning is not None
    assert state.burning.name == "many"
    assert state.critical == 3


def test_the_worst_come_first_and_no_more_than_eight(sender: Sender) -> None:
    sender.store(*(failure(f"broke_{letter}", hours=1) for letter in "abcdefghij"))
    sender.store(failure("burns", severity="critical", hours=9))

    top = report.attention(question()).top

    assert len(top) == 8
    assert top[0].name == "burns"


def test_totals_are_of_the_window_and_of_the_one_before(sender: Sender) -> None:
    info = {"event": "page_view", "severity": "info", "user_id": "u-9", "timestamp": timezone.now().isoformat()}
    send(sender, failure(user="u-1", hours=1), failure("two", user="u-1", severity="warning", hours=23), info)
    send(sender, failure(hours=25), failure(user="u-2", hours=26), failure(user="u-3", hours=47), failure(hours=51))

    found = report.overview(question())

    assert (found.events.now, found.events.before) == (3, 3)
    assert (found.failures.now, found.failures.before) == (2, 3)
    assert (found.users_hurt.now, found.users_hurt.before) == (1, 2)
    assert (found.users_active.now, found.users_active.before) == (2, 2)


def test_the_last_releases_come_newest_first_with_what_came_of_them(sender: Sender) -> None:
    send(sender, *({**failure(user=f"u-{number}", hours=30), "release": "lift@1"} for number in range(3)))
    send(sender, {**failure(hours=2), "release": "lift@1"}, {**failure(user="u-1", hours=1), "release": "lift@2"})

    lines = report.overview(question()).releases

    assert [(line.release, line.failures, line.users_hurt) for line in lines] == [("lift@2", 1, 1), ("lift@1", 1, 0)]


@pytest.mark.parametrize("seed", range(1))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Any, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for asked in questions(services):
        found = report.overview(asked)
        for before, side in ((False, "now"), (True, "before")):
            (plain,) = events_say(asked, PLAIN, before=before)
            counted = (found.events, found.failures, found.users_active, found.users_hurt)
            assert tuple(getattr(change, side) for change in counted) == tuple(plain.values())
        steps = found.failures_over_time
        plain_steps = events_say(asked, "SELECT occurred_at, severity FROM {events}")
        for step in steps:
            severities = [row["severity"] for row in plain_steps if step.start <= row["occurred_at"] < step.end]
            assert (step.critical, step.error, step.warning) == tuple(
                severities.count(severity) for severity in ("critical", "error", "warning")
            )


def test_an_empty_database_answers_the_report(db: None) -> None:
    found = report.overview(question())

    assert (found.events.now, found.users_hurt.now, found.requests.share) == (0, 0, None)
    assert sum(step.critical + step.error + step.warning for step in found.failures_over_time) == 0
    assert found.attention.top == []
    assert report.setup() == report.Setup(has_service=False, has_event=False)


def test_the_chart_and_its_table_hold_the_same_numbers(sender: Sender, eve: User) -> None:
    send(sender, failure(hours=2), failure(severity="critical", hours=2), failure(severity="warning", hours=5))

    page = client_of(eve).get(OVERVIEW).content.decode()

    (source,) = re.findall(r'<script id="lm-failures" type="application/json">(.*?)</script>', page)
    chart = json.loads(source)
    (body,) = re.findall(
        r"<tbody>(<tr><th scope=\"row\">.*?)</tbody>", page.split("The same numbers as a table")[1], re.DOTALL
    )[:1]
    rows = [[int(cell) for cell in re.findall(r"<td>(\d+)</td>", row)] for row in body.split("</tr>")[:-1]]
    assert [list(column) for column in zip(*rows, strict=True)] == [one["data"] for one in chart["datasets"]]
    assert [sum(one["data"]) for one in chart["datasets"]] == [1, 1, 1]
    assert 'data-lm-chart="lm-failures"' in page


def test_every_tile_links_to_rows_that_answer(sender: Sender, eve: User) -> None:
    send(sender, {**failure(user="u-1", hours=1), "endpoint": "/api/jobs"})
    client = client_of(eve)

    page = client.get(OVERVIEW).content.decode()

    links = re.findall(r'class="lm-card lm-tile" href="([^"]+)"', page)
    assert len(links) == 5
    for link in links:
        rows: Any = client.get(link.replace("&amp;", "&"))
        assert rows.status_code == 200
        assert re.search("api_timeout|/api/jobs", rows.content.decode())


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


@pytest.mark.parametrize("right", ["view_event", "view_service", "view_eventtype", "view_analytics"])
def test_staff_who_may_not_see_issues_see_nothing_of_them(sender: Sender, right: str) -> None:
    send(sender, failure("stripe_checkout_error", severity="critical", user="u-1", hours=1))
    client = client_of(make_person("max", right))

    with CaptureQueriesContext(connection) as asked:
        text = text_of(client)

    assert "stripe_checkout_error" not in text
    assert "critical issue" not in text
    assert "Unresolved issues" not in text
    # Nor is anything of them fetched, for a later template to show.
    assert not any("events_issue" in query["sql"] or "events_count" in query["sql"] for query in asked.captured_queries)


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
    client = client_of(make_person("max", "view_issue", "view_event", "view_analytics", "view_guardhit"))

    with django_assert_num_queries(QUERIES + 1):
        client.get(OVERVIEW)


def test_all_unresolved_issues_are_those_of_the_service(make_sender: Callable[[str], Sender]) -> None:
    api, web = make_sender("lift api"), make_sender("lift web")
    send(api, failure("api_timeout"))
    send(web, failure("web_broke"), failure("web_slow"))
    client = client_of(reader())

    page = client.get(f"{OVERVIEW}?service={web.service.pk}").content.decode()

    addresses = set(re.findall(r'href="(/admin/events/issue/[^"\d]*)"', page.split('id="content-main"')[1]))
    assert addresses == {"/admin/events/issue/?service=lift-web"}
    listed: Any = client.get(*addresses)
    assert {issue.name for issue in listed.context_data["cl"].result_list} == {"web_broke", "web_slow"}


def test_what_is_ever_leads_to_all_of_it_and_what_is_of_the_window_to_that(sender: Sender, eve: User) -> None:
    old = [{**failure(user=f"u-{number}", hours=30), "release": "lift@1"} for number in range(3)]
    send(sender, *old, *({**failure(user=f"u-{number}", hours=1), "release": "lift@2"} for number in range(2)))
    client = client_of(eve)
    page = client.get(f"{OVERVIEW}?environment=").content.decode()

    issues = links(page, "Unresolved issues, worst first")
    (all_of_them,) = [address for address in issues if "/events/event/" in address]
    assert (issues[all_of_them], behind(client, all_of_them)) == ("5", 5)
    (users,) = [address for address in issues if address.endswith("#users")]
    assert issues[users] == "3"
    assert "3 in all" in client.get(users).content.decode()
    releases = links(page, "The last releases, newest first")
    assert "Events ever" in page
    for address, number in releases.items():
        if "/events/event/" in address:
            assert behind(client, address) == int(number)
        else:
            shown: Any = client.get(address)
            assert shown.context_data["answer"].hurt.count == int(number)
    assert list(releases.values()) == ["2", "2", "2"]
