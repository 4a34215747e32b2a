"""Incidents on pages of what they are about."""

from typing import Any

from django import template
from django.http import HttpRequest

from alerts.models import ONGOING, Incident
from events.models import Issue

register = template.Library()
_LISTED = 5


@register.inclusion_tag("admin/alerts/incident/_of_issue.html", takes_context=True)
def incidents_of_issue(context: template.Context, issue: Issue) -> dict[str, Any]:
    """Incidents that the issue is part of, the newest first, and a button that opens one. Nothing for who may not look at them."""
    request: HttpRequest = context["request"]
    may_act = request.user.has_perm("alerts.change_incident")
    if not may_act and not request.user.has_perm("alerts.view_incident"):
        return {}
    incidents = list(Incident.objects.filter(issue_links__issue=issue).order_by("-opened_at", "-pk")[:_LISTED])
    return {
        "csrf_token": context.get("csrf_token"),
        "issue": issue,
        "incidents": incidents,
        "may_open": may_act and not any(one.state in ONGOING for one in incidents),
    }
