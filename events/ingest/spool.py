"""An append-only journal on disk for what PostgreSQL cannot take right now. Pure: files and bytes, no Django.

A record is ``magic, length, CRC-32, payload``; a record whose checksum does not fit (a write cut short by a crash) is skipped by
looking for the next magic. Processes of one machine share a spool: a lock around each append and each removal keeps one order
for all. Nothing is acknowledged before ``append`` has returned, that is before fsync.
"""

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from events import formats

_MAGIC = b"LMS1"
_HEADER = struct.Struct(">4sII")
_SUFFIX = ".spool"
# A length beyond this is garbage and not a record.
MOST_BYTES_A_RECORD = 64 * 1024 * 1024


class SpoolUnavailableError(Exception):
    """The spool is full or cannot be written; nothing of what was to be appended is in it."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits: bytes on disk, and the time (seconds since 1970) of the oldest segment's first record."""

    bytes: int
    since: float | None

    def age_seconds(self, *, now: float) -> float:
        """How long the oldest record has waited; 0 when nothing waits, or when the clock went back."""
        return 0.0 if self.since is None else max(now - self.since, 0.0)

    def in_words(self, *, now: float) -> str:
        """``12.3 kB wait since 40 s``."""
        return f"{_size_in_words(self.bytes)} wait since {_age_in_words(self.age_seconds(now=now))}"


def _size_in_words(size: float) -> str:
    if size < 1000:
        return f"{formats.number(size)} bytes"
    for unit in ("kB", "MB"):
        size /= 1000
        if round(size, 1) < 1000:
            return f"{formats.number(size, 1)} {unit}"
    return f"{formats.number(size / 1000, 1)} GB"


def _age_in_words(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{formats.number(seconds // length)} {unit}"
    return f"{formats.number(seconds)} s"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records read in order, and where the next read begins."""

    payloads: list[bytes]
    segment: Path
    offset: int
    # Bytes that no record accounts for: writes cut short, which were never acknowledged, or damage.
    damaged: int


class Spool:
    """A folder of segments. Safe for many threads and processes on one machine."""

    def __init__(self, folder: Path, *, most_bytes: int, segment_bytes: int = 16 * 1024 * 1024) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self.segment_bytes = segment_bytes

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, payloads: Sequence[bytes]) -> None:
        """Add the records, all or none, and return when they are on disk. Raises SpoolUnavailableError."""
        content = b"".join(
            part for payload in payloads for part in (_HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload)), payload)
        )
        try:
            with self._locked():
                if self._size() + len(content) > self.most_bytes:
                    raise SpoolUnavailableError(
                        f"The spool in {self.folder} is full ({formats.number(self.most_bytes)} bytes)."
                    )
                self._append_locked(content)
        except OSError as error:
            raise SpoolUnavailableError(f"The spool in {self.folder} cannot be written: {error.strerror}.") from error

    def _append_locked(self, content: bytes) -> None:
        segment, is_new = self._segment_to_write()
        descriptor = os.open(segment, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            before = os.fstat(descriptor)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(descriptor, view) :]
                if before.st_size:
                    # A segment's time is that of its first record: what waits longest.
                    os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))
                os.fsync(descriptor)
            except OSError:
                # Whether it reached the disk is not known: take it away, since the sender hears that it was not kept.
                os.ftruncate(descriptor, before.st_size)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            _fsync_folder(self.folder)

    def _segment_to_write(self) -> tuple[Path, bool]:
        segments = self.segments()
        if segments and segments[-1].stat().st_size < self.segment_bytes:
            return segments[-1], False
        number = int(segments[-1].stem) + 1 if segments else 1
        return self.folder / f"{number:012d}{_SUFFIX}", True

    # --- reading -------------------------------------------------------------------------------------------------

    def segments(self) -> list[Path]:
        """Oldest first."""
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == _SUFFIX)
        except FileNotFoundError:
            return []

    def depth(self) -> Depth:
        """What waits to be replayed; segments that are replayed already do not count, one in the middle counts whole."""
        size, since = 0, None
        for segment in self.segments():
            try:
                status = segment.stat()
            except FileNotFoundError:
                continue
            if status.st_size:
                size += status.st_size
                since = min(since or status.st_mtime, status.st_mtime)
        return Depth(size, since)

    def read(self, *, most: int, most_bytes: int = 2_000_000) -> Chunk | None:
        """The next records after the position, up to so many of them or a little over so many bytes; None without any."""
        for segment in self.segments():
            start = self._position(segment)
            # Up to where appends are complete: what a writer is at this moment putting there is not ours yet.
            with self._locked():
                end = segment.stat().st_size
            chunk = _read_records(segment, start, end, most, most_bytes)
            if chunk.payloads or chunk.damaged:
                return chunk
            self._remove_if_done(segment, chunk.offset)
        return None

    def set_aside(self, payload: bytes) -> Path:
        """Keep a record that nobody can read (of a later version, perhaps) out of the way of the others."""
        path = self.folder / "unreadable.records"
        with path.open("ab") as file:
            file.write(_HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload)
            file.flush()
            os.fsync(file.fileno())
        return path

    def advance(self, chunk: Chunk) -> None:
        """Remember that the records of the chunk are stored. A crash before this replays them, which changes nothing."""
        position = self._position_file(chunk.segment)
        fresh = position.with_suffix(f".{os.getpid()}")
        fresh.write_text(str(chunk.offset))
        fresh.replace(position)
        self._remove_if_done(chunk.segment, chunk.offset)

    def _remove_if_done(self, segment: Path, offset: int) -> None:
        """Remove a segment that is replayed to its end; the lock keeps writers from appending to it meanwhile."""
        with self._locked():
            try:
                if segment.stat().st_size > offset:
                    return
                segment.unlink()
            except FileNotFoundError:
                pass
            self._position_file(segment).unlink(missing_ok=True)

    def _position(self, segment: Path) -> int:
        try:
            return int(self._position_file(segment).read_text())
        except (OSError, ValueError):
            return 0

    def _position_file(self, segment: Path) -> Path:
        return segment.with_suffix(".position")

    # --- locks ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with _lock_of(self.folder, "append.lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def replaying(self) -> Iterator[bool]:
        """Whether this caller may replay: one at a time on one machine, and a killed one's turn ends with it."""
        try:
            with _lock_of(self.folder, "replay.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    def _size(self) -> int:
        return sum(segment.stat().st_size for segment in self.segments())


@contextmanager
def _lock_of(folder: Path, name: str, how: int) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_records(segment: Path, start: int, end: int, most: int, most_bytes: int) -> Chunk:
    payloads: list[bytes] = []
    position, damaged, size = start, 0, 0
    with segment.open("rb") as file:
        while position < end and len(payloads) < most and size < most_bytes:
            file.seek(position)
            payload = _next_record(file)
            if payload is None:
                skipped = _bytes_to_next_magic(file, position, end)
                damaged += skipped
                position += skipped
                continue
            payloads.append(payload)
            size += len(payload)
            position += _HEADER.size + len(payload)
    return Chunk(payloads, segment, position, damaged)


def _next_record(file: BinaryIO) -> bytes | None:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or length > MOST_BYTES_A_RECORD:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _bytes_to_next_magic(file: BinaryIO, position: int, end: int) -> int:
    file.seek(position + 1)
    following = file.read(end - position - 1).find(_MAGIC)
    return end - position if following < 0 else following + 1
