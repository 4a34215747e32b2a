"""Trial conversion: how many trials convert, how long that takes, and whether failures stand in the way."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dashboards.reports.active_users import active_users
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, is_apart, share_of
from dashboards.window import DAY, HOUR, Span, cut, floor
from events.latency import milliseconds_of, percentile

# So many days of UTC before the day a trial ended failures are looked for.
FAILING_DAYS = 14
# A percentile needs five trials beyond it, or it is one trial's accident.
MEDIAN_SAMPLES, P90_SAMPLES = 10, 50
# Columns of the distribution: as narrow as these allow.
_MOST_COLUMNS = 30
_WIDTHS = (HOUR, 6 * HOUR, DAY, 7 * DAY)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """The guide's columns: ``share`` is of the trials of that type. ``trial_type`` is "" where none is named.

    ``outcome`` is "converted" or "expired".
    """

    trial_type: str
    outcome: str
    count: int
    percent: float
    share: Share
    change: Change


@dataclass(frozen=True, slots=True)
class TimeToConvert:
    """Of trials whose conversion says how long it took; None: too few ``samples`` to say. At most 1 % off (events.latency)."""

    samples: int
    median_ms: float | None
    p90_ms: float | None


@dataclass(frozen=True, slots=True)
class TrialType:
    """``rate`` is of the trials that ended; ``users_converted`` of the users whose trial ended.

    ``trend`` is "better", "worse" or "": whether the rate differs from the window before beyond chance.
    """

    trial_type: str
    rate: Share
    rate_before: Share
    change: Change
    trend: str
    users_converted: Share
    time_to_convert: TimeToConvert


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """Conversions that took longer than ``from_ms`` and up to ``to_ms``; None: or longer."""

    from_ms: float
    to_ms: float | None
    count: int


@dataclass(frozen=True, slots=True)
class TrialStarts:
    """Users who started a trial in the window (trial_started); what became of them in it."""

    users: int
    ended: Share
    converted: Share


@dataclass(frozen=True, slots=True)
class FailuresBefore:
    """Of users whose trial ended so: how many had ``met`` at least one failure in the 14 days (UTC) before that day.

    ``failing_days`` are the days on which they met any, added up over all of them; ``days_per_user`` is None when there are none.
    """

    met: Share
    failing_days: int
    days_per_user: float | None


@dataclass(frozen=True, slots=True)
class TrialStep:
    start: datetime
    end: datetime
    converted: int
    expired: int


@dataclass(frozen=True, slots=True)
class TrialConversion:
    """The type with the most trials first. The funnel goes from the ``active_users`` over ``ended`` to ``users_converted``.

    ``is_failing_apart``: those whose trial expired met failures more or less often beyond chance than those who converted.
    """

    outcomes: list[TrialOutcome]
    types: list[TrialType]
    rate: Share
    rate_before: Share
    trend: str
    active_users: int
    ended: Share
    users_converted: Share
    starts: TrialStarts | None
    time_to_convert: TimeToConvert
    times: list[TimeColumn]
    before_converting: FailuresBefore
    before_expiring: FailuresBefore
    is_failing_apart: bool
    steps: list[TrialStep]


@dataclass(frozen=True, slots=True)
class _EndedRow:
    trial_type: str
    has_converted: bool
    trials: int


@dataclass(frozen=True, slots=True)
class _OutcomeRow:
    trial_type: str
    has_converted: bool
    trials: int
    trials_before: int


@dataclass(frozen=True, slots=True)
class _UsersRow:
    trial_type: str | None
    ended: int
    converted: int


@dataclass(frozen=True, slots=True)
class _StartsRow:
    started: int
    ended: int
    converted: int


@dataclass(frozen=True, slots=True)
class _TimeRow:
    trial_type: str
    bucket: int
    trials: int


@dataclass(frozen=True, slots=True)
class _FailuresRow:
    has_converted: bool
    users: int
    users_met: int
    failing_days: int


@dataclass(frozen=True, slots=True)
class _StepRow:
    place: int
    trials: int
    converted: int


def trial_conversion(question: Question) -> TrialConversion:
    """Of the trials that ended in the window."""
    rows = _ended(question)
    users = {row.trial_type: row for row in ask("trial_users", question, _UsersRow)}
    times = _times(question)
    active = active_users(question)
    everybody = users.get(None, _UsersRow(None, 0, 0))
    rate, before = _rates(rows)
    before_converting, before_expiring = _failures_before(question)
    return TrialConversion(
        _outcomes(rows),
        _types(rows, users, times),
        rate,
        before,
        trend_of(rate, before),
        active,
        share_of(everybody.ended, active),
        share_of(everybody.converted, everybody.ended),
        _starts(question),
        _time_to_convert(times[None]),
        _columns(times[None]),
        before_converting,
        before_expiring,
        is_apart(before_converting.met, before_expiring.met),
        _steps(question),
    )


def _ended(question: Question) -> list[_OutcomeRow]:
    """Of the window and of the one before."""
    before = replace(question, window=replace(question.window, span=question.window.before))
    now, earlier = (
        {(row.trial_type, row.has_converted): row.trials for row in ask("trial_outcomes", one, _EndedRow)}
        for one in (question, before)
    )
    return [_OutcomeRow(*key, now.get(key, 0), earlier.get(key, 0)) for key in sorted(now.keys() | earlier.keys())]


def trend_of(rate: Share, before: Share) -> str:
    """ "better" or "worse" where a rate of conversion differs from the one before beyond chance, otherwise ""."""
    if not is_apart(rate, before):
        return ""
    return "better" if (rate.share or 0) > (before.share or 0) else "worse"


def _rates(rows: list[_OutcomeRow]) -> tuple[Share, Share]:
    converted = [row for row in rows if row.has_converted]
    return (
        share_of(sum(row.trials for row in converted), sum(row.trials for row in rows)),
        share_of(sum(row.trials_before for row in converted), sum(row.trials_before for row in rows)),
    )


def _by_type(rows: list[_OutcomeRow]) -> dict[str, list[_OutcomeRow]]:
    """The type with the most trials first."""
    found: dict[str, list[_OutcomeRow]] = defaultdict(list)
    for row in rows:
        found[row.trial_type].append(row)
    return dict(sorted(found.items(), key=lambda one: (-sum(row.trials for row in one[1]), one[0])))


def _outcomes(rows: list[_OutcomeRow]) -> list[TrialOutcome]:
    outcomes = []
    for trial_type, of_type in _by_type(rows).items():
        total = sum(row.trials for row in of_type)
        for row in sorted(of_type, key=lambda row: not row.has_converted):
            if row.trials:
                share = share_of(row.trials, total)
                outcomes.append(
                    TrialOutcome(
                        trial_type=trial_type,
                        outcome="converted" if row.has_converted else "expired",
                        count=row.trials,
                        percent=round(100 * row.trials / total, 2),
                        share=share,
                        change=change_of(row.trials, row.trials_before),
                    )
                )
    return outcomes


def _types(
    rows: list[_OutcomeRow], users: Mapping[str | None, _UsersRow], times: Mapping[str | None, Mapping[int, int]]
) -> list[TrialType]:
    """Those of which a trial ended in the window or in the one before."""
    types = []
    for trial_type, of_type in _by_type(rows).items():
        rate, before = _rates(of_type)
        found = users.get(trial_type, _UsersRow(trial_type, 0, 0))
        types.append(
            TrialType(
                trial_type,
                rate,
                before,
                change_of(rate.total, before.total),
                trend_of(rate, before),
                share_of(found.converted, found.ended),
                _time_to_convert(times.get(trial_type, {})),
            )
        )
    return types


def _starts(question: Question) -> TrialStarts | None:
    """None where no event tells of starts."""
    (row,) = ask("trial_starts", question, _StartsRow)
    if not row.started:
        return None
    return TrialStarts(row.started, share_of(row.ended, row.started), share_of(row.converted, row.started))


def _times(question: Question) -> dict[str | None, dict[int, int]]:
    """Conversions by bucket of how long they took, by type and (None) all together."""
    found: dict[str | None, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    found[None] = defaultdict(int)
    for row in ask("trial_times", question, _TimeRow):
        found[row.trial_type][row.bucket] += row.trials
        found[None][row.bucket] += row.trials
    return found


def _time_to_convert(counts: Mapping[int, int]) -> TimeToConvert:
    samples = sum(counts.values())
    return TimeToConvert(
        samples,
        percentile(counts, 0.5) if samples >= MEDIAN_SAMPLES else None,
        percentile(counts, 0.9) if samples >= P90_SAMPLES else None,
    )


def _columns(counts: Mapping[int, int]) -> list[TimeColumn]:
    """Equally wide, from 0 to the longest; at most 30, of which the last may hold whatever took longer."""
    if not counts:
        return []
    longest = milliseconds_of(max(counts))
    width = next(
        (wide for one in _WIDTHS if longest <= (wide := one / _MILLISECOND) * _MOST_COLUMNS), _WIDTHS[-1] / _MILLISECOND
    )
    number = min(max(math.ceil(longest / width), 1), _MOST_COLUMNS)
    columns = [0] * number
    for bucket, trials in counts.items():
        columns[min(max(math.ceil(milliseconds_of(bucket) / width) - 1, 0), number - 1)] += trials
    is_open = longest > number * width
    return [
        TimeColumn(place * width, None if is_open and place == number - 1 else (place + 1) * width, trials)
        for place, trials in enumerate(columns)
    ]


def _failures_before(question: Question) -> tuple[FailuresBefore, FailuresBefore]:
    """Before converting, and before expiring."""
    in_window = cut(question.window.span, DAY, UTC)
    first, last = floor(in_window[0].start, DAY), floor(in_window[-1].start, DAY)
    days_before = cut(Span(first - FAILING_DAYS * DAY, last), DAY, UTC)
    rows = ask(
        "trial_failures",
        question,
        _FailuresRow,
        steps=[*days_before, *in_window],
        days_before=len(days_before),
        reach=FAILING_DAYS,
    )
    found = {row.has_converted: row for row in rows}
    converted, expired = (_failures(found.get(outcome, _FailuresRow(outcome, 0, 0, 0))) for outcome in (True, False))
    return converted, expired


def _failures(row: _FailuresRow) -> FailuresBefore:
    days = row.failing_days / row.users if row.users else None
    return FailuresBefore(share_of(row.users_met, row.users), row.failing_days, days)


def _steps(question: Question) -> list[TrialStep]:
    found = {row.place: row for row in ask("trial_steps", question, _StepRow)}
    steps = []
    for place, step in enumerate(question.steps):
        row = found.get(place, _StepRow(place, 0, 0))
        steps.append(TrialStep(step.start, step.end, row.converted, row.trials - row.converted))
    return steps
