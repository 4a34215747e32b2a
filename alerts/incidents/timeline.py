"""The timeline of an incident: what was seen and done, written once however often it is noticed."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import transaction

from alerts.models import Alert, IncidentEntry, IncidentEntryKind, IncidentEntryVersion, IncidentState

type Person = AbstractBaseUser | AnonymousUser | None


class TimelineError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def known(by: Person) -> User | None:
    return by if isinstance(by, User) else None


def write(
    incident_id: int,
    kind: IncidentEntryKind,
    *,
    at: datetime,
    text: str,
    by: Person = None,
    state: IncidentState | None = None,
    alert: Alert | None = None,
    once: str = "",
) -> None:
    """``once``: what makes the entry one however often it is written; "" for entries that may repeat."""
    entry = IncidentEntry(
        incident_id=incident_id, kind=kind, at=at, text=text[:10_000], actor=known(by), state=state or "", alert=alert,
        once=once[:200],
    )  # fmt: skip
    IncidentEntry.objects.bulk_create([entry], ignore_conflicts=bool(once))


def write_missing(incident_id: int, entries: Iterable[IncidentEntry]) -> int:
    """Those that were not written before, as their `once` says; how many that are."""
    found = {one.once: one for one in entries}
    known_before = IncidentEntry.objects.filter(incident=incident_id, once__in=list(found))
    missing = found.keys() - set(known_before.values_list("once", flat=True))
    rows = [one for once, one in found.items() if once in missing]
    # Somebody else may follow it at the same time.
    IncidentEntry.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def note(incident_id: int, *, by: Person, at: datetime, text: str) -> None:
    """Raises TimelineError for one that is empty or too long."""
    write(incident_id, IncidentEntryKind.NOTE, at=at, text=_checked(text), by=by)


def edit_note(entry_id: int, *, by: Person, at: datetime, text: str, seen: str) -> None:
    """``seen``: the text that the person began with; what somebody else wrote meanwhile is not replaced. Raises TimelineError."""
    with transaction.atomic():
        entry = IncidentEntry.objects.select_for_update().filter(pk=entry_id, kind=IncidentEntryKind.NOTE).first()
        if entry is None:
            raise TimelineError("Only notes can be edited: the other entries say what happened.")
        if entry.text != seen.replace("\r\n", "\n").strip():
            raise TimelineError("Somebody edited the note meanwhile: look at it again and add what is missing.")
        text = _checked(text)
        if text == entry.text:
            return
        IncidentEntryVersion.objects.create(entry=entry, text=entry.text, replaced_at=at, replaced_by=known(by))
        entry.text, entry.edited_at = text, at
        entry.save(update_fields=["text", "edited_at"])


def _checked(text: str) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text:
        raise TimelineError("The note is empty: write what others should know.")
    if len(text) > 10_000:
        raise TimelineError(f"A note has at most 10,000 characters; this one has {len(text):,}.")
    return text
