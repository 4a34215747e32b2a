"""How much a rule bothers people: what it fired, and whether anybody did something about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from alerts.models import Alert, AlertEntry

WINDOW = timedelta(days=30)
# Fewer may be ignored by chance.
_LOUD = 10


# Doing something is to acknowledge, silence, note or resolve by hand: whatever left an entry with an author.
_ACTED = Exists(AlertEntry.objects.filter(alert=OuterRef("pk"), actor__isnull=False))
IGNORED = Q(acknowledged_at=None) & ~Q(_ACTED)


def fired_lately(*, now: datetime) -> Q:
    """The alerts that noise is counted of."""
    return Q(started_at__gte=now - WINDOW, fired_at__isnull=False)


@dataclass(frozen=True, slots=True)
class Noise:
    """Of the alerts that fired: how many somebody acknowledged, and how many nobody did anything about."""

    fired: int = 0
    acknowledged: int = 0
    ignored: int = 0

    @property
    def is_only_noise(self) -> bool:
        return self.fired >= _LOUD and self.ignored == self.fired


def noise_of(rule_ids: Iterable[int], *, now: datetime) -> dict[int, Noise]:
    """Of the last 30 days, in one query. Rules that did not fire are left out. Index: alert_by_rule."""
    return _noise(rule_ids, fired_lately(now=now))


def noise_between(rule_ids: Iterable[int], *, start: datetime, end: datetime) -> dict[int, Noise]:
    """The same of the alerts that began from ``start`` up to ``end``."""
    return _noise(rule_ids, Q(started_at__gte=start, started_at__lt=end, fired_at__isnull=False))


def _noise(rule_ids: Iterable[int], which: Q) -> dict[int, Noise]:
    fired = Alert.objects.filter(which, rule__in=list(rule_ids))
    rows = (
        fired.annotate(is_acted=_ACTED)
        .values("rule_id")
        .annotate(
            fired=Count("pk"),
            acknowledged=Count("pk", filter=Q(acknowledged_at__isnull=False)),
            ignored=Count("pk", filter=Q(acknowledged_at__isnull=True, is_acted=False)),
        )
    )
    return {row["rule_id"]: Noise(row["fired"], row["acknowledged"], row["ignored"]) for row in rows}
