"""Random events of every kind of the guide, and the windows that reports are checked in.

Every report must say what straightforward SQL over the events says; these are the events.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.reports.question import Filters, Question
from dashboards.window import custom, preset
from events.models import Service
from events.rollups import compact
from tests.events.conftest import Sender

# The day after the clocks of Europe changed, three weeks after those of America did.
NOW = datetime(2026, 3, 30, 10, 17, 42, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York")
ENDPOINTS = ("/api/career", "/api/jobs", "/api/subscription/checkout", "/api/beta/register", "/api/flashcards")
FEATURES = ("career", "flashcards", "interview", "resume")
PROVIDERS = ("openai", "anthropic", "gemini")
Document = dict[str, Any]


def _timed(rng: random.Random) -> Document:
    return {
        "event": "api_response_time",
        "endpoint": rng.choice(ENDPOINTS),
        "response_time_ms": round(rng.lognormvariate(5, 1.2), 2),
        "status": rng.choice((200, 200, 200, 404, 500, 503)),
        **({"feature": rng.choice(FEATURES), "ai_provider": rng.choice(PROVIDERS)} if rng.random() < 0.4 else {}),
    }


_KINDS: tuple[Callable[[random.Random], Document], ...] = (
    _timed,
    _timed,
    _timed,
    lambda rng: {"event": "api_error", "level": "error", "endpoint": rng.choice(ENDPOINTS), "duration_ms": rng.randrange(9000)},
    lambda rng: {
        "event": "api_timeout",
        "level": "error",
        "endpoint": rng.choice(ENDPOINTS),
        "duration_ms": 10_000 + rng.randrange(99),
        "fallback_used": rng.choice((True, False, "template")),
        "feature": rng.choice(FEATURES),
    },
    lambda rng: {
        "event": "ai_failure",
        "level": "warn",
        "feature": rng.choice(FEATURES),
        "ai_provider": rng.choice(PROVIDERS),
        "reason": rng.choice(("timeout", "rate_limit", "bad_output")),
        "fallback_used": rng.random() < 0.7,
    },
    lambda rng: {"event": "client_error", "level": "error", "message": f"boom {rng.randrange(3)}"},
    lambda rng: {"event": "db_pool_error", "severity": "CRITICAL", "message": "too many clients"},
    lambda rng: {"event": "stripe_checkout_error", "severity": "CRITICAL", "endpoint": ENDPOINTS[2], "step": "create"},
    lambda rng: {
        "event": "session_stabilization_failure",
        "level": "warn",
        "attempts": rng.randrange(1, 6),
        "reason": "session not available",
    },
    lambda rng: {"event": "security_incident_lockout", "severity": "CRITICAL", "ip": f"203.0.113.{rng.randrange(4)}"},
    lambda rng: {"event": "beta_register_rate_limited", "ip": f"198.51.{rng.randrange(3)}.7"},
    lambda rng: {
        "event": "formspree_failure",
        "level": "warn",
        "message": "fetch failed",
        "data": {"reason": rng.choice(("timeout", "refused"))} if rng.random() < 0.7 else {},
    },
    lambda rng: {"event": rng.choice(("formspree_sent", "email_sent"))},
    lambda rng: {"event": "data_consistency_error", "severity": "WARNING", "record": rng.choice(("beta_tester", "profile"))},
    lambda rng: {
        "event": "cache_performance",
        "key": f"{rng.choice(('jobs', 'career'))}:{rng.randrange(9)}",
        "hit": rng.random() < 0.6,
        "ttl": rng.choice((60, 300)),
    },
    lambda rng: {
        "event": "slow_endpoint",
        "level": "warn",
        "endpoint": rng.choice(ENDPOINTS),
        "duration_ms": 1000 + rng.randrange(5000),
    },
    lambda rng: {"event": "feature_used", "feature": rng.choice(FEATURES), "duration_seconds": rng.randrange(1, 600)},
    lambda rng: {"event": "feature_used", "feature": rng.choice(FEATURES)},
    lambda rng: {
        "event": "trial_conversion",
        "trial_type": rng.choice(("7_day", "14_day")),
        "converted": rng.choice((True, False)),
        "duration_seconds": rng.randrange(3600, 14 * 86400),
    },
    lambda rng: {"event": "login"},
)  # fmt: skip


def _address(rng: random.Random) -> str:
    """As proxies tell it: alone, before others, and not at all."""
    address = rng.choice(
        (f"203.0.113.{rng.randrange(4)}", f"198.51.{rng.randrange(3)}.7", f"2001:db8:{rng.randrange(3)}::7")
    )
    return rng.choice((address, address, f"{address}, 10.0.0.1", "unknown"))


# Of AI, sign-in and abuse: told in several ways, and not in full.
_KINDS = (
    *_KINDS,
    lambda rng: {
        "event": "api_response_time",
        "endpoint": "/api/career",
        "response_time_ms": round(rng.uniform(9_000, 11_000), 1),
        "status": rng.choice((200, 504)),
        "ai_provider": rng.choice(PROVIDERS),
        "feature": rng.choice(FEATURES),
        "fallback_used": rng.choice((False, "template", "none", True)),
    },
    lambda rng: {
        "event": "ai_failure",
        "level": "warn",
        **({"feature": rng.choice(FEATURES)} if rng.random() < 0.8 else {}),
        **({"ai_provider": rng.choice(("openai", "local"))} if rng.random() < 0.7 else {}),
        **({"reason": rng.choice(("Request timed out", "TIMEOUT", "overloaded"))} if rng.random() < 0.8 else {}),
        **({"fallback_used": rng.choice(("template", "None", False))} if rng.random() < 0.5 else {}),
    },
    lambda rng: {
        "event": "api_timeout",
        "level": "error",
        "feature": rng.choice((*FEATURES, "upload", "export")),
        **({"ai_provider": rng.choice(PROVIDERS)} if rng.random() < 0.4 else {}),
    },
    lambda rng: {
        "event": "security_incident_lockout",
        "severity": "CRITICAL",
        "ip": _address(rng),
        "email": f"{rng.randrange(9)}@example.edu",
    },
    lambda rng: {"event": "login_rate_limited", "level": "warn", "ip": _address(rng)},
    lambda rng: {"event": "login_rate_limited", "level": "warn"},
    lambda rng: {"event": "session_timed_out", "level": "info"},
    lambda rng: {"event": "auth_system_failure", "severity": "CRITICAL", "endpoint": "/api/auth/session"},
    lambda rng: {
        "event": "api_response_time",
        "endpoint": rng.choice(("/api/auth/session", "/login", "/api/authors")),
        "response_time_ms": 20,
        "status": rng.choice((200, 200, 200, 401, 503)),
    },
    lambda rng: {"event": "not_authenticated", "level": "warn"},
)  # fmt: skip


def documents(rng: random.Random, count: int, now: datetime) -> Iterator[tuple[datetime, Document]]:
    """(when, what); half of it in the last day, the rest up to two months ago, and some on the edges of windows."""
    edges = [now - timedelta(hours=1), now - timedelta(days=1), now - timedelta(days=7), now - timedelta(days=30)]
    for _ in range(count):
        back = rng.choice((timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=62)))
        at = now - rng.random() * back
        if rng.random() < 0.1:
            at = rng.choice(edges).replace(second=0, microsecond=0) + rng.choice((-1, 0, 1)) * timedelta(milliseconds=1)
        document = rng.choice(_KINDS)(rng)
        if rng.random() < 0.8:
            document["user_id"] = f"u-{rng.randrange(14)}"
        document["environment"] = rng.choice(("production", "production", "staging"))
        document["release"] = rng.choice(("lift@1.0", "lift@1.1", ""))
        yield at, {**document, "timestamp": at.isoformat()}


def fill(make_sender: Callable[[str], Sender], *, seed: int, count: int = 500, now: datetime = NOW) -> list[Service]:
    """Send them as two services do, and fold the counters in between and at the end."""
    rng = random.Random(seed)
    senders = [make_sender("lift api"), make_sender("lift web")]
    for number, (at, document) in enumerate(documents(rng, count, now)):
        # As if it had come in time: the edge mends times that are too far back.
        rng.choice(senders).store(document, at=at)
        if number % 150 == 149:
            compact()
    compact()
    return [sender.service for sender in senders]


def questions(services: list[Service], now: datetime = NOW) -> Iterator[Question]:
    """Windows of every length on several clocks; and some of them filtered."""
    windows = [preset(name, now) for name in ("1h", "24h", "7d", "30d")]
    # The week in which the clocks changed, and an hour and a half long ago.
    windows.append(custom(datetime(2026, 3, 25, 9, 20, tzinfo=UTC), datetime(2026, 3, 30, 3, tzinfo=UTC), now))
    windows.append(custom(now - timedelta(days=20, minutes=77), now - timedelta(days=20), now))
    for window, zone in product(windows, ZONES):
        yield Question(window, ZoneInfo(zone))
    for filters in (
        Filters(services=(services[0].pk,)),
        Filters(environments=("production",)),
        Filters(release="lift@1.1"),
        Filters(services=(services[1].pk,), environments=("staging",), release="lift@1.0"),
        Filters(services=tuple(service.pk for service in services), environments=("production",)),
        Filters(services=(services[0].pk, services[0].pk + 1_000_000), environments=("nowhere", "staging")),
    ):
        yield Question(windows[2], ZoneInfo("Europe/Berlin"), filters)


def where(question: Question, *, before: bool = False) -> tuple[str, dict[str, Any]]:
    """SQL, and its parameters, for the events that a question is about."""
    span = question.window.before if before else question.window.span
    conditions, bound = ["occurred_at >= %(start)s", "occurred_at < %(end)s"], {"start": span.start, "end": span.end}
    filters = question.filters
    for column, values in (
        ("service_id", filters.services),
        ("environment", filters.environments),
        ("release", [filters.release] if filters.release else []),
    ):
        if values:
            conditions.append(f"{column} = ANY(%(only_{column})s)")
            bound[f"only_{column}"] = list(values)  # type: ignore[assignment]
    return " AND ".join(conditions), dict(bound)
