"""Guards against a client that makes up values: so many names, endpoints, environments, releases, labels and tags a
service, the rest is `other`.

Called by `events.ingest.writer` inside its transaction, so that counters never see a value that was not admitted. What was folded
keeps its own words in the event's data, is marked on the event, and is counted in GuardHit for staff.

Each process remembers for a day what was admitted: usual events cost a few look-ups and no query.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from events.ingest.types import Fingerprint, IncomingEvent, PreparedEvent
from events.models import Dimension, Guard

OTHER = "other"
# A process asks again after so long whether a full dimension has room, because unused values are forgotten.
_FULL_SECONDS = 60.0
# (service_id, dimension, key): the key is that of a tag or a label, else "".
Slot = tuple[int, Dimension, str]

# Where a service's excess of new issues goes; fixed, so that there is one such issue a service.
BURST = Fingerprint(
    hash="b" * 32,
    version=1,
    parts=[
        {
            "part": "burst",
            "raw": "",
            "normalised": "",
            "contributes": True,
            "why": "the service brought more new issues in one hour than it may (LIFTMON_NEW_ISSUES_PER_HOUR)",
        }
    ],
    title="Burst: more different new failures in an hour than one service may bring",
    culprit="Open its events to see which; each would have been an issue of its own.",
)


@dataclass(slots=True)
class Hits:
    """What guards folded in one transaction: events, latest sample and time by (service, guard)."""

    counts: dict[tuple[int, Guard], list[Any]] = field(default_factory=dict)

    def add(self, service_id: int, guard: Guard, times: int, sample: str, at: datetime) -> None:
        entry = self.counts.setdefault((service_id, guard), [0, sample, at])
        entry[0] += times
        if at >= entry[2]:
            entry[1], entry[2] = sample, at


@dataclass(slots=True)
class Learned:
    """What a transaction admitted or found full, to be remembered once it is committed."""

    values: dict[Slot, set[str]] = field(default_factory=dict)
    full: set[Slot] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


class _Memory:
    """What this process knows to be admitted, for one day; threads share it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear(date.min)

    def clear(self, day: date) -> None:
        self.day = day
        self.values: dict[Slot, set[str]] = {}
        self.full: dict[Slot, float] = {}
        self.names: set[str] = set()


_memory = _Memory()


def forget_memory() -> None:
    """For tests: another database has admitted nothing."""
    _memory.clear(date.min)


def learn(learned: Learned) -> None:
    """Remember what a committed transaction admitted."""
    if not (learned.values or learned.full or learned.names):
        return
    with _memory.lock:
        for slot, values in learned.values.items():
            _memory.values.setdefault(slot, set()).update(values)
        now = time.monotonic()
        for slot in learned.full:
            _memory.full[slot] = now
        _memory.names |= learned.names


def is_registered(name: str) -> bool:
    """Whether this process saw the name in the catalogue today."""
    return name in _memory.names


def fold_excess(cursor: CursorWrapper, events: Sequence[PreparedEvent], learned: Learned) -> Hits:
    """Admit new values up to their caps and turn the others into `other`; ``events`` change. Answers what was folded."""
    today = events[0].event.received_at.date()
    if _memory.day != today:
        with _memory.lock:
            _memory.clear(today)
    hits = Hits()
    unknown = _unknown_values(events)
    learned.names.update(prepared.event.name for prepared in events)
    if not unknown:
        return hits
    refused = _admit(cursor, unknown, today, learned)
    if refused:
        for prepared in events:
            _fold(prepared, refused, hits)
        learned.names.add(OTHER)
    return hits


def _values_of(prepared: PreparedEvent) -> Iterator[tuple[Slot, str]]:
    service_id, event = prepared.service_id, prepared.event
    yield (service_id, Dimension.NAME, ""), event.name
    yield (service_id, Dimension.ENDPOINT, ""), event.endpoint
    yield (service_id, Dimension.ENVIRONMENT, ""), event.environment
    yield (service_id, Dimension.RELEASE, ""), event.release
    for key, value in prepared.labels.items():
        yield (service_id, Dimension.LABEL, key), value
    for key, value in event.tags.items():
        yield (service_id, Dimension.TAG_KEY, ""), key
        yield (service_id, Dimension.TAG, key), value


def _unknown_values(events: Iterable[PreparedEvent]) -> dict[Slot, dict[str, None]]:
    known = _memory.values
    unknown: dict[Slot, dict[str, None]] = defaultdict(dict)
    for prepared in events:
        for slot, value in _values_of(prepared):
            if value and value != OTHER and value not in known.get(slot, ()):
                unknown[slot][value] = None
    return unknown


