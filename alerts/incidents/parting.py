"""What turns out not to be part of an incident is taken out of it, or gets an incident of its own."""

from datetime import datetime

from django.db import transaction

from alerts.incidents import opening, timeline
from alerts.incidents.timeline import Person
from alerts.models import Alert, Incident, IncidentAlert, IncidentEntryKind, IncidentIssue
from alerts.outbox import wording
from events.models import Issue


class PartingError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def remove_alert(incident_id: int, alert_id: int, *, by: Person, at: datetime) -> Alert:
    """It is judged and told of as if it had never been part. Raises PartingError when it is none."""
    with transaction.atomic():
        part = IncidentAlert.objects.select_related("alert__rule").select_for_update(of=("self",))
        found = part.filter(incident=incident_id, alert=alert_id).first()
        if found is None:
            raise PartingError("Nothing changed: the alert is no part of this incident any more.")
        found.delete()
        text = f"{wording.title_of(found.alert)} was taken out: it is no part of this."
        timeline.write(incident_id, IncidentEntryKind.ALERT, at=at, text=text, by=by, alert=found.alert)
    return found.alert


def move_out(incident_id: int, alert_id: int, *, by: Person, at: datetime) -> Incident:
    """It is another failure: it gets an incident of its own. Raises PartingError when it is no part, or the only one."""
    with transaction.atomic():
        if not IncidentAlert.objects.filter(incident=incident_id).exclude(alert=alert_id).exists():
            raise PartingError("It is the only alert of this incident: there is nothing to part it from.")
        alert = remove_alert(incident_id, alert_id, by=by, at=at)
        apart = opening.open_from_alert(alert.pk, by=by, at=at)
        text = f"{wording.title_of(alert)} goes on as incident #{apart.pk}."
        timeline.write(incident_id, IncidentEntryKind.ALERT, at=at, text=text, by=by, alert=alert)
    return apart


def remove_issue(incident_id: int, issue_id: int, *, by: Person, at: datetime) -> Issue:
    """Raises PartingError when it is no part."""
    with transaction.atomic():
        found = IncidentIssue.objects.filter(incident=incident_id, issue=issue_id).select_related("issue").first()
        if found is None:
            raise PartingError("Nothing changed: the issue is no part of this incident any more.")
        found.delete()
        text = f"Issue {issue_id} was taken out: {found.issue.title}"
        timeline.write(incident_id, IncidentEntryKind.ISSUE, at=at, text=text, by=by)
    return found.issue
