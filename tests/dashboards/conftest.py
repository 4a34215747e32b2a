"""The fixtures of events: what the pages show came in through the same door; and plain SQL to check their numbers with."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from dashboards.reports.question import Question
from tests.dashboards.reports.random_events import where
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import make_sender as make_sender
from tests.events.conftest import sender as sender


@pytest.fixture
def events_say() -> Callable[..., list[dict[str, Any]]]:
    """Rows of a statement over the events that a question is about; ``{events}`` stands for them."""

    def say(question: Question, statement: str, *, before: bool = False, **parameters: Any) -> list[dict[str, Any]]:
        condition, bound = where(question, before=before)
        events = f"(SELECT * FROM events_event WHERE {condition}) AS event"
        with connection.cursor() as cursor:
            cursor.execute(statement.replace("{events}", events), {**bound, **parameters})
            columns = [column[0] for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    return say
