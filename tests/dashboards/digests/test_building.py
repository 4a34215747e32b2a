"""What digests say: the numbers of the reports, asked for once for all readers of the same, and nothing where nothing happened."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.incidents import follow_ups, handling, opening
from alerts.models import IncidentState
from dashboards.asking import instant
from dashboards.digests.building import Scope, content, digest_of, question_of
from dashboards.digests.content import Content, Section, quiet_sentence, read, written
from dashboards.digests.periods import Kind
from dashboards.models import Digest
from dashboards.reports.ai_failures import ai_failures
from dashboards.reports.auth_and_abuse import auth_and_abuse
from dashboards.reports.delivery import delivery
from dashboards.reports.error_budgets import error_budgets
from dashboards.reports.failure_rates import failure_rates
from dashboards.reports.feature_adoption import feature_adoption
from dashboards.reports.overview import overview
from dashboards.reports.question import Question
from dashboards.reports.slowest_endpoints import slowest_endpoints
from dashboards.reports.top_errors import top_errors
from dashboards.reports.trial_conversion import trial_conversion
from dashboards.reports.upkeep import upkeep
from dashboards.reports.user_impact import people_hurt
from events.ingest.types import RefusalCount
from events.models import Service
from events.rejections import count_rejections
from events.rollups import compact
from tests.alerts.making import make_alert, make_rule
from tests.dashboards.reports.random_events import NOW, fill, where
from tests.events.conftest import Sender, forget_everything

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LENGTHS = {Kind.DAILY: DAY, Kind.WEEKLY: 7 * DAY, Kind.MONTHLY: 30 * DAY}
FAILED = "severity IN ('critical', 'error', 'warning')"


@contextmanager
def undone() -> Iterator[None]:
    """What is stored within is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget_everything()


def sections_of(told: Content) -> dict[str, Section]:
    return {one.name: one for one in told.sections}


def ask(kind: Kind, scope: Scope, end: datetime = NOW) -> tuple[Content, Question]:
    question = question_of(scope, start=end - LENGTHS[kind], end=end, now=NOW)
    return content(kind, question), question


def counted(question: Question, what: str, condition: str) -> int:
    narrow, bound = where(question)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM events_event WHERE {narrow} AND ({condition})", bound)
        return int(cursor.fetchone()[0])


def store(sender: Sender, at: datetime, **document: Any) -> None:
    sender.store({"environment": "production", "timestamp": at.isoformat(), **document}, at=at)


def scopes_of(services: list[Service], zone: str) -> list[Scope]:
    first, second = (one.pk for one in services)
    return [
        Scope((), (), zone), Scope((), ("production",), zone), Scope((first,), ("staging",), zone),
        Scope((first, second), ("production", "staging"), zone),
    ]  # fmt: skip


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    seed=st.integers(0, 9999),
    kind=st.sampled_from(Kind),
    place=st.integers(0, 3),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    hours_ago=st.integers(0, 30),
)
def test_its_numbers_are_those_of_the_reports_and_of_the_events(
    make_sender: Callable[[str], Sender], seed: int, kind: Kind, place: int, zone: str, hours_ago: int
) -> None:
    with undone():
        services = fill(make_sender, seed=seed, count=220)
        scope = scopes_of(services, zone)[place]

        told, question = ask(kind, scope, NOW.replace(minute=0, second=0) - timedelta(hours=hours_ago))

        found = sections_of(told)
        assert read(written(told)) == told
        check_of_days(found, question)
        if kind is not Kind.DAILY:
            check_of_weeks(found, question)
        check_form(told, question)


def check_of_days(found: dict[str, Section], question: Question) -> None:
    if section := found.get("overnight") or found.get("trends"):
        whole = overview(question)
        failures = counted(question, "count(*)", FAILED)
        assert whole.failures.now == sum(section.trend) == failures
        assert section.sentence.startswith(f"{failures:,} failure")
        users = counted(question, "count(DISTINCT user_hash)", f"{FAILED} AND user_hash <> ''")
        assert section.users == whole.users_hurt.now == users
        rows = {f"{one.name} ({one.severity})": one for one in top_errors(question).errors}
        for row in section.rows:
            one = rows[row.text.partition(",")[0]]
            assert row.number.startswith(f"{one.event_count:,} event")
            assert (
                counted(question, "count(*)", f"name = '{one.name}' AND severity = '{one.severity}'") == one.event_count
            )
    ai, found_ai = ai_failures(question), found.get("ai")
    if found_ai is not None:
        assert f"{ai.total.timeouts or ai.total.failures:,} " in found_ai.sentence
        assert sum(found_ai.trend) in (0, sum(sum(one.failures) for one in ai.by_step))
        named = {one.provider or "no provider named": one.rates.failures for one in ai.providers}
        assert all(named[bar.label] == bar.value for bar in found_ai.bars)
        assert found_ai.users == ai.users_hurt
    auth = auth_and_abuse(question)
    if section := found.get("sessions"):
        events = {one.name: one.event_count for one in auth.names}
        assert all(row.number.startswith(f"{events[row.text]:,} event") for row in section.rows)
        assert all(counted(question, "count(*)", f"name = '{row.text}'") == events[row.text] for row in section.rows)
        assert section.users == auth.sessions.users_hit.count
    if section := found.get("limits"):
        assert {row.number for row in section.rows} <= {
            f"{one.events:,} time{'s' * (one.events != 1)}" for one in auth.addresses
        }
    sent = delivery(question)
    if section := found.get("delivery"):
        assert sum(section.trend) == sum(one.failures for one in sent.channels)
        assert all(f"failed {one.failures:,} time" in section.sentence for one in sent.channels if one.failures)
        assert counted(question, "count(*)", "name = 'formspree_failure'") == sum(
            one.failures for one in sent.channels if one.channel == "formspree"
        )
    if section := found.get("consistency"):
        events = counted(question, "count(*)", "name = 'data_consistency_error'")
        assert section.sentence.startswith(f"Records disagreed {events:,} time")
    if section := found.get("endpoints"):
        rates = {one.endpoint: {} for one in failure_rates(question).endpoints}  # type: ignore[var-annotated]
        for one in failure_rates(question).endpoints:
            rates[one.endpoint][one.failures] = one.requests
        assert all(int(bar.value) in rates[bar.label] for bar in section.bars)


