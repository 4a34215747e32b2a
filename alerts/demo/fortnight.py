"""The demo's fortnight as an installation lives through it: stored, judged and looked after, on a clock that follows its events.

Quiet hours are skipped. A round of judging is what the periodic tasks do in turn: every ten minutes while an incident goes on, else
now and then, and at the end of a minute in which something critical was sent.

*lift* sends each declined card as critical, and each person who forgot a password. Its people would have told the rules so long
ago; outside of its troubles single events are counted and no alert.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from alerts import evaluation
from alerts.incidents.following import follow
from alerts.models import Alert, Channel, Incident
from events.demo.delivery import Answer, Deliver, Door
from events.demo.documents import Sent, Source, moment_of
from events.demo.loading import SERVICE_NAMES
from events.models import Event, EventNotice, Service

_ONGOING: Final = timedelta(minutes=10)
_MINUTE: Final = timedelta(minutes=1)

# What somebody does, and when.
type Act = tuple[datetime, Callable[[datetime], object]]


def is_untouched() -> bool:
    """Whether nothing was noticed here yet and nobody would be told: only then is a past made up for it."""
    return not (Event.objects.exists() or Alert.objects.exists() or Channel.objects.exists())


class Fortnight:
    """``deliver`` stores events; ``acts`` come in their order, each in a round of judging at its own moment.

    ``is_troubled`` says whether a single event at a moment is an alert; while all is quiet, judging waits for ``pause``.
    """

    def __init__(
        self, *, since: datetime, until: datetime, acts: Iterable[Act], deliver: Deliver,
        is_troubled: Callable[[datetime], bool], pause: timedelta,
    ) -> None:  # fmt: skip
        self._is_troubled, self._pause = is_troubled, pause
        self._until, self._acts = until, sorted(acts, key=lambda act: act[0])
        self._round_at, self._is_quiet = since, True
        self._deliver = deliver
        self._waiting: list[Sent] = []

    def deliver(
        self, events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]
    ) -> Answer:
        """As `events.demo.delivery.deliver`, with everything done on the way that is due by then; parts come one after another."""
        total = Answer()
        for event in events:
            at = moment_of(event.at_ms)
            while (now := self._next()) <= at:
                self._store(doors, advance, total)
                self._live(now)
            self._waiting.append(event)
            is_critical = event.document["data"].get("severity") == "CRITICAL"
            if is_critical and self._is_quiet and self._is_troubled(at):
                self._round_at = min(self._round_at, at.replace(second=0, microsecond=0) + _MINUTE)
        self._store(doors, advance, total)
        return total

    def end(self) -> None:
        """What is due after the last event."""
        while (now := self._next()) <= self._until:
            self._live(now)

    def _next(self) -> datetime:
        return min([self._round_at, *(at for at, _ in self._acts[:1])])

    def _live(self, now: datetime) -> None:
        """A round of judging, and what people do then."""
        if not self._is_troubled(now):
            # Of the demo alone: what others send meanwhile is judged like any other time.
            of_demo = Service.objects.filter(name__in=SERVICE_NAMES.values())
            EventNotice.objects.filter(service_id__in=of_demo.values("pk"), occurred_at__lte=now).delete()
        _judge(now)
        while self._acts and self._acts[0][0] <= now:
            self._acts.pop(0)[1](now)
        self._is_quiet = not Incident.objects.ongoing().exists()
        self._round_at = now + (self._pause if self._is_quiet else _ONGOING)

    def _store(self, doors: Mapping[Source, Door], advance: Callable[[int], object], total: Answer) -> None:
        """What was sent since the last round."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        answer = self._deliver(waiting, doors, advance=advance)
        total.accepted += answer.accepted
        total.rejected += answer.rejected


def _judge(now: datetime) -> None:
    """What is over first: after quiet hours that were skipped it would go on with what is new."""
    evaluation.judge_windows(now=now)
    evaluation.judge_news(now=now, until=now)
    follow(now=now)
