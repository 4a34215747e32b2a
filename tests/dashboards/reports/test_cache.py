"""The cache report against the events themselves."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.cache import cache, verdict
from dashboards.reports.question import Question
from dashboards.statistics import share_of
from dashboards.window import preset
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

Say = Callable[..., list[dict[str, Any]]]
LOOKUPS = """
    SELECT service_id, occurred_at, data ->> 'key' AS key, (data ->> 'hit')::boolean AS hit, data ->> 'ttl' AS ttl
    FROM {events} WHERE name = 'cache_performance'
"""


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        rows = [{**row, "prefix": row["key"].rsplit(":", 1)[0]} for row in events_say(question, LOOKUPS)]
        before = events_say(question, LOOKUPS, before=True)

        found = cache(question)

        hits, hits_before = ([row for row in side if row["hit"]] for side in (rows, before))
        assert (found.hit_rate.count, found.hit_rate.total) == (len(hits), len(rows))
        assert (found.hit_rate_before.count, found.hit_rate_before.total) == (len(hits_before), len(before))
        lookups = Counter((row["service_id"], row["prefix"]) for row in rows)
        misses = Counter((row["service_id"], row["prefix"]) for row in rows if not row["hit"])
        assert {(one.service_id, one.prefix): one.lookups for one in found.prefixes if one.lookups} == lookups
        assert {(one.service_id, one.prefix): one.misses for one in found.prefixes if one.misses} == misses
        by_ttl = Counter((row["service_id"], row["prefix"], row["ttl"]) for row in rows)
        assert {(one.service_id, one.prefix, one.ttl): one.lookups for one in found.ttls} == by_ttl
        hits_by_ttl = Counter((row["service_id"], row["prefix"], row["ttl"]) for row in hits)
        assert {
            (one.service_id, one.prefix, one.ttl): one.hit_rate.count for one in found.ttls if one.hit_rate.count
        } == hits_by_ttl
        for step in found.steps:
            inside = [row["hit"] for row in rows if step.start <= row["occurred_at"] < step.end]
            assert (step.hits, step.misses) == (inside.count(True), inside.count(False))


@pytest.mark.parametrize(
    ("hits", "lookups", "said"),
    [
        (0, 99, "unknown"),
        (0, 100, "does_not_pay"),
        (19, 100, "pays"),
        (10, 100, "does_not_pay"),
        (190, 1000, "pays"),
        (90, 100, "pays"),
    ],
)
def test_a_time_to_live_does_not_pay_when_surely_few_lookups_are_hits(hits: int, lookups: int, said: str) -> None:
    assert verdict(share_of(hits, lookups)) == said


@pytest.mark.django_db
def test_it_is_empty_without_events() -> None:
    found = cache(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert (found.prefixes, found.ttls, found.hit_rate.share) == ([], [], None)
