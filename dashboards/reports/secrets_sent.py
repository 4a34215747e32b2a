"""Services that send what nobody should: passwords, keys, names. It was cleaned before it was stored; its sender is to be mended.

Nothing counts what was cleaned, and no window reads all events: the newest events of each service in each seventh of the window are
looked at. What a service sends with every event is among them, and what it sent once may not be.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.window import Span
from events.event_ids import lowest_id
from events.models import Service
from events.patience import limited_patience

# Whoever reads these can act in somebody's name.
SECRETS = ("password", "secret", "token", "cookie", "one_time_code", "card_number", "iban", "pem", "url_userinfo")
# These name a person.
PERSONAL = ("national_id", "email", "phone", "address", "person_name", "birth_date")
_SPANS, _MOST = 7, 200
_PATIENCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class SecretSent:
    """``rule`` (events.ingest.scrub.rules) was applied at ``path`` of ``event_count`` events of that name, of those looked at."""

    service_id: int
    name: str
    rule: str
    path: str
    event_count: int
    last_at: datetime

    @property
    def is_secret(self) -> bool:
        return self.rule in SECRETS


@dataclass(frozen=True, slots=True)
class SecretsSent:
    """Secrets first, then what names people; the most frequent first. ``looked_at``: events by service, of those that sent any."""

    sent: list[SecretSent]
    looked_at: dict[int, int]


@dataclass(frozen=True, slots=True)
class _Row:
    service_id: int
    looked_at: int
    name: str | None
    rule: str
    path: str
    event_count: int
    last_at: datetime


def secrets_sent(question: Question) -> SecretsSent:
    """A query for each part of the window, and one. Raises SearchTooSlowError."""
    services = Service.objects.order_by("pk")
    if question.filters.services:
        services = services.filter(pk__in=question.filters.services)
    ids = list(services.values_list("pk", flat=True))
    sent: dict[tuple[int, str, str, str], SecretSent] = {}
    looked_at: dict[int, int] = defaultdict(int)
    for span in _parts(question.window.span):
        rows = _looked_at(question, span, ids)
        for service_id, number in {row.service_id: row.looked_at for row in rows}.items():
            looked_at[service_id] += number
        for row in rows:
            if row.name is not None:
                key = row.service_id, row.name, row.rule, row.path
                earlier = sent[key].event_count if key in sent else 0
                sent[key] = SecretSent(*key, row.event_count + earlier, row.last_at)
    found = sorted(
        sent.values(),
        key=lambda one: (not one.is_secret, -one.event_count, one.service_id, one.name, one.path, one.rule),
    )
    return SecretsSent(found, {number: looked_at[number] for number in {one.service_id for one in found}})


def _looked_at(question: Question, span: Span, services: list[int]) -> list[_Row]:
    # Bounds are told as values, so that the planner knows which partitions are read, and reads them from their end.
    with limited_patience(_PATIENCE):
        return ask(
            "secrets_sent", question, _Row, of_services=services, rules=[*SECRETS, *PERSONAL], most=_MOST,
            starts_at=span.start, ends_at=span.end, first_id=lowest_id(span.start), last_id=lowest_id(span.end),
        )  # fmt: skip


def _parts(span: Span) -> list[Span]:
    """The earliest first."""
    edges = [span.start + number * span.length / _SPANS for number in range(_SPANS)]
    return [Span(start, end) for start, end in zip(edges, [*edges[1:], span.end], strict=True)]
