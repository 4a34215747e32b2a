"""Events and exceptions for the tests of grouping, the logging examples of the guide among them."""

from datetime import UTC, datetime
from typing import Any

from events.ingest.fingerprint import fingerprint
from events.ingest.types import ExceptionValue, Fingerprint, FingerprintPart, Frame, IncomingEvent, Severity

NOW = datetime(2025, 12, 30, 10, tzinfo=UTC)
UUID = "550e8400-e29b-41d4-a716-446655440000"


def event(name: str = "client_error", **fields: Any) -> IncomingEvent:
    return IncomingEvent(name=name, occurred_at=NOW, received_at=NOW, **fields)


def raised(*frames: Frame, type_name: str = "TypeError", value: str = "x is not a function") -> list[ExceptionValue]:
    return [{"type": type_name, "value": value, "frames": list(frames)}]


def frame(function: str = "load", filename: str = "/app/pages/career.js", **fields: Any) -> Frame:
    return Frame(function=function, filename=filename, **({"in_app": True, "lineno": 3} | fields))  # type: ignore[typeddict-item]


def hash_of(name: str = "client_error", **fields: Any) -> str:
    return fingerprint(event(name, **fields)).hash


def counted(result: Fingerprint) -> list[tuple[str, str]]:
    return [(part["part"], part["normalised"]) for part in result.parts if part["contributes"]]


def part_of(result: Fingerprint, name: str) -> FingerprintPart:
    return next(part for part in result.parts if part["part"] == name)


# Each pair is one of the guide's logging examples, sent twice by different users at different times.
SAME_CAUSE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "db_pool_error": (
        {"message": "connect ECONNREFUSED 10.0.0.5:5432"},
        {"message": "connect ECONNREFUSED 10.0.0.6:5432", "severity": Severity.CRITICAL},
    ),
    "auth_system_failure": (
        {"message": "JWT of user 17 expired at 2025-12-30T10:00:00Z"},
        {"message": "JWT of user 4711 expired at 2026-01-02T08:15:31Z"},
    ),
    "stripe_checkout_error": (
        {"message": "No such price: 'price_1NvqXk2eZvKYlo2C'", "endpoint": "/api/subscription/checkout"},
        {"message": "No such price: 'price_1OabYk7fZvKYlo9D'", "endpoint": "/api/subscription/checkout?plan=pro"},
    ),
    "cascade_failure_detected": ({"severity": Severity.CRITICAL}, {"environment": "production"}),
    "security_incident_lockout": (
        {"data": {"email": "[email]", "ip": "203.0.113.0/24 (9f2c81d4)"}},
        {"data": {"ip": "10.0.0.1"}},
    ),
    "ai_failure": (
        {"message": "timeout", "data": {"feature": "career", "ai_provider": "openai", "fallback_used": True}},
        {"message": "timeout", "data": {"feature": "flashcards", "ai_provider": "openai", "fallback_used": False}},
    ),
    "session_stabilization_failure": (
        {"message": "session not available", "data": {"attempts": 1}},
        {"message": "session not available", "data": {"attempts": 5}},
    ),
    "beta_register_rate_limited": ({"data": {"ip": "10.0.0.1"}}, {"data": {"ip": "10.0.0.2"}}),
    "formspree_failure": (
        {"message": "request to https://formspree.io/f/abc failed after 3000ms"},
        {"message": "request to https://formspree.io/f/def?x=1 failed after 2ms"},
    ),
    "data_consistency_error": ({"data": {"expected": 1, "actual": None}}, {"data": {"expected": UUID, "actual": 3}}),
    "slow_endpoint": (
        {"endpoint": "/api/users/123/plan?x=1", "duration_ms": 1_200.0},
        {"endpoint": f"/api/users/{4711}/plan/", "duration_ms": 9_000.0},
    ),
    "api_timeout": (
        {"endpoint": "/api/career", "duration_ms": 10_050.0, "user_hash": "a" * 32, "data": {"retry_count": 2}},
        {"endpoint": "/api/career", "duration_ms": 12_000.0, "user_hash": "b" * 32, "release": "2.0"},
    ),
    "client_error": (
        {"message": f"Cannot load {UUID}", "data": {"userAgent": "Firefox"}},
        {"message": "Cannot load 0b9c5f5e-8f7a-4d57-9f0e-3f6a7b1c2d3e", "data": {"userAgent": "Safari"}},
    ),
    "error": ({"message": "[email] was refused"}, {"message": "ann@lift.example was refused"}),
}
