"""A replay of a rule of cascades: live judging of its groups, minute by minute, with what was known then."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.conditions import CascadeCondition, Judged
from alerts.judging.cascading import (
    RELEASES,
    USUAL,
    Groups,
    details_of,
    first_of,
    label_key,
    looked_at,
    spans_by_hour,
)
from alerts.judging.grouping import key_of
from alerts.judging.places import Details, Place, Telling
from alerts.judging.usual_failures import Span, Usual, usual_of
from alerts.models import AlertRule
from alerts.replaying.course import Course
from alerts.replaying.found import Columns, Replay
from alerts.replaying.history import COUNTS, History, shorten
from alerts.replaying.minutes import at, minute_of
from events.models import Release

_HOUR = timedelta(hours=1)


def replay_cascades(
    rule: AlertRule, condition: CascadeCondition, course: Course, found: Replay, check: Callable[[], None]
) -> None:
    back = int(looked_at(condition).total_seconds()) // 60
    shorten(found, [(COUNTS, back)])
    if found.refusal:
        return
    found.is_known = True
    start, end = minute_of(found.since), minute_of(found.until)
    history = History(lambda catalogue: Telling(rule.match, catalogue))
    rows, kinds = history.counts(start - back, end), history.kinds
    known, groups, columns = _Past(at(start - back), found.until), Groups(rule.group_by, condition), Columns(found)
    place = 0
    for minute in range(start + 1, end + 1):
        check()
        while place < len(rows) and rows[place][0] < minute:
            of_minute, kind, count = rows[place]
            groups.add(kinds[kind], at(of_minute), count)
            place += 1
        groups.forget_before(at(minute - back))
        evidence = {label_key(alert.labels): alert.evidence for alert in course.open.values()}
        judged: dict[str, tuple[Mapping[str, str], Judged]] = {
            key_of(labels): (labels, one) for labels, one in groups.judge(known, evidence, at(minute))
        }
        for key, alert in list(course.open.items()):
            if key not in judged:
                course.move(key, alert.labels, None, at(minute))
        for key, (labels, one) in judged.items():
            columns.note(minute - 1, one)
            course.move(key, labels, one, at(minute))
    found.points = list(columns.points(are_events=False))


class _Past:
    """The `cascading.Known` of a stretch of time. Hours and releases are read at once, events where they matter.

    Events that are no longer kept leave minutes to judge by.
    """

    def __init__(self, start: datetime, end: datetime) -> None:
        self._spans: dict[datetime, list[tuple[Place, Span]]] = defaultdict(list)
        for place, hour, span in spans_by_hour(start.replace(minute=0) - USUAL, end):
            self._spans[hour].append((place, span))
        releases = Release.objects.filter(first_seen_at__gte=start - RELEASES, first_seen_at__lt=end)
        self._releases = list(releases.values_list("service_id", "release", "first_seen_at"))
        self._until: datetime | None = None
        self._usual: dict[Place, Usual] = {}

    def usual(self, until: datetime) -> Mapping[Place, Usual]:
        if until != self._until:
            spans: dict[Place, list[Span]] = defaultdict(list)
            for ago in range(int(USUAL / _HOUR), 0, -1):
                for place, span in self._spans.get(until - ago * _HOUR, ()):
                    spans[place].append(span)
            self._usual = {place: usual for place, one in spans.items() if (usual := usual_of(one)) is not None}
            self._until = until
        return self._usual

    def details(self, places: Sequence[Place], start: datetime, now: datetime) -> Mapping[Place, Details]:
        return details_of(places, start, now)

    def released_at(self, services: set[int], now: datetime) -> Mapping[str, datetime]:
        return first_of((one for one in self._releases if one[2] <= now), services, now)
