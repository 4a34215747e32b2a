"""Writes a digest as a mail and as a page: HTML that mail programs show as it is meant, and text that reads as text.

Nothing is fetched from anywhere: charts are rows of a table and small pictures that the mail brings with it. No database.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from alerts.channels import mailing
from dashboards.digests import sparklines
from dashboards.digests.content import Content, Section
from dashboards.digests.periods import Kind
from dashboards.digests.plain import text_of
from dashboards.digests.slack import slack_of
from dashboards.digests.wording import (
    NAMES,
    TO_DO,
    TONES,
    About,
    Room,
    day_words,
    headline,
    late_words,
    left_out,
    period_words,
    preheader_of,
    quiet_words,
    said,
    scope_of,
    subject_of,
    trusted,
    usable,
    why_words,
)
from dashboards.pages.words import counted, joined
from events import formats

__all__ = ["About", "Mail", "confirmation_of", "mail_of", "page_of", "slack_of"]

# Gmail cuts what is longer, with the links at its end.
HTML_BYTES = 100_000
# From all that there is to say down to sentences alone; the first that fits is taken.
_ROOMS = (Room(), Room(10), Room(6, 400, 1000), Room(3, 300, 600), Room(0, 120, 240))


@dataclass(frozen=True, slots=True)
class Mail:
    """``images`` are PNG files by the content id under which the HTML shows them."""

    subject: str
    preheader: str
    html: str
    text: str
    images: dict[str, bytes]


def mail_of(content: Content, about: About) -> Mail:
    """Multipart: HTML under 100 KB, and the same as text."""
    with formats.written_for(about.formats):
        return _mail(content, about)


def _mail(content: Content, about: About) -> Mail:
    for room in _ROOMS:
        known = trusted(content, about.base_url, room)
        pictures = _pictures(known.sections)
        html = _html(known, about, {name: f"cid:{cid}" for name, (cid, _) in pictures.items()}, is_mail=True)
        if len(html.encode()) < HTML_BYTES:
            break
    return Mail(
        subject=subject_of(content, about, settings.STATUS_PAGE_NAME), preheader=preheader_of(content), html=html,
        text=text_of(content, about), images=dict(pictures.values()),
    )  # fmt: skip


def page_of(content: Content, about: About) -> str:
    """The same HTML with its pictures in it: for the archive, a preview, or a reader without an account."""
    with formats.written_for(about.formats):
        return _page(content, about)


def _page(content: Content, about: About) -> str:
    known = trusted(content, about.base_url)
    sources = {
        name: f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        for name, (_, picture) in _pictures(known.sections).items()
    }
    return _html(known, about, sources, is_mail=False)


def confirmation_of(kinds: Sequence[Kind], scope_words: str, confirm_url: str) -> Mail:
    """The question whether it was they who asked; nothing else is sent to an address before it is answered."""
    what = joined([NAMES[Kind(one)].lower() for one in kinds])
    context = {"what": what, "scope": said(scope_words, 300), "address": confirm_url, "product": _product()}
    return Mail(
        subject=f"Confirm: the {what} of {_product()}", preheader="Nothing is sent before you do.",
        html=mailing.inlined(render_to_string("dashboards/digests/confirmation.html", context)),
        text=render_to_string("dashboards/digests/confirmation.txt", context), images={},
    )  # fmt: skip


def _product() -> str:
    return said(settings.STATUS_PAGE_NAME, 60) or "Liftmon"


def _pictures(sections: Sequence[Section]) -> dict[str, tuple[str, bytes]]:
    """Of each section that has a trend: the content id of its picture, and the picture."""
    return {one.name: (_content_id(one), _picture(one.trend)) for one in sections if one.trend}


@lru_cache(maxsize=64)
def _picture(trend: tuple[float, ...]) -> bytes:
    """Drawn once for all rooms of a mail, and for all readers of a digest."""
    return sparklines.png(trend)


def _content_id(section: Section) -> str:
    """The same for the same picture, and for no other one."""
    values = ",".join(f"{value:g}" for value in section.trend)
    return f"{section.name}-{hashlib.sha256(values.encode()).hexdigest()[:12]}@digest.liftmon"


def _html(content: Content, about: About, sources: Mapping[str, str], *, is_mail: bool) -> str:
    first, rest = headline(content.verdict)
    context = {
        "name": NAMES[about.kind], "product": _product(), "day": day_words(about), "period": period_words(about),
        "scope": scope_of(about), "late": late_words(about), "why": why_words(about) if is_mail else "",
        "tone": content.tone, "tone_words": TONES[content.tone], "verdict": first, "rest": rest,
        "preheader": preheader_of(content) if is_mail else "", "filler": range(40),
        "incidents": content.incidents, "left_out": left_out(content),
        "sections": [_shown(one, sources) for one in content.sections],
        "todo": TO_DO[about.kind], "actions": content.actions,
        "quiet": quiet_words(content), "notes": content.notes, "is_mail": is_mail,
        "digest_url": usable(about.digest_url), "settings_url": usable(about.settings_url),
        "unsubscribe_url": usable(about.unsubscribe_url),
    }  # fmt: skip
    return mailing.inlined(render_to_string("dashboards/digests/digest.html", context))


def _shown(section: Section, sources: Mapping[str, str]) -> dict[str, Any]:
    """A section as the template reads it: lengths of bars in percent, the picture, and what stands in its place."""
    most = max((bar.value for bar in section.bars), default=0) or 1
    caption = section.trend_caption or section.title
    highest = sparklines.number(max(sparklines.resampled(section.trend), default=0.0))
    return {
        "section": section,
        "users": counted(section.users, "user"),
        "bars": [(bar, max(round(100 * (bar.value / most)), 1 if bar.value else 0)) for bar in section.bars],
        "source": sources.get(section.name, ""),
        "caption": f"{caption}, at most {highest}",
        "alt": f"{caption}: {sparklines.words(section.trend)}." if section.trend else "",
        "width": sparklines.WIDTH, "height": sparklines.HEIGHT,
    }  # fmt: skip
