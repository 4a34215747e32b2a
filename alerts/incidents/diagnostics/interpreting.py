"""What the answers of a database mean, in words: rows in, a finding and sentences out. Pure.

Rows are those of the files in `sql/`, whose headers name the columns. The limits are the guide's, as kept with the database.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

type Row = Sequence[Any]


class Finding(StrEnum):
    FINE = "fine"
    PROBLEM = "problem"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Limits:
    """``connections`` at most, and ``slow_seconds`` from which a query is slow."""

    connections: int = 20
    slow_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Meaning:
    finding: Finding
    sentence: str


@dataclass(frozen=True, slots=True)
class Question:
    """``columns`` are what people read above the answer; ``interpret`` gets its rows."""

    name: str
    title: str
    asks: str
    columns: tuple[str, ...]
    interpret: Callable[[Sequence[Row], Limits], Meaning]


# What PostgreSQL shows instead of a query to roles that may not see it.
HIDDEN = "<insufficient privilege>"
_BLIND = "What other roles do is hidden from this one: GRANT pg_read_all_stats to it."


def connections(rows: Sequence[Row], limits: Limits) -> Meaning:
    if not rows:
        return Meaning(Finding.FINE, "No client is connected but Liftmon.")
    total, allowed, reserved = rows[0][9], rows[0][6], rows[0][7]
    said = f"{_counted(total, 'connection')} of {limits.connections:,} that are usual"
    busiest, count = _most(rows, 2)
    parts = [f"{count:,} of them of {busiest or 'an application without a name'}"]
    idle = sum(row[4] for row in rows if row[3].startswith("idle in transaction"))
    if idle:
        # Whose they are says where to look: they hold a connection and do nothing with it.
        idler, _ = _most([row for row in rows if row[3].startswith("idle in transaction")], 2)
        whose = f" (most of {idler})" if idler and idler != busiest else ""
        parts.append(f"{idle:,} idle in transaction{whose}")
    hidden = f" {_BLIND}" if any(row[8] for row in rows) else ""
    free = allowed - reserved - total - 1
    if free <= max(2, allowed // 20):
        room = f"it has room for {free:,} more" if free > 0 else "nobody else is let in"
        return Meaning(
            Finding.PROBLEM,
            f"The server is {'almost ' if free > 0 else ''}full: {said}; it allows {allowed:,}, {reserved:,} of them reserved, and "
            f"{room}. {', '.join(parts)}.{hidden}",
        )
    if total > limits.connections:
        return Meaning(Finding.PROBLEM, f"The pool is exhausted: {said}. {', '.join(parts)}.{hidden}")
    return Meaning(
        Finding.FINE, f"The pool is not exhausted: {said}{f', {idle:,} idle in transaction' if idle else ''}.{hidden}"
    )


def queries(rows: Sequence[Row], limits: Limits) -> Meaning:
    seen = [row for row in rows if row[10] != HIDDEN]
    hidden = f" {_BLIND}" if len(seen) < len(rows) else ""
    slow = [row for row in seen if (row[6] or 0) >= limits.slow_seconds]
    idle = [row for row in seen if row[5].startswith("idle in transaction") and (row[7] or 0) >= limits.slow_seconds]
    if not slow and not idle:
        if hidden and not seen:
            return Meaning(Finding.FAILED, _BLIND)
        running = sum(row[5] == "active" for row in seen)
        return Meaning(
            Finding.FINE,
            f"No query runs for {limits.slow_seconds:g} s or longer; {_many(running, 'runs', 'run')} now.{hidden}",
        )
    told = []
    if slow:
        longest = max(slow, key=lambda row: row[6])
        told.append(
            f"{_many(len(slow), 'query runs', 'queries run')} for {limits.slow_seconds:g} s or longer, the longest for "
            f"{lasting(longest[6])} (pid {longest[0]}, {longest[3] or longest[2]})"
        )
    if idle:
        longest = max(idle, key=lambda row: row[7])
        told.append(
            f"{_many(len(idle), 'connection holds', 'connections hold')} a transaction open and nothing runs in it, "
            f"the longest for {lasting(longest[7])} (pid {longest[0]}, {longest[3] or longest[2]})"
        )
    waiting = sum(bool(row[9]) for row in seen)
    blocked = f" {_many(waiting, 'query waits', 'queries wait')} for another one: look at the locks." if waiting else ""
    what = "Queries are slow" if slow else "Transactions hang"
    return Meaning(Finding.PROBLEM, f"{what}: {'; '.join(told)}.{blocked}{hidden}")


def locks(rows: Sequence[Row], limits: Limits) -> Meaning:
    if not rows:
        return Meaning(Finding.FINE, "Nobody waits for a lock.")
    waiting = rows[0][11]
    longest = max((row[1] or 0.0 for row in rows), default=0.0)
    finding = Finding.PROBLEM if longest >= min(limits.slow_seconds, 5.0) or waiting >= 3 else Finding.FINE
    said = f"{_many(waiting, 'query waits', 'queries wait')} for locks, the longest for {lasting(longest)}."
    pid = _root(rows)
    root = next(row for row in rows if row[3] == pid)
    if pid == 0:
        return Meaning(
            finding,
            f"{said} At the root of it is a prepared transaction, which no connection holds: look at Old transactions, and COMMIT "
            "PREPARED or ROLLBACK PREPARED it.",
        )
    who = root[6] or root[5] or "nobody knows whose"
    doing = root[7] or "what it does is hidden"
    since = f", its transaction began {lasting(root[8])} ago" if root[8] is not None else ""
    if root[10]:
        return Meaning(finding, f"{said} They wait for one another; most for pid {pid} ({who}): {doing}{since}.")
    return Meaning(finding, f"{said} At the root of it is pid {pid} ({who}): {doing}{since}.")


def _root(rows: Sequence[Row]) -> int:
    """The backend that waits for nobody and for which most wait, also behind others; one of those that wait for one another where
    all of them do. Whoever queues for a lock waits for all before them, so each is looked at once."""
    blockers: dict[int, set[int]] = {}
    for row in rows:
        blockers.setdefault(row[0], set()).add(row[3])
    counted: Counter[int] = Counter()
    for pid in blockers:
        seen: set[int] = set()
        ahead = [pid]
        while ahead:
            for one in blockers.get(ahead.pop(), set()) - seen:
                seen.add(one)
                ahead.append(one)
        counted.update((seen - blockers.keys()) or seen)
    return max(counted, key=lambda pid: (pid not in blockers, counted[pid], -pid))


def tables(rows: Sequence[Row], limits: Limits) -> Meaning:
    if not rows:
        return Meaning(Finding.FINE, "There is no table that this role may see.")
    largest = rows[0]
    said = f"The largest table is {largest[0]}.{largest[1]}: {_bytes(largest[2])}, about {largest[5]:,} rows."
    bloated = [row for row in rows if row[6] >= 10_000 and row[6] > row[5]]
    if bloated:
        names = ", ".join(f"{row[0]}.{row[1]} ({row[6]:,})" for row in bloated[:3])
        return Meaning(Finding.PROBLEM, f"{said} More dead rows than living ones, so vacuum does not keep up: {names}.")
    return Meaning(Finding.FINE, said)


def indexes(rows: Sequence[Row], limits: Limits) -> Meaning:
    by_kind: dict[str, list[Row]] = {}
    for row in rows:
        by_kind.setdefault(row[0], []).append(row)
    told = []
    for row in by_kind.get("scans", [])[:3]:
        said = f"{row[1]}.{row[2]} was read from end to end {row[5]:,} times ({row[8]:,} rows)"
        if row[9]:
            # A statement for people to think about; Liftmon runs none.
            first = row[9].split(", ")[0]
            said += (
                f"; {row[9]} {'refers' if first == row[9] else 'refer'} to other tables without an index. "
                f"Think about: CREATE INDEX CONCURRENTLY ON {row[1]}.{row[2]} ({first})"
            )
        told.append(said)
    if invalid := by_kind.get("invalid", []):
        names = ", ".join(f"{row[1]}.{row[3]}" for row in invalid[:3])
        told.append(f"Broken, and to be built anew by REINDEX INDEX CONCURRENTLY: {names}")
    unused = by_kind.get("unused", [])
    if unused:
        names = ", ".join(f"{row[1]}.{row[3]} ({_bytes(row[4])})" for row in unused[:3])
        told.append(f"Never used since statistics were reset: {names}")
    if not told:
        return Meaning(Finding.FINE, "No large table is read from end to end all the time, and no index is broken.")
    finding = Finding.PROBLEM if by_kind.get("scans") or by_kind.get("invalid") else Finding.FINE
    return Meaning(finding, ". ".join(told) + ".")


# From when on each is worth a look: seconds that it is open or behind, bytes of the log, transactions since its oldest one. At
# 2,100 million PostgreSQL takes no more writes.
_OLD_SECONDS = {"transaction": 600.0, "prepared": 300.0, "replica": 60.0, "standby": 300.0}
_OLD_BYTES = {"slot": 1024**3, "replica": 1024**3}
_OLD_TRANSACTIONS = 1_000_000_000


def replication(rows: Sequence[Row], limits: Limits) -> Meaning:
    told = []
    for kind, name, state, seconds, kept, transactions in rows:
        is_late = seconds is not None and seconds >= _OLD_SECONDS.get(kind, float("inf"))
        is_large = kept is not None and kept >= _OLD_BYTES.get(kind, float("inf"))
        if kind == "database" and (transactions or 0) >= _OLD_TRANSACTIONS:
            told.append(
                f"Database {name} was not frozen for {transactions:,} transactions: at 2,100 million it takes no more writes"
            )
        elif kind == "transaction" and is_late:
            told.append(
                f"A transaction is open for {lasting(seconds)} ({name}, {state}), and vacuum removes nothing since"
            )
        elif kind == "prepared" and is_late:
            told.append(f"Prepared transaction {name} ({state}) holds its locks for {lasting(seconds)}")
        elif kind == "slot" and is_large:
            told.append(f"Slot {name} ({state}) keeps {_bytes(kept)} of the log, which fills the disk")
        elif kind == "replica" and (is_late or is_large):
            behind = [*([_bytes(kept)] if kept else []), *([lasting(seconds)] if seconds else [])]
            told.append(f"Replica {name} is {' and '.join(behind)} behind")
        elif kind == "standby" and is_late:
            told.append(f"It is a standby, and what it last replayed is {lasting(seconds)} old (or nothing is written)")
    if told:
        return Meaning(Finding.PROBLEM, ". ".join(told[:5]) + ".")
    replicas = sum(row[0] == "replica" for row in rows)
    up = f", and {_many(replicas, 'replica keeps', 'replicas keep')} up" if replicas else ""
    return Meaning(Finding.FINE, f"Nothing holds back vacuum or the log{up}.")


QUESTIONS: Mapping[str, Question] = {
    one.name: one
    for one in (
        Question(
            "connections", "Connections", "Is the pool exhausted?",
            (
                "Database", "Role", "Application", "State", "Connections", "In that state (s)", "Allowed", "Reserved", "Hidden",
                "In all",
            ),
            connections,
        ),
        Question(
            "queries", "Longest queries", "Is anything slow, or does a transaction hang?",
            (
                "Pid", "Began", "Role", "Application", "Database", "State", "Runs for (s)", "Transaction (s)", "Waits for",
                "Blocked by", "Query",
            ),
            queries,
        ),
        Question(
            "locks", "Locks", "Who waits for whom?",
            (
                "Waiting pid", "Waits (s)", "Waiting query", "Blocking pid", "Began", "Role", "Application", "State",
                "Transaction (s)", "Blocking query", "Waits itself", "In all",
            ),
            locks,
        ),
        Question(
            "tables", "Table sizes", "Which tables are large, and does vacuum keep up?",
            (
                "Schema", "Table", "Bytes", "Table bytes", "Index bytes", "Rows", "Dead rows", "Last vacuum", "Last analyse",
            ),
            tables,
        ),
        Question(
            "indexes", "Missing indexes", "Which tables are read from end to end?",
            (
                "Kind", "Schema", "Table", "Index", "Bytes", "Scans", "Rows read", "Index scans", "Rows", "Columns",
            ),
            indexes,
        ),
        Question(
            "replication", "Old transactions", "What holds back vacuum, and does a replica fall behind?",
            ("Kind", "Name", "State", "Open or behind (s)", "Log bytes", "Transactions"),
            replication,
        ),
    )
}  # fmt: skip


def http_answer(status: int, expected: int, took_ms: int, slow_ms: int, location: str = "") -> Meaning:
    """Of an address that answered."""
    took = f"in {took_ms:,} ms"
    if status != expected:
        to = f" It leads to {location}." if location else ""
        return Meaning(Finding.PROBLEM, f"It answered {status} instead of {expected}, {took}.{to}")
    if took_ms >= slow_ms:
        return Meaning(Finding.PROBLEM, f"It answered {status}, but slowly: {took}, slow from {slow_ms:,} ms.")
    return Meaning(Finding.FINE, f"It answered {status} {took}.")


def _most(rows: Sequence[Row], column: int) -> tuple[str, int]:
    counted: Counter[str] = Counter()
    for row in rows:
        counted[row[column]] += row[4]
    return counted.most_common(1)[0]


def _counted(number: int, noun: str) -> str:
    return _many(number, noun, f"{noun}s")


def _many(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def lasting(seconds: float) -> str:
    """``40 s``, ``17 min``, ``2.5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _bytes(count: int) -> str:
    size, units = float(count), ["bytes", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:,.0f} {units[0]}"
