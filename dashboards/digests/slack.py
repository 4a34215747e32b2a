"""A digest as Slack's Block Kit, within the limits that Slack checks. What others wrote becomes neither a mention nor a link."""

from collections.abc import Sequence
from typing import Any

from alerts.channels.slack_blocks import (
    BUTTON_TEXT,
    CONTEXT_TEXT,
    HEADER,
    SECTION,
    TEXT,
    Block,
    escaped,
    linked,
    mrkdwn,
    plain_text,
    section,
)
from dashboards.digests.content import Action, Content, Row, Section
from dashboards.digests.plain import trend_signs
from dashboards.digests.sparklines import words as trend_words
from dashboards.digests.wording import (
    NAMES,
    TO_DO,
    About,
    headline,
    late_words,
    left_out,
    marks_of,
    period_words,
    quiet_words,
    row_words,
    scope_of,
    trusted,
    usable,
)
from dashboards.pages.words import joined
from events import formats

_SIGNS_IN_A_LINE = 30
_SIGNS = {"bad": "🔴", "warn": "🟡", "good": "🟢"}
# Longer is not read in a channel; the page has the rest.
MOST_TOLD = 12
# So that a section with all its lines is within what Slack takes.
_LINE, _SENTENCE = 360, 900


def slack_of(content: Content, about: About) -> dict[str, Any]:
    """The body for a webhook, or of a bot's message. ``text`` is what notifications and screen readers say."""
    with formats.written_for(about.formats):
        return _message(content, about)


def _message(content: Content, about: About) -> dict[str, Any]:
    known = trusted(content, about.base_url)
    first, rest = headline(known.verdict)
    title = f"{_SIGNS[known.tone]} {NAMES[about.kind]}: {first}"
    told = " ".join(one for one in (late_words(about), rest) if one)
    blocks: list[Block] = [
        {"type": "header", "text": plain_text(title, HEADER)},
        _context(f"{period_words(about)} · {scope_of(about)}"),
    ]
    blocks += [section(escaped(told, SECTION))] if told else []
    blocks += [section(_incidents(known))] if known.incidents else []
    blocks += [section(_actions(known.actions, TO_DO[about.kind]))] if known.actions else []
    blocks += [{"type": "divider"}] if known.sections else []
    blocks += [section(_section(one)) for one in known.sections[:MOST_TOLD]]
    blocks += [_context(words) for words in _last(known, known.sections[MOST_TOLD:])]
    if buttons := _buttons(about):
        blocks.append({"type": "actions", "elements": buttons})
    return {
        "text": escaped(f"{NAMES[about.kind]}: {known.verdict}", TEXT),
        "blocks": blocks,
        # A link in somebody's error message must not become a picture, or a page that is fetched.
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _section(one: Section) -> str:
    marks = marks_of(one)
    head = f"*{linked(one.link, one.title, _LINE) if one.link else escaped(one.title, _LINE)}*"
    lines = [f"{head} · _{', '.join(marks)}_" if marks else head, escaped(one.sentence, _SENTENCE)]
    if one.trend:
        said_so = f"{one.trend_caption or one.title}: {trend_words(one.trend)}"
        lines.append(escaped(f"{trend_signs(one.trend, _SIGNS_IN_A_LINE)} {said_so}", _LINE))
    return "\n".join([*lines, *_rows(one.rows)])


def _incidents(content: Content) -> str:
    more = [left_out(content)] if left_out(content) else []
    return "\n".join(["*Open incidents*", *_rows(content.incidents), *more])


def _rows(rows: Sequence[Row]) -> list[str]:
    told = ((row.link, row_words(row)) for row in rows)
    return [f"• {linked(link, words, _LINE) if link else escaped(words, _LINE)}" for link, words in told]


def _actions(actions: Sequence[Action], title: str) -> str:
    lines = [f"*{title}*"]
    for number, one in enumerate(actions, start=1):
        words = f"{one.text} (urgent)" if one.is_urgent else one.text
        lines.append(f"{number}. {linked(one.link, words, _LINE) if one.link else escaped(words, _LINE)}")
        lines += [f"      {escaped(one.evidence, _LINE)}"] if one.evidence else []
    return "\n".join(lines)


def _last(content: Content, others: Sequence[Section]) -> list[str]:
    also = f"Also told on the page: {joined([one.title for one in others])}." if others else ""
    return [words for words in (also, quiet_words(content), *content.notes) if words]


def _context(words: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(escaped(words, CONTEXT_TEXT))]}


def _buttons(about: About) -> list[Block]:
    links = (("Read all of it", about.digest_url), ("Change what is sent", about.settings_url))
    return [
        {
            "type": "button", "text": plain_text(words, BUTTON_TEXT), "url": usable(url), "action_id": f"link-{number}",
            **({"style": "primary"} if number == 0 else {}),
        }
        for number, (words, url) in enumerate(links)
        if usable(url)
    ]  # fmt: skip
