"""What immediate rules would have been judged by: the events, and the issues that were new or came back, that are still stored.

Of events of one minute that share their words the first and the last tell all: an alert is let go at full minutes alone, and one
that need not hold for some time fires with the first. So the database adds them up, and a replay costs minutes and not events.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from alerts.judging.grouping import key_of, labels_of
from alerts.judging.news import KINDS, LATE, event_sentence, issue_labels, issue_sentence
from alerts.matching import Words
from alerts.models import AlertRule, ConditionType
from events.models import Event, IssueTransition, Service
from events.rollup_tables import FAILURES

_PAGE = 5000
# What alerts may be grouped by and rules do not match.
_LABELS = ("feature", "ai_provider")


@dataclass(slots=True)
class OneNews:
    """Of one group: when the first of so many events arrived, and when the last one did. ``sentence`` tells of the first."""

    at: datetime
    last_at: datetime
    count: int
    labels: dict[str, str]
    key: str
    sentence: str


def news_of(
    rule: AlertRule, *, since: datetime, until: datetime, check: Callable[[], None] = lambda: None
) -> Iterator[OneNews]:
    """In the order of arrival, from ``since`` up to ``until``. ``check`` is called for each row, and may raise to end it."""
    if rule.condition == ConditionType.EVENT:
        return _events(rule, since, until, check)
    return iter(sorted(_issues(rule, since, until), key=lambda one: (one.at, one.key)))


@dataclass(frozen=True, slots=True)
class _Row:
    """Events of one stretch of time that share these words."""

    words: Words
    count: int
    first_at: datetime
    last_at: datetime
    message: str
    places: tuple[dict[str, Any], ...]

    # What event_sentence asks for.
    @property
    def service_id(self) -> int:
        return self.words.service_id

    @property
    def name(self) -> str:
        return self.words.name

    @property
    def endpoint(self) -> str:
        return self.words.endpoint


def _events(rule: AlertRule, since: datetime, until: datetime, check: Callable[[], None]) -> Iterator[OneNews]:
    services = dict(Service.objects.values_list("pk", "name"))
    match = rule.match
    keys: dict[tuple[str, ...], tuple[dict[str, str], str]] = {}
    stretch: datetime | None = None
    found: dict[str, OneNews] = {}
    for start, row in _rows(rule, since, until):
        check()
        if start != stretch:
            yield from sorted(found.values(), key=lambda one: (one.at, one.key))
            stretch, found = start, {}
        if not match.takes(row.words) or not match.takes_tags(*row.places):
            continue
        values = tuple(row.words.label(word) for word in rule.group_by)
        if values not in keys:
            labels = labels_of(rule.group_by, row.words)
            keys[values] = labels, key_of(labels)
        labels, key = keys[values]
        one = found.get(key)
        if one is None:
            sentence = event_sentence(row, services)
            found[key] = OneNews(row.first_at, row.last_at, row.count, labels, key, sentence)
            continue
        if row.first_at < one.at:
            one.at, one.sentence = row.first_at, event_sentence(row, services)
        one.last_at, one.count = max(one.last_at, row.last_at), one.count + row.count
    yield from sorted(found.values(), key=lambda one: (one.at, one.key))


def _rows(rule: AlertRule, since: datetime, until: datetime) -> Iterator[tuple[datetime, _Row]]:
    """Failures by the minute in which they arrived and by their words, of what the database can narrow down.

    One by one where tags are looked at, and where an alert must hold for some time before it fires.
    """
    match = rule.match
    label_words = [word for word in _LABELS if word in rule.group_by]
    words = ["service_id", "name", "severity", "endpoint", "environment"]
    words += ["release" if "release" in rule.group_by else "''"]
    words += [f"labels ->> '{word}'" for word in label_words]
    stretch = "date_trunc('minute', received_at)"
    counted = "count(*), min(received_at), max(received_at), (array_agg(message ORDER BY received_at, id))[1]"
    places = ""
    if rule.for_seconds or match.tag:
        stretch, counted = "received_at", "1, received_at, received_at, message"
        places = ", labels, tags, data" if match.tag else ""
    where, parameters = _meant(rule, since, until)
    statement = (
        f"SELECT {stretch} AS stretch, {', '.join(words)}, {counted}{places} FROM events_event WHERE {where} "
        + ("" if stretch == "received_at" else f"GROUP BY stretch, {', '.join(one for one in words if one != repr(''))} ")
        + "ORDER BY stretch" + (", id" if stretch == "received_at" else "")
    )  # fmt: skip
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while page := cursor.fetchmany(_PAGE):
            for row in page:
                end = 7 + len(label_words)
                labels = {word: value for word, value in zip(label_words, row[7:end], strict=True) if value is not None}
                service_id, name, severity, endpoint, environment, release = row[1:7]
                of_events = Words(service_id, name, severity, endpoint, environment, release, labels)
                count, first_at, last_at, message = row[end : end + 4]
                yield (
                    row[0],
                    _Row(of_events, count, first_at, last_at, message, tuple(map(orjson.loads, row[end + 4 :]))),
                )


def _meant(rule: AlertRule, since: datetime, until: datetime) -> tuple[str, dict[str, Any]]:
    match = rule.match
    parts = [
        "severity = ANY(%(severities)s)",
        "occurred_at >= %(earliest)s AND occurred_at < %(latest)s",
        "received_at >= %(since)s AND received_at < %(until)s",
        "received_at - occurred_at <= %(late)s",
    ]
    parameters: dict[str, Any] = {
        "severities": [one for one in FAILURES if not match.severities or one in match.severities],
        "earliest": since - LATE, "latest": until + LATE, "since": since, "until": until, "late": LATE,
    }  # fmt: skip
    if match.names and not any("*" in name for name in match.names):
        parts.append("name = ANY(%(names)s)")
        parameters["names"] = list(match.names)
    if match.service_id is not None:
        parts.append("service_id = %(service)s")
        parameters["service"] = match.service_id
    if match.tag:
        parts.append("(labels ?| %(tag)s OR tags ?| %(tag)s OR data ?| %(tag)s)")
        parameters["tag"] = [match.tag.partition(">=")[0].strip(), match.tag.partition(":")[0]]
    return " AND ".join(parts), parameters


def _issues(rule: AlertRule, since: datetime, until: datetime) -> Iterator[OneNews]:
    """Without those whose event is no longer kept."""
    transitions = (
        IssueTransition.objects.filter(
            kind=KINDS[ConditionType(rule.condition)], at__gte=since, at__lt=until, event_id__isnull=False
        )
        .select_related("issue")
        .order_by("pk")
    )
    last = 0
    while page := list(transitions.filter(pk__gt=last)[:_PAGE]):
        events = Event.objects.defer("exception", "breadcrumbs").in_bulk([one.event_id for one in page])
        for transition in page:
            event = events.get(transition.event_id)
            labels = None if event is None else issue_labels(rule, transition, event)
            if labels is not None and event is not None and event.received_at - transition.at <= LATE:
                yield OneNews(transition.at, transition.at, 1, labels, key_of(labels), issue_sentence(transition))
        last = page[-1].pk
