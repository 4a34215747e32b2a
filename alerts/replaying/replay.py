"""What a rule, saved or not, would have done in the past: the same decisions as live judging, on the counts that are kept.

Windowed rules are stepped by the minute and judged at the end of each; live judging looks several times a minute and may see a
condition hold up to a minute earlier. Immediate rules are judged by the events and issues that are still there. Neither silences
nor maintenance nor anybody who acknowledges is taken into account.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from alerts.conditions import CascadeCondition, Condition, EscalatingCondition, Judged
from alerts.judging.counting import full_minute, one_moment
from alerts.judging.moment import groups, judge
from alerts.judging.reading import Reading
from alerts.models import AlertRule
from alerts.models.rule import IMMEDIATE
from alerts.replaying.cascades import replay_cascades
from alerts.replaying.course import Course, ReplayedAlert
from alerts.replaying.found import Columns, Replay
from alerts.replaying.growing import replay_growing
from alerts.replaying.history import shorten
from alerts.replaying.messages import messages_of
from alerts.replaying.minutes import at, minute_of
from alerts.replaying.news import news_of
from alerts.replaying.sliding import Series, Slide, needs

_MINUTE, _INSTANT = timedelta(minutes=1), timedelta(microseconds=1)


class TooMuchError(Exception):
    """It takes longer than was allowed."""


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
    course, check = Course(rule.patience), _stopwatch(longest_seconds)
    with one_moment(longest_seconds=longest_seconds):
        if rule.condition in IMMEDIATE:
            _replay_news(rule, course, found, check)
        elif isinstance(condition, CascadeCondition):
            replay_cascades(rule, condition, course, found, check)
        elif isinstance(condition, EscalatingCondition):
            replay_growing(rule, condition, course, found, check)
        else:
            _replay_windows(rule, condition, course, found, check)
        course.fired.sort(key=lambda alert: (alert.fired_at or alert.started_at, sorted(alert.labels.items())))
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


def _replay_windows(
    rule: AlertRule, condition: Condition, course: Course, found: Replay, check: Callable[[], None]
) -> None:
    shorten(found, needs(condition))
    if found.refusal:
        return
    start, end = minute_of(found.since), minute_of(found.until)
    series = Series(rule.match, rule.group_by)
    first = Reading(found.until).first_heard(rule.service_id)
    heard_since = None if first is None else first.timestamp() / 60
    slide = Slide(condition, series, start=start, end=end, heard_since=heard_since)
    columns, labels = Columns(found), series.members.labels
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


def _replay_news(rule: AlertRule, course: Course, found: Replay, check: Callable[[], None]) -> None:
    """What is open is looked at again at the beginning of each minute, as live judging does."""
    columns = Columns(found)
    found.is_known = True
    for news in news_of(rule, since=found.since, until=found.until, check=check):
        if (alert := course.open.get(news.key)) is not None:
            _let_go(course, news.key, alert, news.at)
        columns.count(minute_of(news.at), news.count)
        judged = Judged(True, None, None, news.sentence)
        course.move(news.key, news.labels, judged, news.at, event_count=1)
        if news.count > 1:
            course.move(news.key, news.labels, judged, news.last_at, event_count=news.count - 1)
    for key, alert in list(course.open.items()):
        _let_go(course, key, alert, found.until)
    found.points = list(columns.points(are_events=True))


def _let_go(course: Course, key: str, alert: ReplayedAlert, until: datetime) -> None:
    """Resolve it when it recovers up to ``until``, at the first full minute at which it does."""
    pause = course.patience.before_resolving if alert.fired_at is not None else timedelta(0)
    minute = full_minute(alert.held_at + max(pause, _INSTANT) - _INSTANT) + _MINUTE
    if minute <= until:
        course.move(key, alert.labels, None, minute)
