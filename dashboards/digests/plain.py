"""A digest as text, to be read as such: lines of at most 74 signs, and addresses on lines of their own."""

import textwrap
from collections.abc import Iterable, Sequence

from django.utils.text import capfirst

from alerts.channels.message import sparkline
from dashboards.digests.content import Action, Bar, Content, Row, Section
from dashboards.digests.sparklines import resampled
from dashboards.digests.sparklines import words as trend_words
from dashboards.digests.wording import (
    NAMES,
    TO_DO,
    TONES,
    About,
    headline,
    late_words,
    left_out,
    marks_of,
    period_words,
    quiet_words,
    row_words,
    said,
    scope_of,
    trusted,
    usable,
    why_words,
)
from events import formats

WIDTH = 74
_BAR, _LABEL = 24, 22


def text_of(content: Content, about: About) -> str:
    """The whole digest; paragraphs have an empty line between them."""
    with formats.written_for(about.formats):
        return _text(content, about)


def _text(content: Content, about: About) -> str:
    known = trusted(content, about.base_url)
    first, rest = headline(known.verdict)
    parts = [
        _block([NAMES[about.kind].upper(), period_words(about), capfirst(scope_of(about)), late_words(about)]),
        _block([f"{TONES[known.tone]}: {first}", rest]),
        _incidents(known),
        _actions(known.actions, TO_DO[about.kind]),
        *(_section(one) for one in known.sections),
        _block([quiet_words(known)]),
        *(_block([note]) for note in known.notes),
        _foot(about),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(one: Section) -> str:
    marks = marks_of(one)
    title = f"{one.title.upper()} ({', '.join(marks)})" if marks else one.title.upper()
    lines = [_wrapped(title), _rule(title), *([_wrapped(one.question)] if one.question else []), _wrapped(one.sentence)]
    if one.trend:
        lines += ["", *_trend(one)]
    if one.bars:
        lines += ["", *_bars(one.bars, one.bars_caption)]
    if one.rows:
        lines.append("")
    lines += _rows(one.rows)
    return _joined([*lines, *(["", one.link] if one.link else [])])


def _incidents(content: Content) -> str:
    if not content.incidents:
        return ""
    title = "OPEN INCIDENTS"
    more = [f"  {left_out(content)}"] if left_out(content) else []
    return _joined([title, _rule(title), *_rows(content.incidents), *more])


def _rows(rows: Iterable[Row]) -> list[str]:
    lines = []
    for row in rows:
        lines.append(_item(row_words(row), "- "))
        # Longer ones would hide the words; the section's own leads there too.
        lines += [f"  {row.link}"] if row.link and len(row.link) + 2 <= WIDTH else []
    return lines


def trend_signs(steps: Sequence[float], most: int) -> str:
    """At most that many block signs; where there are more steps, the highest of each stretch."""
    known = resampled(steps)
    stretch = -(-len(known) // most) or 1
    highest = max(known, default=0.0) or 1.0
    return sparkline([round(1000 * (max(known[at : at + stretch]) / highest)) for at in range(0, len(known), stretch)])


def _trend(one: Section) -> list[str]:
    signs = trend_signs(one.trend, WIDTH - 4)
    said_so = _wrapped(f"{one.trend_caption or one.title}: {trend_words(one.trend)}", "  ", "  ")
    return [f"  {signs}", said_so] if signs else [said_so]


def _bars(bars: Sequence[Bar], caption: str) -> list[str]:
    most = max((bar.value for bar in bars), default=0) or 1
    width = min(max(len(bar.label) for bar in bars), _LABEL)
    lines = [_wrapped(f"{caption}:", "  ", "  ")] if caption else []
    for bar in bars:
        length = max(round(_BAR * (bar.value / most)), 1 if bar.value else 0)
        # Said again: what is cut would lose the sign that ends its isolation.
        label, number = said(bar.label, width), said(bar.words, WIDTH - width - _BAR - 4)
        lines.append(f"  {label:<{width}} {'█' * length:<{_BAR}} {number}".rstrip())
    return lines


def _actions(actions: Sequence[Action], title: str) -> str:
    if not actions:
        return ""
    lines = [title.upper(), _rule(title)]
    for number, one in enumerate(actions, start=1):
        lines.append(_item(f"{one.text}{' (urgent)' if one.is_urgent else ''}", f"{number}. "))
        lines += [_item(one.evidence, "   ")] if one.evidence else []
        lines += [f"   {one.link}"] if one.link else []
    return _joined(lines)


def _foot(about: About) -> str:
    links = (
        ("Read it in a browser", about.digest_url), ("Change what you get", about.settings_url),
        ("Unsubscribe", about.unsubscribe_url),
    )  # fmt: skip
    told = [f"{words}:\n{usable(url)}" for words, url in links if usable(url)]
    return _joined(["—" * 24, _wrapped(why_words(about)), *told])


def _rule(title: str) -> str:
    return "-" * min(len(title), WIDTH)


def _block(sentences: Iterable[str]) -> str:
    return _joined(_wrapped(one) for one in sentences if one)


def _item(words: str, mark: str) -> str:
    return _wrapped(words, mark, " " * len(mark))


def _wrapped(words: str, first: str = "", others: str = "") -> str:
    # A word of somebody's that is longer than a line is broken, at the end of the line only.
    return textwrap.fill(
        words, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False, break_long_words=True
    )


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
