"""Asks one question and gives its rows as text, whatever was written: harm is kept away by what the role may do, not by reading.

1. A connection of a role that may read the views and nothing else (role.py), closed afterwards, its transaction rolled back.
2. READ ONLY, five seconds for everything, no waiting for locks, one statement (PostgreSQL's extended protocol takes no second).
   Where PostgreSQL does not stop in time, we stop waiting for it (deadline.py).
3. The statement is asked as ``SELECT … FROM (statement) LIMIT n``, its cells cut by PostgreSQL, its rows counted as they arrive.
4. Besides, `rewriting` refuses PostgreSQL's own tables and functions by name, and here those that do something (volatile ones:
   they could hold advisory locks, notify, or write to the log), and those that only know numbers of tables, roles and rights.
"""

import time
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any, LiteralString

import psycopg
from psycopg import pq, sql
from psycopg.abc import Query
from psycopg.types.string import TextLoader

from dashboards.queries.answers import Answer, Caps, Column
from dashboards.queries.deadline import hung_up_after
from dashboards.queries.parameters import type_of
from dashboards.queries.refusing import RefusedError, refused_as_internal
from dashboards.queries.rewriting import Rewritten
from dashboards.queries.role import SCHEMA, connect

TIMEOUT_SECONDS = 5
# What PostgreSQL gets beyond that to say that time is up, before it is no longer waited for.
_GRACE_SECONDS = 2
_LOCK_SECONDS = 1
MOST_COLUMNS = 100
_LONGEST_PLAN = 100_000
_TIMED_OUT = "57014"
# Functions that change with every call and do nothing else.
_HARMLESS = frozenset(
    "random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 array_sample array_shuffle".split()
)
_VOLATILE: LiteralString = """
    SELECT p.proname FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_type AS t ON t.oid = p.prorettype
    WHERE p.proname = ANY(%s) AND p.provolatile = 'v' AND t.typname NOT LIKE '%%\\_handler' AND t.typname NOT LIKE '%%trigger'
"""
# Types of PostgreSQL's own affairs, and of shapes, whose functions have no guards; a function of those alone is not for questions.
_INTERNAL_TYPES = (
    "oid _oid oidvector regproc regprocedure regoper regoperator regclass regtype _regtype regrole regnamespace regconfig "
    "regdictionary regcollation regdatabase aclitem _aclitem xid xid8 cid tid pg_lsn pg_snapshot txid_snapshot pg_node_tree "
    "internal cstring _cstring path polygon"
).split()
# Makes a shape out of another, no more.
_SHAPES = ("path", "polygon")
_INTERNAL: LiteralString = """
    SELECT p.proname FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE p.proname = ANY(%(words)s) AND NOT p.proname = ANY(%(shapes)s) AND n.nspname = 'pg_catalog'
    GROUP BY p.proname
    HAVING bool_and(
        EXISTS (
            SELECT FROM pg_catalog.pg_type AS t
            WHERE t.typname = ANY(%(types)s) AND (t.oid = p.prorettype OR t.oid = ANY(p.proargtypes::oid[]))
        )
        -- Methods of TABLESAMPLE and the like cannot be called.
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = p.prorettype AND t.typname LIKE '%%\\_handler')
    )
"""


