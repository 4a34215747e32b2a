from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.on_call.steps import Due, dues

MINUTE = timedelta(minutes=1)


def test_each_step_waits_after_the_one_before_it_and_rounds_after_a_pause() -> None:
    found = dues([0 * MINUTE, 5 * MINUTE], repeats=1, repeat_after=15 * MINUTE)

    assert found == [
        Due(1, 0, 0 * MINUTE), Due(2, 1, 5 * MINUTE), Due(3, 0, 20 * MINUTE), Due(4, 1, 25 * MINUTE),
    ]  # fmt: skip


def test_a_policy_without_steps_is_never_due_however_often_it_repeats() -> None:
    assert dues([], repeats=9, repeat_after=MINUTE) == []


@given(st.lists(st.integers(0, 1440).map(lambda one: one * MINUTE), max_size=6), st.integers(0, 9))
def test_they_are_numbered_in_the_order_of_time(waits: list[timedelta], repeats: int) -> None:
    found = dues(waits, repeats=repeats, repeat_after=MINUTE)

    assert [one.number for one in found] == list(range(1, len(waits) * (repeats + 1) + 1))
    assert [one.after for one in found] == sorted(one.after for one in found)
