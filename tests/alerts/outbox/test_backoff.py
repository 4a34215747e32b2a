from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.outbox.backoff import ATTEMPTS, due_at

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


def wait(attempt: int, *, jitter: float = 0.5, retry_after_seconds: float | None = None) -> float:
    due = due_at(attempt, failed_at=NOW, jitter=jitter, retry_after_seconds=retry_after_seconds)
    assert due is not None
    return (due - NOW).total_seconds()


def test_ten_attempts_are_made_over_a_day() -> None:
    waits = [wait(attempt) for attempt in range(1, ATTEMPTS + 1)]

    assert waits == [0, 5, 25, 90, 480, 1200, 5400, 14_400, 28_800, 36_000]
    assert sum(waits) == timedelta(days=1).total_seconds()
    assert due_at(11, failed_at=NOW, jitter=0.5) is None


def test_jitter_moves_an_attempt_by_a_tenth_of_its_pause() -> None:
    assert [wait(5, jitter=jitter) for jitter in (0, 0.5, 1)] == pytest.approx([432, 480, 528])


@pytest.mark.parametrize(("asked", "waited"), [(None, 5), (0, 5), (3, 5), (60, 63), (10**9, 86_400)])
def test_a_receiver_may_ask_for_a_longer_pause_and_for_no_shorter_one(asked: float | None, waited: float) -> None:
    assert wait(2, retry_after_seconds=asked) == pytest.approx(waited)


@given(st.integers(2, ATTEMPTS), st.floats(0, 1), st.one_of(st.none(), st.floats(0, 86_400)))
def test_it_is_never_sooner_than_asked_nor_later_than_a_day(attempt: int, jitter: float, asked: float | None) -> None:
    waited = wait(attempt, jitter=jitter, retry_after_seconds=asked)

    assert (asked or 0) - 1e-3 <= waited <= 86_400
    assert waited > 0
