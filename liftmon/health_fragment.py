"""Liftmon's own health on the overview: what /readyz knows, and how far counting is behind.

Loaded after the page, as it may take seconds.
"""

from datetime import UTC
from typing import Any

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Sum
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from events.models import IngestRejection
from events.rollup_tables import FACTS
from liftmon import health

_NAMES = {
    "postgresql": "PostgreSQL",
    "redis": "Redis",
    "worker": "Worker",
    "beat": "Beat",
    "digests": "Digests",
    "spool": "Spool",
}
# Counting stops here: beyond it the number says enough.
_MOST_FACTS = 100_001


class HealthFragment(UnfoldSiteViewMixin, TemplateView):
    permission_required = "dashboards.view_analytics"
    title = "Liftmon itself"
    template_name = "admin/own_health.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        findings, uncounted = health.examine(), _uncounted()
        return {
            "findings": [(_NAMES[name], finding) for name, finding in findings.items()],
            "culprits": [_NAMES[name] for name, finding in findings.items() if not finding.is_fine],
            "uncounted": uncounted,
            "is_capped": uncounted == _MOST_FACTS,
            "refused": _refused() if self.request.user.has_perm("events.view_ingestrejection") else None,
        }


class HealthNotice(UnfoldSiteViewMixin, TemplateView):
    """What the top of every page says when the periodic work stopped, which nobody would notice otherwise; nothing on most days."""

    permission_required = "dashboards.view_analytics"
    title = "Liftmon itself"
    template_name = "admin/own_health_notice.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        findings = health.examine()
        return {
            "stopped": [
                (_NAMES[name], findings[name].words) for name in health.PERIODIC if not findings[name].is_fine
            ],
            "may_see_tasks": self.request.user.has_perm("django_celery_beat.view_periodictask"),
        }  # fmt: skip


def _uncounted() -> int | None:
    """Facts that wait to be folded into counters; None when the database does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {FACTS} LIMIT %s) AS found", [_MOST_FACTS])  # noqa: S608
            return int(cursor.fetchone()[0])
    except (DatabaseError, InterfaceError):
        return None


def _refused() -> int | None:
    """Events refused since midnight UTC."""
    today = timezone.now().astimezone(UTC).date()
    try:
        found = IngestRejection.objects.filter(day=today).aggregate(total=Sum("rejection_count", default=0))
    except (DatabaseError, InterfaceError):
        return None
    return int(found["total"])
