"""When a key was last used and when a service was first and last heard: kept to the minute, at no cost per event."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.backends.utils import CursorWrapper

_EVERY = timedelta(minutes=1)
# Per process; threads that race here write the same thing twice.
_noted: dict[int, datetime] = {}


def is_due(key_id: int, *, at: datetime) -> bool:
    """Whether this use of the key is to be written down: the first of this process, and one a minute after that."""
    if (earlier := _noted.get(key_id)) is not None and at - earlier < _EVERY:
        return False
    _noted[key_id] = at
    return True


def forget_uses() -> None:
    """For tests: the keys of another database have the same ids."""
    _noted.clear()


def note_uses(cursor: CursorWrapper, uses: Mapping[int, datetime]) -> None:
    """Write the times of those keys and of their services, inside the writer's transaction."""
    for key_id, at in sorted(uses.items()):
        cursor.execute(
            """
            WITH used AS (
                UPDATE events_ingestkey SET last_used_at = greatest(last_used_at, %s) WHERE id = %s RETURNING service_id
            )
            UPDATE events_service SET first_event_at = coalesce(first_event_at, %s),
                last_event_at = greatest(last_event_at, %s)
            WHERE id = (SELECT service_id FROM used)
            """,
            [at, key_id, at, at],
        )
