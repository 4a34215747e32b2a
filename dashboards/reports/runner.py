"""Runs the questions of dashboards/reports/sql/ against the folded rollups, and gives their rows as dataclasses.

A question is a SELECT, or ", name AS (…) … SELECT …", over these named relations, of which only those it names are read:

- ``series``: the words of the counters that the filters leave: series_id, service_id, name, severity, endpoint, environment,
  release, labels.
  A line ``-- series: CONDITION`` in the file narrows them, and with them all that follows. A line ``-- few series`` says that they
  are tens, not thousands: then their rows alone are looked up, instead of all rows of the time being read.
- ``counts``: ``series`` and event_count, duration_count, duration_ms of the window; one row a series.
- ``latencies``: ``series`` and bucket (events.latency), event_count. A line ``-- latencies: COLUMNS WHERE CONDITION`` in the file
  says by which words to merge them (the condition may be left out); there are those columns then instead of ``series``, and the
  fewer they are, the sooner the answer: ``-- latencies: service_id, labels ->> 'feature' AS feature WHERE name = 'ai_failure'``.
- ``percentiles``: of the same histograms, merged by a line ``-- percentiles: COLUMNS WHERE CONDITION``, a row each: those columns,
  samples, p50, p95, p99, p95_low, p95_high (buckets): with 95 % confidence the true 95th percentile lies between the last two.
- ``users``: ``series`` and chunk, users: a set of users, as bits. Sets are merged with bit_or(users) GROUP BY chunk, and then
  counted with sum(bit_count(users)); a chunk may come several times. A line ``-- users: CONDITION`` says of which series.
- ``people``: service_id, environment, severity, chunk, users: the same sets by these words alone, some dozens a day.
- ``name_users``: service_id, environment, severity, name, chunk, users.
- ``feature_users``: service_id, environment, severity, feature, chunk, users: of events that name a feature.
- ``hurt_users``: environment, chunk, users: of all failures.
- ``endpoint_users``: service_id, environment, endpoint, chunk, users: of requests that failed.
- ``endpoint_latencies``: how long the requests of each endpoint took, merged as ``latencies`` are by a line
  ``-- endpoint_latencies: COLUMNS WHERE CONDITION``, whose words are service_id, environment, endpoint; ``endpoint_percentiles``
  likewise.
- ``name_counts``: service_id, environment, severity, name, event_count, duration_count, duration_ms: counts by these words; one
  may come several times.
- ``feature_counts``: service_id, environment, severity, feature ("" for none), is_use, and the same numbers: of events that name a
  feature, and of all uses (feature_used).
- ``trial_counts``: service_id, environment, trial_type, has_converted, and the same numbers: of trials that ended.
- ``NAME_before``: the same of the window before, which is as long.
- ``NAME_by_step``: the same and ``place``, the number of the step, from 0.

What is kept by few words (``people`` to ``trial_counts``, events.rollup_tables.COARSE) is not narrowed by a line ``-- series:``.

``$service`` and ``$environment`` stand for what the filters ask of the columns service_id and environment: a condition, which is
true where they ask for nothing.

Named parameters are bound: %(name)s. A per cent sign is written twice. Rollups are folded every few seconds, so answers are as old.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from dashboards.reports.question import Question
from dashboards.reports.tables import (
    COARSE_KINDS,
    COUNTED,
    KINDS,
    KINDS_ANYWHERE,
    KINDS_OF_RELEASE,
    MAY_TAKE_AWAY,
    OF_SERIES,
    SUMS,
    Table,
)
from dashboards.window import COUNT_MINUTES_BACK, Piece, Span, pieces
from events.rollup_tables import COARSE

_FOLDER = Path(__file__).parent / "sql"
_HEADERS = ("series", "users", "latencies", "endpoint_latencies", "percentiles", "endpoint_percentiles")
_FEW = "-- few series"
# More ranges than these of one table are read in a loop; looked up by series, a range costs less than the loop.
_MOST_RANGES, _MOST_LOOKED_UP = 6, 60
_NARROW = "series_id IN (SELECT series_id FROM series)"
_WORDS = "service_id, name, severity, endpoint, environment, release, labels"


def ask[Row](
    name: str, question: Question, row: Callable[..., Row], /, *, steps: Sequence[Span] = (), **parameters: Any
) -> list[Row]:
    """The rows of sql/NAME.sql; ``row`` is called with the columns as keywords. Without ``steps`` those of the window."""
    text, headers = _read(name)
    bound: dict[str, Any] = {
        "start": question.window.start,
        "end": question.window.end,
        "now": question.window.now,
        "is_of_services": bool(question.filters.services),
        "release": question.filters.release,
        **_values(question),
        **parameters,
    }
    for word, condition in (("$service", _of_services(question)), ("$environment", _of_environments(question))):
        text = text.replace(word, condition or "true")
    narrowed = _conditions(question, headers["series"])
    relations: list[str] = []
    for kind, tables in KINDS.items():
        for suffix, spans in _spans(question, steps).items():
            if f"{kind}{suffix}" in _named(text):
                place = ", place" if suffix == "_by_step" else ""
                how = _How(place, _narrowing(kind, question, headers, is_narrow=bool(narrowed)), bool(headers["few"]))
                if question.filters.release:
                    tables = KINDS_OF_RELEASE.get(kind, tables)
                else:
                    tables = tables if question.filters.services else KINDS_ANYWHERE.get(kind, tables)
                    if _is_coarse_count(kind):
                        tables = tuple(_asked_for(table, _named(text)) for table in tables)
                rows = _rows(kind, tables, spans(), question, bound, how)
                if headers["few"]:
                    # The planner takes tens of series for one, and would read all rows again for each of them.
                    relations.append(f"{kind}{suffix}_read AS MATERIALIZED ({rows})")
                    rows = f"SELECT * FROM {kind}{suffix}_read"
                relation = _relation(kind, rows, tables[-1], place, headers.get(kind, ""), is_narrow=bool(narrowed))
                relations.append(f"{kind}{suffix} AS ({relation})")
    if not relations or "series" in _named(text) or any("series" in _named(relation) for relation in relations):
        relations.insert(0, f"series AS (SELECT id AS series_id, {_WORDS} FROM events_series{narrowed})")
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(relations)}\n{text}", bound)
        columns = [column[0] for column in cursor.description or ()]
        return [row(**dict(zip(columns, values, strict=True))) for values in cursor.fetchall()]


def _spans(question: Question, steps: Sequence[Span]) -> Mapping[str, Callable[[], Sequence[Span]]]:
    return {
        "": lambda: [question.window.span],
        "_before": lambda: [question.window.before],
        "_by_step": lambda: steps or question.steps,
    }


def text_of(name: str) -> str:
    """What a statement of `ask` ends with."""
    return _read(name)[0]


@cache
def _read(name: str) -> tuple[str, Mapping[str, str]]:
    """A question's text without its comments, and what its headers say ("" for none)."""
    lines = (_FOLDER / f"{name}.sql").read_text().splitlines()
    starts = {header: f"-- {header}:" for header in _HEADERS}
    headers = {
        header: " ".join(line.removeprefix(start).strip() for line in lines if line.startswith(start))
        for header, start in starts.items()
    }
    headers["few"] = _FEW if _FEW in lines else ""
    return "\n".join(line for line in lines if not line.lstrip().startswith("--")), headers


