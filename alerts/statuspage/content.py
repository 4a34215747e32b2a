"""What the public status page says, read from the database: plain values, and nothing that was not posted for users.

An incident is there by the titles and texts of its updates, and its impacts count once it has one. Maintenance is there once it is
announced. What they are called among the team never is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from alerts.models import Component, ComponentImpact, MaintenanceWindow, StatusUpdate, UpdateState
from alerts.runbooks import writing
from alerts.statuspage.levels import Level
from alerts.statuspage.overall import Overall, overall
from alerts.statuspage.posting import FINAL
from alerts.statuspage.uptime import DAYS, Span, Uptime, uptime

# What is over is on the front page for so long.
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PublicUpdate:
    """``html`` is safe to show as it is."""

    state: str
    state_words: str
    text: str
    html: str
    posted_at: datetime
    edited_at: datetime | None


@dataclass(frozen=True, slots=True)
class Post:
    """An incident or a maintenance as users know it. ``kind``: ``incident`` or ``maintenance``.

    ``components``: names with what is so now, and once it is over with the worst that was. ``level``: the worst of these.
    ``updates``: the newest first. ``ends_at``: of an incident None while it goes on; of maintenance when it is planned to end, or
    ended.
    """

    kind: str
    id: int
    title: str
    level: Level
    state: str
    state_words: str
    is_open: bool
    components: tuple[tuple[str, Level], ...]
    updates: tuple[PublicUpdate, ...]
    starts_at: datetime
    ends_at: datetime | None

    @property
    def changed_at(self) -> datetime:
        return max(((one.edited_at or one.posted_at) for one in self.updates), default=self.starts_at)


@dataclass(frozen=True, slots=True)
class PublicComponent:
    id: int
    name: str
    description: str
    level: Level
    uptime: Uptime


@dataclass(frozen=True, slots=True)
class Group:
    """``name``: "" for components without a group."""

    name: str
    components: tuple[PublicComponent, ...]


@dataclass(frozen=True, slots=True)
class Front:
    """``maintenance``: what runs; ``planned``: what is to come; ``past``: what was over within the last seven days."""

    overall: Overall
    groups: tuple[Group, ...]
    incidents: tuple[Post, ...]
    maintenance: tuple[Post, ...]
    planned: tuple[Post, ...]
    past: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """``posts``: the newest first. ``earlier`` and ``later`` are first days of months, None where there is none."""

    first: date
    posts: tuple[Post, ...]
    earlier: date | None
    later: date | None


@dataclass(frozen=True, slots=True)
class Public:
    """What there is to see, so that nobody's guess of an address asks the database."""

    incidents: frozenset[int]
    maintenance: frozenset[int]
    first_month: date


def read_front(*, now: datetime) -> Front:
    components = list(_components())
    incidents = _incident_posts(_recent_incidents(now), now=now)
    windows = _maintenance_posts(_announced().filter(ends_at__gt=now - LATELY), now=now)
    spans = _spans(now)
    shown = {one.pk: _shown(one, spans.get(one.pk, []), now=now) for one in components}
    groups: dict[str, list[PublicComponent]] = defaultdict(list)
    for one in components:
        groups[one.group.name if one.group else ""].append(shown[one.pk])
    going = [one for one in incidents if one.is_open]
    running = [one for one in windows if one.state == UpdateState.UNDER_WAY]
    past = [one for one in (*incidents, *windows) if not one.is_open and (one.ends_at or now) > now - LATELY]
    return Front(
        overall=overall(
            [one.level for one in shown.values()], open_incidents=len(going), running_maintenance=len(running)
        ),
        groups=tuple(Group(name, tuple(members)) for name, members in groups.items()),
        incidents=tuple(going),
        maintenance=tuple(running),
        planned=tuple(sorted((one for one in windows if one.state == UpdateState.PLANNED), key=_begins)),
        past=tuple(sorted(past, key=_begins, reverse=True)),
    )


def read_month(first: date, *, now: datetime) -> Month:
    """What began in a month of UTC; of maintenance what has begun by now."""
    start, end = _midnight(first), _midnight(next_month(first))
    # The first update says when users were told first; an incident is of the month in which that was.
    begun = _newest().values("incident").filter(posted_at__gte=start)
    incidents = [
        one for one in _incident_posts({row["incident"] for row in begun}, now=now) if start <= one.starts_at < end
    ]
    windows = _maintenance_posts(_announced().filter(starts_at__gte=start, starts_at__lt=min(end, now)), now=now)
    public = read_public(now=now)
    return Month(
        first,
        tuple(sorted((*incidents, *windows), key=_begins, reverse=True)),
        earlier=previous_month(first) if first > public.first_month else None,
        later=next_month(first) if first < now.astimezone(UTC).date().replace(day=1) else None,
    )


