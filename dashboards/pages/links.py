"""Addresses of the rows behind a number: events and issues of the same window and filters."""

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from dashboards.asking import address_of, instant, query_of
from dashboards.reports.question import Question
from dashboards.window import Span


def events_link(question: Question, *, span: Span | None = None, **filters: Any) -> str:
    """The list of events of the question's window, or of a part of it; ``filters`` are words of events.event_search."""
    if span is not None:
        filters |= {"window": "custom", "from": instant(span.start), "to": instant(span.end)}
    return f"{reverse('admin:events_event_changelist')}?{urlencode(query_of(question, **filters))}"


def page_link(name: str, question: Question, /, **changes: Any) -> str:
    """An analytics page with the same window and filters."""
    return address_of(reverse(f"admin:{name}"), question, **changes)