@cache
def _named(text: str) -> frozenset[str]:
    """The words of a question."""
    return frozenset("".join(letter if letter.isalnum() or letter == "_" else " " for letter in text).split())


def _conditions(question: Question, condition: str) -> str:
    """Which series the question and the filters leave, as a WHERE, or ""."""
    conditions = [*([f"({condition})"] if condition else []), *_of_filters(question)]
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _of_filters(question: Question) -> list[str]:
    of_release = "release = %(release)s" if question.filters.release else ""
    return [one for one in (_of_services(question), _of_environments(question), of_release) if one]


def _of_services(question: Question) -> str:
    return _one_of("service_id", "int", question.filters.services)


def _of_environments(question: Question) -> str:
    return _one_of("environment", "text", question.filters.environments)


def _one_of(column: str, kind: str, values: Sequence[Any]) -> str:
    """That the column has one of the values, which `_values` binds; "" without any. Of one value the planner knows the most."""
    if not values:
        return ""
    return f"{column} = %(only_{column})s" if len(values) == 1 else f"{column} = ANY(%(only_{column})s::{kind}[])"


def _values(question: Question) -> dict[str, Any]:
    filters = question.filters
    chosen = {"service_id": filters.services, "environment": filters.environments}
    return {f"only_{column}": values[0] if len(values) == 1 else list(values) for column, values in chosen.items()}


