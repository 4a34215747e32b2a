from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.judging.machine import Open, Patience, Step, step

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
AT_ONCE = Patience(timedelta(), timedelta())
PATIENT = Patience(timedelta(minutes=2), timedelta(minutes=5))


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("alert", "holds", "patience", "expected"),
    [
        (None, False, AT_ONCE, Step.NOTHING),
        (None, True, AT_ONCE, Step.START_FIRING),
        (None, True, PATIENT, Step.START),
        (Open(False, ago(1), ago(0.2)), True, PATIENT, Step.HOLD),
        (Open(False, ago(2), ago(0.2)), True, PATIENT, Step.FIRE),
        (Open(False, ago(1.9), ago(0.2)), False, PATIENT, Step.SUBSIDE),
        (Open(True, ago(9), ago(0.2)), True, PATIENT, Step.HOLD),
        (Open(True, ago(9), ago(4.9)), False, PATIENT, Step.NOTHING),
        (Open(True, ago(9), ago(5)), False, PATIENT, Step.RESOLVE),
        (Open(True, ago(9), ago(0)), False, AT_ONCE, Step.RESOLVE),
    ],
)
def test_where_a_judgement_leads(alert: Open | None, *, holds: bool, patience: Patience, expected: Step) -> None:
    assert step(alert, holds=holds, now=NOW, patience=patience) is expected


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 5), st.integers(0, 5))
def test_what_comes_and_goes_is_one_alert(judgements: list[bool], before_firing: int, before_resolving: int) -> None:
    patience = Patience(timedelta(minutes=before_firing), timedelta(minutes=before_resolving))
    alert: Open | None = None
    fired: list[int] = []
    resolved: list[int] = []
    for minute, holds in enumerate(judgements):
        now = NOW + timedelta(minutes=minute)
        what = step(alert, holds=holds, now=now, patience=patience)
        if what in (Step.START, Step.START_FIRING):
            assert alert is None
            alert = Open(what is Step.START_FIRING, now, now)
        elif what in (Step.SUBSIDE, Step.RESOLVE):
            assert alert is not None
            assert alert.is_firing == (what is Step.RESOLVE)
            alert = None
        elif alert is not None and holds:
            alert = Open(alert.is_firing or what is Step.FIRE, alert.started_at, now)
        if what in (Step.START_FIRING, Step.FIRE):
            # It has held without a break for as long as was asked.
            assert all(judgements[max(minute - before_firing, 0) : minute + 1])
            fired.append(minute)
        if what is Step.RESOLVE:
            # And was gone as long: nothing held since.
            assert not any(judgements[minute - max(before_resolving - 1, 0) : minute + 1])
            resolved.append(minute)
    # Every alert that fired is resolved before the next one fires.
    assert len(fired) - len(resolved) in (0, 1)
    assert all(one < other for one, other in zip(resolved, fired[1:], strict=False))
