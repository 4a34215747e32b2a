"""An alert as Slack's Block Kit, within every limit that Slack checks. Pure.

Slack refuses a whole message for one text that is too long, so that every text is cut here. Lengths are counted as it stands in the
message, after escaping, and a character beyond the basic plane as two, since Slack does not say how it counts.
"""

import re
from collections.abc import Iterable
from typing import Any

from alerts.channels.message import AlertMessage, Link, ListedAlert, MessageKind, cut, is_web_address, one_line
from alerts.channels.written_message import WrittenMessage
from events.ingest.types import Severity

TEXT = 4000
HEADER = 150
SECTION = 3000
FIELD = 2000
FIELDS = 10
ACTIONS = 25
BUTTON_TEXT = 75
BUTTON_URL = 3000
CONTEXT_ELEMENTS = 10
CONTEXT_TEXT = 2000
BLOCKS = 50
# Longer is no longer read on a phone; the link leads to the rest.
_EXAMPLE = 1500
_LISTED = 15
_LISTED_LINE = 180

_SIGNS = {
    Severity.CRITICAL: "🔴",
    Severity.ERROR: "🟠",
    Severity.WARNING: "🟡",
    Severity.INFO: "🔵",
    Severity.DEBUG: "⚪",
}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

type Block = dict[str, Any]


