"""What an alert says to people, before a channel gives it its form. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from alerts.conditions import spoken
from events.ingest.types import Severity

# A text on a phone: what comes after these is a page on the screen, and the link leads there.
LISTED_ALERTS = 20
EXAMPLE_LENGTH = 1000
_NO_BREAK = ("\u00a0", "\u202f")
_SPACES = re.compile("[ \u00a0\u202f]+")


class MessageKind(StrEnum):
    """Why it is said: it fires, it still fires, somebody did something about it, it is over, somebody asked whether the channel
    works, or a step of an incident's runbook is late."""

    FIRING = "firing"
    REPEAT = "repeat"
    CHANGED = "changed"
    RESOLVED = "resolved"
    TEST = "test"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Link:
    """Something to do from here: ``label`` is the verb (“Acknowledge”), ``url`` http or https. One that matters most is primary."""

    label: str
    url: str
    is_primary: bool = False

    @property
    def is_usable(self) -> bool:
        return bool(one_line(self.label)) and is_web_address(self.url)


@dataclass(frozen=True, slots=True)
class EventCounts:
    """``total`` events within ``window_seconds``; ``steps`` are the counts of equal parts of it, oldest first."""

    total: int
    window_seconds: int
    steps: tuple[int, ...] = ()

    @property
    def sentence(self) -> str:
        """``214 events in 5 minutes ▁▂▅█``."""
        noun = "event" if self.total == 1 else "events"
        return f"{self.total:,} {noun} in {spoken(self.window_seconds)} {sparkline(self.steps)}".strip()


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """One alert of a storm that became one message."""

    alert_id: str
    title: str
    severity: Severity
    since: datetime
    where: str = ""
    url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    resolved_at: datetime | None = None

    @property
    def is_firing(self) -> bool:
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """The answers that somebody needs at three in the morning. Empty texts are left out by every channel.

    ``alert_id`` is the alert's own and stays the same from its first message to its last: mails thread by it, and PagerDuty finds
    its incident by it. ``at`` is when this was said, ``since`` when it began, ``resolved_at`` when it ended; all aware.
    ``what`` is a sentence, ``where`` names service, environment and endpoint, ``growth`` says whether it grows. ``users_count`` is
    None where nobody counted. ``alerts`` are those of a storm, and ``alerts_count`` how many there are, also beyond the listed.
    ``acknowledged`` says who took it and when, ``muted`` what mutes it, and ``mutes`` are the alerts that nobody is told of
    because of this one.
    """

    kind: MessageKind
    severity: Severity
    alert_id: str
    title: str
    at: datetime
    since: datetime
    what: str = ""
    where: str = ""
    users_count: int | None = None
    growth: str = ""
    newest_example: str = ""
    likely_cause: str = ""
    runbook_url: str = ""
    url: str = ""
    resolved_at: datetime | None = None
    links: tuple[Link, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    event_counts: EventCounts | None = None
    alerts: tuple[ListedAlert, ...] = ()
    alerts_count: int = 0
    acknowledged: str = ""
    muted: str = ""
    mutes: tuple[ListedAlert, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.kind is MessageKind.RESOLVED

    @property
    def state(self) -> str:
        """``Firing``, ``Still firing``, ``Acknowledged``, ``Resolved``, ``Test``, ``Late``."""
        if self.kind is MessageKind.CHANGED and self.acknowledged:
            return "Acknowledged"
        return _STATES[self.kind]

    @property
    def headline(self) -> str:
        """``Critical: Checkout fails``, or the title alone of a late step; the same from the first message to the last, so that
        mails stay in one thread."""
        if self.kind is MessageKind.LATE:
            return one_line(self.title)
        return f"{self.severity.value.capitalize()}: {one_line(self.title) or 'Alert'}"

    @property
    def when(self) -> str:
        """``since 03:02 UTC (12 minutes)``, with the day where it was another."""
        lasted = spoken(max(((self.resolved_at or self.at) - self.since).total_seconds(), 0))
        began = _clock(self.since, self.at)
        if self.resolved_at is None:
            return f"since {began} UTC ({lasted})"
        return f"from {began} to {_clock(self.resolved_at, self.at)} UTC ({lasted})"

    @property
    def users(self) -> str:
        """``37 users hurt``; "" where nobody counted."""
        if self.users_count is None:
            return ""
        return f"{self.users_count:,} {'user' if self.users_count == 1 else 'users'} hurt"

    def example(self, length: int) -> str:
        """The newest example with its lines, cut, and without what cannot be shown or sent (control signs, lone surrogates)."""
        shown = "".join(char if char.isprintable() or char in "\n\t" else " " for char in self.newest_example)
        return cut(shown.strip(), length)

    @property
    def usable_links(self) -> list[Link]:
        """What can be done from here: the page of the alert first, the runbook, and what was handed over."""
        own = [Link("Open in Liftmon", self.url, is_primary=True), Link("Runbook", self.runbook_url)]
        return [link for link in (*own, *self.links) if link.is_usable]

    @property
    def storm_count(self) -> int:
        """How many alerts became this one message; 0 for a message about one alert."""
        return max(self.alerts_count, len(self.alerts)) if self.alerts else 0

    @property
    def storm_sentence(self) -> str:
        """``500 alerts: 480 firing, 20 resolved``, as far as they are listed."""
        if not self.storm_count:
            return ""
        over = sum(not alert.is_firing for alert in self.alerts)
        if not over:
            return f"{self.storm_count:,} alerts"
        return f"{self.storm_count:,} alerts: {self.storm_count - over:,} firing, {over:,} resolved"

    @property
    def mutes_sentence(self) -> str:
        """``Mutes 12 alerts of it``; "" where it mutes none."""
        count = len(self.mutes)
        return (
            f"Mutes {count:,} {'alert' if count == 1 else 'alerts'} that {'is' if count == 1 else 'are'} part of it"
            if count
            else ""
        )

    def listed(self, most: int = LISTED_ALERTS) -> tuple[list[ListedAlert], int]:
        """Those of the storm to name, what still fires first and the worst first among them, and how many are left out."""
        ordered = sorted(self.alerts, key=lambda one: (not one.is_firing, -one.severity.rank, one.since, one.alert_id))
        return ordered[:most], self.storm_count - min(len(ordered), most)


_STATES = {
    MessageKind.FIRING: "Firing",
    MessageKind.REPEAT: "Still firing",
    MessageKind.CHANGED: "Firing",
    MessageKind.RESOLVED: "Resolved",
    MessageKind.TEST: "Test",
    MessageKind.LATE: "Late",
}


def plain_text(message: AlertMessage) -> str:
    """The whole message as text, the most needed first; its first lines fit the preview of a phone."""
    head = [f"[{message.state}] {message.headline}", one_line(message.what)]
    facts = [
        f"{label}: {value}"
        for label, value in (
            ("Where", one_line(message.where)),
            ("Users", message.users),
            ("When", message.when),
            ("Growing", one_line(message.growth)),
            ("Events", message.event_counts.sentence if message.event_counts else ""),
            ("Likely cause", one_line(message.likely_cause)),
            ("Acknowledged", one_line(message.acknowledged)),
            ("Muted", one_line(message.muted)),
        )
        if value
    ]
    parts = [head, facts, _storm_lines(message), _muted_lines(message)]
    if message.example(EXAMPLE_LENGTH):
        parts.append(["Newest example:", message.example(EXAMPLE_LENGTH)])
    parts.append([f"{link.label}: {link.url}" for link in message.usable_links])
    if message.labels:
        parts.append(
            [", ".join(f"{one_line(name)}={one_line(value)}" for name, value in sorted(message.labels.items()))]
        )
    return "\n\n".join("\n".join(line for line in part if line) for part in parts if any(part)) + "\n"


def _storm_lines(message: AlertMessage) -> list[str]:
    if not message.storm_count:
        return []
    named, left_out = message.listed()
    lines = [f"{message.storm_sentence}:"]
    for one in named:
        state = "" if one.is_firing else " (resolved)"
        place = f" – {one_line(one.where)}" if one.where else ""
        lines.append(f"- {one.severity.value}{state}: {one_line(one.title)}{place}")
    if left_out:
        lines.append(f"- and {left_out:,} more")
    return lines


def _muted_lines(message: AlertMessage) -> list[str]:
    if not message.mutes:
        return []
    named = message.mutes[:LISTED_ALERTS]
    lines = [f"{message.mutes_sentence}:", *(f"- {one_line(one.title)} – {one_line(one.where)}" for one in named)]
    return [*lines, f"- and {len(message.mutes) - len(named):,} more"] if len(message.mutes) > len(named) else lines


def sparkline(steps: Sequence[int]) -> str:
    """One sign a step, the highest for the most; nothing happened is the lowest sign, and no steps are no signs."""
    most = max(steps, default=0)
    if most <= 0:
        return ""
    signs = "▁▂▃▄▅▆▇█"
    return "".join(signs[max(step, 0) * (len(signs) - 1) // most] for step in steps)


def one_line(text: str) -> str:
    """The words of a text with one space between them: what others wrote must not begin a line or a header of its own.

    A no-break space stays one: it is a part of many numbers and dates.
    """
    spaced = "".join(char if char.isprintable() or char in _NO_BREAK else " " for char in text)
    return _SPACES.sub(lambda found: found[0] if found[0] in _NO_BREAK else " ", spaced).strip()


def is_web_address(url: str) -> bool:
    """Whether it may stand behind a link: http or https, and nothing in it that ends it early."""
    return url.startswith(("https://", "http://")) and url.isprintable() and " " not in url


def cut(text: str, length: int) -> str:
    """At most ``length`` characters, the last of which says that there were more."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _clock(at: datetime, now: datetime) -> str:
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"
