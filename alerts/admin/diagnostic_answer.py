"""The answer of a diagnostic run as people read it: times in their zone, sizes in words, and which row may be acted on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode

from alerts.models import DiagnosticRun, Finding
from events.templatetags.moments import moment

# Where the pid of a row stands, and when that backend began: what may be acted on.
_ACTED_ON = {"queries": (0, 1), "locks": (3, 4)}
_MOST_CULPRITS = 3
_TIMES = frozenset({"Began", "Last vacuum", "Last analyse"})
# Numbers that are names.
_PIDS = frozenset({"Pid", "Waiting pid", "Blocking pid"})
# What is long enough to need room of its own.
_LONG = frozenset({"Query", "Waiting query", "Blocking query"})


@dataclass(frozen=True, slots=True)
class CellShown:
    text: Any
    is_number: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class RowShown:
    cells: list[CellShown]
    # The query of the page that asks before anything is done; "" where nothing can be.
    act: str


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who is offered before the rows are read: at night, on a phone."""

    label: str
    act: str


@dataclass(frozen=True, slots=True)
class RunShown:
    run: DiagnosticRun
    rows: list[RowShown]
    can_act: bool
    culprits: list[Culprit]


def shown(run: DiagnosticRun, *, may_act: bool) -> RunShown:
    columns, places = run.answer.get("columns", []), _ACTED_ON.get(run.question)
    is_open = may_act and run.database is not None and run.database.is_enabled and run.database.allows_mitigation
    rows = [
        RowShown(
            [_cell(column, value) for column, value in zip(columns, cells, strict=False)],
            _act(run, cells[places[0]], cells[places[1]]) if is_open and places else "",
        )
        for cells in run.answer.get("rows", [])
    ]
    return RunShown(run, rows, any(row.act for row in rows), _culprits(run) if is_open else [])


def _culprits(run: DiagnosticRun) -> list[Culprit]:
    """Of locks the roots; of queries those that are slow, or idle in a transaction, and wait for nobody."""
    if run.finding != Finding.PROBLEM or run.database is None or run.question not in _ACTED_ON:
        return []
    found: dict[int, Culprit] = {}
    for row in run.answer.get("rows", []):
        if run.question == "locks":
            pid, began_at, role, application = row[3:7]
            is_it = not row[10]
        else:
            pid, began_at, role, application = row[:4]
            is_it = not row[9] and max(row[6] or 0, row[7] or 0) >= run.database.slow_seconds
        if is_it and (act := _act(run, pid, began_at)):
            found.setdefault(pid, Culprit(f"pid {pid}, {application or role}", act))
    return list(found.values())[:_MOST_CULPRITS]


def _act(run: DiagnosticRun, pid: Any, began_at: Any) -> str:
    """Nothing for what no backend holds, and for whom the role may not see."""
    return urlencode({"database": run.database_id, "pid": pid, "began_at": began_at}) if pid and began_at else ""


def _cell(column: str, value: Any) -> CellShown:
    if value is None or value == "":
        return CellShown("–")
    if isinstance(value, bool):
        return CellShown("yes" if value else "no")
    if column in _TIMES:
        at = parse_datetime(str(value))
        return CellShown(moment(at) if at else value)
    if isinstance(value, int | float):
        return CellShown(_number(column)(value), is_number=True)
    return CellShown(value, is_long=column in _LONG)


def _number(column: str) -> Callable[[Any], str]:
    if column in _PIDS:
        return str
    if column.lower().endswith("bytes"):
        return filesizeformat
    return "{:,}".format
