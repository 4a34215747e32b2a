"""Tells users about an incident or a maintenance: on the status page, and by letter to those who subscribed.

One transaction holds all of it: the update, since when which components are affected, a line of the timeline, and the letters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from alerts.incidents import impacts, timeline
from alerts.incidents.timeline import Person, known
from alerts.models import Component, Incident, IncidentEntryKind, MaintenanceWindow, StatusUpdate, UpdateState
from alerts.statuspage import letters
from alerts.statuspage.levels import WORDS, Level

OF_INCIDENTS = (UpdateState.INVESTIGATING, UpdateState.IDENTIFIED, UpdateState.MONITORING, UpdateState.RESOLVED)
OF_MAINTENANCE = (UpdateState.PLANNED, UpdateState.UNDER_WAY, UpdateState.COMPLETED)
# After these nothing is open to users.
FINAL = (UpdateState.RESOLVED, UpdateState.COMPLETED)
_LONGEST_TITLE, _LONGEST_TEXT = 200, 5000

type About = Incident | MaintenanceWindow


class PostingError(ValueError):
    """What was asked for cannot be posted; the text says why, for people. ``field`` names what to mend, "" for none."""

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.field = field


@dataclass(frozen=True, slots=True)
class Draft:
    """``levels`` by component id: what is affected from now on; others no longer are. Of incidents alone.

    ``seen``: the id of the newest update that its author knew, 0 for none.
    """

    state: UpdateState
    title: str
    text: str
    levels: Mapping[int, Level] = field(default_factory=dict)
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    update: StatusUpdate
    letter_count: int


def post_update(about: About, draft: Draft, *, by: Person, at: datetime) -> Posted:
    """Raises PostingError; then nothing was posted."""
    title, text = checked_title(draft.title), checked_text(draft.text)
    if draft.state not in (OF_INCIDENTS if isinstance(about, Incident) else OF_MAINTENANCE):
        raise PostingError("Choose a state.", "state")
    with transaction.atomic():
        locked = type(about)._default_manager.select_for_update().get(pk=about.pk)  # noqa: SLF001 - documented
        earlier = updates_of(locked)
        if draft.seen is not None and draft.seen != (earlier[-1].pk if earlier else 0):
            raise PostingError("Somebody posted an update meanwhile: look at it, and post again what is missing.")
        update = StatusUpdate(state=draft.state, title=title, text=text, posted_at=at, author=known(by))
        if isinstance(locked, Incident):
            update.incident = locked
            levels = {} if draft.state == UpdateState.RESOLVED else _known_levels(draft.levels)
            concerned = impacts.set_levels(locked, levels, at=at) | set(levels)
        else:
            if not locked.is_announced:
                raise PostingError("The maintenance is not on the status page: announce it there first.")
            update.maintenance = locked
            concerned = set(locked.components.values_list("pk", flat=True))
            levels = {} if draft.state in FINAL else dict.fromkeys(concerned, Level.MAINTENANCE)
        update.save()
        names = dict(Component.objects.filter(pk__in=concerned, is_public=True).values_list("pk", "name"))
        affected = [(names[pk], levels.get(pk, Level.OPERATIONAL)) for pk in sorted(names, key=names.__getitem__)]
        first_title = earlier[0].title if earlier else title
        count = letters.write_update(update, names, affected, first_title=first_title, at=at)
        if update.incident_id:
            _tell_timeline(update, affected, count, by=by, at=at)
    return Posted(update, count)


def edit_update(update_id: int, *, title: str, text: str, seen: str, by: Person, at: datetime) -> bool:
    """Correct what was posted; it says so, and mails nobody. ``seen``: the text that its editor began with.

    False when nothing changes. Raises PostingError.
    """
    title, text = checked_title(title), checked_text(text)
    with transaction.atomic():
        update = StatusUpdate.objects.select_for_update().get(pk=update_id)
        if update.text != _tidy(seen):
            raise PostingError("Somebody corrected it meanwhile: look at it again and add what is missing.")
        if (update.title, update.text) == (title, text):
            return False
        before = f"{update.title}: {update.text}"
        update.title, update.text, update.edited_at = title, text, at
        update.save(update_fields=["title", "text", "edited_at"])
        if update.incident_id:
            said = f"Corrected the status update of {update.posted_at:%Y-%m-%d %H:%M} UTC. Before, it said: {before}"
            timeline.write(update.incident_id, IncidentEntryKind.STATUS, at=at, text=said, by=by)
    return True


def updates_of(about: About) -> list[StatusUpdate]:
    """The oldest first."""
    return list(about.status_updates.order_by("posted_at", "pk"))


def checked_title(title: str) -> str:
    title = " ".join(_printable(title).split())
    if not title:
        raise PostingError("Say in a few words what users notice.", "title")
    if len(title) > _LONGEST_TITLE:
        raise PostingError(f"A title has at most {_LONGEST_TITLE} characters; this one has {len(title)}.", "title")
    return title


def checked_text(text: str) -> str:
    text = _tidy(text)
    if not text:
        raise PostingError("Tell users what is wrong and what you do about it.", "text")
    if len(text) > _LONGEST_TEXT:
        raise PostingError(f"A text has at most {_LONGEST_TEXT:,} characters; this one has {len(text):,}.", "text")
    return text


def _tidy(text: str) -> str:
    return _printable(text.replace("\r\n", "\n")).strip()


def _printable(text: str) -> str:
    """Without what neither the database nor XML takes."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t")


def _known_levels(levels: Mapping[int, Level]) -> dict[int, Level]:
    affected = {pk: Level(level) for pk, level in levels.items() if level > Level.OPERATIONAL}
    there = set(Component.objects.filter(pk__in=affected).values_list("pk", flat=True))
    if there != affected.keys():
        raise PostingError("A component is gone: look at the list again.", "levels")
    return affected


def _tell_timeline(
    update: StatusUpdate, affected: list[tuple[str, Level]], letter_count: int, *, by: Person, at: datetime
) -> None:
    """In one line, which is a part of the incident's story and of its report."""
    named = ", ".join(f"{name}: {WORDS[level].lower()}" for name, level in affected)
    mailed = {0: "Nobody subscribed to it", 1: "1 subscriber is mailed"}.get(
        letter_count, f"{letter_count:,} subscribers are mailed"
    )
    said = f"Posted to the status page as {update.get_state_display().lower()}: {update.title}."
    told = f"{said} {named + '. ' if named else ''}{mailed}."
    timeline.write(
        update.incident_id or 0, IncidentEntryKind.STATUS, at=at, text=told, by=by, once=f"status:{update.pk}"
    )
