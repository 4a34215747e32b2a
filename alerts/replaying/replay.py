"""What a rule, saved or not, would have done in the past: the same decisions as live judging, on the counts that are kept.

Windowed rules are stepped by the minute and judged at the end of each; live judging looks several times a minute and may see a
condition hold up to a minute earlier. Immediate rules are judged by the events and issues that are still there. Neither silences
nor maintenance nor anybody who acknowledges is taken into account.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from alerts.conditions import CascadeCondition, Condition, Judged, spoken
from alerts.judging.counting import full_minute, one_moment
from alerts.judging.moment import groups, judge
from alerts.judging.reading import Reading
from alerts.models import AlertRule
from alerts.models.rule import IMMEDIATE
from alerts.replaying.course import Course, ReplayedAlert, excess
from alerts.replaying.history import BUCKETS, COUNTS, USERS, History, at, complete_since, minute_of
from alerts.replaying.messages import messages_of
from alerts.replaying.news import news_of
from alerts.replaying.sliding import Slide, needs

_MINUTE, _INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
_KEPT = {COUNTS: "Counts", BUCKETS: "Response times", USERS: "The users of failures"}


class TooMuchError(Exception):
    """It takes longer than was allowed."""


@dataclass(frozen=True, slots=True)
class Point:
    """The worst that a step had: the value of the group furthest beyond its threshold; of immediate rules, how many events came.
    None where nothing was known."""

    start: datetime
    value: float | None
    threshold: float | None


@dataclass(slots=True)
class Replay:
    """``since`` is later than ``asked_since`` where less is kept, and ``note`` says so.

    ``refusal`` says why nothing could be replayed; "" when it was.
    """

    asked_since: datetime
    since: datetime
    until: datetime
    step: timedelta
    alerts: list[ReplayedAlert] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    # Alerts that were over before they fired.
    brief_count: int = 0
    # What would have been put into the outbox for the channels of today's routes.
    message_count: int = 0
    # Whether there ever was enough to judge by.
    is_known: bool = False
    note: str = ""
    refusal: str = ""


def replay(
    rule: AlertRule, *, since: datetime, until: datetime, step: timedelta = timedelta(hours=1), longest_seconds: int = 0
) -> Replay:
    """What it would have done from ``since`` up to ``until``, both down to the full minute; points by the ``step`` (whole minutes).

    Raises alerts.conditions.ConditionError for parameters that say nothing. When it takes longer than ``longest_seconds`` (0: no
    limit), TooMuchError, or OperationalError where a statement does.
    """
    condition = rule.parsed()
    asked, until = full_minute(since), full_minute(until)
    found = Replay(asked, asked, until, step)
    if asked >= until:
        found.refusal = "The time to replay ends before it begins."
        return found
    if isinstance(condition, CascadeCondition):
        found.refusal = "A cascade rule cannot be replayed yet."
        return found
    if rule.condition not in IMMEDIATE and not needs(condition):
        found.refusal = "A rule of this condition cannot be replayed yet."
        return found
    course, check = Course(rule.patience), _stopwatch(longest_seconds)
    with one_moment(longest_seconds=longest_seconds):
        if rule.condition in IMMEDIATE:
            _replay_news(rule, course, found, check)
        else:
            _replay_windows(rule, condition, course, found, check)
        found.alerts, found.brief_count = course.fired, course.brief_count
        found.message_count = messages_of(rule, course.fired, until=until)
    return found


def _stopwatch(longest_seconds: int) -> Callable[[], None]:
    """To be called again and again: raises when the time is up."""
    ends_at = monotonic() + longest_seconds

    def check() -> None:
        if longest_seconds and monotonic() > ends_at:
            raise TooMuchError

    return check


class _Columns:
    """Collects the points of the chart: from ``since`` on, cut at the full steps of UTC."""

    def __init__(self, found: Replay) -> None:
        self._step = int(found.step.total_seconds()) // 60
        self._first = minute_of(found.since)
        self._last = minute_of(found.until)
        self._worst: dict[int, Judged] = {}
        self._counts: dict[int, int] = {}

    def is_first(self, minute: int) -> bool:
        """Whether a column begins with the minute."""
        return minute == self._first or minute % self._step == 0

    def note(self, minute: int, judged: Judged) -> None:
        column = minute // self._step
        if judged.value is not None and (column not in self._worst or excess(judged) > excess(self._worst[column])):
            self._worst[column] = judged

    def count(self, minute: int, events: int) -> None:
        column = minute // self._step
        self._counts[column] = self._counts.get(column, 0) + events

    def points(self, *, are_events: bool) -> Iterator[Point]:
        for column in range(self._first // self._step, (self._last - 1) // self._step + 1):
            start = at(max(column * self._step, self._first))
            if are_events:
                yield Point(start, float(self._counts.get(column, 0)), None)
            else:
                worst = self._worst.get(column)
                yield Point(start, worst.value if worst else None, worst.threshold if worst else None)


def _replay_windows(
    rule: AlertRule, condition: Condition, course: Course, found: Replay, check: Callable[[], None]
) -> None:
    _shorten(condition, found)
    if found.refusal:
        return
    start, end = minute_of(found.since), minute_of(found.until)
    history = History(rule.match, rule.group_by)
    first = Reading(found.until).first_heard(rule.service_id)
    heard_since = None if first is None else first.timestamp() / 60
    slide = Slide(condition, history, start=start, end=end, heard_since=heard_since)
    columns, labels = _Columns(found), history.members.labels
    holding: dict[str, Judged] = {}
    current: dict[str, Judged] = {}
    for minute in range(start + 1, end + 1):
        check()
        changed = slide.move_to(minute)
        if columns.is_first(minute - 1):
            # What goes on from the step before counts in this one too.
            changed = changed | current.keys() | set(groups(condition, slide))
        for key in changed:
            judged = judge(condition, slide, key)
            if judged is None:
                current.pop(key, None)
                holding.pop(key, None)
                continue
            current[key] = judged
            found.is_known = found.is_known or judged.is_known
            columns.note(minute - 1, judged)
            if judged.holds:
                holding[key] = judged
            else:
                holding.pop(key, None)
        for key in holding.keys() | course.open.keys():
            course.move(key, labels[key], current.get(key), at(minute))
    found.points = list(columns.points(are_events=False))
    course.fired.sort(key=lambda alert: (alert.fired_at or alert.started_at, sorted(alert.labels.items())))


def _shorten(condition: Condition, found: Replay) -> None:
    """To what is kept by the minute, with a full window before it."""
    for source, lookback in needs(condition):
        kept_since = complete_since(source)
        if kept_since is not None and minute_of(found.since) - lookback < kept_since:
            found.since = at(kept_since + lookback)
            found.note = (
                f"{_KEPT[source]} are kept by the minute since {at(kept_since):%-d %b %H:%M} UTC only, and the rule looks back "
                f"{spoken(60 * lookback)}: it is replayed from {found.since:%-d %b %H:%M} UTC on."
            )
            if found.since >= found.until:
                found.refusal = (
                    f"{_KEPT[source]} are kept by the minute since {at(kept_since):%-d %b %H:%M} UTC only, and the rule looks "
                    f"back {spoken(60 * lookback)}: there is no time that it could be replayed of."
                )


def _replay_news(rule: AlertRule, course: Course, found: Replay, check: Callable[[], None]) -> None:
    """What is open is looked at again at the beginning of each minute, as live judging does."""
    columns = _Columns(found)
    found.is_known = True
    for news in news_of(rule, since=found.since, until=found.until, check=check):
        check()
        _let_go(course, news.at)
        columns.count(minute_of(news.at), 1)
        judged = Judged(True, None, None, news.sentence)
        course.move(news.key, news.labels, judged, news.at, event_count=1)
    _let_go(course, found.until)
    found.points = list(columns.points(are_events=True))


def _let_go(course: Course, until: datetime) -> None:
    """Resolve what recovers up to ``until``, each at the first full minute at which it does."""
    for key, alert in list(course.open.items()):
        pause = course.patience.before_resolving if alert.fired_at is not None else timedelta(0)
        minute = full_minute(alert.held_at + max(pause, _INSTANT) - _INSTANT) + _MINUTE
        if minute <= until:
            course.move(key, alert.labels, None, minute)
