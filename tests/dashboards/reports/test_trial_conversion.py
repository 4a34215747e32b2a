"""Trial conversion against the events themselves."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.question import Question
from dashboards.reports.trial_conversion import TrialConversion, trial_conversion
from dashboards.window import Span, preset
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
# As the guide asks.
GUIDE = """
    SELECT coalesce(data ->> 'trial_type', '') AS trial_type,
        CASE WHEN data ->> 'converted' = 'true' THEN 'converted' ELSE 'expired' END AS outcome, count(*) AS count,
        round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY data ->> 'trial_type'), 2)::float8 AS percent
    FROM {events} WHERE name = 'trial_conversion' GROUP BY 1, 2, data ->> 'trial_type'
"""
TRIALS = """
    SELECT occurred_at, user_hash, duration_ms, coalesce(data ->> 'converted' = 'true', false) AS converted
    FROM {events} WHERE name = 'trial_conversion'
"""


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        found = trial_conversion(question)

        plain = {
            (row["trial_type"], row["outcome"]): (row["count"], row["percent"]) for row in events_say(question, GUIDE)
        }
        assert {(one.trial_type, one.outcome): (one.count, one.percent) for one in found.outcomes if one.count} == plain
        rows = events_say(question, TRIALS)
        before = Counter(row["converted"] for row in events_say(question, TRIALS, before=True))
        converted = [row for row in rows if row["converted"]]
        assert (found.rate.count, found.rate.total) == (len(converted), len(rows))
        assert (found.rate_before.count, found.rate_before.total) == (before[True], before.total())
        users = {row["user_hash"] for row in rows} - {""}
        users_converted = {row["user_hash"] for row in converted} - {""}
        (active,) = events_say(question, "SELECT count(DISTINCT nullif(user_hash, '')) AS users FROM {events}")
        assert (found.active_users, found.ended.count, found.users_converted.count) == (
            active["users"], len(users), len(users_converted),
        )  # fmt: skip
        assert found.time_to_convert.samples == sum(row["duration_ms"] is not None for row in converted)
        assert sum(column.count for column in found.times) == found.time_to_convert.samples
        for step in found.steps:
            inside = [row["converted"] for row in rows if step.start <= row["occurred_at"] < step.end]
            assert (step.converted, step.expired) == (inside.count(True), inside.count(False))
        # Who converted once has not expired.
        assert found.before_converting.met.total == len(users_converted)
        assert found.before_expiring.met.total == len(users - users_converted)
        _check_failures(found, question, rows, events_say)


def _check_failures(found: TrialConversion, question: Question, trials: list[dict[str, Any]], say: Say) -> None:
    """Days of UTC on which users met a failure in the fortnight before the last day on which a trial of theirs ended so."""
    span = question.window.span
    longer = replace(question, window=replace(question.window, span=Span(span.start - timedelta(days=15), span.end)))
    failures = "SELECT user_hash, occurred_at FROM {events} WHERE severity IN ('critical', 'error', 'warning') AND user_hash <> ''"
    failing_days = {(row["user_hash"], row["occurred_at"].astimezone(UTC).date()) for row in say(longer, failures)}
    ended: dict[tuple[str, bool], date] = {}
    for row in trials:
        key, day = (row["user_hash"], row["converted"]), row["occurred_at"].astimezone(UTC).date()
        ended[key] = max(day, ended.get(key, day))
    for before, outcome in ((found.before_converting, True), (found.before_expiring, False)):
        days = [
            sum((user, day - timedelta(days=back)) in failing_days for back in range(1, 15))
            for (user, converted), day in ended.items()
            if user and converted == outcome and (outcome or (user, True) not in ended)
        ]
        assert (before.met.total, before.met.count, before.failing_days) == (len(days), sum(map(bool, days)), sum(days))


def send(sender: Sender, event: str, user: str, *, days: float, **data: Any) -> None:
    at = NOW - timedelta(days=days)
    sender.store({"event": event, "data": {"user_id": user, **data}, "timestamp": at.isoformat()}, at=at)


def test_failures_of_the_fortnight_before_are_set_against_the_outcome(sender: Sender) -> None:
    for user, converted in (("anna", True), ("ben", True), ("cora", False), ("dave", False)):
        send(sender, "trial_conversion", user, days=2, trial_type="7_day", converted=converted)
    send(sender, "api_error", "cora", days=5, severity="error")
    send(sender, "api_error", "cora", days=6, severity="error")
    send(sender, "api_error", "anna", days=1, severity="error")  # after it
    send(sender, "api_error", "ben", days=20, severity="error")  # too long before
    send(sender, "login", "dave", days=3)
    compact()

    found = trial_conversion(Question(preset("30d", NOW), ZoneInfo("UTC")))

    assert (found.before_converting.met.count, found.before_converting.met.total) == (0, 2)
    assert (found.before_expiring.met.count, found.before_expiring.met.total) == (1, 2)
    assert (found.before_expiring.failing_days, found.before_expiring.days_per_user) == (2, 1.0)


def test_few_conversions_have_no_median(sender: Sender) -> None:
    for number in range(9):
        send(
            sender,
            "trial_conversion",
            f"u-{number}",
            days=2,
            trial_type="7_day",
            converted=True,
            duration_seconds=86_400,
        )
    compact()
    few = trial_conversion(Question(preset("7d", NOW), ZoneInfo("UTC"))).time_to_convert
    send(sender, "trial_conversion", "one more", days=2, trial_type="7_day", converted=True, duration_seconds=86_400)
    compact()
    enough = trial_conversion(Question(preset("7d", NOW), ZoneInfo("UTC"))).time_to_convert

    assert (few.samples, few.median_ms) == (9, None)
    assert (enough.samples, enough.p90_ms) == (10, None)
    assert enough.median_ms == pytest.approx(86_400_000, rel=0.011)


def test_it_is_empty_without_events(db: None) -> None:
    found = trial_conversion(Question(preset("30d", NOW), ZoneInfo("UTC")))

    assert (found.outcomes, found.types, found.rate.share, found.starts) == ([], [], None, None)
