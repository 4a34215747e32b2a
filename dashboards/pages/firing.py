"""The alerts that fire, for the overview and the navigation."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpRequest
from django.urls import reverse

from alerts.models import Alert
from alerts.outbox import wording
from dashboards.pages.words import counted
from events import formats
from events.choices import SEVERITY_RANK
from events.models import Service

_LISTED = 5


@dataclass(frozen=True, slots=True)
class Firing:
    """``listed``: alert, title and where of the worst, those that nobody acknowledged first."""

    count: int
    unacknowledged: int
    critical: int
    listed: list[tuple[Alert, str, str]]
    may_act: bool

    @property
    def tile(self) -> dict[str, Any]:
        note = f"{formats.number(self.unacknowledged)} not acknowledged" if self.count else "nothing to acknowledge"
        address = f"{reverse('admin:alerts_alert_changelist')}?state=firing"
        return {"label": "Alerts firing now", "value": self.count, "note": note, "link": address}

    def with_verdict(self, words: str, tone: str) -> tuple[str, str]:
        """The verdict of the overview behind what fires, which comes first."""
        if not self.count:
            return words, tone
        verb = "fires" if self.count == 1 else "fire"
        told = f"{counted(self.count, 'alert')} {verb}; {words[:1].lower()}{words[1:]}"
        return told, "bad" if self.critical or tone == "bad" else "warn"


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_alert") or request.user.has_perm("alerts.change_alert")


def firing_now(request: HttpRequest) -> Firing | None:
    """None for those who may not look at alerts."""
    if not may_look(request):
        return None
    counts = Alert.objects.firing().aggregate(
        count=Count("pk"),
        unacknowledged=Count("pk", filter=Q(acknowledged_at=None)),
        critical=Count("pk", filter=Q(severity="critical")),
    )
    return Firing(
        **counts, listed=_listed() if counts["count"] else [], may_act=request.user.has_perm("alerts.change_alert")
    )


def _listed() -> list[tuple[Alert, str, str]]:
    alerts = (
        Alert.objects.firing()
        .select_related("rule", "acknowledged_by")
        .annotate(severity_rank=SEVERITY_RANK)
        .order_by(F("acknowledged_at").asc(nulls_first=True), "-severity_rank", "started_at", "pk")
    )
    services = dict(Service.objects.values_list("pk", "name"))
    return [(one, wording.title_of(one), wording.where_of(one, services)) for one in alerts[:_LISTED]]


def firing_badge(request: HttpRequest) -> str:
    """How many alerts fire, for the navigation; nothing when none does or they may not be seen."""
    if not may_look(request):
        return ""
    count = Alert.objects.firing().count()
    return formats.number(count) if count else ""
