"""What people may do to a database: cancel a query, or end a connection. Nothing else.

Whom it meets is named by pid and by when that backend began: a pid that is somebody else's by now is left alone. What is to be done
is written down before it is done, and what came of it afterwards.
"""

from dataclasses import dataclass
from datetime import datetime

from alerts.incidents import timeline
from alerts.incidents.diagnostics.connecting import APPLICATION, Asked, NoAnswerError, connected
from alerts.incidents.diagnostics.interpreting import lasting
from alerts.incidents.timeline import Person, known
from alerts.models import Incident, IncidentEntryKind, Mitigation, MitigationKind, MonitoredDatabase
from events.ingest.configured_scrubber import scrubber

# Clients' backends alone, and neither Liftmon's own, nor a superuser's, nor one that replicates.
_TARGET = """
WITH RECURSIVE waits AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS pids FROM pg_stat_activity
), behind AS (
    SELECT pid FROM waits WHERE %(pid)s = ANY(pids)
    UNION SELECT waits.pid FROM waits JOIN behind ON behind.pid = ANY(waits.pids)
)
SELECT pid, backend_start, coalesce(usename, ''), left(coalesce(application_name, ''), 60), coalesce(datname, ''),
    coalesce(state, ''), coalesce(host(client_addr), ''), extract(epoch FROM now() - coalesce(query_start, state_change))::float8,
    extract(epoch FROM now() - xact_start)::float8, left(query, 2000),
    (SELECT array_agg(behind.pid ORDER BY behind.pid) FROM behind WHERE behind.pid <> activity.pid)
FROM pg_stat_activity AS activity LEFT JOIN pg_roles ON pg_roles.oid = usesysid
WHERE pid = %(pid)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND application_name <> %(own)s AND NOT coalesce(rolsuper, true) AND NOT coalesce(rolreplication, true)
"""
# Which backend it is and what is done to it is one statement: nobody can come in between.
_DO = {
    MitigationKind.CANCEL: b"""
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
WHERE pid = %(pid)s AND backend_start = %(began_at)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
""",
    MitigationKind.TERMINATE: b"""
SELECT pg_terminate_backend(pid, %(wait_ms)s) FROM pg_stat_activity
WHERE pid = %(pid)s AND backend_start = %(began_at)s AND backend_type = 'client backend' AND pid <> pg_backend_pid()
""",
}


class MitigatingError(ValueError):
    """It cannot be done; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Target:
    """A backend as it is now. ``query`` is scrubbed; ``blocks`` are the pids that wait for it, also behind others."""

    pid: int
    began_at: datetime
    role: str
    application: str
    database: str
    state: str
    address: str
    runs_seconds: float
    transaction_seconds: float | None
    query: str
    blocks: tuple[int, ...]

    @property
    def in_words(self) -> str:
        who = f"pid {self.pid}, {self.application or 'no application named'} as {self.role} on {self.database}"
        waits = "waits" if len(self.blocks) == 1 else "wait"
        blocked = f", {len(self.blocks):,} {waits} for it" if self.blocks else ""
        return f"{who}, {self.doing}{blocked}"

    @property
    def doing(self) -> str:
        held = (
            f", transaction open for {lasting(self.transaction_seconds)}"
            if self.transaction_seconds is not None
            else ""
        )
        return f"{self.state or 'state not known'} for {lasting(self.runs_seconds)}{held}"


def look(database: MonitoredDatabase, pid: int, *, began_at: datetime | None = None) -> Target:
    """``began_at``: when the backend began that the person saw, if they did. Raises MitigatingError when there is none that may be
    acted on, or when it is another by now."""
    _check(database)
    try:
        with connected(database) as asked:
            target = _target(asked, pid)
    except NoAnswerError as error:
        raise MitigatingError(f"{database} did not answer. {error.meaning.sentence}") from None
    if began_at is not None and target.began_at != began_at:
        raise MitigatingError(f"Pid {pid} is another connection by now: nothing was done. Look again.")
    return target


def act(
    database: MonitoredDatabase, kind: MitigationKind, pid: int, *, began_at: datetime, incident: Incident | None,
    by: Person, at: datetime,
) -> Mitigation:  # fmt: skip
    """``began_at``: when the backend began that the person saw. Raises MitigatingError when it is another by now."""
    target = look(database, pid, began_at=began_at)
    row = Mitigation.objects.create(
        incident=incident, database=database, kind=kind, pid=pid, backend_started_at=began_at, at=at, actor=known(by),
        target={
            "role": target.role, "application": target.application, "database": target.database, "state": target.state,
            "query": target.query, "blocks": list(target.blocks), "words": target.in_words,
        },
    )  # fmt: skip
    is_done, outcome = _done(database, kind, target)
    row.is_done, row.outcome = is_done, outcome[:500]
    row.save(update_fields=["is_done", "outcome"])
    if incident is not None:
        text = f"{kind.label} on {database}: {target.in_words}. {outcome}"
        timeline.write(incident.pk, IncidentEntryKind.MITIGATION, at=at, text=text, by=by)
    return row


def _done(database: MonitoredDatabase, kind: MitigationKind, target: Target) -> tuple[bool, str]:
    # The answer has to come before the statement's own time is over.
    wait_ms = max(database.timeout_ms - 1000, database.timeout_ms // 2)
    values = {"pid": target.pid, "began_at": target.began_at, "wait_ms": wait_ms}
    try:
        with connected(database) as asked:
            rows = asked.rows(_DO[kind], values)
    except NoAnswerError as error:
        return False, error.meaning.sentence
    if not rows:
        return False, "It was gone already: nothing was done."
    if not rows[0][0]:
        waited = (
            f", or was told to end and had not within {wait_ms:,} ms: look again"
            if kind is MitigationKind.TERMINATE
            else ""
        )
        return False, f"PostgreSQL did not do it: it was gone already{waited}."
    return True, "Its query was cancelled." if kind is MitigationKind.CANCEL else "Its connection was ended."


def _target(asked: Asked, pid: int) -> Target:
    rows = asked.rows(_TARGET, {"pid": pid, "own": APPLICATION})
    if not rows:
        raise MitigatingError(
            f"There is no pid {pid} that may be acted on: it is gone, or Liftmon's own, a superuser's or PostgreSQL's itself, or "
            "hidden from this role."
        )
    pid, began_at, role, application, name, state, address, runs, transaction, query, blocks = rows[0]
    # Whatever a client calls itself may hold anything, as what it asks may.
    clean = scrubber().scrub_text
    return Target(
        pid, began_at, role, clean(application), name, state, address, runs or 0.0, transaction, clean(query or ""),
        tuple(blocks or ()),
    )  # fmt: skip


def _check(database: MonitoredDatabase) -> None:
    if not database.is_enabled or not database.allows_mitigation:
        raise MitigatingError(
            f"{database} may only be looked at: switch on “may be acted on” in its settings to change that."
        )
