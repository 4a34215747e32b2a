"""When a rule fires: one dataclass a condition, with its parameters, and its judgement of what was counted. Pure.

A judgement is `Judged`: whether the condition holds for a group, the number that was held against the threshold, and a sentence
that says so to people. What is too little to judge by holds nothing and says why (`Judged.is_known`).
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from typing import Any, ClassVar, Self

LONGEST_WINDOW = timedelta(days=30)


class ConditionError(ValueError):
    """Parameters that say nothing. ``parameter`` names the one to mend; the text says how."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Judged:
    holds: bool
    value: float | None
    threshold: float | None
    sentence: str
    is_known: bool = True
    # What it rests on, to be kept with the alert; None leaves that as it is.
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one group in a window: events, failures among them (critical and error events, and requests that were
    answered with 5xx), requests, different users, response times by bucket (events.latency), and ``volume``: events with the rule's
    tag or without."""

    events: int = 0
    failures: int = 0
    requests: int = 0
    users: int = 0
    latencies: Mapping[int, int] | None = None
    volume: int = 0


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Reads parameters by the fields of the condition: whole numbers and numbers, with their bounds."""

    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        known = {one.name: one for one in fields(cls)}
        for name in given:
            if name not in known:
                raise ConditionError(
                    name, f"There is no parameter {name!r}. Known are {', '.join(sorted(known)) or 'none'}."
                )
        values = {name: cls._value(name, known[name].type, value) for name, value in given.items()}
        for name, one in known.items():
            if one.default is MISSING and name not in values:
                raise ConditionError(name, f"{name} is missing.")
        return cls(**values)

    @classmethod
    def _value(cls, name: str, kind: object, value: Any) -> Any:
        if name in cls.choices:
            if value not in cls.choices[name]:
                raise ConditionError(name, f"{name} is one of {', '.join(cls.choices[name])}.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ConditionError(name, f"{name} is a number.")
        low, high = cls.bounds[name]
        if not low <= value <= high:
            raise ConditionError(name, f"{name} is from {low:g} to {high:g}.")
        if kind in (int, "int"):
            if value != int(value):
                raise ConditionError(name, f"{name} is a whole number.")
            return int(value)
        return float(value)


# Hours that an issue must be known for before its counts are held against them.
LEAST_HOURS = 24
_WINDOW = (60, LONGEST_WINDOW.total_seconds())


@dataclass(frozen=True, slots=True)
class EventCondition(_Parameters):
    """An event that matches: every one of them, at once."""


@dataclass(frozen=True, slots=True)
class IssueCondition(_Parameters):
    """An issue that is new, or came back."""


@dataclass(frozen=True, slots=True)
class ThresholdCondition(_Parameters):
    """More than so many events, users hurt, failures among the requests, or events with the rule's tag among all, in a window."""

    limit: float
    window_seconds: int
    measure: str = "events"
    least_volume: int = 0
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "limit": (1e-6, 1e9),  # nothing at all is no threshold
        "window_seconds": _WINDOW,
        "least_volume": (0, 1e9),
    }
    choices: ClassVar[Mapping[str, Sequence[str]]] = {"measure": ("events", "users", "failure_ratio", "share")}

    def judge(self, counted: Counted) -> Judged:
        span = spoken(self.window_seconds)
        if self.measure == "failure_ratio":
            failed = max(min(counted.failures, counted.requests), 0)
            if counted.requests < max(self.least_volume, 1):
                sentence = f"{counted.requests:,} requests in {span}: too few to judge by."
                return Judged(False, None, self.limit, sentence, is_known=False)
            ratio = failed / counted.requests
            share, limit = 100 * ratio, 100 * self.limit
            sentence = (
                f"{failed:,} of {counted.requests:,} requests failed in {span} ({share:.1f} %, limit {limit:g} %)."
            )
            return Judged(ratio >= self.limit, ratio, self.limit, sentence)
        if self.measure == "share":
            if counted.volume < max(self.least_volume, 1):
                sentence = f"{counted.volume:,} events in {span}: too few to judge by."
                return Judged(False, None, self.limit, sentence, is_known=False)
            ratio = counted.events / counted.volume
            sentence = f"{100 * ratio:.1f} % of {counted.volume:,} events in {span}, limit {100 * self.limit:g} %."
            return Judged(ratio >= self.limit, ratio, self.limit, sentence)
        value = counted.users if self.measure == "users" else counted.events
        noun = "users hurt" if self.measure == "users" else "events"
        sentence = f"{value:,} {noun} in {span}, limit {self.limit:g}."
        return Judged(value >= self.limit and counted.events >= self.least_volume, float(value), self.limit, sentence)


