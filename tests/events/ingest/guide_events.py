"""Each logging example of the tracking guide, as the JSON that its logger sends, and what it must become."""

from typing import Any, NamedTuple


class GuideEvent(NamedTuple):
    document: dict[str, Any]
    severity: str
    tier: str
    endpoint: str = ""
    duration_ms: float | None = None
    has_user: bool = False
    message: str = ""


def _log(level: str, name: str, **data: Any) -> dict[str, Any]:
    return {"event": name, "level": level, "data": data}


GUIDE_EVENTS: dict[str, GuideEvent] = {
    event.document["event"]: event
    for event in (
        GuideEvent(
            _log("error", "db_pool_error", message="remaining connection slots are reserved", severity="CRITICAL"),
            "critical", "immediate", message="remaining connection slots are reserved",
        ),
        GuideEvent(
            _log("error", "auth_system_failure", message="JWKS endpoint unreachable", severity="CRITICAL"),
            "critical", "immediate", message="JWKS endpoint unreachable",
        ),
        GuideEvent(
            _log("error", "stripe_checkout_error", error="No such price: 'price_1'", severity="CRITICAL"),
            "critical", "immediate", message="No such price: 'price_1'",
        ),
        GuideEvent(_log("error", "cascade_failure_detected", severity="CRITICAL"), "critical", "immediate"),
        GuideEvent(
            _log("error", "security_incident_lockout", email="user@example.com", ip="203.0.113.7", severity="CRITICAL"),
            "critical", "immediate", has_user=True,
        ),
        GuideEvent(
            _log("warn", "ai_failure", feature="career", ai_provider="openai", reason="timeout", fallback_used=True),
            "warning", "daily", message="timeout",
        ),
        GuideEvent(
            _log("warn", "session_stabilization_failure", attempts=3, reason="session not available"),
            "warning", "daily", message="session not available",
        ),
        GuideEvent({"event": "beta_register_rate_limited", "data": {"ip": "203.0.113.7"}}, "warning", "daily"),
        GuideEvent(
            _log("warn", "formspree_failure", message="fetch failed"), "warning", "daily", message="fetch failed"
        ),
        GuideEvent(
            _log("error", "data_consistency_error", expected="bt_1", actual="bt_2", severity="WARNING"), "warning", "daily"
        ),
        GuideEvent(_log("track", "cache_performance", key="user:1", hit=True, ttl=300), "info", "weekly"),
        GuideEvent(
            _log("warn", "slow_endpoint", endpoint="/api/resume?id=3", duration_ms=1804),
            "warning", "weekly", endpoint="/api/resume", duration_ms=1804.0,
        ),
        GuideEvent(_log("track", "feature_used", feature="flashcards", user_id="u-1"), "info", "weekly", has_user=True),
        GuideEvent(
            _log(
                "error", "api_timeout", endpoint="/api/career", duration_ms=10050, user_id="u-1", fallback_used="template",
                retry_count=2, timestamp="2026-03-04T11:59:00.000Z",
            ),
            "error", "daily", endpoint="/api/career", duration_ms=10050.0, has_user=True,
        ),
        GuideEvent(
            {
                "event": "client_error",
                "data": {
                    "message": "Cannot read properties of undefined",
                    "context": {"page": "/dashboard"},
                    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0",
                },
            },
            "error", "daily", message="Cannot read properties of undefined",
        ),
        GuideEvent(
            {"event": "trial_conversion", "data": {"trial_type": "premium", "converted": "true", "user_id": "u-1"}},
            "info", "weekly", has_user=True,
        ),
        GuideEvent(
            {"event": "api_response_time", "data": {"endpoint": "/api/career", "response_time_ms": 120}},
            "info", "weekly", endpoint="/api/career", duration_ms=120.0,
        ),
    )
}  # fmt: skip

BAD_LOG = {
    "event": "error",
    "level": "error",
    "data": {
        "message": "Error: boom",
        "body": {"card": "4111 1111 1111 1111", "essay": "x" * 5_000},
        "apiKey": "sk-proj-abcdefghijklmnopqrstuvwxyz",
        "user": {"email": "user@example.com", "phone": "555-1234"},
    },
}
