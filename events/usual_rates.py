"""What a service usually sends, learnt from its own history: what the spike guard measures by."""

import math
from datetime import datetime, timedelta

from django.db import connection

# How much history it takes, and how far beyond the usual is a spike.
HISTORY = timedelta(days=14)
_FEWEST_HOURS = 48
SPIKE_FACTOR = 20
# Events a minute that are never a spike, however quiet the service usually is.
LEAST_ALLOWANCE = 3_000


def learn_usual_rates(*, now: datetime) -> int:
    """Set each service's spike allowance from its busiest usual hours; answer how many services have one.

    Usual is the 95th percentile of the hours in which it sent anything, so that neither nights nor one wild hour decide. A
    service with less than two days of such hours has none: nobody knows yet what is usual.
    """
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH hours AS (
                SELECT service_id, hour, sum(event_count) AS event_count FROM events_hourrollup
                WHERE hour >= %s AND hour < %s GROUP BY service_id, hour
            ), usual AS (
                SELECT service_id, percentile_disc(0.95) WITHIN GROUP (ORDER BY event_count) AS an_hour
                FROM hours GROUP BY service_id HAVING count(*) >= %s
            )
            SELECT service.id, usual.an_hour FROM events_service AS service
            LEFT JOIN usual ON usual.service_id = service.id ORDER BY service.id
            """,
            [this_hour - HISTORY, this_hour, _FEWEST_HOURS],
        )
        allowances = [(service_id, allowance_of(an_hour)) for service_id, an_hour in cursor.fetchall()]
        cursor.execute(
            """
            UPDATE events_service AS service SET spike_allowance = learnt.allowance
            FROM unnest(%s::int[], %s::int[]) AS learnt (id, allowance)
            WHERE service.id = learnt.id AND service.spike_allowance IS DISTINCT FROM learnt.allowance
            """,
            [[service_id for service_id, _ in allowances], [allowance for _, allowance in allowances]],
        )
    return sum(allowance is not None for _, allowance in allowances)


def allowance_of(an_hour: int | None) -> int | None:
    """Events a minute that a service may send which usually sends so many in a busy hour."""
    return None if an_hour is None else max(math.ceil(int(an_hour) / 60 * SPIKE_FACTOR), LEAST_ALLOWANCE)