@dataclass(frozen=True, slots=True)
class LatencyCondition(_Parameters):
    """A percentile of response times above a limit."""

    limit_ms: float
    window_seconds: int
    percentile: int = 95
    least_volume: int = 20
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "limit_ms": (0, 1e9),
        "window_seconds": (60, 7 * 86400),
        "percentile": (1, 99),
        "least_volume": (1, 1e9),
    }

    def judge(self, counted: Counted, bucket_to_ms: Any) -> Judged:
        latencies = counted.latencies or {}
        total, span = sum(latencies.values()), spoken(self.window_seconds)
        if total < self.least_volume:
            return Judged(
                False, None, self.limit_ms, f"{total:,} measured in {span}: too few to judge by.", is_known=False
            )
        rank, up_to = math.ceil(self.percentile / 100 * total), 0
        for bucket in sorted(latencies):
            up_to += latencies[bucket]
            if up_to >= rank:
                break
        value = float(bucket_to_ms(bucket))
        sentence = (
            f"p{self.percentile} is {value:,.0f} ms in {span}, of {total:,} measured; limit {self.limit_ms:,.0f} ms."
        )
        return Judged(value > self.limit_ms, value, self.limit_ms, sentence)


# A spike is held against the same hours of the same weekday, from so many weeks on; until then against those of earlier days.
LEAST_WEEKS, MOST_WEEKS, MOST_DAYS = 3, 4, 14
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Earlier:
    """The days that one is compared with: how many days before it they are, which ones (“Tuesdays”), and how many it takes."""

    days_ago: tuple[int, ...]
    name: str
    least: int


@dataclass(frozen=True, slots=True)
class SpikeCondition(_Parameters):
    """More events than at the same hours of the same weekday of earlier weeks, beyond chance."""

    window_seconds: int
    times: float = 2.0
    least: int = 10
    least_history: int = 3
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "window_seconds": (300, 86400),
        "times": (1.1, 1000),
        "least": (1, 1e9),
        "least_history": (2, 28),
    }

    @property
    def takes_weeks(self) -> bool:
        """Whether so many weeks as it asks for are ever looked at."""
        return self.least_history <= MOST_WEEKS

    def earlier(self, known_days: int, weekday: int) -> Earlier:
        """What a day is compared with, when so many days before it are known; ``weekday``: 0 is Monday.

        Until there are enough weeks, working days are held against working days and weekends against weekends.
        """
        weeks = min(known_days // 7, MOST_WEEKS)
        if self.takes_weeks and weeks >= max(LEAST_WEEKS, self.least_history):
            return Earlier(tuple(range(7, 7 * weeks + 1, 7)), _WEEKDAYS[weekday], self.least_history)
        is_weekend = weekday >= _SATURDAY
        alike = [ago for ago in range(1, MOST_DAYS + 1) if ((weekday - ago) % 7 >= _SATURDAY) == is_weekend]
        days_ago = tuple(ago for ago in alike if ago <= known_days)
        name = "weekend days" if is_weekend else "working days"
        return Earlier(days_ago, name, min(self.least_history, len(alike)))

    def judge(self, now: int, counts: Sequence[int], earlier: Earlier) -> Judged:
        """``counts``: of the same span of each of the earlier days."""
        span = spoken(self.window_seconds)
        if len(counts) < earlier.least:
            sentence = (
                f"{now:,} events in {span}; {len(counts)} earlier {earlier.name} are known, {earlier.least} are needed."
            )
            return Judged(False, float(now), None, sentence, is_known=False)
        usual = statistics.median(counts)
        spread = 1.4826 * statistics.median([abs(one - usual) for one in counts])
        # A count scatters by its square root at least: one instead of none is no spike.
        limit = max(self.times * usual, usual + 4 * max(spread, math.sqrt(max(usual, 1.0))))
        sentence = (
            f"{now:,} events in {span}, usually {usual:,.0f} at this time of {len(counts)} earlier {earlier.name}; "
            f"limit {limit:,.0f}."
        )
        return Judged(now > limit and now >= self.least, float(now), limit, sentence)


@dataclass(frozen=True, slots=True)
class EscalatingCondition(_Parameters):
    """An issue that comes more often than it ever did in the week before, as far as that is known."""

    times: float = 2.0
    least: int = 20
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"times": (1.1, 1000), "least": (1, 1e9)}

    def judge(self, this_hour: int, earlier: Sequence[int]) -> Judged:
        """``earlier``: events of each of the hours before. What is new needs a day until it has a forecast of its own."""
        if len(earlier) < LEAST_HOURS:
            sentence = (
                f"{this_hour:,} events this hour; {len(earlier)} earlier hours are known, {LEAST_HOURS} are needed."
            )
            return Judged(False, float(this_hour), None, sentence, is_known=False)
        # All but the worst twentieth of its hours stayed below this.
        usual = sorted(earlier)[min(math.ceil(0.95 * len(earlier)), len(earlier)) - 1]
        limit = max(self.times * usual, usual + 4 * math.sqrt(max(usual, 1)), float(self.least))
        sentence = f"{this_hour:,} events this hour, at most {usual:,} in nearly every hour before; limit {limit:,.0f}."
        return Judged(this_hour > limit, float(this_hour), limit, sentence)


