"""A replay in words: what would have fired, when and for how long, and what to change about the rule."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo

from alerts.conditions import spoken
from alerts.replaying.course import ReplayedAlert
from alerts.replaying.found import Replay

_NAMED = 3
# More alerts a day than somebody looks into.
_MANY_A_DAY = 3.0
_OFTEN_AGAIN = 3


def sentence(found: Replay, zone: tzinfo, services: Mapping[int, str]) -> str:
    """“Would have fired 3 times in the last 14 days: Tue 10:02 for 12 minutes (/api/career), …”; ``services`` are names by id."""
    if found.refusal:
        return found.refusal
    span = f"in the last {spoken((found.until - found.since).total_seconds())}"
    if not found.alerts:
        return f"Would not have fired {span}."
    count = len(found.alerts)
    told = "; ".join(_told(alert, zone, services) for alert in found.alerts[-_NAMED:][::-1])
    latest = f"; before that {count - _NAMED:,} more" if count > _NAMED else ""
    return f"Would have fired {_times(count)} {span}: {told}{latest}."


def _told(alert: ReplayedAlert, zone: tzinfo, services: Mapping[int, str]) -> str:
    where = group(alert.labels, services)
    return f"{when(alert.fired_at or alert.started_at, zone)} {lasted(alert)}{f' ({where})' if where else ''}"


def when(at: datetime, zone: tzinfo) -> str:
    """``Tue 24 Nov 10:02``."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def lasted(alert: ReplayedAlert) -> str:
    """``for 12 minutes``; of one that is open, since then."""
    if alert.resolved_at is None:
        return "until now"
    return f"for {spoken((alert.resolved_at - (alert.fired_at or alert.started_at)).total_seconds())}"


def group(labels: Mapping[str, str], services: Mapping[int, str]) -> str:
    """``lift api, /api/career``; "" for an alert without a group, and a word that an event lacks as "no release"."""
    words = []
    for word, value in labels.items():
        if word == "service":
            words.append(services.get(int(value), f"service {value}") if value.isdecimal() else f"service {value}")
        elif word == "issue":
            words.append(f"issue {value}")
        else:
            words.append(value or f"no {word}")
    return ", ".join(words)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def hints(found: Replay, condition: str) -> list[str]:
    """What to look at before the rule is saved; empty when there is nothing to say."""
    return [] if found.refusal else list(_hints(found, condition))


def _hints(found: Replay, condition: str) -> Iterator[str]:
    days = (found.until - found.since).total_seconds() / 86400
    count = len(found.alerts)
    is_measured = condition in ("threshold", "latency", "spike", "burn_rate")
    if count / max(days, 1) > _MANY_A_DAY:
        change = "raise the limit, or let it hold for longer" if is_measured else "narrow down which events it is about"
        yield f"Would have fired {count:,} times, {count / days:,.0f} times a day: {change}, or group by fewer words."
    if _comes_and_goes(found.alerts):
        yield "Most alerts fired again within an hour after they were resolved: let it recover more slowly."
    open_seconds = sum(
        ((one.resolved_at or found.until) - (one.fired_at or one.started_at)).total_seconds() for one in found.alerts
    )
    if count and is_measured and open_seconds > 43200 * days:
        yield "Something of it would have fired most of the time: what is usual is no alert. Raise the limit."
    if not count and not found.is_known:
        yield "There never was enough to judge by: look at what it matches, and at the least volume."
    elif not count:
        yield from _near(found)
    if found.brief_count:
        yield f"It held {_times(found.brief_count)} for too short a time to fire."


def _near(found: Replay) -> Iterator[str]:
    """How near it came to firing."""
    worst = max(
        (point for point in found.points if point.value is not None and point.threshold),
        key=lambda point: (point.value or 0) / (point.threshold or 1),
        default=None,
    )
    if worst is not None:
        yield f"The most it came to was {100 * (worst.value or 0) / (worst.threshold or 1):,.0f} % of its limit."


def _comes_and_goes(alerts: Sequence[ReplayedAlert]) -> bool:
    last: dict[tuple[tuple[str, str], ...], datetime | None] = {}
    again = 0
    for alert in alerts:
        key = tuple(sorted(alert.labels.items()))
        before = last.get(key)
        if before is not None and ((alert.fired_at or alert.started_at) - before).total_seconds() < 3600:
            again += 1
        last[key] = alert.resolved_at
    return again >= _OFTEN_AGAIN and again > len(alerts) / 2
