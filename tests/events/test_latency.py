"""Histograms of durations."""

import math
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.latency import RELATIVE_ERROR, ZERO_BUCKET, bucket_of, milliseconds_of, percentile

durations = st.floats(min_value=0.01, max_value=1e12)


@given(durations)
def test_a_bucket_stands_for_its_durations_to_one_percent(duration: float) -> None:
    assert milliseconds_of(bucket_of(duration)) == pytest.approx(duration, rel=RELATIVE_ERROR * 1.000001)


@given(durations, durations)
def test_buckets_keep_the_order(one: float, other: float) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([0.0, 0.01, 0.5, 0.95, 0.99, 1.0]))
def test_any_percentile_is_right_to_one_percent(values: list[float], quantile: float) -> None:
    exact = sorted(values)[max(math.ceil(quantile * len(values)), 1) - 1]

    assert percentile(Counter(map(bucket_of, values)), quantile) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.000001)


@given(st.lists(durations, max_size=50), st.lists(durations, max_size=50))
def test_histograms_merge_by_adding(one: list[float], other: list[float]) -> None:
    merged = Counter(map(bucket_of, one)) + Counter(map(bucket_of, other))

    assert merged == Counter(map(bucket_of, one + other))


@pytest.mark.parametrize("duration", [0.0, 0.000001, 0.0099])
def test_next_to_nothing_is_nothing(duration: float) -> None:
    assert bucket_of(duration) == ZERO_BUCKET
    assert milliseconds_of(ZERO_BUCKET) == 0.0


def test_the_longest_fit_a_small_integer() -> None:
    assert bucket_of(1e300) == bucket_of(1e12) < 32_767


def test_without_events_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_the_median_of_a_known_list() -> None:
    values = [100.0, 200.0, 300.0]

    assert percentile(Counter(map(bucket_of, values)), 0.5) == pytest.approx(statistics.median(values), rel=0.01)
