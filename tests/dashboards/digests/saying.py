"""Digests for tests: what they say at a moment, and events to say it of."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

from dashboards.digests.building import Scope, content, question_of
from dashboards.digests.content import Content, Section
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.digests.wording import About
from dashboards.reports.question import Question
from tests.dashboards.digests.pages import painted
from tests.dashboards.reports.random_events import NOW
from tests.events.conftest import Sender

DAY = timedelta(days=1)
LENGTHS = {Kind.DAILY: DAY, Kind.WEEKLY: 7 * DAY, Kind.MONTHLY: 30 * DAY}


_ENGLISH = re.compile(r"\d,\d{3}(?!\d)|\d\.\d+\W?(?:ms|s|h|min|days|KB|MB|GB|%|×)(?!\w)|×\d+\.\d|\d\W?[AP]M\b")


def said_by(told: Content, about: About) -> str:
    """All that a reader gets to see of it: the text, the text of the HTML, and the message."""
    mail, message = mail_of(told, about), slack_of(told, about)
    seen = [one.text for one in painted(mail.html, is_dark=False)]
    return "\n".join([mail.subject, mail.preheader, mail.text, *seen, json.dumps(message, ensure_ascii=False)])


def english_numbers(said: str) -> list[str]:
    """Numbers that are written as in English, of what was said."""
    return [found[0] for found in _ENGLISH.finditer(said)]


def sections_of(told: Content) -> dict[str, Section]:
    return {one.name: one for one in told.sections}


def ask(kind: Kind, scope: Scope, end: datetime = NOW) -> tuple[Content, Question]:
    question = question_of(scope, start=end - LENGTHS[kind], end=end, now=NOW)
    return content(kind, question), question


def store(sender: Sender, at: datetime, **document: Any) -> None:
    sender.store({"environment": "production", "timestamp": at.isoformat(), **document}, at=at)
