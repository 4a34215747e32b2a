"""Addresses of the rows behind a number: events and issues of the same window and filters."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from dashboards.asking import address_of, instant, query_of
from dashboards.reports.question import Filters, Question
from dashboards.window import Span
from events import label_words
from events.models import Service

# Labels that the list of events has a field for.
_ALSO_TYPED = ("feature", "ai_provider")


def events_link(
    question: Question, *, span: Span | None = None, label: str | Sequence[str] = (), **filters: Any
) -> str:
    """The list of events of the question's window, or of a part of it; ``filters`` are words of events.event_search.

    ``label`` is "name:value" or several of them, each value as it is.
    """
    if span is not None:
        return events_links(question, [span], label=label, **filters)[0]
    return f"{_admin_page('events_event_changelist')}?{urlencode(query_of(question, **_typed(label, filters)), doseq=True)}"


def events_links(
    question: Question, spans: Sequence[Span], *, label: str | Sequence[str] = (), **filters: Any
) -> list[str]:
    """The same of many parts of the window, such as the cells of a map, in less time."""
    words = query_of(question, **_typed(label, filters), window=None, **{"from": None, "to": None})
    address, rest = _admin_page("events_event_changelist"), urlencode(words, doseq=True)
    return [
        f"{address}?window=custom&from={_quoted(span.start)}&to={_quoted(span.end)}{'&' if rest else ''}{rest}"
        for span in spans
    ]


def _quoted(at: datetime) -> str:
    return instant(at).replace(":", "%3A")


def _typed(label: str | Sequence[str], filters: dict[str, Any]) -> dict[str, Any]:
    """The filters and labels as the list of events reads them."""
    labels = [label] if isinstance(label, str) else list(label)
    for name in _ALSO_TYPED:
        value = str(filters.get(name) or "")
        if value != value.strip():  # which the list takes away from what people type
            labels.append(f"{name}:{value}")
            filters[name] = None
    return filters | {"label": label_words.written(*labels)}


def page_link(name: str, question: Question, /, **changes: Any) -> str:
    """An analytics page with the same window and filters."""
    return address_of(_admin_page(name), question, **changes)


@cache
def _admin_page(name: str) -> str:
    """Pages have hundreds of links, and where they lead never changes."""
    return reverse(f"admin:{name}")


def issues_link(question: Question) -> str:
    """The list of unresolved issues, of the same services: it knows no other filter. A query where any is chosen."""
    address, slug = _admin_page("events_issue_changelist"), slug_of(question.filters)
    return f"{address}?{urlencode({'service': slug})}" if slug else address


def slug_of(filters: Filters) -> str:
    """By which the list of issues knows the service, or several of them with commas; "" where none is chosen."""
    if not filters.services:
        return ""
    slugs = dict(Service.objects.filter(pk__in=filters.services).values_list("pk", "slug"))
    # A service that is gone has no issues, and its number is no other one's slug.
    return ",".join(slugs.get(one, f"{one}-gone") for one in filters.services)
