"""The weekly partitions of the events table."""

from datetime import datetime, timedelta

from django.db import connection

# An event may be 30 days late (events.ingest.repair) and its week began up to 7 days before.
BEHIND = timedelta(days=38)
_AHEAD = timedelta(days=21)


def make_partitions(*, now: datetime) -> int:
    """Make the partitions that events of now, of the past 30 days and of the next 3 weeks need; answer how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_make_partitions(%s, %s)", [now - BEHIND, now + _AHEAD])
        (made,) = cursor.fetchone()
    return int(made)
