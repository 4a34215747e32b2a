"""Tells the alerts app of failures, by rows in the transaction that stores them: none is missed, and none is told twice."""

from collections.abc import Sequence

import orjson
from django.db.backends.utils import CursorWrapper

from events.ingest.types import PreparedEvent
from events.rollup_tables import FAILURES

_LONGEST_MESSAGE = 300


def append_notices(cursor: CursorWrapper, events: Sequence[PreparedEvent]) -> None:
    """One row for the failures of this batch that share their words."""
    groups: dict[tuple[int, str, str, str, str, str, str], list[PreparedEvent]] = {}
    for prepared in events:
        severity = prepared.severity.value
        if severity in FAILURES:
            event = prepared.event
            labels = orjson.dumps(prepared.labels, option=orjson.OPT_SORT_KEYS).decode() if prepared.labels else "{}"
            key = (prepared.service_id, event.name, severity, event.endpoint, event.environment, event.release, labels)
            groups.setdefault(key, []).append(prepared)
    if not groups:
        return
    with cursor.copy(
        "COPY events_eventnotice (service_id, name, severity, endpoint, environment, release, labels, event_count, event_ids, "
        "message, occurred_at) FROM STDIN"
    ) as copy:
        for key, members in groups.items():
            members.sort(key=lambda prepared: prepared.event.occurred_at)
            newest = members[-1].event
            copy.write_row(
                (*key, len(members), [one.id for one in members], newest.message[:_LONGEST_MESSAGE], newest.occurred_at)
            )
