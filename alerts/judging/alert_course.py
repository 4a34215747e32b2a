"""What the rule of an alert counted over time, as it is judged: the value at the end of each step, against its threshold."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from alerts.conditions import (
    BURN_WINDOWS,
    AbsenceCondition,
    BurnRateCondition,
    CascadeCondition,
    Condition,
    ConditionError,
    Counted,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
    spoken,
)
from alerts.judging import counting
from alerts.matching import Words
from alerts.models import Alert
from alerts.outbox.wording import takes_of
from events.latency import milliseconds_of
from events.rollup_tables import COUNT_MINUTES_KEPT, FAILURES, MINUTES_KEPT
from events.timelines import by_hour, hourly_counts

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_BEFORE, _AFTER = timedelta(minutes=30), timedelta(minutes=10)
_LONGEST = timedelta(hours=24)
_LONGEST_OF_ISSUES = timedelta(hours=72)
# Minutes of a step: the first that makes a chart of so many points.
_STEPS, _POINTS = (1, 2, 5, 10, 15, 30), 120
# Kinds of series that a count is made of, as bits.
_VOLUME, _TAGGED, _ERROR, _BAD_ANSWER, _REQUEST = 1, 2, 4, 8, 16


@dataclass(frozen=True, slots=True)
class Course:
    """``steps``: start and end of each. ``values`` belong to them: of the rule's window that ends with the step, or with
    ``is_counted_by_step`` of the step itself; None where there was too little to judge by. ``unit`` is "", "ms" or "share".
    ``events``: the span of time whose events are behind it."""

    steps: tuple[tuple[datetime, datetime], ...]
    values: tuple[float | None, ...]
    threshold: float | None
    noun: str
    unit: str = ""
    is_counted_by_step: bool = False


def course_of(alert: Alert, *, now: datetime) -> Course | None:
    """From half an hour before it began until now, or until it was over; of a long one the last day. None: no longer kept."""
    end = counting.full_minute(min(now, (alert.resolved_at or now) + _AFTER)) + _MINUTE
    if "issue" in alert.labels:
        return _of_issue(alert, end)
    start = max(counting.full_minute(alert.started_at) - _BEFORE, end - _LONGEST)
    try:
        condition: Condition | None = alert.rule.parsed()
    except ConditionError:
        condition = None  # a later version may know fewer parameters: its events are shown all the same
    is_short_kept = isinstance(condition, LatencyCondition) or getattr(condition, "measure", "") == "users"
    if start < now - (MINUTES_KEPT if is_short_kept else COUNT_MINUTES_KEPT):
        return None
    minutes = (end - start) // _MINUTE
    size = next((one for one in _STEPS if minutes <= one * _POINTS), _STEPS[-1]) * _MINUTE
    # Steps end with the last minute, which is the one that is judged.
    ends = [end - number * size for number in range(-(-(end - start) // size))][::-1]
    return _Reading(alert, [(one - size, one) for one in ends]).course(condition)


def _of_issue(alert: Alert, end: datetime) -> Course:
    """Issues are counted by the hour."""
    issue = int(alert.labels["issue"])
    start = max(alert.started_at - 12 * _HOUR, end - _LONGEST_OF_ISSUES)
    hours = by_hour(hourly_counts([issue], start=start)[issue], start=start, now=end)
    steps = tuple((hour, hour + _HOUR) for hour, _ in hours)
    values = tuple(count for _, count in hours)
    # An issue that escalates is held against its own week, the others against nothing.
    return Course(steps, values, alert.threshold, "events of the issue in an hour", is_counted_by_step=True)


class _Reading:
    """Reads what one alert was judged by once, and slides over it."""

    def __init__(self, alert: Alert, steps: Sequence[tuple[datetime, datetime]]) -> None:
        self.alert, self.steps = alert, tuple(steps)
        self.takes = takes_of(alert)

    def course(self, condition: Condition | None) -> Course:
        if isinstance(condition, ThresholdCondition):
            return self._threshold(condition)
        if isinstance(condition, LatencyCondition):
            return self._latency(condition)
        if isinstance(condition, SpikeCondition):
            counted = self._counted(condition.window_seconds)
            values = tuple(float(one.events) for one in counted)
            noun = f"events in {spoken(condition.window_seconds)}"
            return Course(self.steps, values, self.alert.threshold, noun)
        if isinstance(condition, AbsenceCondition):
            return self._absence(condition)
        if isinstance(condition, BurnRateCondition):
            return self._burn_rate(condition)
        if isinstance(condition, CascadeCondition):
            return self._cascade(condition)
        step = self.steps[0][1] - self.steps[0][0]
        # Many tags are no labels, and are judged by the events themselves.
        values = tuple(float(one.volume) for one in self._counted(step.total_seconds()))
        noun = f"events in {spoken(step.total_seconds())}{', whatever their tag' if self.alert.rule.tag else ''}"
        return Course(self.steps, values, None, noun, is_counted_by_step=True)

    def _threshold(self, condition: ThresholdCondition) -> Course:
        span = spoken(condition.window_seconds)
        if condition.measure == "users":
            values: tuple[float | None, ...] = tuple(self._users(condition.window_seconds))
        else:
            values = tuple(condition.judge(one).value for one in self._counted(condition.window_seconds))
        nouns = {
            "events": f"events in {span}", "users": f"users hurt in {span}",
            "failure_ratio": f"failed requests in {span}", "share": f"share of events in {span}",
        }  # fmt: skip
        unit = "share" if condition.measure in ("failure_ratio", "share") else ""
        return Course(self.steps, values, condition.limit, nouns[condition.measure], unit)

    def _latency(self, condition: LatencyCondition) -> Course:
        start = self._start(condition.window_seconds)
        by_minute: dict[datetime, Counter[int]] = defaultdict(Counter)
        rows = counting.buckets_by_minute(start=start, end=self.steps[-1][1], takes=self._takes_requests)
        for minute, bucket, count in rows:
            by_minute[minute][bucket] += count
        values = tuple(
            condition.judge(Counted(latencies=inside), milliseconds_of).value
            for inside in _slide(by_minute, self._windows(condition.window_seconds))
        )
        noun = f"p{condition.percentile} in {spoken(condition.window_seconds)}"
        return Course(self.steps, values, condition.limit_ms, noun, "ms")

    def _takes_requests(self, words: Words) -> bool:
        return words.name == "api_response_time" and self.takes(words)

    def _users(self, seconds: float) -> list[float]:
        by_minute: dict[datetime, Counter[str]] = defaultdict(Counter)
        rows = counting.users_by_minute(
            start=self._start(seconds),
            end=self.steps[-1][1],
            takes=lambda words: words.severity in FAILURES and self.takes(words),
        )
        for minute, user in rows:
            by_minute[minute][user] = 1
        return [float(len(inside)) for inside in _slide(by_minute, self._windows(seconds))]

    def _absence(self, condition: AbsenceCondition) -> Course:
        start = self._start(2 * condition.window_seconds)
        rows = counting.kinds_by_minute(start=start, end=self.steps[-1][1], kind_of=self.takes)
        heard = sorted({minute for minute, _, _ in rows})
        values: list[float | None] = []
        last, place = None, 0
        for _, end in self.steps:
            while place < len(heard) and heard[place] < end:
                last, place = heard[place], place + 1
            # Heard in a minute is heard until its end.
            values.append(None if last is None else max((end - last - _MINUTE).total_seconds(), 0.0) * 1000)
        return Course(self.steps, tuple(values), condition.window_seconds * 1000.0, "time since the last event", "ms")

    def _burn_rate(self, condition: BurnRateCondition) -> Course:
        """Over the windows by which it fires or fired."""
        long, short, limit = next((one for one in BURN_WINDOWS if one[2] == self.alert.threshold), BURN_WINDOWS[0])
        budget = 1 - condition.objective
        values: list[float | None] = []
        for over_long, over_short in zip(self._counted(long), self._counted(short), strict=True):
            rates = [min(one.failures, one.requests) / max(one.requests, 1) / budget for one in (over_long, over_short)]
            values.append(min(rates) if over_long.requests >= condition.least_volume else None)
        noun = f"times too fast over {spoken(long)} and {spoken(short)}"
        return Course(self.steps, tuple(values), limit, noun)

    def _cascade(self, condition: CascadeCondition) -> Course:
        """How many of its endpoints had fallen by then."""
        began = [datetime.fromisoformat(one["began_at"]) for one in self.alert.evidence.get("members", ())]
        values = tuple(float(sum(at < end for at in began)) for _, end in self.steps)
        return Course(self.steps, values, condition.endpoints, "endpoints that had fallen")

    # --- Windows that end with each step -------------------------------------------------------------------------

    def _start(self, seconds: float) -> datetime:
        return counting.full_minute(self.steps[0][1] - timedelta(seconds=seconds))

    def _windows(self, seconds: float) -> list[tuple[datetime, datetime]]:
        return [(counting.full_minute(end - timedelta(seconds=seconds)), end) for _, end in self.steps]

    def _counted(self, seconds: float) -> list[Counted]:
        """The same sums as the evaluation makes, without the words."""
        start, end = self._start(seconds), self.steps[-1][1]
        minutes = (end - start) // _MINUTE
        sums = {bit: [0] * (minutes + 1) for bit in (_VOLUME, _TAGGED, _ERROR, _BAD_ANSWER, _REQUEST)}
        for minute, kind, count in counting.kinds_by_minute(start=start, end=end, kind_of=self._kind()):
            place = (minute - start) // _MINUTE + 1
            for bit, counts in sums.items():
                counts[place] += count if kind & bit else 0
        up_to = {bit: list(accumulate(counts)) for bit, counts in sums.items()}
        counted = []
        for first, last in self._windows(seconds):
            low, high = (first - start) // _MINUTE, (last - start) // _MINUTE
            volume, events, errors, bad_answers, requests = (one[high] - one[low] for one in up_to.values())
            counted.append(Counted(events, max(errors, bad_answers), requests, volume=volume))
        return counted

    def _kind(self) -> Callable[[Words], int]:
        match, takes = self.alert.rule.match, self.takes

        def kind(words: Words) -> int:
            if not takes(words):
                return 0
            is_request = words.name == "api_response_time"
            is_error = not is_request and words.severity in ("critical", "error")
            is_bad_answer = is_request and words.labels.get("status") == "5xx"
            return (
                _VOLUME
                + _TAGGED * match.takes_tags(words.labels)
                + _ERROR * is_error
                + _BAD_ANSWER * is_bad_answer
                + _REQUEST * is_request
            )

        return kind


def _slide[T](by_minute: dict[datetime, Counter[T]], windows: Sequence[tuple[datetime, datetime]]) -> list[Counter[T]]:
    """What lies in each window; windows of one length, oldest first."""
    minutes = sorted(by_minute)
    inside: Counter[T] = Counter()
    first = last = 0
    found = []
    for start, end in windows:
        while last < len(minutes) and minutes[last] < end:
            inside.update(by_minute[minutes[last]])
            last += 1
        while first < last and minutes[first] < start:
            inside.subtract(by_minute[minutes[first]])
            first += 1
        inside = +inside
        found.append(inside.copy())
    return found
