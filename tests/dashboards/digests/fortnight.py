"""The demo's fortnight as an installation lives through it: stored, judged and looked after, on a clock that follows its events.

Quiet hours are skipped. A round of judging is what the periodic tasks do in turn: every ten minutes while an incident goes on, else
every four hours, and at the end of a minute in which something critical was sent.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from alerts import evaluation
from alerts.incidents.following import follow
from alerts.models import AlertRule, Incident
from events.demo import loading
from events.demo.delivery import BATCH, Answer, Door
from events.demo.documents import Sent, Source, moment_of
from events.demo.generator import Generator
from events.ingest.pipeline import ingest
from events.models import Service
from events.partitions import make_partitions
from events.rollups import compact

_ONGOING, _QUIET = timedelta(minutes=10), timedelta(hours=4)
_FOLDED = timedelta(hours=20)
_MINUTE = timedelta(minutes=1)

# What somebody does, and when.
type Act = tuple[datetime, Callable[[datetime], object]]


class Fortnight:
    """``acts`` come in their order, each in a round of judging at its own moment."""

    def __init__(self, *, until: datetime, size: int, acts: Iterable[Act]) -> None:
        self._generator = Generator(seed=1, until=until, size=size)
        self._until, self._acts = until, sorted(acts, key=lambda act: act[0])
        self._round_at = self._folded_at = until - timedelta(days=14)
        self._waiting: list[Sent] = []
        self._services: dict[Source, int] = {}

    def live(self) -> Answer:
        """The load of ``manage.py seeddemo``, with `deliver` in the place of its own (``loading.deliver`` is to be replaced)."""
        make_partitions(now=self._until)
        # So few people leave half an hour empty in which nothing is wrong.
        AlertRule.objects.filter(key="silence_of_service").update(is_enabled=False)
        with loading.opened(seed=1) as doors:
            ids = dict(Service.objects.values_list("name", "pk"))
            self._services = {source: ids[name] for source, name in loading.SERVICE_NAMES.items()}
            answer = loading.load(self._generator, doors, advance=lambda _: None)
        self._go_on_until(self._until, answer)
        return answer

    def deliver(
        self, events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]
    ) -> Answer:
        answer = Answer()
        for event in events:
            at = moment_of(event.at_ms)
            self._go_on_until(at, answer)
            self._waiting.append(event)
            if event.document["data"].get("severity") == "CRITICAL" and not Incident.objects.ongoing().exists():
                self._round_at = min(self._round_at, at.replace(second=0, microsecond=0) + _MINUTE)
        self._store(answer)
        return answer

    def _go_on_until(self, at: datetime, answer: Answer) -> None:
        """Everything that is due by then."""
        while (now := self._next()) <= at:
            self._store(answer)
            if now - self._folded_at >= _FOLDED:
                compact()
                self._folded_at = now
            _judge(now)
            while self._acts and self._acts[0][0] <= now:
                self._acts.pop(0)[1](now)
            is_ongoing = Incident.objects.ongoing().exists()
            self._round_at = now + (_ONGOING if is_ongoing else _QUIET)

    def _next(self) -> datetime:
        return min([self._round_at, *(at for at, _ in self._acts[:1])])

    def _store(self, answer: Answer) -> None:
        """What was sent since the last round, by the service that sent it."""
        for source in Source:
            found = [one for one in self._waiting if one.source is source]
            for batch in (found[at : at + BATCH] for at in range(0, len(found), BATCH)):
                told = ingest(
                    service_id=self._services[source],
                    documents=[one.document for one in batch],
                    received_at=moment_of(batch[-1].at_ms),
                )
                answer.accepted += told.accepted
                answer.rejected += [str(one) for one in told.refusals]
        self._waiting.clear()


def _judge(now: datetime) -> None:
    """What is over first: after quiet hours that were skipped it would go on with what is new."""
    evaluation.judge_windows(now=now)
    evaluation.judge_news(now=now)
    follow(now=now)
