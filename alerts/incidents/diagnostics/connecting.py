"""A connection of its own to a database of the product, that reads and nothing else, for a few seconds.

Never one of Liftmon's pool: what is asked here must be answered when Liftmon's own database is ill, and the other way round.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from psycopg import errors

from alerts.addresses import why_no_database
from alerts.incidents.diagnostics import dsn
from alerts.incidents.diagnostics.interpreting import Finding, Meaning, Row
from alerts.models import MonitoredDatabase
from alerts.outbound_http import Deadline, OutboundError, resolved
from alerts.sealing import SealBrokenError, seal, unseal

CONNECT_SECONDS = 5
APPLICATION = "liftmon"
# Whoever has more addresses is not waited for at each of them.
_MOST_ADDRESSES = 3
# What a lock of somebody else may cost, and how much longer than its own time limit a server is waited for that says nothing.
_LOCK_MS, _SLACK_SECONDS = 1000, 2.0


class NoAnswerError(Exception):
    """The database did not answer; ``meaning`` says what that says."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.sentence)
        self.meaning = meaning


def keep_dsn(database: MonitoredDatabase, text: str) -> None:
    """Seal it with the database, which is not saved. Raises DsnError."""
    database.sealed_dsn = seal({"dsn": dsn.checked(text)})
    database.tested_at, database.test_answer = None, ""


def shown_dsn(database: MonitoredDatabase) -> str:
    """``lift_reader@db.example:5432/lift``: enough to tell two apart, no password; "" when it cannot be opened."""
    try:
        return dsn.shown(_opened(database))
    except SealBrokenError:
        return ""


def _opened(database: MonitoredDatabase) -> str:
    return unseal(database.sealed_dsn)["dsn"]


class Asked:
    """An open connection that answers one statement at a time: in time, or not at all."""

    def __init__(self, connection: psycopg.Connection[Any], timeout_ms: int) -> None:
        self._connection = connection
        self.timeout_ms = timeout_ms

    @property
    def is_gone(self) -> bool:
        return self._connection.closed

    def rows(
        self, statement: bytes | LiteralString, parameters: Mapping[str, object] | None = None, *, most: int = 1
    ) -> list[Row]:
        """``most`` rows of the answer. Raises NoAnswerError."""
        # The server keeps to its time limit; one that is frozen, or a network that swallows everything, does not.
        deadline = Deadline(self.timeout_ms / 1000 + _SLACK_SECONDS)
        try:
            with closing(socket.socket(fileno=os.dup(self._connection.fileno()))) as handle:
                deadline.watch(handle)
            with deadline:
                return self._connection.execute(statement, parameters).fetchmany(most)
        except psycopg.Error as error:
            meaning = _meaning_of(error, self.timeout_ms)
        if deadline.is_over:
            meaning = Meaning(
                Finding.PROBLEM,
                f"It took the question and said nothing for {deadline.seconds:g} s, not even that it takes too long: the server is "
                "frozen, or the network swallows what it says.",
            )
        # Outside of the handler: what libpq says may hold the address.
        raise NoAnswerError(meaning)


@contextmanager
def connected(database: MonitoredDatabase) -> Iterator[Asked]:
    """Raises NoAnswerError when there is no connection to be had."""
    try:
        opened = _opened(database)
    except SealBrokenError:
        raise NoAnswerError(
            Meaning(
                Finding.FAILED,
                "Its address cannot be decrypted: enter it again, or put the key it was sealed with back in LIFTMON_SEALING_KEYS.",
            )
        ) from None
    found: dict[str, Any] = dsn.parameters(opened)
    found |= _looked_at(found["host"], found["port"])
    try:
        connection = psycopg.connect(
            **found, connect_timeout=CONNECT_SECONDS, application_name=APPLICATION, autocommit=True,
            options=_options(database.timeout_ms),
        )  # fmt: skip
    except psycopg.Error as error:
        meaning = _meaning_of(error, database.timeout_ms)
    else:
        with closing(connection):
            yield Asked(connection, database.timeout_ms)
        return
    raise NoAnswerError(meaning)


def _options(timeout_ms: int) -> str:
    """Names are looked up among PostgreSQL's own alone: nobody's function is run because it is called like one of those."""
    said = {
        "search_path": "pg_catalog", "statement_timeout": timeout_ms, "lock_timeout": min(timeout_ms, _LOCK_MS),
        "idle_in_transaction_session_timeout": 10_000, "default_transaction_read_only": "on", "client_encoding": "UTF8",
    }  # fmt: skip
    return " ".join(f"-c {name}={value}" for name, value in said.items())


