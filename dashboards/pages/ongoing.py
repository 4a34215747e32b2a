"""The incidents that go on, for the overview and the navigation."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, Window
from django.http import HttpRequest
from django.urls import reverse

from alerts.models import Incident, IncidentSeverity, IncidentState
from dashboards.pages.words import counted
from events import formats

_LISTED = 5
_GRAVE = (IncidentSeverity.SEV1, IncidentSeverity.SEV2)


@dataclass(frozen=True, slots=True)
class Ongoing:
    """``triggered``: how many nobody acknowledged; ``listed``: the gravest, of equals those that nobody acknowledged first."""

    count: int
    triggered: int
    listed: list[Incident]

    @property
    def tile(self) -> dict[str, Any]:
        triggered = self.triggered
        note = f"{formats.number(triggered)} not acknowledged" if self.count else "nothing to acknowledge"
        address = f"{reverse('admin:alerts_incident_changelist')}?state=ongoing"
        return {"label": "Incidents open now", "value": self.count, "note": note, "link": address}

    @property
    def counted_link(self) -> str:
        """Where whom they hurt is counted: a fragment (alerts.admin.incident)."""
        return f"{reverse('admin:alerts_incident_counted')}?{urlencode([('incident', one.pk) for one in self.listed])}"

    def with_verdict(self, words: str, tone: str) -> tuple[str, str]:
        """The verdict of the overview behind the incidents, which come first."""
        if not self.count:
            return words, tone
        is_grave = any(one.severity in _GRAVE for one in self.listed)
        told = f"{counted(self.count, 'incident')} open; {words[:1].lower()}{words[1:]}"
        return told, "bad" if is_grave or tone == "bad" else "warn"


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_incident") or request.user.has_perm("alerts.change_incident")


def ongoing_now(request: HttpRequest) -> Ongoing | None:
    """None for those who may not look at incidents. A query. Index: incident_ongoing."""
    if not may_look(request):
        return None
    rows = (
        Incident.objects.ongoing()
        .select_related("service", "commander")
        .annotate(
            ongoing_count=Window(Count("pk")),
            triggered_count=Window(Count("pk", filter=Q(state=IncidentState.TRIGGERED))),
        )
        # Triggered comes last in the alphabet.
        .order_by("severity", "-state", "opened_at", "pk")
    )
    listed: list[Any] = list(rows[:_LISTED])
    if not listed:
        return Ongoing(0, 0, [])
    return Ongoing(listed[0].ongoing_count, listed[0].triggered_count, listed)


def ongoing_badge(request: HttpRequest) -> str:
    """How many incidents go on, for the navigation; nothing when none does or they may not be seen."""
    if not may_look(request):
        return ""
    count = Incident.objects.ongoing().count()
    return formats.number(count) if count else ""