class QueryError(Exception):
    """PostgreSQL does not answer; the text is its own. ``start`` is the place in what was written, None when there is none."""

    def __init__(self, message: str, *, start: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.start = start
        self.hint = hint


SHOWN = Caps(rows=1_000, cell=500, characters=1_000_000)
EXPORTED = Caps(rows=10_000, cell=10_000, characters=20_000_000)


def ask(rewritten: Rewritten, values: Sequence[str | None], caps: Caps, *, zone: str) -> Answer:
    """The answer on the clock of ``zone`` (an IANA name). ``values`` are bound to the parameters, in the order of their numbers.

    Raises RefusedError, QueryError, and UnavailableError when nothing can be asked at all.
    """
    connection = connect()
    # Whether places that PostgreSQL names are places of the statement, or of the one around it.
    is_as_written = True
    with closing(connection), hung_up_after(connection, TIMEOUT_SECONDS + _GRACE_SECONDS) as is_over:
        try:
            began = time.perf_counter()
            prepare_session(connection, zone)
            _refuse_doers(connection, rewritten)
            _refuse_internals(connection, rewritten)
            columns = _describe(connection, rewritten)
            is_as_written = rewritten.is_explain
            rows, has_more, is_too_large = _fetch(connection, rewritten, values, columns, caps)
            return Answer(columns, rows, has_more, is_too_large, 1000 * (time.perf_counter() - began))
        except psycopg.Error as error:
            if is_over.is_set():
                raise QueryError(
                    f"It did not stop after {TIMEOUT_SECONDS} seconds and is no longer waited for.",
                    hint="PostgreSQL works on until it notices; until then fewer questions can be asked at once. Compare shorter "
                    "texts and lists.",
                ) from None
            raise _told(error, rewritten if is_as_written else None) from None


def guess_types(rewritten: Rewritten, *, zone: str) -> dict[str, str]:
    """What its parameters are by the places where they stand; nothing when PostgreSQL cannot tell.

    Raises RefusedError, QueryError, and UnavailableError as `ask` does.
    """
    connection = connect()
    with closing(connection), hung_up_after(connection, TIMEOUT_SECONDS + _GRACE_SECONDS):
        try:
            prepare_session(connection, zone)
            described = _prepare(connection, rewritten)
            types = (psycopg.adapters.types.get(described.param_type(n)) for n in range(described.nparams))
            names = [found.name if found else "" for found in types]
        except psycopg.Error as error:
            raise _told(error, rewritten) from None
    return {name: type_of(kind) for name, kind in zip(rewritten.names, names, strict=True)}


def prepare_session(connection: psycopg.Connection[Any], zone: str) -> None:
    """Begin the transaction that is never committed."""
    with suppress(psycopg.DataError):  # a zone that only Python knows: the server's own is UTC
        connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    connection.execute("BEGIN READ ONLY")
    kept = {
        "statement_timeout": f"{TIMEOUT_SECONDS}s",
        "lock_timeout": f"{_LOCK_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{3 * TIMEOUT_SECONDS}s",
        # The guards of SCHEMA are found before the functions that they guard.
        "search_path": f"{SCHEMA}, pg_catalog",
        "standard_conforming_strings": "on",
        "bytea_output": "hex",
        # A question takes one core at most.
        "max_parallel_workers_per_gather": "0",
        "jit": "off",
    }
    for name, value in kept.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def _refuse_internals(connection: psycopg.Connection[Any], rewritten: Rewritten) -> None:
    given = {"words": list(rewritten.words), "shapes": list(_SHAPES), "types": _INTERNAL_TYPES}
    for (name,) in connection.execute(_INTERNAL, given).fetchall():
        raise refused_as_internal(name, rewritten.words[name])


def _refuse_doers(connection: psycopg.Connection[Any], rewritten: Rewritten) -> None:
    found = connection.execute(_VOLATILE, [list(rewritten.words)]).fetchall()
    for (name,) in found:
        if name not in _HARMLESS:
            raise RefusedError(
                f"The function “{name}” does something, and questions only read.", start=rewritten.words[name]
            )


def _describe(connection: psycopg.Connection[Any], rewritten: Rewritten) -> list[Column]:
    """What the statement answers with."""
    result = _prepare(connection, rewritten)
    if not 0 < result.nfields <= MOST_COLUMNS:
        raise QueryError(f"An answer has 1 to {MOST_COLUMNS} columns, this one {result.nfields}.")
    types = psycopg.adapters.types
    columns = []
    for number in range(result.nfields):
        known = types.get(result.ftype(number))
        name = (result.fname(number) or b"").decode()
        columns.append(Column(name, known.name if known else "other"))
    return columns


def _prepare(connection: psycopg.Connection[Any], rewritten: Rewritten) -> pq.abc.PGresult:
    """Its description. It is prepared as it stands: alone, and read by PostgreSQL alone."""
    native = connection.pgconn
    result = native.prepare(b"", rewritten.sql.encode())
    if result.status == pq.ExecStatus.COMMAND_OK:
        result = native.describe_prepared(b"")
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise psycopg.errors.error_from_result(result, encoding="utf-8")
    return result


def _fetch(
    connection: psycopg.Connection[Any],
    rewritten: Rewritten,
    values: Sequence[str | None],
    columns: Sequence[Column],
    caps: Caps,
) -> tuple[list[list[str | None]], bool, bool]:
    """One statement in one go, so that one timeout holds for all of it, and its rows one by one."""
    rows: list[list[str | None]] = []
    characters = 0
    most = _LONGEST_PLAN if rewritten.is_explain else caps.cell
    cursor = psycopg.RawCursor(connection)
    cursor.adapters.register_loader("json", TextLoader)  # a plan may be JSON
    found: Any = cursor.stream(_capped(rewritten, columns, caps), list(values))
    with closing(found):  # which cancels what is still running
        for row in found:
            if len(rows) == caps.rows:
                return rows, True, False
            cells = [_cut(cell, most) for cell in row]
            characters += sum(len(cell) for cell in cells if cell)
            if characters > caps.characters:
                return rows, False, True
            rows.append(cells)
    return rows, False, False


def _capped(rewritten: Rewritten, columns: Sequence[Column], caps: Caps) -> Query:
    """The statement with its caps; a plan cannot be a part of another statement, and is short by itself."""
    if rewritten.is_explain:
        return rewritten.sql.encode()
    names = [sql.Identifier(f"c{number}") for number in range(len(columns))]
    cells = sql.SQL(", ").join(sql.SQL("left({}::text, {})").format(name, caps.cell + 1) for name in names)
    head = sql.SQL("SELECT {} FROM (\n").format(cells).as_bytes()
    tail = sql.SQL("\n) AS question ({}) LIMIT {}").format(sql.SQL(", ").join(names), caps.rows + 1).as_bytes()
    return head + rewritten.sql.encode() + tail


def _cut(cell: Any, most: int) -> str | None:
    if cell is None:
        return None
    text = cell if isinstance(cell, str) else str(cell)
    return text if len(text) <= most else f"{text[:most]}…"


def _told(error: psycopg.Error, rewritten: Rewritten | None) -> QueryError:
    """PostgreSQL's words, with the place in what was written and a hint."""
    diagnosis = error.diag
    if diagnosis.sqlstate == _TIMED_OUT:
        return QueryError(
            f"It took longer than {TIMEOUT_SECONDS} seconds and was stopped.",
            hint="Narrow it by event and timestamp, or ask counts_by_hour and counts_by_day instead of every event.",
        )
    hint = diagnosis.message_hint or _HINTS.get(diagnosis.sqlstate or "", "")
    if diagnosis.sqlstate in _OF_TYPES and rewritten and rewritten.texts:
        named = ", ".join(f":{name}" for name in rewritten.texts)
        hint = f"{named} {'is' if len(rewritten.texts) == 1 else 'are'} Text: say beside the value if it is a number or a date."
    place = diagnosis.statement_position
    start = rewritten.place_of(int(place) - 1) if rewritten and place else None
    message = diagnosis.message_primary or str(error).strip() or "The connection to PostgreSQL was lost."
    if diagnosis.message_detail:
        message = f"{message}: {diagnosis.message_detail}"
    return QueryError(message, start=start, hint=hint)


# No such operator or function for these types, types that do not fit, no such cast.
_OF_TYPES = ("42883", "42804", "42846")
_HINTS = {
    "42P01": "Only the views that are listed beside can be read.",
    "42501": "Only the views that are listed beside can be read.",
    "42703": "The columns of each view are listed beside. A field of data is data->>'feature'.",
    "22P02": "A value is not of the type that it is cast to. Look at it as text first, or leave others out by WHERE.",
    "42803": "Every column that is not counted or summed stands in GROUP BY.",
    "55P03": "A table is being changed just now; ask again.",
    "53200": "Take fewer rows or smaller values at a time.",
    "53400": "It would have written too much to disk; take a shorter time or fewer rows.",
    "25006": "Questions read; they change nothing.",
}
