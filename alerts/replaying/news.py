"""What immediate rules would have been judged by: the events, and the issues that were new or came back, that are still stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from alerts.judging.grouping import key_of, labels_of
from alerts.judging.news import KINDS, LATE, event_sentence, issue_labels, issue_sentence, words_of
from alerts.models import AlertRule, ConditionType
from events.models import Event, IssueTransition, Service
from events.rollups import FAILURES

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class OneNews:
    """``at`` is when it arrived."""

    at: datetime
    labels: dict[str, str]
    key: str
    sentence: str


def news_of(
    rule: AlertRule, *, since: datetime, until: datetime, check: Callable[[], None] = lambda: None
) -> list[OneNews]:
    """In the order of arrival, from ``since`` up to ``until``. ``check`` is called for each event, and may raise to end it."""
    found = _events(rule, since, until, check) if rule.condition == ConditionType.EVENT else _issues(rule, since, until)
    return sorted(found, key=lambda one: (one.at, one.key))


def _events(rule: AlertRule, since: datetime, until: datetime, check: Callable[[], None]) -> Iterator[OneNews]:
    services = dict(Service.objects.values_list("pk", "name"))
    match = rule.match
    for event in _by_id(_meant(rule, since, until)):
        check()
        words = words_of(event)
        is_late = event.received_at - event.occurred_at > LATE
        if (
            not is_late
            and match.takes(words)
            and (not match.tag or match.takes_tags(event.labels) or match.takes_tags(event.tags, event.data))
        ):
            labels = labels_of(rule.group_by, words)
            yield OneNews(event.received_at, labels, key_of(labels), event_sentence(event, services))


def _meant(rule: AlertRule, since: datetime, until: datetime) -> QuerySet[Event]:
    """Failures, narrowed by what the database can narrow them by."""
    match = rule.match
    events = Event.objects.filter(
        severity__in=[one for one in FAILURES if not match.severities or one in match.severities],
        occurred_at__gte=since - LATE,
        occurred_at__lt=until + LATE,
        received_at__gte=since,
        received_at__lt=until,
    )
    if match.names and not any("*" in name for name in match.names):
        events = events.filter(name__in=match.names)
    if match.service_id is not None:
        events = events.filter(service_id=match.service_id)
    unread = ["exception", "breadcrumbs", *([] if match.tag else ["tags", "data"])]
    return events.defer(*unread)


def _by_id(events: QuerySet[Event]) -> Iterator[Event]:
    """Page by page in the order of ids, which is that of time."""
    last: UUID | None = None
    while True:
        page = list((events if last is None else events.filter(pk__gt=last)).order_by("pk")[:_PAGE])
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1].pk


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
                yield OneNews(transition.at, labels, key_of(labels), issue_sentence(transition))
        last = page[-1].pk
