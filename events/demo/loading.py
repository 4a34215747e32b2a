"""The demo in this installation: its two services, their keys, and whether the fortnight is there already.

The keys are the memory. A load opens with a key labelled for its seed and revokes it when everything is stored; a key
that is still open tells of a load that was cut short, and the moment it was made fixes the fortnight to take up again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from events.demo import releases
from events.demo.delivery import Answer, Deliver, Door, deliver
from events.demo.documents import Source
from events.demo.failures import REGRESSION
from events.demo.generator import Generator
from events.models import IngestKey, Issue, KeyKind, Service
from events.onboarding import create_service

SERVICE_NAMES: Final = {Source.WEB: "lift web", Source.API: "lift api"}
_TRICKLE_LABEL: Final = "demo trickle"
# Repeats are recognised for a week (events.ingest.writer): an older load cannot be taken up again.
_RESUMABLE: Final = timedelta(days=6)
_AFTER_ROLLOUT: Final = timedelta(hours=6)


class State(StrEnum):
    MISSING = "missing"
    CUT_SHORT = "cut short"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of a seed's fortnight, and the moment it ends (None when it is missing)."""

    state: State
    until: datetime | None


class BusyError(Exception):
    """Another process loads the demo right now."""


def find(*, seed: int, now: datetime) -> Found:
    """Whether the fortnight of ``seed`` was loaded into this installation."""
    keys = IngestKey.objects.filter(label=_label(seed), service__name=SERVICE_NAMES[Source.API])
    first = keys.order_by("created_at", "pk").first()
    if first is None:
        return Found(State.MISSING, None)
    is_open = keys.usable(at=now).exists() and now - first.created_at < _RESUMABLE
    return Found(State.CUT_SHORT if is_open else State.LOADED, first.created_at)


@contextmanager
def opened(*, seed: int) -> Iterator[dict[Source, Door]]:
    """Doors to the demo's services, made if they are missing. Leaving without an error marks the seed as loaded.

    Raises BusyError when another process loads the demo.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext('events.demo.loading'))")
        if not cursor.fetchone()[0]:
            raise BusyError("Another seeddemo is loading. Let it finish.")
    try:
        doors = _issue_keys(_label(seed))
        yield doors
        loaded_at = timezone.now()
        for key in IngestKey.objects.filter(label=_label(seed)).usable(at=loaded_at):
            key.revoke(at=loaded_at)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('events.demo.loading'))")


def trickle_doors() -> dict[Source, Door]:
    """Doors for traffic that goes on; the keys of an earlier trickle are of no use to anybody and go."""
    IngestKey.objects.filter(label=_TRICKLE_LABEL, service__name__in=SERVICE_NAMES.values()).delete()
    return _issue_keys(_TRICKLE_LABEL)


def load(
    generator: Generator, doors: Mapping[Source, Door], *, advance: Callable[[int], object], deliver: Deliver = deliver
) -> Answer:
    """Send the fortnight, and on the way resolve the error that a release repairs, so that its return is a regression."""
    repaired_at = releases.released_at(generator.stories.repaired_in) + _AFTER_ROLLOUT
    before = deliver(generator.events(before=repaired_at), doors, advance=advance)
    _resolve_repaired(repaired_at)
    after = deliver(generator.events(since=repaired_at), doors, advance=advance)
    return Answer(before.accepted + after.accepted, before.rejected + after.rejected)


def _resolve_repaired(at: datetime) -> None:
    title = f"{REGRESSION.kind}: {REGRESSION.message}"
    issues = Issue.objects.filter(service__name=SERVICE_NAMES[Source.WEB], title=title, last_seen_at__lt=at)
    for issue in issues:
        issue.resolve(by=None, at=at)


def _label(seed: int) -> str:
    return f"demo (seed {seed})"


def _issue_keys(label: str) -> dict[Source, Door]:
    doors = {}
    with transaction.atomic():
        for source, name in SERVICE_NAMES.items():
            service = Service.objects.filter(name=name).first() or create_service(name=name)[0]
            _, text = IngestKey.issue(service, KeyKind.SECRET, label=label)
            doors[source] = Door(settings.BASE_URL, text)
    return doors
