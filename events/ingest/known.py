"""What ingest must know before it can take an event: keys and the catalogue, held in memory and on disk.

Read from PostgreSQL every two seconds and not per request. While PostgreSQL is away the last known state stands; a copy on disk
(digests of keys, never keys) lets a process that starts meanwhile go on too.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from events.catalogue import GUIDE, LABELS
from events.models import EventType, IngestKey, Tier

logger = structlog.get_logger(__name__)
_WRONG_KEYS_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key as the door needs it."""

    id: int
    service_id: int
    digest: str
    is_public: bool
    allowed_origins: tuple[str, ...]
    # ISO 8601 in UTC, or "": as text it goes to disk and back unchanged.
    revoked_at: str
    # Events a minute; 0: no limit.
    key_limit: int
    service_limit: int
    spike_allowance: int

    def is_usable(self, *, at: datetime) -> bool:
        return not self.revoked_at or datetime.fromisoformat(self.revoked_at) > at


@dataclass(frozen=True, slots=True)
class KnownType:
    """An entry of the catalogue as the pipeline needs it."""

    tier: str
    default_severity: str
    kind: str
    # Fields that its events are counted by (events.ingest.labels).
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class _State:
    keys: dict[str, KnownKey] = field(default_factory=dict)
    types: dict[str, KnownType] = field(default_factory=dict)
    read_at: float = float("-inf")


class Known:
    """One a process. Readers never wait for PostgreSQL once ``keeps_itself`` is set and something refreshes it."""

    def __init__(self, snapshot: Path) -> None:
        self.snapshot = snapshot
        # True where a thread of its own calls ``refresh`` (the web server); else readers do when it is old.
        self.keeps_itself = False
        self._state = _State()
        self._written = b""
        self._lock = threading.Lock()
        # Digests that were looked up in vain, with the time until which that answer stands.
        self._wrong: OrderedDict[str, float] = OrderedDict()

    def forget(self) -> None:
        """For tests: another database knows other keys."""
        self._state = _State()
        self._wrong.clear()

    def key(self, digest: str) -> KnownKey | None:
        """The key of that digest, looked up in PostgreSQL when it is new. Raises django.db.Error when that is away."""
        state = self._current()
        if (found := state.keys.get(digest)) is not None:
            return found
        if self._wrong.get(digest, 0.0) > time.monotonic():
            return None
        row = IngestKey.objects.select_related("service").filter(digest=digest).first()
        if row is None:
            self._wrong[digest] = time.monotonic() + settings.INGEST_KNOWN_SECONDS
            while len(self._wrong) > _WRONG_KEYS_KEPT:
                self._wrong.popitem(last=False)
            return None
        state.keys[digest] = found = _known_key(row)
        return found

    def types(self) -> Mapping[str, KnownType]:
        """The catalogue by name, as of now."""
        return self._current().types

    def _current(self) -> _State:
        if not self.keeps_itself and time.monotonic() - self._state.read_at >= settings.INGEST_KNOWN_SECONDS:
            self.refresh()
        return self._state

    def refresh(self) -> bool:
        """Read everything again; False (and the old state stays) when PostgreSQL is away."""
        try:
            keys = {row.digest: _known_key(row) for row in IngestKey.objects.select_related("service").order_by("pk")}
            types = {
                row.name: KnownType(row.tier, row.default_severity, row.kind, tuple(row.labels))
                for row in EventType.objects.only("name", "tier", "default_severity", "kind", "labels")
            }
        except (DatabaseError, InterfaceError) as error:
            if self._state.read_at == float("-inf"):
                logger.warning("known_from_disk", reason=str(error).strip())
                self._state = self._from_disk()
            return False
        self._state = _State(keys, types, time.monotonic())
        self._to_disk()
        return True

    def _to_disk(self) -> None:
        state = self._state
        content = orjson.dumps(
            {
                "keys": [asdict(key) for key in state.keys.values()],
                "types": {name: asdict(entry) for name, entry in state.types.items()},
            }
        )
        if content == self._written or not self.keeps_itself:
            return
        try:
            fresh = self.snapshot.with_suffix(f".{os.getpid()}")
            fresh.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            fresh.replace(self.snapshot)
            self._written = content
        except OSError as error:
            logger.warning("known_not_written", reason=str(error))

    def _from_disk(self) -> _State:
        try:
            content: dict[str, Any] = orjson.loads(self.snapshot.read_bytes())
            keys = [KnownKey(**{**key, "allowed_origins": tuple(key["allowed_origins"])}) for key in content["keys"]]
            types = {
                name: KnownType(**{**entry, "labels": tuple(entry.get("labels", ()))})
                for name, entry in content["types"].items()
            }
        except (OSError, ValueError, TypeError, KeyError):
            keys = []
            types = {
                entry.name: KnownType(entry.tier, entry.default_severity, entry.kind, LABELS.get(entry.name, ()))
                for entry in GUIDE
            }
        # Read again as soon as somebody asks.
        return _State({key.digest: key for key in keys}, types)


def _known_key(row: IngestKey) -> KnownKey:
    service = row.service
    return KnownKey(
        id=row.pk,
        service_id=service.pk,
        digest=row.digest,
        is_public=row.kind == "public",
        allowed_origins=tuple(row.allowed_origins),
        revoked_at=row.revoked_at.isoformat() if row.revoked_at else "",
        key_limit=settings.KEY_RATE_LIMIT if row.rate_limit is None else row.rate_limit,
        service_limit=settings.SERVICE_RATE_LIMIT if service.rate_limit is None else service.rate_limit,
        spike_allowance=(service.spike_allowance or 0) if service.has_spike_guard else 0,
    )


known = Known(settings.LAYOUT.spool_dir / "known.json")
DEFAULT_TIER = Tier.DAILY.value