def _narrowing(kind: str, question: Question, headers: Mapping[str, str], *, is_narrow: bool) -> Callable[[Table], str]:
    """What else rows of a table must be, as " AND …" or ""."""
    if kind in COARSE_KINDS:
        filters = _of_filters(question)
        return lambda table: _of_coarse(table, [*filters, *([table.condition] if table.condition else [])])
    of_users = f" WHERE {headers['users']}" if kind == "users" and headers["users"] else ""
    if headers["few"]:
        # The primary key (time, series) is skipped through from one of the series to the next.
        return lambda table: f" AND series_id = ANY(ARRAY(SELECT series_id FROM series{of_users}))"
    if of_users:
        return lambda table: f" AND series_id IN (SELECT series_id FROM series{of_users})"
    return lambda table: f" AND {_NARROW}" if table.merged_by and is_narrow else ""


def _is_coarse_count(kind: str) -> bool:
    return kind in COARSE_KINDS and COARSE[COARSE_KINDS[kind]].finer == "count"


def _asked_for(table: Table, named: frozenset[str]) -> Table:
    """Of a table of counts by few words those words and numbers that a question names: a small question is planned sooner."""
    words = [word for word in table.words.split(", ") if word in named] or table.words.split(", ")[:1]
    told = [
        ", ".join(one for one in columns.split(", ") if one.rpartition(" ")[2] in {"event_count", *named})
        for columns in (table.columns, table.negated)
    ]
    return table._replace(words=", ".join(words), columns=told[0], negated=told[1])


def _of_coarse(table: Table, conditions: Sequence[str]) -> str:
    narrow = " AND ".join(conditions)
    if table.given_words:
        return f" AND series_id IN (SELECT id FROM events_series WHERE {narrow or 'true'})"
    return f" AND {narrow}" if narrow else ""


def _relation(kind: str, rows: str, of: Table, place: str, merged_by: str, *, is_narrow: bool) -> str:
    """What a question sees of the rows that it reads; ``of``: the coarsest table that they may be of."""
    if _is_coarse_count(kind):
        if "-event_count" not in rows and "-sum(event_count)" not in rows:
            return rows
        words = COARSE[COARSE_KINDS[kind]].words if of.selected else of.words
        sums = ", ".join(one for one in SUMS.split(", ") if one.rpartition(" ")[2] in of.columns)
        # What was taken away again is not there.
        return (
            f"SELECT {words}{place}, {sums} FROM ({rows}) AS found GROUP BY {words}{place} HAVING sum(event_count) <> 0"
        )
    if kind in COARSE_KINDS and not merged_by:
        return f"SELECT * FROM ({rows}) AS found"
    if kind == "users":
        return f"SELECT series.*{place}, chunk, users FROM ({rows}) AS found JOIN series USING (series_id)"
    if kind == "counts":
        narrow = f" WHERE {_NARROW}" if is_narrow else ""
        # What was taken away again is not there.
        merged = (
            f"SELECT series_id{place}, {SUMS} FROM ({rows}) AS found{narrow} GROUP BY series_id{place} "
            "HAVING sum(event_count) <> 0"
        )
        return f"SELECT series.*{place}, {COUNTED} FROM ({merged}) AS merged JOIN series USING (series_id)"
    words, condition = _split(merged_by) if merged_by else ("series.*", "")
    columns = [words] if words else []
    numbers = len(_WORDS.split(",")) + 1 if not merged_by else _length(words)
    keys = ", ".join([*(str(number + 1) for number in range(numbers)), *(["place"] if place else [])])
    of_series = "" if kind in COARSE_KINDS else " JOIN series USING (series_id)"
    merged = (
        f"SELECT {', '.join([*columns, 'sum(histogram) AS histogram'])}{place} FROM ({rows}) AS found"
        f"{of_series}{condition} GROUP BY {keys or '()'}"
    )
    told, function = (
        ("samples, p50, p95, p99, p95_low, p95_high", "events_percentiles")
        if kind.endswith("percentiles")
        else ("bucket, event_count", "events_buckets")
    )
    return f"SELECT merged.*, {told} FROM ({merged}) AS merged CROSS JOIN LATERAL {function}(histogram) AS told"


def _split(merged_by: str) -> tuple[str, str]:
    """The columns that a header names, and its condition with the WHERE; "" for none."""
    at = f" {merged_by}".find(" WHERE ")
    return (merged_by, "") if at < 0 else (merged_by[:at].strip(), f" {merged_by[at:].strip()}")


def _length(columns: str) -> int:
    """How many there are: commas within brackets part nothing."""
    depth, count = 0, 1 if columns else 0
    for letter in columns:
        depth += (letter == "(") - (letter == ")")
        count += letter == "," and depth == 0
    return count


