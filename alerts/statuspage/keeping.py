"""Keeps the pages as they were made last: visitors are answered from memory, and from the disk while the database is away.

A page is made at most every five seconds in a process, by whoever asks first; the others get the one before. It needs neither
Redis nor the worker.
"""

import gzip
import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from events.patience import SearchTooSlowError, limited_patience

logger = structlog.get_logger(__name__)
FRESH_SECONDS = 5.0
# After the database did not answer it is left alone for so long: each attempt makes a visitor wait.
_AWAY_SECONDS = 15.0
_PATIENCE = timedelta(seconds=2)
_MOST_KEPT = 300


@dataclass(frozen=True, slots=True)
class Kept:
    """``etag`` in its quotes; ``made_at``: when it was last known to be right."""

    body: bytes
    etag: str
    zipped: bytes
    made_at: datetime


@dataclass(slots=True)
class _Place:
    kept: Kept | None = None
    looked_at: float = 0.0
    making: threading.Lock = field(default_factory=threading.Lock)


class UnavailableError(Exception):
    """The database is away, and the page was never made here."""


class Keeper:
    """One a process. ``folder`` is where pages outlive it; several processes share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._lock = threading.Lock()
        self._away_until = 0.0

    def get(self, key: str, make: Callable[[], bytes | None]) -> tuple[Kept | None, bool]:
        """What ``make`` answered within the last seconds, and whether it is older because the database is away.

        None when it answered None. ``key`` is made of letters, digits and dashes. Raises UnavailableError.
        """
        place = self._place(key)
        if self._is_fresh(place):
            return place.kept, False
        if not place.making.acquire(blocking=place.kept is None):
            return place.kept, time.monotonic() < self._away_until
        try:
            # Somebody may have made it while we waited.
            return (place.kept, False) if self._is_fresh(place) else self._made(key, place, make)
        finally:
            place.making.release()

    def keep(self, key: str, make: Callable[[], bytes | None]) -> None:
        """Make it now, and put it where it is found when the database is away. Raises what the database raises."""
        body = make()
        if body is not None:
            self._write(key, body)

    def forget(self) -> None:
        """What is in memory: somebody posted an update and looks at it."""
        with self._lock:
            self._places.clear()
            self._away_until = 0.0

    def _made(self, key: str, place: _Place, make: Callable[[], bytes | None]) -> tuple[Kept | None, bool]:
        if time.monotonic() >= self._away_until:
            try:
                with limited_patience(_PATIENCE):
                    body = make()
            except (DatabaseError, InterfaceError, SearchTooSlowError) as error:
                self._away_until = time.monotonic() + _AWAY_SECONDS
                logger.warning("the status page shows what was known last", reason=type(error).__name__)
            else:
                place.looked_at = time.monotonic()
                before, place.kept = place.kept, body if body is None else _kept(body, timezone.now())
                if body is not None and (before is None or before.body != body):
                    self._write(key, body)
                return place.kept, False
        # Another process, or the worker, may have made it since.
        known = [one for one in (place.kept, self._read(key)) if one is not None]
        if not known:
            raise UnavailableError
        place.kept = max(known, key=lambda one: one.made_at)
        return place.kept, True

    def _place(self, key: str) -> _Place:
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            while len(self._places) > _MOST_KEPT:
                self._places.popitem(last=False)
            return place

    def _is_fresh(self, place: _Place) -> bool:
        return bool(place.looked_at) and time.monotonic() - place.looked_at < FRESH_SECONDS

    # --- On the disk -----------------------------------------------------------------------------------------------------

    def _write(self, key: str, body: bytes) -> None:
        """Whole or not at all; its time says when it was right."""
        beside = self.folder / f".{key}.{os.getpid()}.{threading.get_ident()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(body)
            beside.replace(self.folder / key)
        except OSError as error:
            logger.warning("the status page cannot be kept", reason=error.strerror)

    def _read(self, key: str) -> Kept | None:
        path = self.folder / key
        try:
            body, written = path.read_bytes(), path.stat().st_mtime
        except OSError:
            return None
        return _kept(body, datetime.fromtimestamp(written, UTC))


def _kept(body: bytes, made_at: datetime) -> Kept:
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    # Without a time in it, so that the same page is the same bytes.
    return Kept(body, etag, gzip.compress(body, 6, mtime=0), made_at)


keeper = Keeper(settings.LAYOUT.root / "status-page")