def _looked_at(host: str, port: int) -> dict[str, str]:
    """The addresses to connect to, each looked at: a name that answers otherwise the next time gains nothing."""
    try:
        addresses = [str(address[0]) for *_, address in resolved(host, port, Deadline(CONNECT_SECONDS))]
    except OutboundError as error:
        raise NoAnswerError(Meaning(Finding.FAILED, str(error))) from None
    for one in addresses:
        if why := why_no_database(one, allowed=settings.MONITORED_DATABASE_NETWORKS):
            raise NoAnswerError(
                Meaning(Finding.FAILED, f"{host} has the address {one}, which is {why}: no database is asked there.")
            )
    used = list(dict.fromkeys(addresses))[:_MOST_ADDRESSES]
    return {"host": ",".join([host] * len(used)), "hostaddr": ",".join(used)}


# What PostgreSQL and poolers before it say to whom they have no room for. They say it before they know who that is, so it comes
# without a code, as a sentence.
_FULL = (
    "too many clients", "too many connections", "connection slots are reserved", "no more connections allowed", "max client conn",
    "query_wait_timeout",
)  # fmt: skip
_NOT_LET_IN = "It refuses the role or its password."
_EXHAUSTED = (
    "It takes no more connections, which is the answer: the pool is exhausted. To be let in even then, reserve some for Liftmon's "
    "role: reserved_connections in postgresql.conf and GRANT pg_use_reserved_connections (PostgreSQL 16 or later)."
)
# The first that is found in what was said.
_SAID: tuple[tuple[str, Finding, str], ...] = (
    *((word, Finding.PROBLEM, _EXHAUSTED) for word in _FULL),
    ("authentication failed", Finding.FAILED, _NOT_LET_IN),
    ("does not exist", Finding.FAILED, "There is no such role or database there"),
    ("no pg_hba.conf entry", Finding.FAILED, "Its pg_hba.conf lets this role in from here not, or not without TLS."),
    ("server requested", Finding.FAILED, "It asks for a password: write one in the address."),
    ("unsupported startup parameter", Finding.FAILED, "A pooler answers, without time limits: write the address of PostgreSQL."),
    ("certificate verify failed", Finding.FAILED, "Its certificate is not one that this system trusts."),
    ("does not match host name", Finding.FAILED, "Its certificate is for another host."),
    ("does not support SSL", Finding.FAILED, "It speaks no TLS, and sslmode asks for it."),
    ("timeout expired", Finding.PROBLEM, f"No connection within {CONNECT_SECONDS} s: it is down, overloaded or out of reach."),
    ("refused", Finding.PROBLEM, "The connection is refused: nothing listens there."),
    ("starting up", Finding.PROBLEM, "It is starting, or recovering after it stopped: ask again in a moment."),
    ("shutting down", Finding.PROBLEM, "It is being shut down."),
    ("terminating connection", Finding.PROBLEM, "It ended the connection while it was asked: is it being restarted?"),
    ("server closed the connection", Finding.PROBLEM, "It broke the connection off: did it stop, or was it restarted?"),
)  # fmt: skip


def _meaning_of(error: psycopg.Error, timeout_ms: int) -> Meaning:
    """What an error says, without what libpq adds of the address."""
    if isinstance(error, errors.QueryCanceled):
        return Meaning(
            Finding.PROBLEM, f"No answer within {timeout_ms:,} ms: it is overloaded, or it has very much to count."
        )
    if isinstance(error, errors.LockNotAvailable):
        return Meaning(
            Finding.PROBLEM,
            "Somebody holds a table so that it cannot even be looked at, as ALTER TABLE and VACUUM FULL do: look at the locks.",
        )
    said = str(error.diag.message_primary or "") or _reason(str(error))
    for word, finding, sentence in _SAID:
        if word in said:
            told = sentence if sentence.endswith(".") else f"{sentence}: {said}."
            return Meaning(finding, told[:500])
    return Meaning(Finding.FAILED, f"It did not answer: {said}"[:500])


def _reason(text: str) -> str:
    """What was said behind where it was tried: of several addresses by the one that answered, if one did."""
    lines = [line.strip() for line in text.splitlines() if "failed: " in line]
    told = next(
        (line for line in lines if "FATAL" in line), lines[-1] if lines else text.strip() or "no reason was told"
    )
    return told.rpartition("failed: ")[2].removeprefix("FATAL:").strip()[:300]
