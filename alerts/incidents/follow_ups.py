"""What is to be done after an incident so that it does not come back: with an owner and a day, in the incident's timeline."""

from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from alerts.incidents import timeline
from alerts.incidents.timeline import Person
from alerts.models import FollowUp, Incident, IncidentEntryKind
from alerts.models.on_call import name_of

LONGEST = 500


class FollowUpError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def add(
    incident_id: int, *, text: str, by: Person, at: datetime, owner: User | None = None, due_on: date | None = None
) -> FollowUp:
    """Raises FollowUpError."""
    text = _checked(text)
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident_id).exists():
            raise FollowUpError("The incident is gone.")
        made = FollowUp.objects.create(
            incident_id=incident_id, text=text, owner=owner, due_on=due_on, created_at=at, created_by=timeline.known(by)
        )
        _note(made, f"To do: {text} ({_whose(made)})", by=by, at=at)
    return made


def done(follow_up_id: int, *, by: Person, at: datetime) -> None:
    """Raises FollowUpError when it is already, and says who did it."""
    with transaction.atomic():
        open_one = FollowUp.objects.filter(pk=follow_up_id, done_at=None)
        changed = open_one.update(done_at=at, done_by=timeline.known(by))
        found = _read(follow_up_id)
        if not changed:
            who = name_of(found.done_by) if found.done_by else "Somebody"
            raise FollowUpError(f"{who} did it before: {found.text}")
        _note(found, f"Done: {found.text}", by=by, at=at)


def reopen(follow_up_id: int, *, by: Person, at: datetime) -> None:
    """Raises FollowUpError when it is open."""
    with transaction.atomic():
        changed = FollowUp.objects.filter(pk=follow_up_id).exclude(done_at=None).update(done_at=None, done_by=None)
        found = _read(follow_up_id)
        if not changed:
            raise FollowUpError(f"It is open: {found.text}")
        _note(found, f"To do again: {found.text} ({_whose(found)})", by=by, at=at)


def hand(follow_up_id: int, *, owner: User | None, due_on: date | None, by: Person, at: datetime) -> bool:
    """Whose it is, and until when. False when nothing changes."""
    with transaction.atomic():
        found = FollowUp.objects.select_for_update().filter(pk=follow_up_id).first()
        if found is None:
            raise FollowUpError("The follow-up is gone.")
        if (found.owner_id, found.due_on) == (owner.pk if owner else None, due_on):
            return False
        found.owner, found.due_on = owner, due_on
        found.save(update_fields=["owner", "due_on"])
        _note(found, f"{found.text}: {_whose(found)}", by=by, at=at)
    return True


def ordered(rows: "QuerySet[FollowUp]") -> "QuerySet[FollowUp]":
    """What is open first, what is due first among it; those without a day behind. What is done, the latest first."""
    return rows.order_by(
        F("done_at").desc(nulls_first=True), F("due_on").asc(nulls_last=True), "created_at", "pk"
    ).select_related("incident", "owner", "done_by")


def is_overdue(*, now: datetime) -> Q:
    return Q(done_at=None, due_on__lt=timezone.localdate(now))


def overdue(now: datetime) -> list[FollowUp]:
    """What should have been done before today, the longest first; for the digests. With incident and owner."""
    return list(
        FollowUp.objects.filter(is_overdue(now=now)).select_related("incident", "owner").order_by("due_on", "pk")
    )


def _checked(text: str) -> str:
    text = " ".join(text.replace("\x00", "").split())
    if not text:
        raise FollowUpError("Say what is to be done.")
    if len(text) > LONGEST:
        raise FollowUpError(f"A follow-up has at most {LONGEST} characters; this one has {len(text)}.")
    return text


def _read(follow_up_id: int) -> FollowUp:
    found = FollowUp.objects.select_related("owner", "done_by").filter(pk=follow_up_id).first()
    if found is None:
        raise FollowUpError("The follow-up is gone.")
    return found


def _note(follow_up: FollowUp, text: str, *, by: Person, at: datetime) -> None:
    timeline.write(follow_up.incident_id, IncidentEntryKind.FOLLOW_UP, at=at, text=text, by=by)


def _whose(follow_up: FollowUp) -> str:
    """“Ada, until 2026-12-05”."""
    until = f", until {follow_up.due_on:%Y-%m-%d}" if follow_up.due_on else ", without a day"
    return f"{name_of(follow_up.owner) if follow_up.owner else 'nobody'}{until}"
