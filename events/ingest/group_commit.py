"""Group commit: requests in flight in one process share a transaction.

The first in starts it, those that arrive meanwhile ride the next one; nobody sleeps to wait for company, so a lone request
pays no batching delay. Whoever waits leads: the first to wait commits everything that is queued, its own and the others'. A
server with an event loop cannot wait, so it lets a thread lead (`lead_in_thread`) and is told through ``notify``.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

import structlog

from events.ingest.types import Submission

logger = structlog.get_logger(__name__)
# One transaction takes what is queued, but not more than this: it bounds memory and the time that others wait.
MOST_EVENTS = 2_000


class Outcome(Enum):
    """What became of a submission."""

    STORED = "stored"
    SPOOLED = "spooled"
    # Neither the database nor the spool could take it: the client must send it again.
    NOT_KEPT = "not kept"


class Ticket:
    """A submission on its way."""

    __slots__ = ("notify", "outcome", "submission", "unstorable", "waiter")

    def __init__(self, submission: Submission, notify: Callable[["Ticket"], None] | None) -> None:
        self.submission = submission
        self.outcome: Outcome | None = None
        # Places of events that the database refused for their values; nothing known brings this about.
        self.unstorable: list[int] = []
        self.notify = notify
        # For whoever is notified: its own handle on the one who waits.
        self.waiter: Any = None


Store = Callable[[Sequence[Ticket]], None]


class GroupCommit:
    """The queue of one process. ``store`` must settle the outcome of every ticket that it is given."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: deque[Ticket] = deque()
        self._leading = threading.Lock()
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def submit(self, submission: Submission, *, notify: Callable[[Ticket], None] | None = None) -> Ticket:
        """Queue it. Then call ``wait``, unless a thread leads: that calls ``notify`` when the outcome is settled."""
        ticket = Ticket(submission, notify)
        self._queue.append(ticket)
        if self._thread is not None and not self._arrived.is_set():
            self._arrived.set()
        return ticket

    def wait(self, ticket: Ticket) -> Outcome:
        """Lead or follow until the outcome is settled."""
        while ticket.outcome is None:
            with self._leading:
                if ticket.outcome is None:
                    self._commit_next()
        return ticket.outcome

    def lead_in_thread(self) -> None:
        """Start the thread that commits whatever is queued, for as long as the process lives."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._lead, name="group-commit", daemon=True)
            self._thread.start()

    def _lead(self) -> None:
        while True:
            self._arrived.wait()
            self._arrived.clear()
            while self._queue:
                with self._leading, suppress(Exception):  # said in the log; the thread must live on
                    self._commit_next()

    def _commit_next(self) -> None:
        group: list[Ticket] = []
        size = 0
        while self._queue and size < MOST_EVENTS:
            ticket = self._queue.popleft()
            group.append(ticket)
            size += len(ticket.submission.events) + 1
        if not group:
            return
        try:
            self._store(group)
        except BaseException:
            logger.exception("group_commit_failed", size=size)
            raise
        finally:
            for ticket in group:
                if ticket.outcome is None:
                    ticket.outcome = Outcome.NOT_KEPT
            for ticket in group:
                if ticket.notify is not None:
                    ticket.notify(ticket)
