"""Delivery and consistency: whether messages reach people, whether a fallback is due, and which records disagree."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, share_of
from dashboards.window import HOUR, Span, cut
from events import formats
from events.models import Release

# A fallback is due when surely more than one delivery in fifty fails, or failures fill so many hours of the last day.
DUE_SHARE, DUE_HOURS = 0.02, 3
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Channel:
    """``rate`` is of failed deliveries; its share is None where no success is ever told. ``fallback``: due, watch or not_due.

    ``failing_hours`` are those of the last day of the window in which some delivery failed.
    """

    channel: str
    failures: int
    successes: int
    rate: Share
    rate_before: Share
    change: Change
    users_hurt: int
    failing_hours: int
    fallback: str
    evidence: str


@dataclass(frozen=True, slots=True)
class DeliveryFailure:
    """``reason`` is "" when the events named none."""

    service_id: int
    name: str
    severity: str
    reason: str
    events: int
    users_hurt: int


@dataclass(frozen=True, slots=True)
class ChannelSteps:
    """Failed deliveries of one channel, a number for each step of the window."""

    channel: str
    failures: list[int]


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """Records that disagree. ``record`` says of what, "" when the events do not; ``first_release`` is the earliest that told of it
    in the window ("" for none)."""

    service_id: int
    record: str
    events: int
    change: Change
    users_hurt: int
    first_release: str


@dataclass(frozen=True, slots=True)
class Delivery:
    channels: list[Channel]
    failures: list[DeliveryFailure]
    over_time: list[ChannelSteps]
    inconsistencies: list[Inconsistency]


@dataclass(frozen=True, slots=True)
class _Row:
    channel: str
    failures: int
    successes: int
    failures_before: int
    successes_before: int
    users_hurt: int


@dataclass(frozen=True, slots=True)
class _Cell:
    channel: str
    place: int
    failures: int


@dataclass(frozen=True, slots=True)
class _Disagreeing:
    service_id: int
    record: str
    events: int
    events_before: int
    users_hurt: int
    releases: list[str]


def delivery(question: Question) -> Delivery:
    """Channels that fail most first. A channel is a word in the names of events: formspree, mail, notification, sms, webhook."""
    rows = ask("deliveries", question, _Row)
    hours = _failing_hours(question) if rows else {}
    channels = [_channel(row, hours.get(row.channel, 0)) for row in rows]
    channels.sort(key=lambda one: (-one.failures, one.channel))
    return Delivery(
        channels,
        ask("delivery_failures", question, DeliveryFailure),
        _over_time(question),
        _inconsistencies(question),
    )


def _channel(row: _Row, failing_hours: int) -> Channel:
    rate = _rate(row.failures, row.successes)
    fallback, evidence = fallback_due(rate, failures=row.failures, failing_hours=failing_hours)
    return Channel(
        row.channel, row.failures, row.successes, rate, _rate(row.failures_before, row.successes_before),
        change_of(row.failures, row.failures_before), row.users_hurt, failing_hours, fallback, evidence,
    )  # fmt: skip


def _rate(failures: int, successes: int) -> Share:
    """Unknown without any success: then services tell of failures alone."""
    return share_of(failures, failures + successes) if successes else share_of(0, 0)


def fallback_due(rate: Share, *, failures: int, failing_hours: int) -> tuple[str, str]:
    """Whether another way to reach people is due, and the sentence why. Pure."""
    hours = f"{formats.number(failing_hours)} of the last 24 hours had failures"
    if rate.low >= DUE_SHARE and rate.share is not None:
        least = formats.percent(formats.number(100 * rate.low))
        return "due", f"At least {least} of deliveries fail, more than one in fifty; {hours}."
    if failing_hours >= DUE_HOURS:
        return "due", f"{hours[0].upper()}{hours[1:]}: this is no single outage."
    if failures:
        return "watch", f"Some deliveries failed; {hours}."
    return "not_due", "No delivery failed."


def _failing_hours(question: Question) -> dict[str, int]:
    end = question.window.end
    last_day = Span(max(question.window.start, end - _DAY), end)
    hours = cut(last_day, HOUR, question.zone)
    found: dict[str, int] = defaultdict(int)
    for cell in ask("delivery_failures_by_step", question, _Cell, steps=hours):
        found[cell.channel] += 1
    return found


def _over_time(question: Question) -> list[ChannelSteps]:
    steps = len(question.steps)
    found: dict[str, list[int]] = {}
    for cell in ask("delivery_failures_by_step", question, _Cell):
        found.setdefault(cell.channel, [0] * steps)[cell.place] = cell.failures
    return [ChannelSteps(channel, failures) for channel, failures in sorted(found.items())]


def _inconsistencies(question: Question) -> list[Inconsistency]:
    rows = ask("inconsistencies", question, _Disagreeing)
    came: dict[tuple[int, str], datetime] = {}
    if named := {release for row in rows for release in row.releases}:
        known = Release.objects.filter(release__in=named).order_by("-first_seen_at", "release")
        for service_id, release, at in known.values_list("service_id", "release", "first_seen_at"):
            came[service_id, release] = at  # newest first, so the earliest environment stays
    found = []
    for row in rows:
        in_order = sorted(row.releases, key=lambda one: (came.get((row.service_id, one), question.window.end), one))
        change = change_of(row.events, row.events_before)
        first = in_order[0] if in_order else ""
        found.append(Inconsistency(row.service_id, row.record, row.events, change, row.users_hurt, first))
    return found
