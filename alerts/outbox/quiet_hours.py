"""Until when a message waits because of somebody's quiet hours. What is critical never does."""

from collections.abc import Collection, Iterable
from datetime import datetime

from alerts.models import QuietHours
from alerts.outbox.quiet import quiet_until
from events.ingest.types import Severity


def ends(channel_ids: Collection[int], *, severity: str, at: datetime) -> dict[int, datetime]:
    """For the channels that are quiet at a moment, when that is over; the others are left out, and all for what is critical."""
    if severity == Severity.CRITICAL or not channel_ids:
        return {}
    found = QuietHours.objects.by_channel(channel_ids)
    until = {channel_id: quiet_until(quiets, at) for channel_id, quiets in found.items()}
    return {channel_id: end for channel_id, end in until.items() if end > at}


def worst(severities: Iterable[str]) -> str:
    """The worst of them; critical for none, which waits for nothing."""
    return max((Severity(one) for one in severities), key=lambda one: one.rank, default=Severity.CRITICAL).value