def _admit(
    cursor: CursorWrapper, unknown: dict[Slot, dict[str, None]], today: date, learned: Learned
) -> dict[Slot, set[str]]:
    """Write down what is within the caps; answer what is beyond them."""
    now = time.monotonic()
    refused: dict[Slot, set[str]] = {}
    asked: dict[Slot, dict[str, None]] = {}
    for slot, values in unknown.items():
        if now - _memory.full.get(slot, -_FULL_SECONDS) < _FULL_SECONDS:
            refused[slot] = set(values)
        else:
            asked[slot] = values
    for service_id in sorted({slot[0] for slot in asked}):
        # One writer at a time admits values of a service: the count below is then exact.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('events.guards'), %s)", [service_id])
    for slot in sorted(asked):
        beyond = _admit_slot(cursor, slot, list(asked[slot]), today)
        learned.values[slot] = set(asked[slot]) - beyond
        if beyond:
            refused[slot] = beyond
            learned.full.add(slot)
    return refused


def _admit_slot(cursor: CursorWrapper, slot: Slot, values: list[str], today: date) -> set[str]:
    service_id, dimension, key = slot
    cursor.execute(
        """
        UPDATE events_knownvalue SET last_seen_on = greatest(last_seen_on, %s)
        WHERE service_id = %s AND dimension = %s AND key = %s AND value = ANY(%s) RETURNING value
        """,
        [today, service_id, dimension.value, key, values],
    )
    known = {row[0] for row in cursor.fetchall()}
    fresh = [value for value in values if value not in known]
    if not fresh:
        return set()
    cursor.execute(
        "SELECT count(*) FROM events_knownvalue WHERE service_id = %s AND dimension = %s AND key = %s",
        [service_id, dimension.value, key],
    )
    room = max(settings.INGEST_CARDINALITY[dimension.value] - int(cursor.fetchone()[0]), 0)
    if fresh[:room]:
        cursor.execute(
            """
            INSERT INTO events_knownvalue (service_id, dimension, key, value, last_seen_on)
            SELECT %s, %s, %s, value, %s FROM unnest(%s::text[]) AS value ON CONFLICT DO NOTHING
            """,
            [service_id, dimension.value, key, today, fresh[:room]],
        )
    return set(fresh[room:])


# Each field of an event that is guarded: its attribute, and the word under which the data keeps what was sent.
_FIELDS = (
    (Dimension.NAME, Guard.NAMES, "name", "event"),
    (Dimension.ENDPOINT, Guard.ENDPOINTS, "endpoint", "endpoint"),
    (Dimension.ENVIRONMENT, Guard.ENVIRONMENTS, "environment", "environment"),
    (Dimension.RELEASE, Guard.RELEASES, "release", "release"),
)


def _fold(prepared: PreparedEvent, refused: dict[Slot, set[str]], hits: Hits) -> None:
    """Replace what was refused by `other`, keep its words in the data, and mark it."""
    service_id, event = prepared.service_id, prepared.event

    def is_refused(dimension: Dimension, key: str, value: str) -> bool:
        return value in refused.get((service_id, dimension, key), ())

    def note(path: str, guard: Guard, sample: str) -> None:
        event.repaired.append({"path": path, "rule": "cardinality"})
        hits.add(service_id, guard, 1, sample[:250], event.received_at)

    for dimension, guard, attribute, word in _FIELDS:
        value = getattr(event, attribute)
        if is_refused(dimension, "", value):
            note(attribute, guard, value)
            event.data.setdefault(word, value)
            setattr(event, attribute, OTHER)
    # Labels repeat what stands in the data.
    for key, value in prepared.labels.items():
        if is_refused(Dimension.LABEL, key, value):
            hits.add(service_id, Guard.LABELS, 1, f"{key}={value}"[:250], event.received_at)
            prepared.labels[key] = OTHER
    _fold_tags(event, is_refused, note)


def _fold_tags(
    event: IncomingEvent,
    is_refused: Callable[[Dimension, str, str], bool],
    note: Callable[[str, Guard, str], None],
) -> None:
    folded_tags: dict[str, str] = {}
    for key, value in event.tags.items():
        if is_refused(Dimension.TAG_KEY, "", key):
            note("tags", Guard.TAG_KEYS, key)
            folded_tags[key] = value
        elif is_refused(Dimension.TAG, key, value):
            note(f"tags.{key}", Guard.TAGS, f"{key}={value}")
            folded_tags[key] = value
    if folded_tags:
        event.data.setdefault("folded_tags", folded_tags)
        event.tags = {
            key: (OTHER if key in folded_tags else value)
            for key, value in event.tags.items()
            if not is_refused(Dimension.TAG_KEY, "", key)
        }


def record_hits(cursor: CursorWrapper, hits: Hits) -> None:
    """Add to the day's rows of (service, guard)."""
    for (service_id, guard), (times, sample, at) in sorted(hits.counts.items()):
        cursor.execute(
            """
            INSERT INTO events_guardhit AS hit (service_id, guard, day, event_count, sample, first_at, last_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (service_id, guard, day) DO UPDATE SET
                event_count = hit.event_count + excluded.event_count, sample = excluded.sample,
                last_at = greatest(hit.last_at, excluded.last_at)
            """,
            [service_id, guard.value, at.date(), times, sample, at, at],
        )