def payload(message: AlertMessage, *, has_buttons: bool = False) -> dict[str, Any]:
    """The body for an incoming webhook. ``text`` is what notifications and screen readers say. ``has_buttons``: what can be done is
    done in Slack (alerts.acting.slack_interactivity), and not behind a link."""
    return {
        "text": escaped(_summary(message), TEXT),
        "blocks": blocks(message, has_buttons=has_buttons),
        # A link in somebody's error message must not become a picture, or a page that we fetch.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def written_payload(message: WrittenMessage) -> dict[str, Any]:
    """The body for what is written already: its own blocks, or its text, which notifications and screen readers say, too."""
    blocks = [dict(one) for one in message.blocks[:BLOCKS]]
    return {
        "text": cut(message.text, TEXT), **({"blocks": blocks} if blocks else {}), "unfurl_links": False,
        "unfurl_media": False,
    }  # fmt: skip


def reply(message: AlertMessage) -> str:
    """One line for the thread under the message: that it is over, or that it is not."""
    return escaped(f"{_sign(message)} {message.state}: {message.headline}, {message.when}.", TEXT)


def blocks(message: AlertMessage, *, has_buttons: bool = False) -> list[Block]:
    """Header, what happened, the facts, the storm, the newest example, what can be done, the labels; at most 50."""
    made: list[Block] = [
        {"type": "header", "text": plain_text(f"{_sign(message)} {message.state}: {message.headline}", HEADER)}
    ]
    if what := one_line(message.what):
        made.append(section(escaped(what, SECTION)))
    if fields := _fields(message):
        made.append({"type": "section", "fields": fields[:FIELDS]})
    if cause := one_line(message.likely_cause):
        made.append(section(f"*Likely cause*\n{escaped(cause, SECTION - 20)}"))
    if message.storm_count:
        made.append(section(_storm(message)))
    if example := message.example(_EXAMPLE):
        made.append(section(_example(example)))
    if message.mutes:
        made.append(section(_mutes(message)))
    # A message of a storm is about many: each of them has its own page.
    acts = _acts(message) if has_buttons and not message.storm_count else []
    links = [link for link in message.usable_links if not acts or link not in message.links]
    if buttons := [*acts, *_buttons(links)][:ACTIONS]:
        made.append({"type": "actions", "elements": buttons})
    if labels := _labels(message):
        made.append({"type": "context", "elements": labels})
    return made[:BLOCKS]


def escaped(text: str, most: int) -> str:
    """The text with the three signs escaped that mean something to Slack, cut so that no escape is cut."""
    kept: list[str] = []
    length = 0
    for char in text:
        part = _ESCAPES.get(char, char)
        length += _length(part)
        if length > most:
            return _with_ellipsis(kept, most)
        kept.append(part)
    return "".join(kept)


def linked(url: str, label: str, most: int) -> str:
    """``<url|label>``; only the label where both together are too long."""
    safe = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    room = most - _length(safe) - 3
    if not is_web_address(url) or room < 20:
        return escaped(label, most)
    return f"<{safe}|{escaped(label, room)}>"


def _with_ellipsis(kept: list[str], most: int) -> str:
    length = sum(_length(part) for part in kept)
    while kept and length + 1 > most:
        length -= _length(kept.pop())
    return "".join([*kept, "…"]) if most >= 1 else ""


def _length(text: str) -> int:
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def _summary(message: AlertMessage) -> str:
    said = (message.what, message.where, message.users, message.when, message.storm_sentence)
    facts = ", ".join(part for part in map(one_line, said) if part)
    return f"{_sign(message)} {message.state}: {message.headline}. {facts}"


def _sign(message: AlertMessage) -> str:
    if message.is_over:
        return "✅"
    if message.kind is MessageKind.CHANGED and message.acknowledged:
        return "👀"
    return "🔧" if message.kind is MessageKind.TEST else _SIGNS[message.severity]


def _fields(message: AlertMessage) -> list[Block]:
    facts = (
        ("Where", one_line(message.where)),
        ("Users", message.users),
        ("When", message.when),
        ("Growing", one_line(message.growth)),
        ("Events", message.event_counts.sentence if message.event_counts else ""),
        ("Acknowledged", one_line(message.acknowledged)),
        ("Muted", one_line(message.muted)),
    )
    return [mrkdwn(f"*{label}*\n{escaped(value, FIELD - 20)}") for label, value in facts if value]


def _example(text: str) -> str:
    # A fence within the example would end the fence around it.
    inside = re.sub("`{3,}", lambda run: "\u200b".join(run[0]), text)
    return f"*Newest example*\n```\n{escaped(inside, _EXAMPLE)}\n```"


def _storm(message: AlertMessage) -> str:
    named, left_out = message.listed(_LISTED)
    lines = [f"*{message.storm_sentence}*", *(_listed(one) for one in named)]
    if left_out:
        lines.append(f"and {left_out:,} more")
    return "\n".join(lines)


def _listed(one: ListedAlert) -> str:
    sign = _SIGNS[one.severity] if one.is_firing else "✅"
    title = one_line(one.title) or "Alert"
    place = f" – {one_line(one.where)}" if one_line(one.where) else ""
    if one.url:
        return f"{sign} {linked(one.url, f'{title}{place}', _LISTED_LINE)}"
    return f"{sign} {escaped(f'{title}{place}', _LISTED_LINE)}"


def _mutes(message: AlertMessage) -> str:
    named = message.mutes[:_LISTED]
    lines = [f"*{message.mutes_sentence}*", *(_listed(one) for one in named)]
    if len(message.mutes) > len(named):
        lines.append(f"and {len(message.mutes) - len(named):,} more")
    return "\n".join(lines)


# What a button asks for, by the first part of its action id; the second is the alert.
ACTS = {"acknowledge": "Acknowledge", "resolve": "Resolve", "mute": "Mute for an hour"}


def read_action(action_id: str) -> tuple[str, int] | None:
    """``acknowledge-17`` is ("acknowledge", 17); None for what is no button of ours."""
    act, _, alert_id = action_id.partition("-")
    if act not in ACTS or not (alert_id.isascii() and alert_id.isdecimal()) or len(alert_id) > 18:
        return None
    return act, int(alert_id)


def _acts(message: AlertMessage) -> list[Block]:
    if message.is_over or message.kind is MessageKind.TEST or not message.alert_id.isdecimal():
        return []
    return [
        {
            "type": "button", "text": plain_text(label, BUTTON_TEXT), "action_id": f"{act}-{message.alert_id}",
            "value": message.alert_id,
        }
        for act, label in ACTS.items()
        if not (act == "acknowledge" and message.acknowledged) and not (act == "mute" and message.muted)
    ]  # fmt: skip


def _buttons(links: Iterable[Link]) -> list[Block]:
    made: list[Block] = []
    for link in links:
        if _length(link.url) > BUTTON_URL:
            continue
        button: Block = {
            "type": "button",
            "text": plain_text(one_line(link.label), BUTTON_TEXT),
            "url": link.url,
            # Slack asks that they differ within a message.
            "action_id": f"link-{len(made)}",
        }
        if link.is_primary:
            button["style"] = "primary"
        made.append(button)
    return made[:ACTIONS]


def _labels(message: AlertMessage) -> list[Block]:
    words = sorted((one_line(name), one_line(value)) for name, value in message.labels.items())
    said = [mrkdwn(escaped(f"{name}: {value}", CONTEXT_TEXT)) for name, value in words if name and value]
    if len(said) > CONTEXT_ELEMENTS:
        left_out = len(said) - CONTEXT_ELEMENTS + 1
        said = [*said[: CONTEXT_ELEMENTS - 1], mrkdwn(f"and {left_out} more")]
    return said


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def mrkdwn(text: str) -> Block:
    # Verbatim: names and addresses in what others wrote stay text, and @channel calls nobody.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str, most: int) -> Block:
    """Not escaped: plain text shows its signs as they are."""
    kept: list[str] = []
    length = 0
    for char in text:
        length += _length(char)
        if length > most:
            return {"type": "plain_text", "text": _with_ellipsis(kept, most), "emoji": False}
        kept.append(char)
    return {"type": "plain_text", "text": "".join(kept), "emoji": False}
