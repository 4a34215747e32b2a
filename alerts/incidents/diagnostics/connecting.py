"""A connection of its own to a database of the product, that reads and nothing else, for a few seconds.

Never one of Liftmon's pool: what is asked here must be answered when Liftmon's own database is ill, and the other way round.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from socket import AF_UNSPEC, SOCK_STREAM, gaierror, getaddrinfo
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import psycopg
from psycopg import errors

from alerts.incidents.diagnostics.interpreting import Finding, Meaning
from alerts.models import MonitoredDatabase
from alerts.sealing import SealBrokenError, seal, unseal

CONNECT_SECONDS = 5
APPLICATION = "liftmon"
_OPTIONS = frozenset({"sslmode", "sslrootcert", "channel_binding"})
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Where clouds keep what their machines may do; a database is never there.
_NEVER = ("169.254.", "fe80:", "168.63.129.16")


# What PostgreSQL says to whom it has no room for, before it knows who that is.
_FULL = ("too many clients", "too many connections", "connection slots are reserved")


class DsnError(ValueError):
    """The address of a database cannot be used; the text says what to write."""


class NoAnswerError(Exception):
    """The database did not answer; ``meaning`` says what that says."""

    def __init__(self, meaning: Meaning) -> None:
        super().__init__(meaning.sentence)
        self.meaning = meaning


def checked_dsn(text: str) -> str:
    """``postgresql://role:password@host:5432/database`` as it is kept. Raises DsnError, which never holds the password."""
    text = text.strip()
    if any(char.isspace() or not char.isprintable() for char in text):
        raise DsnError("The address holds a space or a control character: write %20 for a space in a password.")
    parts = urlsplit(text)
    if parts.scheme not in ("postgresql", "postgres"):
        raise DsnError("Write it as postgresql://role:password@host:5432/database.")
    try:
        host, port = parts.hostname, parts.port or 5432
    except ValueError:
        raise DsnError("The port is no number from 1 to 65535.") from None
    if not host or "," in host:
        raise DsnError("Name one host: postgresql://role:password@host:5432/database.")
    if not parts.username:
        raise DsnError("Name the role: postgresql://role:password@host:5432/database.")
    database = unquote(parts.path.lstrip("/"))
    if not database or "/" in database:
        raise DsnError("Name the database at the end: postgresql://role:password@host:5432/database.")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := options.keys() - _OPTIONS:
        raise DsnError(f"The option {min(unknown)[:30]} is not taken; sslmode is.")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise DsnError(f"sslmode is one of {', '.join(_SSL_MODES)}.")
    if options.get("sslrootcert", "system") != "system":
        raise DsnError("sslrootcert can only be system.")
    user = quote(unquote(parts.username), safe="")
    password = f":{quote(unquote(parts.password), safe='')}" if parts.password else ""
    written = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(options.items()))
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{user}{password}@{host}:{port}/{quote(database, safe='')}{'?' if written else ''}{written}"


def keep_dsn(database: MonitoredDatabase, text: str) -> None:
    """Seal it with the database, which is not saved. Raises DsnError."""
    database.sealed_dsn = seal({"dsn": checked_dsn(text)})
    database.tested_at, database.test_answer = None, ""


def shown_dsn(database: MonitoredDatabase) -> str:
    """``lift_reader@db.example:5432/lift``: enough to tell two apart, no password; "" when it cannot be opened."""
    try:
        parts = urlsplit(_dsn(database))
    except SealBrokenError:
        return ""
    return f"{unquote(parts.username or '')}@{parts.hostname}:{parts.port}{unquote(parts.path)}"


def _dsn(database: MonitoredDatabase) -> str:
    return unseal(database.sealed_dsn)["dsn"]


@contextmanager
def connected(database: MonitoredDatabase, *, may_write: bool = False) -> Iterator[psycopg.Connection[Any]]:
    """Raises NoAnswerError, also for what goes wrong within."""
    try:
        parameters = _parameters(_dsn(database))
    except SealBrokenError as error:
        raise NoAnswerError(Meaning(Finding.FAILED, str(error))) from None
    try:
        with psycopg.connect(
            **parameters, connect_timeout=CONNECT_SECONDS, application_name=APPLICATION, autocommit=True,
            options=(
                f"-c statement_timeout={database.timeout_ms} -c lock_timeout={database.timeout_ms} "
                f"-c idle_in_transaction_session_timeout=10000 "
                f"-c default_transaction_read_only={'off' if may_write else 'on'}"
            ),
        ) as connection:  # fmt: skip
            yield connection
    except psycopg.Error as error:
        meaning = _meaning_of(error, database)
    else:
        return
    # Outside of the handler: what libpq says may hold the address.
    raise NoAnswerError(meaning)


def _parameters(dsn: str) -> dict[str, Any]:
    """Where to, with the address that was looked at: a name that answers otherwise the next time gains nothing."""
    parts = urlsplit(dsn)
    host, port = parts.hostname or "", parts.port or 5432
    found: dict[str, Any] = {
        "host": host, "port": port, "user": unquote(parts.username or ""), "dbname": unquote(parts.path.lstrip("/")),
        **{name: values[-1] for name, values in parse_qs(parts.query).items()},
    }  # fmt: skip
    if parts.password:
        found["password"] = unquote(parts.password)
    try:
        addresses = [row[4][0] for row in getaddrinfo(host, port, AF_UNSPEC, SOCK_STREAM)]
    except (gaierror, UnicodeError):
        raise NoAnswerError(Meaning(Finding.FAILED, f"There is no host {host[:100]}.")) from None
    usable = [str(one) for one in addresses if not _is_refused(str(one))]
    if not usable:
        raise NoAnswerError(
            Meaning(
                Finding.FAILED,
                f"{host[:100]} leads to an address where clouds keep their metadata: nothing is asked there.",
            )
        )
    return found | {"hostaddr": usable[0]}


def _is_refused(address: str) -> bool:
    plain = address.partition("%")[0].lower()
    mapped = getattr(ip_address(plain), "ipv4_mapped", None)
    return str(mapped or plain).startswith(_NEVER)


def _meaning_of(error: psycopg.Error, database: MonitoredDatabase) -> Meaning:
    """What an error says, without what libpq adds of the address."""
    said = str(error.diag.message_primary or "") or _reason(str(error))
    if isinstance(error, errors.TooManyConnections) or any(word in said for word in _FULL):
        return Meaning(
            Finding.PROBLEM,
            "It takes no more connections, which is the answer: the pool is exhausted. Keep some for Liftmon's role: "
            "reserved_connections in postgresql.conf and GRANT pg_use_reserved_connections (PostgreSQL 16 or later).",
        )
    if isinstance(error, errors.QueryCanceled):
        return Meaning(
            Finding.PROBLEM,
            f"No answer within {database.timeout_ms:,} ms: it is overloaded, or a lock is in the way.",
        )
    if isinstance(error, errors.InvalidPassword | errors.InvalidAuthorizationSpecification):
        return Meaning(Finding.FAILED, "It refuses the role or its password.")
    if "timeout expired" in said:
        return Meaning(
            Finding.PROBLEM,
            f"No connection within {CONNECT_SECONDS} s: it is down, overloaded or out of reach.",
        )
    if "refused" in said:
        return Meaning(Finding.PROBLEM, "The connection is refused: nothing listens there.")
    return Meaning(Finding.FAILED, f"It did not answer: {said}"[:500])


def _reason(text: str) -> str:
    """What libpq says behind where it tried to connect."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    failed = next((line for line in lines if "failed: " in line), lines[-1] if lines else "no reason was told")
    return failed.rpartition("failed: ")[2][:300]