def check_of_weeks(found: dict[str, Section], question: Question) -> None:
    adoption = feature_adoption(question)
    if section := found.get("features"):
        users = {one.feature: one.unique_users for one in adoption.features}
        assert all(users[bar.label] == bar.value for bar in section.bars)
        for bar in section.bars:
            names = f"name = 'feature_used' AND data ->> 'feature' = '{bar.label}' AND user_hash <> ''"
            assert counted(question, "count(DISTINCT user_hash)", names) == bar.value
        assert {row.text for row in section.rows} <= {f"{one.feature}: 0 users" for one in adoption.unused}
    trials = trial_conversion(question)
    ended = counted(question, "count(*)", "name = 'trial_conversion'")
    assert trials.rate.total == ended
    assert ("trials" in found) == bool(ended or trials.rate_before.total)
    if ended:
        assert found["trials"].sentence.startswith(f"{trials.rate.count:,} of {ended:,} trial")
        assert sum(found["trials"].trend) == trials.rate.count
    hurt = people_hurt(question)
    if section := found.get("users"):
        assert section.users == hurt.hurt.count
        assert section.sentence.startswith(f"{hurt.hurt.count:,} of {hurt.hurt.total:,}")
    if section := found.get("slow"):
        endpoints = {one.endpoint for one in slowest_endpoints(question).endpoints}
        assert {row.text.partition(",")[0] for row in section.rows} <= endpoints
    if section := found.get("budget"):
        for row, one in zip(
            section.rows, [one for one in error_budgets(question) if one.spent is not None], strict=False
        ):
            assert f"{one.failures:,} of {one.requests:,} request" in row.number
    kept = upkeep(question)
    assert [bar.value for bar in found["liftmon"].bars][:2] == [kept.events_bytes, kept.counters_bytes]


def check_form(told: Content, question: Question) -> None:
    """Three rows, one chart, links with the same window; what changed comes first, and then whom it hurt."""
    for one in told.sections:
        assert len(one.rows) <= 3
        assert not (one.bars and one.trend)
        assert bool(one.bars) == bool(one.bars_caption)
        assert bool(one.trend) == bool(one.trend_caption)
    order = [(not one.is_changed, -one.users) for one in told.sections]
    assert order == sorted(order)
    assert len(told.actions) <= 3
    assert all(one.text and one.evidence and one.link for one in told.actions)
    links = [one.link for one in told.sections] + [row.link for one in told.sections for row in one.rows]
    for link in links:
        query = parse_qs(urlsplit(link).query)
        if "window" in query:
            assert query["window"] == ["custom"]
            assert query["from"] == [instant(question.window.start)]
            assert query.get("environment", []) == list(question.filters.environments)


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


def test_incidents_stand_at_the_top_with_their_clocks(sender: Sender) -> None:
    store(sender, NOW - timedelta(hours=30), event="login")
    compact()
    over = opening.open_by_hand(
        title="Slow", severity=3, service=sender.service, environment="", by=None, at=NOW - timedelta(hours=5)
    )
    handling.acknowledge(over.pk, by=None, at=NOW - timedelta(hours=5) + timedelta(minutes=4))
    handling.resolve(over.pk, by=None, at=NOW - timedelta(hours=4))
    grave = opening.open_by_hand(
        title="Down", severity=1, service=None, environment="", by=None, at=NOW - timedelta(hours=1)
    )
    opening.open_by_hand(
        title="Elsewhere",
        severity=1,
        service=Service.objects.create(name="x", slug="x"),
        environment="",
        by=None,
        at=NOW,
    )

    told, _ = ask(Kind.WEEKLY, Scope((sender.service.pk,), ("production",), "UTC"))

    assert (told.open_count, told.tone) == (1, "bad")
    assert told.verdict.startswith("1 incident open; ")
    assert [(row.text, row.number) for row in told.incidents] == [
        (f"#{grave.pk} Down", f"SEV1, {IncidentState.TRIGGERED.label.lower()}")
    ]
    assert told.actions[0].text == f"Go on with incident #{grave.pk}"
    section = sections_of(told)["incidents"]
    assert "2 incidents opened" in section.sentence
    assert "MTTA 4.0 min (1 of 2 acknowledged)" in section.sentence
    assert "MTTR 60 min (1 of 2 resolved)" in section.sentence
    assert [row.text for row in section.rows] == [f"#{grave.pk} Down", f"#{over.pk} Slow"]


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
    assert "Raise the threshold of “Noisy”, or switch it off" in [one.text for one in told.actions]


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


def test_times_are_those_of_the_readers_clock(sender: Sender) -> None:
    at = datetime(2026, 3, 30, 3, 30, tzinfo=UTC)
    store(sender, at, event="db_pool_error", severity="CRITICAL", message="too many clients", user_id="u")
    compact()

    berlin, _ = ask(Kind.DAILY, Scope((), (), "Europe/Berlin"))
    new_york, _ = ask(Kind.DAILY, Scope((), (), "America/New_York"))

    assert f"since {at.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" in berlin.verdict
    assert "since 29 Mar, 23:30" in new_york.verdict