class _How(NamedTuple):
    """How rows are read: with the ``place`` of their step (", place" or ""), narrowed how, and whether they are few to look up."""

    place: str
    narrowing: Callable[[Table], str]
    is_few: bool


def _rows(
    kind: str, tables: Sequence[Table], spans: Sequence[Span], question: Question, bound: dict[str, Any], how: _How
) -> str:
    """The rows of each grain that make up the spans: their words, what is counted, and the place; binds their bounds."""
    selects = []
    grains = [table.time for table in tables]
    for table, stretches in zip(tables, _stretches(kind, grains, spans, question), strict=True):
        for sign, columns in ((1, table.columns), (-1, table.negated)):
            of_sign = [stretch for stretch in stretches if stretch.sign == sign]
            if of_sign:
                selects += _selects(table._replace(columns=columns), of_sign, bound, how)
    if selects:
        return " UNION ALL ".join(selects)
    nowhere = tables[-1]
    return f"SELECT {nowhere.words}, {nowhere.columns}, 0 AS place FROM {nowhere.name} WHERE false"


def _selects(table: Table, stretches: Sequence[Piece], bound: dict[str, Any], how: _How) -> list[str]:
    """SELECTs of the rows of some stretches of one table.

    A few ranges are told one by one, so that the planner knows how much each reads; many in one loop over the primary key.
    """
    columns = f"{table.words if table.given_words else table.selected or table.words}, {table.columns}"
    group = f" GROUP BY {table.words}, {table.merged_by}" if table.merged_by else ""
    narrow = how.narrowing(table)
    runs = _runs(stretches)
    if len(runs) > (_MOST_LOOKED_UP if how.is_few else _MOST_RANGES):
        pieces_of = ", ".join(
            _bind(bound, [getattr(one, part) for one in stretches], kind)
            for part, kind in (("place", "int[]"), ("start", "timestamptz[]"), ("end", "timestamptz[]"))
        )
        # OFFSET 0 keeps the planner from joining the other way round: it thinks that every piece is a ninth of the table.
        bounds = f"{table.time} >= starts_at AND {table.time} < ends_at{narrow}"
        rows = _given(table, f"SELECT {columns} FROM {table.name} WHERE {bounds}{group} OFFSET 0", place="")
        taken = "found.*, piece.place" if how.place else "found.*"
        loop = f"unnest({pieces_of}) AS piece (place, starts_at, ends_at)"
        return [f"SELECT {taken} FROM {loop} CROSS JOIN LATERAL ({rows}) AS found"]
    selects = []
    for run in runs:
        of_step = ""
        if how.place:
            starts = _bind(bound, [one.start for one in run], "timestamptz[]")
            places = _bind(bound, [one.place for one in run], "int[]")
            of_step = f", ({places})[width_bucket({table.time}, {starts})]"
        start, end = _bind(bound, run[0].start, "timestamptz"), _bind(bound, run[-1].end, "timestamptz")
        rows = (
            f"SELECT {columns}{of_step}{' AS place' if of_step else ''} FROM {table.name} "
            f"WHERE {table.time} >= {start} AND {table.time} < {end}{narrow}{group}{of_step if group else ''}"
        )
        selects.append(_given(table, rows, place=how.place))
    return selects


def _given(table: Table, rows: str, *, place: str) -> str:
    """The rows with the words of their series, where they were merged without."""
    if not table.given_words:
        return rows
    return f"SELECT {table.selected}, {table.given_words}{place} FROM ({rows}) AS merged_first {OF_SERIES}"


def _runs(stretches: Sequence[Piece]) -> list[list[Piece]]:
    """Stretches that follow one another without a gap."""
    runs: list[list[Piece]] = []
    for stretch in stretches:
        if runs and runs[-1][-1].end == stretch.start:
            runs[-1].append(stretch)
        else:
            runs.append([stretch])
    return runs


def _bind(bound: dict[str, Any], value: Any, kind: str) -> str:
    name = f"bound_{len(bound)}"
    bound[name] = value
    return f"%({name})s::{kind}"


def _stretches(kind: str, grains: Sequence[str], spans: Sequence[Span], question: Question) -> list[list[Piece]]:
    """What of each grain makes up the spans."""
    now = question.window.now
    if kind == "counts":
        found = pieces(spans, now, minutes_back=COUNT_MINUTES_BACK, may_take_away=True)
    else:
        found = pieces(spans, now, has_fives="five" in grains, may_take_away=kind in MAY_TAKE_AWAY)
    of_grain = {"minute": found.minutes, "five": found.fives, "hour": found.hours, "day": found.days}
    return [of_grain[grain] for grain in grains]
