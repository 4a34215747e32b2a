"""The pages and feeds of the status page as bytes. The same content is the same bytes, whoever asks and whenever."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from alerts.statuspage import content
from alerts.statuspage.addresses import Addresses
from alerts.statuspage.content import Front, Post
from alerts.statuspage.letters import page_name
from alerts.statuspage.levels import NAMES, WORDS, Level
from alerts.statuspage.uptime import WEIGHTS, Day

# Takes the place of what is said when the page is not up to date.
STALE_MARK = b"<!-- as of -->"
MOST_FED = 50


def front(at: Addresses, *, now: datetime) -> bytes:
    found = content.read_front(now=now)
    groups = [
        {"name": group.name, "components": [_component(one) for one in group.components]} for group in found.groups
    ]
    choices = [
        (group.name, [({"pk": one.id, "name": one.name}, False) for one in group.components]) for group in found.groups
    ]
    context = {
        "choices": choices, "takes_all": True,
        "overall": found.overall, "level": NAMES[found.overall.level], "groups": groups, "lately": content.LATELY.days,
        **{name: [shown(one, at) for one in getattr(found, name)] for name in ("incidents", "maintenance", "planned", "past")},
        "partial_share": f"{WEIGHTS[Level.PARTIAL]:.0%}".replace("%", " %"),
        "history": at.month(now.astimezone(UTC).date().replace(day=1)),
    }  # fmt: skip
    return _page("front", at, page_name(), context)


def month(at: Addresses, first: date, *, now: datetime) -> bytes:
    found = content.read_month(first, now=now)
    context = {
        "first": first, "posts": [shown(one, at) for one in found.posts],
        "earlier": found.earlier and (found.earlier, at.month(found.earlier)),
        "later": found.later and (found.later, at.month(found.later)),
    }  # fmt: skip
    return _page("month", at, f"{first:%B %Y}: {page_name()}", context)


def post(at: Addresses, kind: str, number: int, *, now: datetime) -> bytes | None:
    """None for what users were told nothing of."""
    read = content.read_incident if kind == "incident" else content.read_maintenance
    found = read(number, now=now)
    if found is None:
        return None
    return _page("post", at, f"{found.title}: {page_name()}", {"post": shown(found, at)})


def atom(at: Addresses, *, now: datetime) -> bytes:
    """RFC 4287: an entry for each incident and maintenance, updated when it is."""
    posts = content.read_recent(now=now, most=MOST_FED)
    updated = max((one.changed_at for one in posts), default=datetime(2026, 1, 1, tzinfo=UTC))
    context = {
        "name": page_name(), "public": at.public, "updated": _iso(updated), "host": settings.BASE_URL.partition("://")[2],
        "posts": [
            {"post": one, "address": _full(at, one), "updated": _iso(one.changed_at), "began": _iso(one.starts_at)}
            for one in posts
        ],
    }  # fmt: skip
    with timezone.override(UTC):
        return render_to_string("alerts/status/feed.atom", context).encode()


def json(at: Addresses, *, now: datetime) -> bytes:
    """Described in docs/statuspage.md."""
    found = content.read_front(now=now)
    document = {
        "page": {"name": page_name(), "url": at.public},
        "status": {"level": NAMES[found.overall.level], "description": found.overall.words},
        "components": [
            {
                "id": one.id, "name": one.name, "group": group.name or None, "level": NAMES[one.level],
                "uptime_90_days": None if one.uptime.share is None else round(one.uptime.share, 6),
            }
            for group in found.groups
            for one in group.components
        ],
        **{name: [_document(at, one) for one in posts] for name, posts in _named(found)},
    }  # fmt: skip
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _named(found: Front) -> list[tuple[str, tuple[Post, ...]]]:
    return [
        ("incidents", found.incidents), ("maintenance", (*found.maintenance, *found.planned)), ("past", found.past),
    ]  # fmt: skip


def _document(at: Addresses, one: Post) -> dict[str, Any]:
    return {
        "kind": one.kind, "id": one.id, "title": one.title, "state": one.state, "level": NAMES[one.level],
        "components": [{"name": name, "level": NAMES[level]} for name, level in one.components],
        "starts_at": _iso(one.starts_at), "ends_at": one.ends_at and _iso(one.ends_at), "url": _full(at, one),
        "updates": [
            {"state": each.state, "text": each.text, "posted_at": _iso(each.posted_at),
             "edited_at": each.edited_at and _iso(each.edited_at)}
            for each in one.updates
        ],
    }  # fmt: skip


def _full(at: Addresses, one: Post) -> str:
    return f"{at.public}{one.kind}/{one.id}/"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- What templates show --------------------------------------------------------------------------------------------------


def _page(name: str, at: Addresses, title: str, context: dict[str, Any]) -> bytes:
    more = {"at": at, "title": title, "name": page_name(), "mark": STALE_MARK.decode()}
    with timezone.override(UTC), translation.override(settings.LANGUAGE_CODE):
        return render_to_string(f"alerts/status/{name}.html", {**more, **context}).encode()


def shown(one: Post, at: Addresses) -> dict[str, Any]:
    """What alerts/status/_post.html needs, as ``one``."""
    return {
        "post": one, "address": at.post(one.kind, one.id), "level": NAMES[one.level],
        "affected": [(name, WORDS[level]) for name, level in one.components], "is_incident": one.kind == "incident",
    }  # fmt: skip


def _component(one: content.PublicComponent) -> dict[str, Any]:
    days = [{"name": "none" if day.worst is None else NAMES[day.worst], "told": _told(day)} for day in one.uptime.days]
    bad = [day for day in reversed(one.uptime.days) if day.worst]
    return {
        "name": one.name, "description": one.description, "level": NAMES[one.level], "words": WORDS[one.level],
        "percentage": one.uptime.percentage, "days": days, "bad": [_told(day) for day in bad],
        "spoken": _spoken(one, len(bad)),
    }  # fmt: skip


def _told(day: Day) -> str:
    """``3 Nov: partial outage for 42 min``."""
    date_words = f"{day.day.day} {day.day:%b}"
    if day.worst is None:
        return f"{date_words}: no data"
    parts = [
        f"{WORDS[level].lower()} for {_spell(seconds)}" for level, seconds in sorted(day.seconds.items(), reverse=True) if seconds
    ]  # fmt: skip
    return f"{date_words}: {', '.join(parts) or 'no problems'}"


def _spoken(one: content.PublicComponent, bad: int) -> str:
    measured = sum(bool(day.measured_seconds) for day in one.uptime.days)
    days = "1 day" if measured == 1 else f"{measured} days"
    problems = {0: "no day with problems", 1: "1 day with problems"}.get(bad, f"{bad} days with problems")
    return f"Uptime of {one.name} over {days}: {one.uptime.percentage}, {problems}"


def _spell(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
