"""The demo's fortnight as `manage.py seeddemo` makes it, small, at a moment that is given, and without a server."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from alerts.demo import people
from alerts.demo.fortnight import Act, Fortnight
from alerts.models import AlertRule
from events.demo import loading
from events.demo.delivery import BATCH, Answer, Door
from events.demo.documents import Sent, Source, moment_of
from events.demo.generator import Generator
from events.ingest.pipeline import ingest
from events.models import Service
from events.partitions import make_partitions
from events.rollups import compact

_FOLDED = timedelta(hours=20)


def live(*, until: datetime, size: int, acts: Iterable[Act]) -> Answer:
    """With what people do in it, and ``acts`` besides."""
    make_partitions(now=until)
    # So few people leave half an hour empty in which nothing is wrong.
    AlertRule.objects.filter(key="silence_of_service").update(is_enabled=False)
    generator = Generator(seed=1, until=until, size=size)
    with loading.opened(seed=1) as doors:
        lived = Fortnight(
            since=generator.since, until=until, acts=[*people.acts(until=until), *acts], deliver=_Door().deliver,
            is_troubled=lambda _: True, pause=timedelta(hours=4),
        )  # fmt: skip
        answer = loading.load(generator, doors, advance=lambda _: None, deliver=lived.deliver)
        lived.end()
    return answer


class _Door:
    """Stores events as the servers of a running Liftmon do, and folds their counters now and then."""

    def __init__(self) -> None:
        ids = dict(Service.objects.values_list("name", "pk"))
        self._services = {source: ids[name] for source, name in loading.SERVICE_NAMES.items()}
        self._folded_at: datetime | None = None

    def deliver(
        self, events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]
    ) -> Answer:
        events, answer = list(events), Answer()
        for source in Source:
            found = [one for one in events if one.source is source]
            for batch in (found[at : at + BATCH] for at in range(0, len(found), BATCH)):
                told = ingest(
                    service_id=self._services[source],
                    documents=[one.document for one in batch],
                    received_at=moment_of(batch[-1].at_ms),
                )
                answer.accepted += told.accepted
                answer.rejected += [str(one) for one in told.refusals]
        at = moment_of(events[-1].at_ms)
        if self._folded_at is None or at - self._folded_at >= _FOLDED:
            compact()
            self._folded_at = at
        return answer
