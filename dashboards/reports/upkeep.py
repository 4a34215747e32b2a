"""What Liftmon itself cost and dropped: storage, what was refused at the door or folded by a guard, what waits on disk."""

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from django.db import connection
from django.db.models import QuerySet, Sum

from dashboards.reports.ingest import ingest_health
from dashboards.reports.question import Question
from dashboards.statistics import Change, change_of
from dashboards.window import Span
from events.ingest.spool import Depth
from events.models import Guard, GuardHit, IngestRejection

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Refused:
    """``service_id`` is None where no valid key was given; ``detail`` says what was wrong and what to do."""

    service_id: int | None
    code: str
    detail: str
    times: int


@dataclass(frozen=True, slots=True)
class Folded:
    """Events in which a guard replaced a value by `other`, because the service had brought too many."""

    service_id: int
    guard: str
    events: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Of the whole days (UTC) from ``first_day`` to ``last_day``; most first.

    What is ``waiting`` on disk and the sizes (bytes, with indexes; ``counters_bytes`` of the rollups) are of now.
    """

    first_day: date
    last_day: date
    refused: Change
    refusals: list[Refused]
    folded: Change
    foldings: list[Folded]
    waiting: Depth
    database_bytes: int
    events_bytes: int
    counters_bytes: int


def upkeep(question: Question) -> Upkeep:
    """Six queries. Of the services asked for; sizes and what waits are of all."""
    first, last = _days(question.window.span)
    length = last - first + _DAY
    refusals = _of_services(question, IngestRejection.objects.filter(day__range=(first, last)))
    refused_before = _of_services(question, IngestRejection.objects.filter(day__range=(first - length, first - _DAY)))
    hits = _of_services(question, GuardHit.objects.filter(day__range=(first, last)))
    hits_before = _of_services(question, GuardHit.objects.filter(day__range=(first - length, first - _DAY)))
    told: dict[tuple[int | None, str], Refused] = {}
    for service_id, code, detail, times in refusals.order_by("day", "pk").values_list(
        "service_id", "code", "detail", "rejection_count"
    ):
        earlier = told.get((service_id, code))
        told[service_id, code] = Refused(service_id, code, detail, times + (earlier.times if earlier else 0))
    foldings = [
        Folded(service_id, Guard(guard).label, events)
        for service_id, guard, events in hits.values_list("service_id", "guard").annotate(events=Sum("event_count"))
    ]
    sizes = _sizes()
    return Upkeep(
        first, last,
        change_of(sum(one.times for one in told.values()), _total(refused_before, "rejection_count")),
        sorted(told.values(), key=lambda one: (-one.times, one.code, one.service_id or 0)),
        change_of(sum(one.events for one in foldings), _total(hits_before, "event_count")),
        sorted(foldings, key=lambda one: (-one.events, one.guard, one.service_id)),
        ingest_health(now=question.window.now, has_limits=False).waiting,
        *sizes,
    )  # fmt: skip


def _days(span: Span) -> tuple[date, date]:
    """The days that begin in the span: as many in each of two spans that follow one another. At least one."""
    first = (span.start - timedelta(microseconds=1)).astimezone(UTC).date() + _DAY
    last = (span.end - timedelta(microseconds=1)).astimezone(UTC).date()
    return (first, last) if first <= last else (last, last)


def _of_services[Rows: QuerySet[IngestRejection] | QuerySet[GuardHit]](question: Question, rows: Rows) -> Rows:
    services = question.filters.services
    return rows.filter(service__in=services) if services else rows  # type: ignore[return-value]


def _total(rows: QuerySet[IngestRejection] | QuerySet[GuardHit], column: str) -> int:
    return int(rows.aggregate(total=Sum(column))["total"] or 0)


def _sizes() -> tuple[int, int, int]:
    """Of the database, of events and of counters, in bytes with indexes. Partitions are added up."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_database_size(current_database()),
                coalesce(sum(size) FILTER (WHERE relname LIKE 'events\\_event\\_%%'), 0)::bigint,
                coalesce(sum(size) FILTER (WHERE relname ~ %s), 0)::bigint
            FROM (
                SELECT relname, pg_total_relation_size(oid) AS size FROM pg_class
                WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname LIKE 'events\\_%%'
            ) AS tables
            """,
            [r"^events_(?!event_).*_(minutes|fives|hours|days)"],
        )
        database, events, counters = cursor.fetchone()
        return database, events, counters
