"""Incident times against plain SQL over the tables."""

import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from alerts.incidents import handling, opening
from alerts.models import Incident
from dashboards.reports.incident_times import incident_times
from dashboards.reports.question import Filters, Question
from dashboards.window import preset
from events.models import Service

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 30, 10, 17, tzinfo=ZoneInfo("UTC"))
MINUTE = timedelta(minutes=1)
MOVES = (handling.acknowledge, handling.mitigate, handling.resolve, handling.close, handling.reopen)


def question(name: str = "30d", **filters: Any) -> Question:
    return Question(preset(name, NOW), ZoneInfo("Europe/Berlin"), Filters(**filters))


def fill(seed: int) -> list[Service]:
    """Incidents that got as far as chance took them."""
    chance = random.Random(seed)
    services = [Service.objects.create(name=f"s{number}", slug=f"s{number}-{seed}") for number in range(2)]
    for number in range(40):
        at = NOW - timedelta(minutes=chance.randrange(1, 60 * 24 * 45))
        made = opening.open_by_hand(
            title=f"Incident {number}", severity=chance.randint(1, 4), service=chance.choice([None, *services]),
            environment=chance.choice(["", "production", "staging"]), by=None, at=at,
        )  # fmt: skip
        for _ in range(chance.randrange(6)):
            at += timedelta(seconds=chance.randrange(1, 9000))
            chance.choice(MOVES)(made.pk, by=None, at=at)
    return services


def plainly(asked: Question, what: str, **more: Any) -> Any:
    filters = asked.filters
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM alerts_incident WHERE opened_at >= %s AND opened_at < %s "
            "AND (%s::int[] = '{}' OR service_id = ANY(%s) OR service_id IS NULL) "
            "AND (%s::text[] = '{}' OR environment = '' OR environment = ANY(%s)) "
            "AND (%s IS NULL OR severity = %s)",
            [
                asked.window.start, asked.window.end, *[list(filters.services)] * 2, *[list(filters.environments)] * 2,
                more.get("severity"), more.get("severity"),
            ],
        )  # fmt: skip
        return cursor.fetchone()


_TTA = "extract(epoch FROM acknowledged_at - opened_at)"
_TTR = "extract(epoch FROM resolved_at - opened_at)"
_ALL = (
    f"count(*), count(acknowledged_at), count(resolved_at), avg({_TTA}), percentile_cont(0.5) WITHIN GROUP (ORDER BY {_TTA}), "
    f"avg({_TTR}), percentile_cont(0.5) WITHIN GROUP (ORDER BY {_TTR})"
)


def told(times: Any) -> list[float | None]:
    values = (
        times.incidents, times.acknowledged, times.resolved, times.mtta_seconds, times.median_tta_seconds, times.mttr_seconds,
        times.median_ttr_seconds,
    )  # fmt: skip
    return [None if value is None else float(value) for value in values]


def near(values: Any) -> Any:
    return pytest.approx([None if value is None else float(value) for value in values])


@pytest.mark.parametrize("seed", range(3))
def test_it_says_what_the_tables_say(seed: int) -> None:
    services = fill(seed)
    asked = [
        question(), question("7d"), question("1h"), question(services=(services[0].pk,)), question(environments=("production",)),
        question(services=tuple(one.pk for one in services[:2]), environments=("production", "staging")),
    ]  # fmt: skip
    for one in asked:
        found = incident_times(one)

        assert told(found.total) == near(plainly(one, _ALL))
        for of in found.by_severity:
            assert told(of.times) == near(plainly(one, _ALL, severity=of.severity))
        assert sum(of.times.incidents for of in found.by_service) == found.total.incidents == len(found.incidents)


def test_time_in_each_state_is_that_of_the_timeline() -> None:
    at = NOW - timedelta(hours=5)
    made = opening.open_by_hand(title="x", severity=2, service=None, by=None, at=at)
    for minutes, move in (
        (4, handling.acknowledge),
        (14, handling.mitigate),
        (24, handling.reopen),
        (60, handling.resolve),
    ):
        move(made.pk, by=None, at=at + minutes * MINUTE)

    found = incident_times(question())

    assert {one.state: one.mean_seconds for one in found.total.states} == {
        "triggered": 240, "acknowledged": 600 + 36 * 60, "mitigated": 600, "resolved": None,
    }  # fmt: skip


def test_nothing_is_nothing() -> None:
    found = incident_times(question())

    assert (found.total.incidents, found.total.mtta_seconds, found.incidents) == (0, None, [])


def test_it_costs_the_same_however_many_there_were(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    fill(1)
    assert Incident.objects.count() == 40
    with django_assert_num_queries(3):
        incident_times(question())
