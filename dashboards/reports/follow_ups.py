"""Follow-ups: what incidents taught, and whether it was done by the day that was agreed."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from alerts.models import FollowUp
from dashboards.reports.question import Question

_MOST = 50


@dataclass(frozen=True, slots=True)
class OverdueFollowUp:
    """``owner`` is a user name, "" for nobody's."""

    id: int
    incident_id: int
    text: str
    owner: str
    due_on: date


@dataclass(frozen=True, slots=True)
class FollowUps:
    """As of now: open ones, and the overdue among them, of which the 50 that were due first are listed. ``done``: in the window."""

    open: int
    overdue: int
    done: int
    listed: list[OverdueFollowUp]


def follow_ups(question: Question) -> FollowUps:
    """Overdue on the reader's day at the end of the window. Two queries. Index: follow_up_open."""
    window = question.window
    today = window.end.astimezone(question.zone).date()
    is_overdue = Q(done_at=None, due_on__lt=today)
    found = _asked_for(question)
    counts = found.aggregate(
        open=Count("pk", filter=Q(done_at=None)),
        overdue=Count("pk", filter=is_overdue),
        done=Count("pk", filter=Q(done_at__gte=window.start, done_at__lt=window.end)),
    )
    rows = found.filter(is_overdue).order_by("due_on", "pk")
    listed = [
        OverdueFollowUp(pk, incident_id, text, owner or "", due_on)
        for pk, incident_id, text, owner, due_on in rows.values_list(
            "pk", "incident_id", "text", "owner__username", "due_on"
        )[:_MOST]
        if due_on is not None
    ]
    return FollowUps(counts["open"], counts["overdue"], counts["done"], listed)


def _asked_for(question: Question) -> QuerySet[FollowUp]:
    """Of incidents of the services and environments asked for, and of several."""
    found, filters = FollowUp.objects.all(), question.filters
    if filters.services:
        found = found.filter(Q(incident__service__in=filters.services) | Q(incident__service=None))
    if filters.environments:
        found = found.filter(incident__environment__in=("", *filters.environments))
    return found