def read_incident(incident_id: int, *, now: datetime) -> Post | None:
    return next(iter(_incident_posts({incident_id}, now=now)), None)


def read_maintenance(window_id: int, *, now: datetime) -> Post | None:
    return next(iter(_maintenance_posts(_announced().filter(pk=window_id), now=now)), None)


def read_recent(*, now: datetime, most: int) -> list[Post]:
    """Whatever was posted about lately, the newest change first."""
    numbers = (
        _newest().order_by("incident", "-posted_at", "-pk").distinct("incident").values_list("posted_at", "incident")
    )
    incidents = [number for _, number in sorted(numbers, reverse=True)[:most]]
    # What is planned and nobody was told of yet has no time at which it became news.
    windows = _announced().filter(
        Q(starts_at__lte=now) | Exists(StatusUpdate.objects.filter(maintenance=OuterRef("pk")))
    )
    posts = [*_incident_posts(set(incidents), now=now), *_maintenance_posts(windows[:most], now=now)]
    return sorted(posts, key=lambda one: (one.changed_at, one.id), reverse=True)[:most]


def read_public(*, now: datetime) -> Public:
    incidents = set(_newest().values_list("incident_id", flat=True))
    windows = dict(_announced().values_list("pk", "starts_at"))
    first = StatusUpdate.objects.order_by("posted_at").values_list("posted_at", flat=True).first()
    begun = min([now, *windows.values(), *([first] if first else [])])
    return Public(frozenset(incidents), frozenset(windows), begun.astimezone(UTC).date().replace(day=1))


def next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def previous_month(first: date) -> date:
    return (first - timedelta(days=1)).replace(day=1)


def months_of(public: Public, *, now: datetime) -> list[date]:
    """The first days of the months that have a page, the newest first."""
    found = [now.astimezone(UTC).date().replace(day=1)]
    while found[-1] > public.first_month:
        found.append(previous_month(found[-1]))
    return found


# --- Components ---------------------------------------------------------------------------------------------------------


def _components() -> "QuerySet[Component]":
    """Those with a group first, as the groups are ordered."""
    rows = Component.objects.filter(is_public=True).select_related("group")
    return rows.order_by(
        F("group__position").asc(nulls_last=True), F("group__name").asc(nulls_last=True), "position", "name"
    )


def _shown(component: Component, spans: Sequence[Span], *, now: datetime) -> PublicComponent:
    applying = (one.level for one in spans if one.starts_at <= now and (one.ends_at is None or one.ends_at > now))
    return PublicComponent(
        component.pk, component.name, component.description, max(applying, default=Level.OPERATIONAL),
        uptime(spans, since=component.created_at, now=now),
    )  # fmt: skip


def _spans(now: datetime) -> dict[int, list[Span]]:
    """By component: impacts of incidents that users were told of, and announced maintenance, of the days that bars show."""
    since = now - timedelta(days=DAYS + 1)
    found: dict[int, list[Span]] = defaultdict(list)
    told = Exists(StatusUpdate.objects.filter(incident=OuterRef("incident")))
    rows = ComponentImpact.objects.filter(told, Q(ended_at=None) | Q(ended_at__gt=since), component__is_public=True)
    for component_id, level, starts_at, ends_at in rows.values_list("component", "level", "started_at", "ended_at"):
        found[component_id].append(Span(Level(level), starts_at, ends_at))
    windows = (
        _announced().filter(ends_at__gt=since, starts_at__lte=now).prefetch_related("components", "status_updates")
    )
    for window in windows:
        starts_at, ends_at = _span_of(window, list(window.status_updates.all()))
        for component in window.components.all():
            if starts_at < ends_at:
                found[component.pk].append(Span(Level.MAINTENANCE, starts_at, ends_at))
    return found


# --- Incidents ----------------------------------------------------------------------------------------------------------


def _newest() -> "QuerySet[StatusUpdate]":
    return StatusUpdate.objects.filter(incident__isnull=False)


