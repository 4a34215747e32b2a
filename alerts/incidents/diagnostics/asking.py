"""Asks what `interpreting.QUESTIONS` lists, and keeps each answer: as it was, scrubbed like an event, and in words."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection as own_connection
from django.db import transaction

from alerts import outbound_http
from alerts.incidents import timeline
from alerts.incidents.diagnostics.connecting import Asked, NoAnswerError, connected
from alerts.incidents.diagnostics.interpreting import QUESTIONS, Finding, Limits, Meaning, Question, http_answer
from alerts.incidents.timeline import Person, known
from alerts.models import DiagnosticRun, HttpCheck, Incident, IncidentEntryKind, MonitoredDatabase
from events.ingest.configured_scrubber import scrubber

_SQL = Path(__file__).parent / "sql"
MOST_ROWS, _LONGEST_CELL = 100, 2000
_HTTP_SECONDS = 10.0


class AskingError(ValueError):
    """It cannot be asked; the text says why, for people."""


def ask(
    database: MonitoredDatabase, names: Iterable[str], *, incident: Incident | None, by: Person, at: datetime
) -> list[DiagnosticRun]:
    """Over one connection, in the order of `QUESTIONS`. Raises AskingError, also while somebody else asks."""
    wanted = set(names)
    if not wanted or wanted - QUESTIONS.keys():
        raise AskingError("Choose what to look at: one of the listed questions.")
    if not database.is_enabled:
        raise AskingError(f"{database} is switched off: switch it on in its settings first.")
    questions = [one for name, one in QUESTIONS.items() if name in wanted]
    with _one_at_a_time(database):
        found = _answers(database, questions)
        runs = [
            DiagnosticRun(
                incident=incident, database=database, question=question.name, subject=f"{database}: {question.title}", at=at,
                actor=known(by), took_ms=took_ms, finding=meaning.finding.value, answer=answer,
                interpretation=scrubber().scrub_text(meaning.sentence)[:1000],
            )
            for question, answer, meaning, took_ms in found
        ]  # fmt: skip
        DiagnosticRun.objects.bulk_create(runs)
        for one in runs:
            _tell(one, by=by)
    return runs


def ask_address(check: HttpCheck, *, incident: Incident | None, by: Person, at: datetime) -> DiagnosticRun:
    """Whether it answers, with what and how fast. Redirects are not followed: where one leads is the answer."""
    began = time.monotonic()
    answer: dict[str, Any] = {}
    try:
        said = outbound_http.get(check.url, headers={"Accept": "*/*"}, timeout_seconds=_HTTP_SECONDS)
        took_ms = _ms_since(began)
        location = str(_cell(said.headers.get("location", "")))[:200]
        meaning = http_answer(said.status, check.expected_status, took_ms, check.slow_ms, location)
        answer = {
            "status": said.status, "content_type": _cell(said.headers.get("content-type", "")[:100]), "location": location,
            "body": _cell(said.body),
        }  # fmt: skip
    except outbound_http.OutboundError as error:
        took_ms = _ms_since(began)
        meaning = Meaning(Finding.PROBLEM, str(error))
    run = DiagnosticRun.objects.create(
        incident=incident, http_check=check, question="http", subject=f"{check}: does it answer?", at=at, actor=known(by),
        took_ms=took_ms, finding=meaning.finding.value, answer=answer, interpretation=meaning.sentence[:1000],
    )  # fmt: skip
    _tell(run, by=by)
    return run


def test(database: MonitoredDatabase, *, at: datetime) -> tuple[bool, str]:
    """Whether it can be asked, and what its role may do that it should not; kept with it."""
    try:
        with connected(database) as asked:
            ((role, is_superuser, reads, ends, writes, more, version),) = asked.rows(_sql("rights"))
        said = [f"Connected as {role} to PostgreSQL {version}."]
        if not reads and not is_superuser:
            said.append("It cannot see what other roles do: GRANT pg_read_all_stats to it.")
        if is_superuser:
            said.append("It is a superuser: make a role for Liftmon that may read statistics alone.")
        elif writes or more:
            tables = f"write to {writes:,} table{'' if writes == 1 else 's'}" if writes else ""
            said.append(
                f"It may also {', '.join(one for one in (tables, more) if one)}, which Liftmon does not need: revoke that."
            )
        if database.allows_mitigation and not ends and not is_superuser:
            said.append(
                "It may not end connections: GRANT pg_signal_backend to it, or take “may be acted on” away here."
            )
        if ends and not database.allows_mitigation and not is_superuser:
            said.append("It may end connections, which nobody may from here: revoke pg_signal_backend.")
        is_fine, answer = True, " ".join(said)
    except NoAnswerError as error:
        is_fine, answer = False, error.meaning.sentence
    database.tested_at, database.test_answer = at, answer[:300]
    MonitoredDatabase.objects.filter(pk=database.pk).update(tested_at=at, test_answer=database.test_answer)
    return is_fine, answer


type _Answered = tuple[Question, dict[str, Any], Meaning, int]


def _answers(database: MonitoredDatabase, questions: Sequence[Question]) -> list[_Answered]:
    """Over one connection. Without one there is one answer, to the first: it is the same for all of them."""
    found: list[_Answered] = []
    limits = Limits(database.pool_limit, float(database.slow_seconds))
    began = time.monotonic()
    try:
        with connected(database) as asked:
            found.extend(_answered(asked, one, limits) for one in questions if not asked.is_gone)
    except NoAnswerError as error:
        found.append((questions[0], {}, error.meaning, _ms_since(began)))
    return found


def _answered(asked: Asked, question: Question, limits: Limits) -> _Answered:
    began = time.monotonic()
    try:
        # One more than are kept says that there are more.
        rows = asked.rows(_sql(question.name), {"most": MOST_ROWS + 1}, most=MOST_ROWS + 1)
    except NoAnswerError as error:
        return question, {}, error.meaning, _ms_since(began)
    answer = {
        "columns": list(question.columns), "rows": [[_cell(value) for value in row] for row in rows[:MOST_ROWS]],
        "is_cut": len(rows) > MOST_ROWS,
    }  # fmt: skip
    return question, answer, question.interpret(rows, limits), _ms_since(began)


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


@cache
def _sql(name: str) -> bytes:
    return (_SQL / f"{name}.sql").read_bytes()


def _cell(value: object) -> object:
    """As JSON keeps it, without secrets: what a query says may hold anything."""
    if isinstance(value, str):
        return scrubber().scrub_text(value.replace("\x00", ""))[:_LONGEST_CELL]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return round(float(value), 1)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value[:50])
    return value


def _tell(run: DiagnosticRun, *, by: Person) -> None:
    if run.incident_id is not None:
        text = (
            f"{run.subject} {run.interpretation}"
            if run.subject.endswith("?")
            else f"{run.subject}. {run.interpretation}"
        )
        timeline.write(run.incident_id, IncidentEntryKind.DIAGNOSTIC, at=run.at, text=text, by=by)


@contextmanager
def _one_at_a_time(database: MonitoredDatabase) -> Iterator[None]:
    """Several who ask at once would be a load of their own on what is ill already. Raises AskingError."""
    with transaction.atomic():
        with own_connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(hashtext('alerts.incidents.diagnostics'), %s)", [database.pk]
            )
            is_free = cursor.fetchone()[0]
        if not is_free:
            raise AskingError(f"Somebody looks at {database} already: wait for a few seconds.")
        yield
