"""The slowest endpoints against the events themselves."""

from collections.abc import Callable
from datetime import timedelta
from math import ceil, floor, sqrt
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from dashboards.reports.latency import BoundedP95
from dashboards.reports.question import Question
from dashboards.reports.slowest_endpoints import compared, slowest_endpoints
from dashboards.window import preset
from events.latency import bucket_of
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

Say = Callable[..., list[dict[str, Any]]]
GUIDE = """
    SELECT service_id, endpoint, count(*) AS requests,
        percentile_disc(0.50) WITHIN GROUP (ORDER BY duration_ms) AS p50,
        percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95
    FROM {events} WHERE name = 'api_response_time' AND endpoint <> '' GROUP BY 1, 2 HAVING count(*) > 10
"""


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        found = slowest_endpoints(question)

        plain = {(row["service_id"], row["endpoint"]): row for row in events_say(question, GUIDE)}
        slow = events_say(question, "SELECT service_id, endpoint FROM {events} WHERE name = 'slow_endpoint'")
        assert {(one.service_id, one.endpoint) for one in found.endpoints} == set(plain)
        for one in found.endpoints:
            row = plain[one.service_id, one.endpoint]
            assert (one.requests, one.latency.samples) == (row["requests"], row["requests"])
            assert one.latency.p50_ms == pytest.approx(row["p50"], rel=0.0101)
            if one.requests < 100:
                assert one.latency.p95_ms is None
            assert one.slow == sum(
                (row["service_id"], row["endpoint"]) == (one.service_id, one.endpoint) for row in slow
            )
        durations = events_say(
            question, "SELECT duration_ms FROM {events} WHERE name = 'api_response_time' AND endpoint <> ''"
        )
        assert sum(one.requests for one in found.distribution) == len(durations)
        for place, one in enumerate(found.distribution):
            # A bucket on the edge of a class may count on its other side: 1 % of its value.
            low, high = one.from_ms * 1.011, (one.to_ms or 1e12) * 0.989
            at_least = sum(low <= row["duration_ms"] < high for row in durations)
            at_most = sum(one.from_ms * 0.989 <= row["duration_ms"] < (one.to_ms or 1e12) * 1.011 for row in durations)
            assert at_least <= found.distribution[place].requests <= at_most


def timed(
    sender: Sender, count: int, milliseconds: float, *, hours: float, release: str = "", endpoint: str = "/api/jobs"
) -> None:
    at = NOW - timedelta(hours=hours)
    document = {
        "event": "api_response_time", "endpoint": endpoint, "response_time_ms": milliseconds, "release": release,
        "timestamp": at.isoformat(),
    }  # fmt: skip
    sender.store(*(document for _ in range(count)), at=at)
    compact()


@pytest.mark.django_db
def test_too_few_requests_invent_no_percentiles(sender: Sender) -> None:
    for count, endpoint in ((10, "/ten"), (11, "/eleven"), (100, "/hundred"), (500, "/many")):
        timed(sender, count, 100, hours=1, endpoint=endpoint)

    found = slowest_endpoints(Question(preset("24h", NOW), ZoneInfo("UTC")))

    known = {
        one.endpoint: [value is not None for value in (one.latency.p50_ms, one.latency.p95_ms, one.latency.p99_ms)]
        for one in found.endpoints
    }
    assert known == {
        "/eleven": [True, False, False], "/hundred": [True, True, False], "/many": [True, True, True],
    }  # fmt: skip


@pytest.mark.django_db
def test_what_is_known_of_few_requests_places_an_endpoint(sender: Sender) -> None:
    for count, milliseconds, endpoint in ((500, 70, "/many"), (100, 2_000, "/hundred"), (11, 500, "/eleven")):
        timed(sender, count, milliseconds, hours=1, endpoint=endpoint)

    found = slowest_endpoints(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert [one.endpoint for one in found.endpoints] == ["/hundred", "/eleven", "/many"]


@pytest.mark.django_db
def test_it_says_which_endpoint_got_slower_and_by_which_release(sender: Sender) -> None:
    timed(sender, 120, 100, hours=40, release="lift@1")
    timed(sender, 120, 101, hours=20, release="lift@1")
    timed(sender, 120, 300, hours=2, release="lift@2")

    (one,) = slowest_endpoints(Question(preset("24h", NOW), ZoneInfo("UTC"))).endpoints

    assert one.verdict == "slower"
    assert one.release is not None
    assert (one.release.newest, one.release.previous, one.release.verdict) == ("lift@2", "lift@1", "slower")
    assert one.release.latency.p95_ms == pytest.approx(300, rel=0.011)
    assert one.release.latency_before.p95_ms == pytest.approx(101, rel=0.011)


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [
        (BoundedP95(111, 108, 115), BoundedP95(100, 97, 107), "slower"),
        (BoundedP95(111, 106, 115), BoundedP95(100, 97, 107), "same"),
        (BoundedP95(109, 108.5, 110), BoundedP95(100, 99, 101), "same"),
        (BoundedP95(91, 90.5, 92), BoundedP95(100, 99, 101), "same"),
        (BoundedP95(89, 88, 95), BoundedP95(100, 96, 104), "faster"),
        (BoundedP95(89, 88, 97), BoundedP95(100, 96, 104), "same"),
        (None, BoundedP95(100, 96, 104), "unknown"),
        (BoundedP95(100, 96, 104), None, "unknown"),
    ],
)
def test_a_comparison_needs_both_and_a_difference_that_is_no_chance(
    now: BoundedP95 | None, before: BoundedP95 | None, verdict: str
) -> None:
    assert compared(now, before) == verdict


@pytest.mark.django_db
@pytest.mark.parametrize("samples", [1, 7, 100, 101, 750, 12_000])
def test_the_true_percentile_lies_between_the_bounds(samples: int) -> None:
    """Against the ranks of a binomial, on random histograms."""
    random = Random(samples)
    durations = sorted(random.lognormvariate(5, 0.8) for _ in range(samples))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT told.* FROM (SELECT sum(events_histogram(bucket::smallint, 1)) AS histogram FROM unnest(%s::int[]) AS bucket) "
            "AS merged CROSS JOIN LATERAL events_percentiles(histogram) AS told",
            [[bucket_of(one) for one in durations]],
        )
        counted, *told = cursor.fetchone()

    scatter = 1.96 * sqrt(samples * 0.95 * 0.05)
    ranks = (
        ceil(samples * 0.5), ceil(samples * 0.95), ceil(samples * 0.99), max(1, floor(samples * 0.95 - scatter)),
        min(samples, ceil(samples * 0.95 + scatter) + 1),
    )  # fmt: skip
    assert counted == samples
    assert told == [bucket_of(durations[rank - 1]) for rank in ranks]


@pytest.mark.django_db
def test_it_is_empty_without_events() -> None:
    found = slowest_endpoints(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert found.endpoints == []
    assert sum(one.requests for one in found.distribution) == 0