def _recent_incidents(now: datetime) -> set[int | None]:
    """Those that users were not told to be over, and those that were lately."""
    last = _newest().order_by("incident", "-posted_at", "-pk").distinct("incident")
    return {
        incident_id
        for incident_id, state, posted_at in last.values_list("incident_id", "state", "posted_at")
        if state not in FINAL or posted_at > now - LATELY
    }


def _incident_posts(ids: Collection[int | None], *, now: datetime) -> list[Post]:
    """The newest first."""
    if not ids:
        return []
    updates: dict[int, list[StatusUpdate]] = defaultdict(list)
    for update in _newest().filter(incident__in=ids).order_by("-posted_at", "-pk"):
        updates[update.incident_id or 0].append(update)
    impacts: dict[int, list[ComponentImpact]] = defaultdict(list)
    rows = ComponentImpact.objects.filter(incident__in=ids, component__is_public=True).select_related("component")
    for impact in rows.order_by("component__name", "pk"):
        impacts[impact.incident_id].append(impact)
    posts = [_incident_post(number, found, impacts[number]) for number, found in updates.items()]
    return sorted(posts, key=_begins, reverse=True)


def _incident_post(number: int, updates: Sequence[StatusUpdate], impacts: Sequence[ComponentImpact]) -> Post:
    last, is_open = updates[0], updates[0].state not in FINAL
    levels: dict[str, Level] = {}
    for impact in impacts:
        counts = not is_open or impact.ended_at is None
        before = levels.get(impact.component.name, Level.OPERATIONAL)
        levels[impact.component.name] = max(before, Level(impact.level)) if counts else before
    return Post(
        kind="incident", id=number, title=last.title,
        # While users are told that something is wrong, something is.
        level=max([*levels.values(), Level.DEGRADED]),
        state=last.state, state_words=last.get_state_display(), is_open=is_open, components=tuple(levels.items()),
        updates=tuple(_public(one) for one in updates), starts_at=updates[-1].posted_at,
        ends_at=None if is_open else last.posted_at,
    )  # fmt: skip


def _public(update: StatusUpdate) -> PublicUpdate:
    return PublicUpdate(
        update.state, update.get_state_display(), update.text, writing.as_html(update.text), update.posted_at,
        update.edited_at,
    )  # fmt: skip


# --- Maintenance --------------------------------------------------------------------------------------------------------


def _announced() -> "QuerySet[MaintenanceWindow]":
    return MaintenanceWindow.objects.filter(is_announced=True).order_by("-starts_at", "-pk")


def _maintenance_posts(windows: "QuerySet[MaintenanceWindow]", *, now: datetime) -> list[Post]:
    found = windows.prefetch_related("components", "status_updates")
    return [_maintenance_post(one, now=now) for one in found]


def _maintenance_post(window: MaintenanceWindow, *, now: datetime) -> Post:
    updates = sorted(window.status_updates.all(), key=lambda one: (one.posted_at, one.pk), reverse=True)
    names = sorted(one.name for one in window.components.all() if one.is_public)
    starts_at, ends_at = _span_of(window, updates)
    state = (
        UpdateState.COMPLETED if ends_at <= now else UpdateState.UNDER_WAY if starts_at <= now else UpdateState.PLANNED
    )
    announced = PublicUpdate(
        UpdateState.PLANNED, UpdateState.PLANNED.label, window.announcement, writing.as_html(window.announcement), starts_at,
        None,
    )  # fmt: skip
    return Post(
        kind="maintenance", id=window.pk,
        # Its own name is the team's.
        title=updates[0].title if updates else f"Maintenance of {' and '.join(names)}" if names else "Maintenance",
        level=Level.MAINTENANCE, state=state, state_words=state.label, is_open=state != UpdateState.COMPLETED,
        components=tuple((name, Level.MAINTENANCE) for name in names),
        # What was announced before any update stands for one.
        updates=tuple(_public(one) for one in updates) or ((announced,) if window.announcement else ()),
        starts_at=starts_at, ends_at=ends_at,
    )  # fmt: skip


def _span_of(window: MaintenanceWindow, updates: Iterable[StatusUpdate]) -> tuple[datetime, datetime]:
    """As planned, unless users were told that it began or ended earlier."""
    begun = [one.posted_at for one in updates if one.state == UpdateState.UNDER_WAY]
    done = [one.posted_at for one in updates if one.state == UpdateState.COMPLETED]
    starts_at = min([window.starts_at, *begun])
    return starts_at, max(min([window.ends_at, *done]), starts_at)


def _begins(post: Post) -> tuple[datetime, int]:
    return post.starts_at, post.id


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