@dataclass(frozen=True, slots=True)
class AbsenceCondition(_Parameters):
    """No event for so long."""

    window_seconds: int
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"window_seconds": (60, 7 * 86400)}

    def judge(self, seconds_silent: float | None) -> Judged:
        """``seconds_silent``: since the last event; None: there never was one."""
        if seconds_silent is None:
            return Judged(False, None, float(self.window_seconds), "No such event was ever heard.", is_known=False)
        sentence = f"Nothing for {spoken(seconds_silent)}, limit {spoken(self.window_seconds)}."
        return Judged(seconds_silent >= self.window_seconds, seconds_silent, float(self.window_seconds), sentence)


# Long window, short window, how many times faster than the budget of 30 days allows: 2 %, 5 % and 10 % of it are gone then.
BURN_WINDOWS = ((3600, 300, 14.4), (6 * 3600, 1800, 6.0), (3 * 86400, 6 * 3600, 1.0))


@dataclass(frozen=True, slots=True)
class BurnRateCondition(_Parameters):
    """The error budget of an objective burns so fast, over a long and a short window, that it will not last.

    ``pace``: fast is gone within hours or days and should wake somebody; slow is a matter for working hours.
    """

    objective: float = 0.999
    least_volume: int = 100
    pace: str = "any"
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"objective": (0.5, 0.99999), "least_volume": (1, 1e9)}
    choices: ClassVar[Mapping[str, Sequence[str]]] = {"pace": ("any", "fast", "slow")}

    @property
    def windows(self) -> Sequence[tuple[int, int, float]]:
        """Those of BURN_WINDOWS that are looked at."""
        return {"fast": BURN_WINDOWS[:2], "slow": BURN_WINDOWS[2:]}.get(self.pace, BURN_WINDOWS)

    def judge(self, counted: Mapping[int, Counted]) -> Judged:
        """``counted`` by the seconds of each window of BURN_WINDOWS."""
        budget = 1 - self.objective
        worst: Judged | None = None
        for long, short, limit in self.windows:
            if counted[long].requests < self.least_volume:
                continue
            rates = [
                min(one.failures, one.requests) / max(one.requests, 1) / budget
                for one in (counted[long], counted[short])
            ]
            sentence = (
                f"The error budget of {100 * self.objective:g} % burns {rates[0]:,.1f} times too fast over {spoken(long)} and "
                f"{rates[1]:,.1f} times over {spoken(short)}; limit {limit:g}."
            )
            judged = Judged(min(rates) >= limit, min(rates), limit, sentence)
            if judged.holds:
                return judged
            if worst is None or (judged.value or 0) / limit > (worst.value or 0) / (worst.threshold or 1):
                worst = judged
        few = f"Fewer than {self.least_volume:,} requests: too few to judge by."
        return worst or Judged(False, None, None, few, is_known=False)


@dataclass(frozen=True, slots=True)
class CascadeCondition(_Parameters):
    """Several endpoints fail together (alerts.cascade)."""

    endpoints: int = 3
    window_seconds: int = 300
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {"endpoints": (2, 100), "window_seconds": (60, 3600)}


Condition = (
    EventCondition
    | IssueCondition
    | ThresholdCondition
    | LatencyCondition
    | SpikeCondition
    | EscalatingCondition
    | AbsenceCondition
    | BurnRateCondition
    | CascadeCondition
)
_KINDS: Mapping[str, type[_Parameters]] = {
    "event": EventCondition,
    "new_issue": IssueCondition,
    "regression": IssueCondition,
    "threshold": ThresholdCondition,
    "latency": LatencyCondition,
    "spike": SpikeCondition,
    "escalating": EscalatingCondition,
    "absence": AbsenceCondition,
    "burn_rate": BurnRateCondition,
    "cascade": CascadeCondition,
}


def condition_of(kind: str, parameters: Mapping[str, Any]) -> Condition:
    """Raises ConditionError."""
    return _KINDS[kind].read(parameters)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a form must know of one: bounds, both of them allowed, or choices, and its default (None: it has to be given)."""

    name: str
    is_whole: bool
    default: float | str | None
    low: float
    high: float
    choices: tuple[str, ...] = ()


def parameters_of(kind: str) -> tuple[Parameter, ...]:
    """Of a condition, in the order in which it declares them."""
    condition = _KINDS[kind]
    return tuple(
        Parameter(
            one.name,
            one.type in (int, "int"),
            None if one.default is MISSING else one.default,
            *condition.bounds.get(one.name, (0, 0)),
            tuple(condition.choices.get(one.name, ())),
        )
        for one in fields(condition)
    )


def spoken(seconds: float) -> str:
    """``5 minutes``, ``24 hours``."""
    for size, noun in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size or (size == 60 and seconds > 60):
            number = round(seconds / size)
            return f"{number} {noun}{'' if number == 1 else 's'}"
    return "1 second" if round(seconds) == 1 else f"{seconds:.0f} seconds"
