"""Request bodies as they arrive on the event loop: bounded in size, pace and sum over all requests. No Django."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

# Bodies up to this are not counted against the budget: they are many, small and soon gone.
FREE_BYTES = 64 * 1024
# A client may pause so long between two pieces, and must be this fast on the whole once it had some time.
_LONGEST_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 5.0
_BYTES_A_SECOND = 16 * 1024
_LOOK_EVERY_SECONDS = 0.5


class TooSlowError(Exception):
    """The body did not arrive in time."""


@dataclass(slots=True, eq=False)
class _Arrival:
    """A body on its way: looked at twice a second, which costs less than a timer for each."""

    task: asyncio.Task[Any]
    started: float
    moved: float
    received: int = 0
    is_waiting_for_budget: bool = False
    is_too_slow: bool = False

    def is_overdue(self, now: float) -> bool:
        if self.is_waiting_for_budget:
            return False
        elapsed = now - self.started
        return now - self.moved > _LONGEST_PAUSE_SECONDS or (
            elapsed > _GRACE_SECONDS and self.received < _BYTES_A_SECOND * (elapsed - _GRACE_SECONDS)
        )


class Bodies:
    """The bodies that one process is reading. Large ones share a budget of bytes; who finds it used up waits in line."""

    def __init__(self, budget: int) -> None:
        self.free = budget
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._arrivals: set[_Arrival] = set()

    async def read(self, protocol: Any, declared: str | None, limit: int) -> tuple[bytes, int]:
        """Return (body, bytes of the budget to release later).

        A body that is longer than ``limit`` is not read to its end: what is returned is then longer than the limit, or empty
        when the declared length says so. Raises TooSlowError.
        """
        size = int(declared) if declared is not None and declared.isascii() and declared.isdecimal() else None
        if size is not None and size > limit:
            return b"", 0
        task = asyncio.current_task()
        now = asyncio.get_running_loop().time()
        arrival = _Arrival(task, now, now)  # type: ignore[arg-type]
        self._arrivals.add(arrival)
        try:
            if size is not None and size <= FREE_BYTES:
                return await protocol(), 0
            return await self._read_pieces(protocol, size, limit, arrival)
        except asyncio.CancelledError:
            if arrival.is_too_slow:
                raise TooSlowError from None
            raise
        finally:
            self._arrivals.discard(arrival)

    async def _read_pieces(self, protocol: Any, size: int | None, limit: int, arrival: _Arrival) -> tuple[bytes, int]:
        held = size or 0
        if held:
            await self._acquire(held, arrival)
        loop = asyncio.get_running_loop()
        parts: list[bytes] = []
        try:
            async for piece in protocol:
                parts.append(piece)
                arrival.moved = loop.time()
                arrival.received += len(piece)
                if arrival.received > limit:
                    break
                if arrival.received > FREE_BYTES and not held:
                    # Chunked: how much will come is not known, so take for it what may come.
                    await self._acquire(limit, arrival)
                    held = limit
        except BaseException:
            self.release(held)
            raise
        return b"".join(parts), held

    async def _acquire(self, size: int, arrival: _Arrival) -> None:
        if not self._line and size <= self.free:
            self.free -= size
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((size, place))
        arrival.is_waiting_for_budget = True
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.release(size)
            raise
        arrival.is_waiting_for_budget = False
        # The time in line was ours, not the client's.
        now = asyncio.get_running_loop().time()
        arrival.started += now - arrival.moved
        arrival.moved = now

    def release(self, size: int) -> None:
        """Give bytes back, and let in who waited for them."""
        self.free += size
        while self._line and (self._line[0][1].done() or self._line[0][0] <= self.free):
            wanted, place = self._line.popleft()
            if not place.done():
                self.free -= wanted
                place.set_result(None)

    async def watch(self) -> None:
        """End what is overdue, for as long as the loop runs."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            now = loop.time()
            for arrival in [arrival for arrival in self._arrivals if arrival.is_overdue(now)]:
                arrival.is_too_slow = True
                arrival.task.cancel()
