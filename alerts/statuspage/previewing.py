"""What users will see, and how many of them are mailed, before anything is posted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.models import Component, ComponentImpact, Incident, UpdateState
from alerts.runbooks import writing
from alerts.statuspage import content, letters
from alerts.statuspage.content import Post, PublicUpdate
from alerts.statuspage.levels import Level
from alerts.statuspage.posting import FINAL, About, Draft


@dataclass(frozen=True, slots=True)
class Preview:
    """``affected``: names and levels as the page and the letter will list them. ``letter_count``: how many are mailed."""

    post: Post
    affected: tuple[tuple[str, Level], ...]
    letter_count: int


def preview(about: About, draft: Draft, *, now: datetime) -> Preview:
    """Of a draft as it stands, also of one that cannot be posted yet."""
    is_incident = isinstance(about, Incident)
    levels = {} if draft.state in FINAL or not is_incident else dict(draft.levels)
    concerned = concerned_by(about, levels)
    names = dict(Component.objects.filter(pk__in=concerned, is_public=True).values_list("pk", "name"))
    if not is_incident and draft.state not in FINAL:
        levels = dict.fromkeys(names, Level.MAINTENANCE)
    affected = tuple((names[pk], levels.get(pk, Level.OPERATIONAL)) for pk in sorted(names, key=names.__getitem__))
    update = PublicUpdate(
        draft.state, UpdateState(draft.state).label, draft.text, writing.as_html(draft.text), now, edited_at=None
    )
    before = content.read_incident(about.pk, now=now) if is_incident else content.read_maintenance(about.pk, now=now)
    is_open = draft.state not in FINAL
    # What was announced before any update stands for one, until there is one.
    earlier = before.updates if before is not None and about.status_updates.exists() else ()
    listed = affected if is_open or not is_incident else _worst_so_far(about, names)
    worst = max([*(level for _, level in listed), Level.DEGRADED if is_incident else Level.MAINTENANCE])
    if before is None:
        before = Post(
            "incident", about.pk, "", worst, draft.state, update.state_words, is_open=is_open, components=(), updates=(),
            starts_at=now, ends_at=None,
        )  # fmt: skip
    shown = replace(
        before, title=draft.title, level=worst, state=draft.state, state_words=update.state_words, is_open=is_open,
        components=listed, updates=(update, *earlier),
        ends_at=before.ends_at if not is_incident else None if is_open else now,
    )  # fmt: skip
    return Preview(shown, affected, letters.subscribers_of(names).count())


def _worst_so_far(about: About, names: Mapping[int, str]) -> tuple[tuple[str, Level], ...]:
    """What the page says of an incident that is over."""
    rows = ComponentImpact.objects.filter(incident=about.pk, component__in=names).values_list("component", "level")
    levels: dict[int, int] = {}
    for pk, level in rows:
        levels[pk] = max(level, levels.get(pk, 0))
    return tuple((names[pk], Level(levels[pk])) for pk in sorted(levels, key=names.__getitem__))


def concerned_by(about: About, levels: Mapping[int, Level]) -> Collection[int]:
    """Components that it affects now or did before."""
    if isinstance(about, Incident):
        return {*levels, *ComponentImpact.objects.filter(incident=about).values_list("component", flat=True)}
    return set(about.components.values_list("pk", flat=True))
