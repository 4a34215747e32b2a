"""When a key was last used and when a service was first and last heard: kept to the minute, at no cost per event."""

from datetime import datetime, timedelta

import structlog
from django.db import Error, connection

from events.models import IngestKey

logger = structlog.get_logger(__name__)
_EVERY = timedelta(minutes=1)
# Per process; threads that race here write the same thing twice.
_noted: dict[int, datetime] = {}


def note_use(key: IngestKey, *, at: datetime) -> None:
    """Write the times once a minute and key. Never raises: the events are stored already."""
    if (earlier := _noted.get(key.pk)) is not None and at - earlier < _EVERY and key.service.first_event_at:
        return
    _noted[key.pk] = at
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH used AS (
                    UPDATE events_ingestkey SET last_used_at = greatest(last_used_at, %s) WHERE id = %s RETURNING service_id
                )
                UPDATE events_service SET first_event_at = coalesce(first_event_at, %s),
                    last_event_at = greatest(last_event_at, %s)
                WHERE id = (SELECT service_id FROM used)
                """,
                [at, key.pk, at, at],
            )
    except Error:
        logger.exception("use_not_noted", key_id=key.pk)
