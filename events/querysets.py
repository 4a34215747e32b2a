"""Filters on events and issues that more than one caller asks for."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models

from events.choices import SEVERITY_RANK
from events.event_ids import lowest_id, occurred_at_of

if TYPE_CHECKING:
    from events.models import Event, Issue  # noqa: F401  (type parameters below)


class EventQuerySet(models.QuerySet["Event"]):
    """Every filter keeps to the time partitions: say the window first."""

    def within(self, start: datetime, end: datetime) -> Self:
        """Events that occurred from ``start`` up to but not including ``end``."""
        return self.filter(occurred_at__gte=start, occurred_at__lt=end)

    def by_id(self, event_id: UUID) -> Self:
        """The event of that id, looked for in the partition of its own time only."""
        at = occurred_at_of(event_id)
        if at is None:
            return self.none()
        return self.filter(id=event_id, occurred_at__gte=at, occurred_at__lt=at + timedelta(milliseconds=1))

    def of_issue(self, issue: "Issue") -> Self:
        return self.filter(fingerprint__in=list(issue.fingerprints.values_list("pk", flat=True)))

    def newest_first(self) -> Self:
        return self.order_by("-id")

    def since_id_of(self, at: datetime) -> Self:
        return self.filter(id__gte=lowest_id(at))

    def with_issue_id(self) -> Self:
        """Tell each event the issue that it belongs to now, None when it is no failure, as ``issue_id``."""
        return self.annotate(issue_id=models.F("fingerprint__issue_id"))

    def without_payload(self) -> Self:
        """Leave the wide columns in the table: lists do not show them."""
        return self.defer("exception", "breadcrumbs", "tags", "data", "scrubbed", "repaired")


class IssueQuerySet(models.QuerySet["Issue"]):
    def visible(self) -> Self:
        """Issues that stand for themselves: those merged into another one are reached through it."""
        return self.filter(merged_into__isnull=True)

    def unresolved(self) -> Self:
        return self.visible().filter(status="unresolved")

    def regressed(self) -> Self:
        return self.unresolved().filter(is_regressed=True)

    def worst_first(self) -> Self:
        return self.annotate(severity_rank=SEVERITY_RANK).order_by("-severity_rank", "-last_seen_at", "id")

    def in_bulk_locked(self, ids: list[int]) -> dict[int, Any]:
        """Lock the issues in id order, so that two callers can never wait for one another in a circle."""
        return {issue.pk: issue for issue in self.filter(pk__in=ids).order_by("pk").select_for_update()}
