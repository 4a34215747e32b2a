"""What digests say: the numbers of the reports, asked for once for all readers of the same, and nothing where nothing happened."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts.incidents import follow_ups, opening
from dashboards.digests.building import Scope, content, digest_of, question_of
from dashboards.digests.content import quiet_sentence
from dashboards.digests.periods import Kind
from dashboards.models import Digest
from dashboards.reports.error_budgets import error_budgets
from events.ingest.types import RefusalCount
from events.rejections import count_rejections
from events.rollups import compact
from tests.alerts.making import make_alert, make_rule
from tests.dashboards.digests.saying import DAY, LENGTHS, ask, sections_of, store
from tests.dashboards.reports.random_events import NOW, fill
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", Kind)
def test_it_says_nothing_of_nothing(kind: Kind, sender: Sender) -> None:
    told, _ = ask(kind, Scope((), ("production",), "UTC"))

    # What Liftmon itself cost is told each week.
    assert {one.name for one in told.sections} <= {"liftmon"}
    assert not told.is_changed
    assert told.actions == ()
    assert "Data consistency" in quiet_sentence(told) or kind is Kind.WEEKLY
    assert quiet_sentence(told).startswith("Nothing to report: ")


def test_it_says_what_timed_out_against_the_day_before_and_what_a_fallback_caught(sender: Sender) -> None:
    for number in range(12):
        feature = "career" if number < 9 else "flashcards"
        store(
            sender, NOW - timedelta(hours=2, minutes=number), event="ai_failure", level="warn", ai_provider="openai",
            feature=feature, reason="timeout", fallback_used=number < 10, user_id=f"u-{number}",
        )  # fmt: skip
    for number in range(4):
        store(
            sender, NOW - timedelta(hours=30, minutes=number), event="ai_failure", level="warn", ai_provider="openai",
            feature="career", reason="timeout", fallback_used=True,
        )  # fmt: skip
    compact()

    told, _ = ask(Kind.DAILY, Scope((), ("production",), "UTC"))

    section = sections_of(told)["ai"]
    assert section.sentence.startswith(
        "openai timed out 12 times, 3 × the day before (4), 9 of them on career; a fallback caught 10 of 12."
    )
    assert (section.is_changed, section.users, sum(section.trend)) == (True, 12, 12)
    assert [(row.text, row.number) for row in section.rows] == [
        ("career", "9 timeouts, 4 before"),
        ("flashcards", "3 timeouts, 0 before"),
    ]
    assert told.sections[0].name in ("ai", "overnight")


def test_it_says_which_hours_were_judged_where_not_all_were(sender: Sender) -> None:
    for hours in (2, 2, 2, 30, 55):
        store(sender, NOW - timedelta(hours=hours), event="beta_register_rate_limited", level="warn", ip="198.51.100.7")
    compact()

    told, _ = ask(Kind.MONTHLY, Scope((), (), "UTC"))
    of_a_day, _ = ask(Kind.DAILY, Scope((), (), "UTC"))

    judged = (
        r"Limited 5 times; judged in the busiest (?:day|\d+ hours), from \d+ \w+, \d\d:\d\d\. Too little to say: 3 "
    )
    assert re.match(judged, sections_of(told)["limits"].sentence)
    assert "judged" not in sections_of(of_a_day)["limits"].sentence


def test_it_compares_with_nothing_before_there_was_anything(sender: Sender) -> None:
    store(sender, NOW - timedelta(hours=1), event="ai_failure", level="warn", ai_provider="openai", reason="timeout")
    compact()

    told, _ = ask(Kind.DAILY, Scope((), (), "UTC"))

    assert sections_of(told)["ai"].sentence.startswith("openai timed out 1 time.")
    assert not sections_of(told)["ai"].is_changed


def test_changes_come_first_and_then_whom_they_hurt(sender: Sender) -> None:
    for number in range(30):
        store(
            sender,
            NOW - timedelta(minutes=5 + number),
            event="data_consistency_error",
            severity="WARNING",
            user_id=f"u-{number % 3}",
        )
        store(
            sender, NOW - timedelta(minutes=5 + number), event="formspree_failure", level="warn", user_id=f"v-{number}"
        )
    for days in range(1, 9):
        store(sender, NOW - days * DAY - timedelta(hours=1), event="client_error", level="error", user_id="w")
        for number in range(20):
            store(
                sender,
                NOW - days * DAY - timedelta(minutes=5 + number),
                event="session_stabilization_failure",
                level="warn",
                user_id=f"x-{number}",
            )
    for number in range(20):
        store(
            sender,
            NOW - timedelta(minutes=5 + number),
            event="session_stabilization_failure",
            level="warn",
            user_id=f"x-{number}",
        )
    compact()

    told, _ = ask(Kind.DAILY, Scope((), (), "UTC"))

    names = [one.name for one in told.sections]
    assert names.index("overnight") < names.index("delivery") < names.index("consistency") < names.index("sessions")


def test_overdue_follow_ups_and_ignored_rules_are_told_each_week(sender: Sender) -> None:
    made = opening.open_by_hand(title="Down", severity=2, service=None, environment="", by=None, at=NOW - 9 * DAY)
    follow_ups.add(made.pk, text="Add an index", by=None, at=NOW - 8 * DAY, due_on=(NOW - 2 * DAY).date())
    follow_ups.add(made.pk, text="Later", by=None, at=NOW - 8 * DAY, due_on=(NOW + DAY).date())
    noisy, heard = make_rule(name="Noisy", key=""), make_rule(name="Heard")
    for number in range(3):
        make_alert(noisy, at=NOW - timedelta(hours=number + 1))
        make_alert(heard, at=NOW - timedelta(hours=number + 1), acknowledged_at=NOW)
    make_alert(noisy, at=NOW - 9 * DAY)

    told, _ = ask(Kind.WEEKLY, Scope((), (), "Europe/Berlin"))

    found = sections_of(told)
    assert found["follow_ups"].sentence.startswith("1 follow-up overdue, of 2 open")
    assert found["follow_ups"].rows[0].text == "Add an index (nobody’s)"
    assert found["noise"].sentence.startswith("1 rule fired 3 times")
    assert [row.text for row in found["noise"].rows] == ["Noisy"]
    assert "Make “Noisy” stricter, or switch it off" in [one.text for one in told.actions]


def test_the_error_budget_is_what_its_rule_counts(sender: Sender) -> None:
    make_rule(
        "burn_rate", name="Budget", parameters={"objective": 0.9, "least_volume": 10}, environments=["production"]
    )
    make_rule(
        "burn_rate",
        name="The same",
        parameters={"objective": 0.9, "least_volume": 10, "pace": "slow"},
        environments=["production"],
    )
    for days, bad in ((1, 8), (8, 1)):
        for number in range(20):
            status = 503 if number < bad else 200
            store(
                sender,
                NOW - days * DAY - timedelta(minutes=number),
                event="api_response_time",
                endpoint="/a",
                response_time_ms=5,
                status=status,
            )
    store(
        sender,
        NOW - DAY,
        event="api_response_time",
        endpoint="/a",
        response_time_ms=5,
        status=503,
        environment="staging",
    )
    compact()

    told, question = ask(Kind.WEEKLY, Scope((), (), "UTC"))

    (budget,) = [one for one in error_budgets(question) if one.objective == 0.9]
    assert (budget.requests, budget.failures, len(budget.rules)) == (20, 8, 2)
    assert budget.spent == pytest.approx(4.0)
    assert budget.spent_before == pytest.approx(0.5)
    section = sections_of(told)["budget"]
    assert section.sentence.startswith(
        "The error budget of 90 % was spent 4 × over (50 % the week before): 8 of 20 requests failed."
    )
    assert section.is_changed


def test_endpoints_are_slow_without_having_got_slower(sender: Sender) -> None:
    for number in range(12):
        store(
            sender, NOW - timedelta(hours=2, minutes=number), event="api_response_time", endpoint="/api/jobs",
            response_time_ms=4000, status=200,
        )  # fmt: skip
    store(sender, NOW - timedelta(hours=3), event="slow_endpoint", level="warn", endpoint="/api/jobs", duration_ms=4000)
    compact()

    told, _ = ask(Kind.WEEKLY, Scope((), ("production",), "UTC"))

    assert sections_of(told)["slow"].sentence == (
        "No endpoint got slower. 1 request took so long that the service told of it, at /api/jobs."
    )
    assert not sections_of(told)["slow"].is_changed


def test_services_that_send_secrets_are_named_with_where(make_sender: Callable[[str], Sender]) -> None:
    api, web = make_sender("lift api"), make_sender("lift web")
    for number in range(3):
        store(
            api,
            NOW - timedelta(hours=number * 40),
            event="login_failed",
            level="warn",
            data={"password": "hunter2"},
            user_id="u",
        )
    store(web, NOW - timedelta(hours=3), event="client_error", level="error", message="mail to ann@example.edu")
    store(web, NOW - timedelta(hours=3), event="client_error", level="error", message="fine")
    compact()

    told, _ = ask(Kind.WEEKLY, Scope((), ("production",), "UTC"))

    section = sections_of(told)["secrets"]
    assert [(row.text, row.number) for row in section.rows] == [
        ("lift api: passwords in data.password of login_failed", "3 of 3 looked at"),
        ("lift web: e-mail addresses in message of client_error", "1 of 2 looked at"),
    ]
    assert section.sentence.startswith(
        "lift api sends passwords, such as data.password of login_failed; lift web sends e-mail addresses"
    )
    assert any(one.text == "Stop lift api from sending passwords" for one in told.actions)


def test_what_was_refused_is_told_against_the_week_before(sender: Sender) -> None:
    refused = [
        RefusalCount(sender.service.pk, "no_name", "Give the event a name.", "{}", times, NOW - days * DAY)
        for days, times in ((1, 5), (9, 2))
    ]
    with connection.cursor() as cursor:
        count_rejections(cursor, refused)
    store(sender, NOW - 10 * DAY, event="login")
    compact()

    told, _ = ask(Kind.WEEKLY, Scope((), (), "UTC"))

    section = sections_of(told)["liftmon"]
    assert "It refused 5 documents, 2.5 × the week before (2); nothing waits on disk." in section.sentence
    assert [(row.text, row.number) for row in section.rows] == [("Refused of lift api: no_name", "5 times")]


def test_readers_of_the_same_share_one_digest(sender: Sender, make_sender: Callable[[str], Sender]) -> None:
    other = make_sender("lift web")
    start, end = NOW - DAY, NOW
    one = digest_of(
        Kind.DAILY, Scope((sender.service.pk, other.service.pk), ("a", "b"), "UTC"), start=start, end=end, now=NOW
    )
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            again = digest_of(
                Kind.DAILY,
                Scope((other.service.pk, sender.service.pk), ("b", "a"), "UTC"),
                start=start,
                end=end,
                now=NOW + DAY,
            )
            assert again.pk == one.pk

    assert len(asked) == 20
    assert not any("events_" in query["sql"] for query in asked.captured_queries)
    digest_of(Kind.DAILY, Scope((other.service.pk,), ("b", "a"), "UTC"), start=start, end=end, now=NOW)
    digest_of(
        Kind.WEEKLY, Scope((sender.service.pk, other.service.pk), ("a", "b"), "UTC"), start=start, end=end, now=NOW
    )
    assert Digest.objects.count() == 3


def test_scopes_that_differ_never_share_a_key() -> None:
    scopes = [
        Scope((), (), "UTC"), Scope((1,), (), "UTC"),
        Scope((), ("1",), "UTC"), Scope((), ("a,b",), "UTC"), Scope((), ("a", "b"), "UTC"),
        Scope((), ("a|b",), "UTC"), Scope((1, 2), (), "UTC"), Scope((12,), (), "UTC"), Scope((), (), "Europe/Berlin"),
        Scope((), tuple(f"environment-{number}" for number in range(90)), "UTC"),
        Scope((), tuple(f"environment-{number}" for number in range(91)), "UTC"),
    ]  # fmt: skip

    keys = [one.key for one in scopes]

    assert len(set(keys)) == len(keys)
    assert max(map(len, keys)) <= 500


@pytest.mark.parametrize(("kind", "most"), [(Kind.DAILY, 60), (Kind.WEEKLY, 95), (Kind.MONTHLY, 120)])
def test_each_report_is_asked_once_however_much_there_is_to_tell(
    make_sender: Callable[[str], Sender], kind: Kind, most: int
) -> None:
    fill(make_sender, seed=3, count=250)
    question = question_of(Scope((), (), "UTC"), start=NOW - LENGTHS[kind], end=NOW, now=NOW)

    with CaptureQueriesContext(connection) as asked:
        content(kind, question)

    statements = [query["sql"] for query in asked.captured_queries]
    assert len(statements) <= most
    reports = [one for one in statements if one.startswith("WITH ") and "events_" in one]
    # Adoption and trials both count the active users.
    assert len(reports) - len(set(reports)) <= (kind is not Kind.DAILY)


@pytest.mark.parametrize(
    ("scope", "key", "written_in"),
    [
        (Scope((4, 1), ("production",), "Europe/Berlin"), "1,4|production|Europe/Berlin", "en-GB"),
        (Scope((4, 1), ("production",), "Europe/Berlin", "de"), "1,4|production|de|Europe/Berlin", "de"),
        (Scope((), ("a|b",), "UTC", "pt-BR"), "|a%7Cb|pt-BR|UTC", "pt-BR"),
        (Scope((), (), "America/Argentina/Buenos_Aires"), "||America/Argentina/Buenos_Aires", "en-GB"),
    ],
)
def test_a_digest_knows_its_zone_and_formats_by_its_scope(scope: Scope, key: str, written_in: str) -> None:
    digest = Digest(scope=scope.key)

    assert scope.key == key
    assert (digest.zone, digest.formats) == (scope.zone, written_in)


def test_a_scope_of_very_many_environments_has_a_key_as_well() -> None:
    scopes = [
        Scope((), tuple(f"preview-{one}" for one in range(90)), "Europe/Berlin", code) for code in ("en-GB", "de", "fr")
    ]

    keys = [one.key for one in scopes]

    assert len(set(keys)) == 3
    assert all(len(key) < 200 for key in keys)
    assert [Digest(scope=key).formats for key in keys] == ["en-GB", "de", "fr"]
    assert {Digest(scope=key).zone for key in keys} == {"Europe/Berlin"}


def test_times_are_those_of_the_readers_clock(sender: Sender) -> None:
    at = datetime(2026, 3, 30, 3, 30, tzinfo=UTC)
    store(sender, at, event="db_pool_error", severity="CRITICAL", message="too many clients", user_id="u")
    compact()

    berlin, _ = ask(Kind.DAILY, Scope((), (), "Europe/Berlin"))
    new_york, _ = ask(Kind.DAILY, Scope((), (), "America/New_York"))

    assert f"since {at.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" in berlin.verdict
    assert "since 29 Mar, 23:30" in new_york.verdict
