"""Digests for tests: what they say at a moment, and events to say it of."""

from datetime import datetime, timedelta
from typing import Any

from dashboards.digests.building import Scope, content, question_of
from dashboards.digests.content import Content, Section
from dashboards.digests.periods import Kind
from dashboards.reports.question import Question
from tests.dashboards.reports.random_events import NOW
from tests.events.conftest import Sender

DAY = timedelta(days=1)
LENGTHS = {Kind.DAILY: DAY, Kind.WEEKLY: 7 * DAY, Kind.MONTHLY: 30 * DAY}


def sections_of(told: Content) -> dict[str, Section]:
    return {one.name: one for one in told.sections}


def ask(kind: Kind, scope: Scope, end: datetime = NOW) -> tuple[Content, Question]:
    question = question_of(scope, start=end - LENGTHS[kind], end=end, now=NOW)
    return content(kind, question), question


def store(sender: Sender, at: datetime, **document: Any) -> None:
    sender.store({"environment": "production", "timestamp": at.isoformat(), **document}, at=at)
