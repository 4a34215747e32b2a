"""Where a group of submissions goes: to PostgreSQL, or while that is away to the spool, from which it is replayed.

The only module that knows both. A transaction that fails for any other reason than a value goes to the spool too, so that
whatever is wrong with the database, what was accepted is on disk before it is acknowledged.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import structlog
from django.conf import settings
from django.db import DataError, connection

from events.ingest import counters, spool_records
from events.ingest.group_commit import GroupCommit, Outcome, Ticket
from events.ingest.spool import Chunk, Spool, SpoolUnavailableError
from events.ingest.types import RefusalCount, Submission
from events.ingest.writer import write

logger = structlog.get_logger(__name__)
# Records that one transaction of the replay takes.
_REPLAY_BATCH = 1_000
# While PostgreSQL is away it is not asked for every group: each try may cost seconds of waiting for a connection.
_AWAY_SECONDS = 1.0
UNSTORABLE = "unstorable"


class _Database:
    """Whether this process believes that PostgreSQL takes writes."""

    away_until = 0.0

    def is_away(self) -> bool:
        return time.monotonic() < self.away_until

    def went_away(self, reason: Exception) -> None:
        if not self.is_away():
            logger.error("database_away", reason=str(reason).strip(), kind=type(reason).__name__)
        self.away_until = time.monotonic() + _AWAY_SECONDS

    def came_back(self) -> None:
        self.away_until = 0.0


database = _Database()


@lru_cache(maxsize=1)
def spool() -> Spool:
    return Spool(settings.LAYOUT.spool_dir, most_bytes=settings.SPOOL_MAX_BYTES)


def store(tickets: Sequence[Ticket]) -> None:
    """Settle the outcome of every ticket: stored, else spooled, else not kept."""
    began = time.perf_counter()
    if not database.is_away() and _write_down(tickets):
        size = sum(len(ticket.submission.events) for ticket in tickets)
        counters.group(size, time.perf_counter() - began)
    else:
        _spool_all(tickets)
    _count(tickets)


def _count(tickets: Sequence[Ticket]) -> None:
    """Once for the whole group."""
    stored = spooled = not_kept = unstorable = 0
    for ticket in tickets:
        size = len(ticket.submission.events)
        if ticket.outcome is Outcome.STORED:
            stored += size - len(ticket.unstorable)
            unstorable += len(ticket.unstorable)
        elif ticket.outcome is Outcome.SPOOLED:
            spooled += size
        else:
            not_kept += size
        if ticket.submission.refusals:
            counters.refused(ticket.submission.refusals)
    counters.accepted(stored)
    counters.spooled(spooled)
    counters.not_kept(not_kept)
    counters.unstorable(unstorable)


def _write_down(tickets: Sequence[Ticket]) -> bool:
    """Whether the database took them; values that it refuses are told apart from its being away."""
    try:
        write([ticket.submission for ticket in tickets])
    except DataError:
        logger.exception("batch_refused_by_database", size=len(tickets))
        return _write_one_by_one(tickets)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the database, nothing accepted may be lost
        database.went_away(error)
        _drop_connection()
        return False
    for ticket in tickets:
        ticket.outcome = Outcome.STORED
    return True


def _write_one_by_one(tickets: Sequence[Ticket]) -> bool:
    """One event a transaction, so that one that the database refuses cannot take the others along.

    The stages before mend all that is known to be refused; this is the net below them.
    """
    for ticket in tickets:
        submission = ticket.submission
        try:
            write([replace(submission, events=[])])
            for place, prepared in enumerate(submission.events):
                try:
                    write([Submission(events=[prepared])])
                except DataError as error:
                    logger.exception("event_refused_by_database", event_id=str(prepared.id))
                    ticket.unstorable.append(place)
                    write(
                        [
                            Submission(
                                refusals=[_unstorable(prepared.service_id, str(error), prepared.event.received_at)]
                            )
                        ]
                    )
        except Exception as error:  # noqa: BLE001 - as above
            database.went_away(error)
            _drop_connection()
            return False
        ticket.outcome = Outcome.STORED
    return True


def _unstorable(service_id: int, reason: str, at: object) -> RefusalCount:
    return RefusalCount(
        service_id,
        UNSTORABLE,
        "The database does not take this event. Please report it to Liftmon's makers.",
        reason.partition("\n")[0][:200],
        1,
        at,  # type: ignore[arg-type]
    )


def _spool_all(tickets: Sequence[Ticket]) -> None:
    waiting = [ticket for ticket in tickets if ticket.outcome is None]
    try:
        spool().append([spool_records.encode(ticket.submission) for ticket in waiting])
    except SpoolUnavailableError as error:
        logger.error("spool_unavailable", reason=str(error))  # noqa: TRY400 - the sentence says it all
        outcome = Outcome.NOT_KEPT
    else:
        outcome = Outcome.SPOOLED
    for ticket in waiting:
        ticket.outcome = outcome


def _drop_connection() -> None:
    """A connection in doubt is not used again."""
    if not connection.in_atomic_block:
        connection.close()


def replay() -> int:
    """Store what waits in the spool, oldest first, each event once; answer how many records that were.

    Returns early when the database is away (the rest waits) or another process is at it. Safe to be killed at any moment.
    """
    replayed = 0
    with spool().replaying() as is_ours:
        while is_ours and (chunk := spool().read(most=_REPLAY_BATCH)) is not None:
            if chunk.damaged:
                logger.warning("spool_bytes_skipped", segment=chunk.segment.name, bytes=chunk.damaged)
            try:
                _store_chunk(chunk)
            except Exception as error:  # noqa: BLE001 - the database is away still or again
                database.went_away(error)
                _drop_connection()
                break
            spool().advance(chunk)
            database.came_back()
            replayed += len(chunk.payloads)
            counters.replayed(len(chunk.payloads))
    if replayed:
        logger.info("spool_replayed", records=replayed)
    return replayed


def _store_chunk(chunk: Chunk) -> None:
    submissions = _decoded(chunk)
    try:
        write(submissions, is_replay=True)
    except DataError:
        logger.exception("replay_refused_by_database")
        for submission in submissions:
            write([replace(submission, events=[])])
            for prepared in submission.events:
                try:
                    write([Submission(events=[prepared])], is_replay=True)
                except DataError as error:
                    logger.exception("event_refused_by_database", event_id=str(prepared.id))
                    write(
                        [
                            Submission(
                                refusals=[_unstorable(prepared.service_id, str(error), prepared.event.received_at)]
                            )
                        ]
                    )


def _decoded(chunk: Chunk) -> list[Submission]:
    submissions = []
    for payload in chunk.payloads:
        try:
            submissions.append(spool_records.decode(payload))
        except (ValueError, TypeError, KeyError) as error:
            logger.error("record_set_aside", path=str(spool().set_aside(payload)), reason=str(error))  # noqa: TRY400
    return submissions


committer = GroupCommit(store)
