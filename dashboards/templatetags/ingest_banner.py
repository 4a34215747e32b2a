"""The banner for pages of every app: events' pages cannot import dashboards, their templates can load this."""

from typing import Any

from django import template
from django.utils import timezone

from dashboards.pages.ingest_banner import notices
from dashboards.reports.ingest import ingest_health
from events.models import Service

register = template.Library()


@register.inclusion_tag("dashboards/_ingest_banner.html", takes_context=True)
def ingest_banner(context: dict[str, Any], service: Service | None = None) -> dict[str, Any]:
    """Of all services or one; limits only for those who may see them."""
    now = timezone.now()
    has_limits = context["request"].user.has_perm("events.view_guardhit")
    return {"notices": notices(ingest_health(now=now, service=service, has_limits=has_limits), now=now)}
