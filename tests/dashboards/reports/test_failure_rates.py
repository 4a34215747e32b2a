from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.failure_rates import failure_rates
from dashboards.reports.question import Question
from dashboards.window import preset
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]

PLAIN = """
    SELECT service_id, endpoint,
        count(*) FILTER (WHERE name = 'api_response_time') AS requests,
        greatest(count(*) FILTER (WHERE name <> 'api_response_time' AND severity IN ('error', 'critical')),
            count(*) FILTER (WHERE name = 'api_response_time' AND (data ->> 'status')::int >= 500)) AS failures,
        count(DISTINCT nullif(user_hash, '')) FILTER (WHERE severity IN ('error', 'critical')
            OR name = 'api_response_time' AND (data ->> 'status')::int >= 500) AS users_hurt,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE name = 'api_response_time') AS p50
    FROM {events}
    WHERE endpoint <> '' AND (name = 'api_response_time' OR severity IN ('error', 'critical'))
    GROUP BY 1, 2
"""


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        found = failure_rates(question)

        by_endpoint = {(rate.service_id, rate.endpoint): rate for rate in found.endpoints}
        expected = {(row["service_id"], row["endpoint"]): row for row in events_say(question, PLAIN)}
        before = {(row["service_id"], row["endpoint"]): row for row in events_say(question, PLAIN, before=True)}
        assert set(by_endpoint) == set(expected) | set(before)
        for key, rate in by_endpoint.items():
            row = expected.get(key, {"requests": 0, "failures": 0, "users_hurt": 0, "p50": None})
            assert (rate.requests, rate.failures, rate.users_hurt) == (
                row["requests"],
                row["failures"],
                row["users_hurt"],
            )
            assert rate.change.before == before.get(key, {"failures": 0})["failures"]
            if row["p50"] is None:
                assert rate.latency.p50_ms is None
            else:
                assert rate.latency.p50_ms == pytest.approx(row["p50"], rel=0.0101)
        for heat in found.heat:
            assert sum(heat.requests) == by_endpoint[heat.service_id, heat.endpoint].requests
        _check_steps(question, events_say)


def _check_steps(question: Question, events_say: Say) -> None:
    found = failure_rates(question)
    for row in found.heat[:2]:
        plain = events_say(
            question,
            "SELECT occurred_at FROM {events} WHERE service_id = %(sent_by)s AND endpoint = %(endpoint)s "
            "AND name = 'api_response_time'",
            sent_by=row.service_id,
            endpoint=row.endpoint,
        )
        counted = [sum(step.start <= one["occurred_at"] < step.end for one in plain) for step in found.steps]
        assert row.requests == counted


def test_it_is_empty_without_events(db: None) -> None:
    found = failure_rates(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert found.endpoints == []
    assert found.heat == []
