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


def connections(rows: Sequence[Row], limits: Limits) -> Meaning:
    total = sum(row[4] for row in rows)
    if not rows:
        return Meaning(Finding.FINE, "No client is connected but Liftmon.")
    allowed, reserved = rows[0][6], rows[0][7]
    said = f"{_counted(total, 'connection')} of {limits.connections} that are usual"
    busiest, count = _most(rows, 2)
    whose = f"{count} of them of {busiest or 'an application without a name'}"
    idle = sum(row[4] for row in rows if row[3].startswith("idle in transaction"))
    idling = f", {idle} idle in transaction" if idle else ""
    hidden = (
        " What other roles do is hidden from this one: grant it pg_read_all_stats."
        if any(row[8] for row in rows)
        else ""
    )
    free = allowed - reserved - total - 1
    if free <= max(2, allowed // 20):
        return Meaning(
            Finding.PROBLEM,
            f"The server is full: {said}, and it allows {allowed} ({reserved} reserved). {whose}{idling}.{hidden}",
        )
    if total > limits.connections:
        return Meaning(Finding.PROBLEM, f"The pool is exhausted: {said}. {whose}{idling}.{hidden}")
    return Meaning(Finding.FINE, f"The pool is not exhausted: {said}{idling}.{hidden}")


def queries(rows: Sequence[Row], limits: Limits) -> Meaning:
    slow = [row for row in rows if (row[6] or 0) >= limits.slow_seconds]
    idle = [row for row in rows if row[5].startswith("idle in transaction") and (row[7] or 0) >= limits.slow_seconds]
    if not slow and not idle:
        running = sum(row[5] == "active" for row in rows)
        return Meaning(Finding.FINE, f"No query runs for {limits.slow_seconds:g} s or longer; {running} run now.")
    told = []
    if slow:
        longest = max(slow, key=lambda row: row[6])
        told.append(
            f"{_counted(len(slow), 'query', 'queries')} run for {limits.slow_seconds:g} s or longer, the longest for "
            f"{_seconds(longest[6])} (pid {longest[0]}, {longest[3] or longest[2]})"
        )
    if idle:
        longest = max(idle, key=lambda row: row[7])
        told.append(
            f"{_counted(len(idle), 'connection')} hold a transaction open and do nothing, the longest since "
            f"{_seconds(longest[7])} (pid {longest[0]}, {longest[3] or longest[2]})"
        )
    waiting = sum(bool(row[9]) for row in rows)
    blocked = f" {_counted(waiting, 'query', 'queries')} wait for another one: look at the locks." if waiting else ""
    return Meaning(Finding.PROBLEM, f"Queries are slow: {'; '.join(told)}.{blocked}")


def locks(rows: Sequence[Row], limits: Limits) -> Meaning:
    if not rows:
        return Meaning(Finding.FINE, "Nobody waits for a lock.")
    waiting = {row[0] for row in rows}
    roots = Counter(row[3] for row in rows if not row[10])
    longest = max((row[1] or 0.0 for row in rows), default=0.0)
    said = f"{_counted(len(waiting), 'query', 'queries')} wait for locks, the longest for {_seconds(longest)}."
    if roots:
        pid = _root(rows)
        root = next(row for row in rows if row[3] == pid)
        who = root[6] or root[5]
        doing = f"{root[7]}, its transaction began {_seconds(root[8])} ago" if root[8] is not None else root[7]
        said += f" At the root of it is pid {pid} ({who}): {doing}."
    finding = Finding.PROBLEM if longest >= min(limits.slow_seconds, 5.0) or len(waiting) >= 3 else Finding.FINE
    return Meaning(finding, said)


def _root(rows: Sequence[Row]) -> int:
    """The backend that waits for nobody and for which most wait, also behind others."""
    blockers: dict[int, set[int]] = {}
    for row in rows:
        blockers.setdefault(row[0], set()).add(row[3])

    def roots_of(pid: int, seen: frozenset[int]) -> set[int]:
        if pid in seen or pid not in blockers:
            return {pid}
        return {root for by in blockers[pid] for root in roots_of(by, seen | {pid})}

    counted = Counter(root for pid in blockers for root in roots_of(pid, frozenset()))
    return max(counted, key=lambda pid: (counted[pid], -pid))


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
            first = row[9].split(", ")[0]
            said += (
                f"; {row[9]} refer to other tables without an index. Think about: {_suggestion(row[1], row[2], first)}"
            )
        told.append(said)
    if invalid := by_kind.get("invalid", []):
        names = ", ".join(f"{row[1]}.{row[3]}" for row in invalid[:3])
        told.append(f"Broken, and to be built anew: {names}")
    unused = by_kind.get("unused", [])
    if unused:
        names = ", ".join(f"{row[1]}.{row[3]} ({_bytes(row[4])})" for row in unused[:3])
        told.append(f"Never used since statistics were reset: {names}")
    if not told:
        return Meaning(Finding.FINE, "No large table is read from end to end all the time, and no index is broken.")
    finding = Finding.PROBLEM if by_kind.get("scans") or by_kind.get("invalid") else Finding.FINE
    return Meaning(finding, ". ".join(told) + ".")


def _suggestion(schema: str, table: str, column: str) -> str:
    """A statement for people to think about; Liftmon runs none."""
    return f"CREATE INDEX CONCURRENTLY ON {_quoted(schema)}.{_quoted(table)} ({column})"


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name == name.lower() else '"' + name.replace('"', '""') + '"'


QUESTIONS: Mapping[str, Question] = {
    one.name: one
    for one in (
        Question(
            "connections", "Connections", "Is the pool exhausted?",
            ("Database", "Role", "Application", "State", "Connections", "In that state (s)", "Allowed", "Reserved", "Hidden"),
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
                "Transaction (s)", "Blocking query", "Waits itself",
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


def _counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _bytes(count: int) -> str:
    size, units = float(count), ["bytes", "KB", "MB", "GB", "TB"]
    while size >= 1024 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:,.0f} {units[0]}"
