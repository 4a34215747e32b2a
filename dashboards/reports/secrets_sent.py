"""Services that send what nobody should: passwords, keys, names. It was cleaned before it was stored; its sender is to be mended.

Nothing counts what was cleaned, and no window reads all events: the newest events of each service in each seventh of the window are
looked at. What a service sends with every event is among them, and what it sent once may not be.
"""

from dataclasses import dataclass
from datetime import datetime

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
    name: str
    rule: str
    path: str
    event_count: int
    last_at: datetime


def secrets_sent(question: Question) -> SecretsSent:
    """Two queries. Raises SearchTooSlowError."""
    services = Service.objects.order_by("pk")
    if question.filters.services:
        services = services.filter(pk__in=question.filters.services)
    spans = _parts(question.window.span)
    with limited_patience():
        rows = ask(
            "secrets_sent", question, _Row,
            of_services=list(services.values_list("pk", flat=True)), rules=[*SECRETS, *PERSONAL], most=_MOST,
            starts=[one.start for one in spans], ends=[one.end for one in spans],
            first_ids=[lowest_id(one.start) for one in spans], last_ids=[lowest_id(one.end) for one in spans],
        )  # fmt: skip
    sent = [SecretSent(one.service_id, one.name, one.rule, one.path, one.event_count, one.last_at) for one in rows]
    return SecretsSent(
        sorted(
            sent, key=lambda one: (not one.is_secret, -one.event_count, one.service_id, one.name, one.path, one.rule)
        ),
        {one.service_id: one.looked_at for one in rows},
    )


def _parts(span: Span) -> list[Span]:
    edges = [span.start + number * span.length / _SPANS for number in range(_SPANS)]
    return [Span(start, end) for start, end in zip(edges, [*edges[1:], span.end], strict=True)]
