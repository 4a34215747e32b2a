"""Every number of a digest is that of a report for the same window, and where the question is simple that of plain SQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.asking import instant
from dashboards.digests.building import Scope
from dashboards.digests.content import Content, Section, read, written
from dashboards.digests.periods import Kind
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
from events.models import Service
from tests.dashboards.digests.saying import ask, sections_of
from tests.dashboards.reports.random_events import NOW, fill, where
from tests.events.conftest import Sender, forget_everything

pytestmark = pytest.mark.django_db
FAILED = "severity IN ('critical', 'error', 'warning')"


@contextmanager
def undone() -> Iterator[None]:
    """What is stored within is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget_everything()


def counted(question: Question, what: str, condition: str) -> int:
    narrow, bound = where(question)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM events_event WHERE {narrow} AND ({condition})", bound)
        return int(cursor.fetchone()[0])


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
