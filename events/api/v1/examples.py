"""What answers look like, for the API's description. A test holds each against the shape that it is an example of."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_BASE = "https://liftmon.example"
_EVENT_ID = "019cb8ad-22d2-7f3a-9c51-6d1f0b8e4a77"
_SERVICE_NAME = {"id": 1, "slug": "lift-api", "name": "lift api"}
_USER = "5f1d7a84db00d2fce00b31a7fc73224f"


def _answer(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=["200"])


def _page(row: dict[str, Any], *, at: str) -> dict[str, Any]:
    return {"results": [row], "next": f"{_BASE}/api/v1/{at}?cursor=WyJldmVudHMiLGZhbHNlXQ", "previous": None}


_SERVICE = {
    **_SERVICE_NAME,
    "owner": "ada",
    "created_at": "2026-02-01T08:00:00Z",
    "first_event_at": "2026-02-01T08:03:11Z",
    "last_event_at": "2026-03-04T11:59:30Z",
    "event_count_24h": 48211,
    "admin_url": f"{_BASE}/admin/events/service/1/change/",
}
_EVENT_SUMMARY = {
    "id": _EVENT_ID,
    "event_id": _EVENT_ID,
    "service": _SERVICE_NAME,
    "issue": 42,
    "name": "api_timeout",
    "kind": "error",
    "severity": "error",
    "tier": "daily",
    "message": "career advice timed out",
    "occurred_at": "2026-03-04T11:58:02.130000Z",
    "received_at": "2026-03-04T11:58:02.201000Z",
    "environment": "production",
    "release": "lift@5.1.0",
    "endpoint": "/api/career",
    "duration_ms": 10050.0,
    "user_hash": _USER,
    "session_id": "",
    "admin_url": f"{_BASE}/admin/events/event/{_EVENT_ID}/change/",
}
_ISSUE_SUMMARY = {
    "id": 42,
    "title": "api_timeout: career advice timed out",
    "culprit": "/api/career",
    "service": _SERVICE_NAME,
    "name": "api_timeout",
    "severity": "error",
    "tier": "daily",
    "status": "unresolved",
    "is_regressed": False,
    "first_seen_at": "2026-03-01T06:12:44.007000Z",
    "last_seen_at": "2026-03-04T11:58:02.130000Z",
    "event_count": 318,
    "user_count": 57,
    "resolved_at": None,
    "assignee": "ada",
    "merged_into": None,
    "admin_url": f"{_BASE}/admin/events/issue/42/change/",
}
_FIRST_SEEN = {"kind": "new", "at": "2026-03-01T06:12:44.007000Z", "actor": None, "detail": ""}
_ISSUE = {
    **_ISSUE_SUMMARY,
    "history": [{"kind": "assigned", "at": "2026-03-01T07:30:00Z", "actor": "grace", "detail": "ada"}, _FIRST_SEEN],
}

SERVICES = _answer("One page of services", _page(_SERVICE, at="services"))
SERVICE = _answer("A service", _SERVICE)
EVENTS = _answer("One page of events", _page(_EVENT_SUMMARY, at="events"))
EVENT = _answer(
    "A timeout",
    {
        **_EVENT_SUMMARY,
        "exception": [],
        "breadcrumbs": [],
        "tags": {"plan": "trial"},
        "data": {"fallback_used": "template", "retry_count": 2, "email": "[filtered]"},
        "scrubbed": [{"path": "data.email", "rule": "email"}],
        "repaired": [],
    },
)
ISSUES = _answer("One page of issues", _page(_ISSUE_SUMMARY, at="issues"))
ISSUE = _answer("An issue", _ISSUE)
CHANGE = OpenApiExample(
    "Resolve it and give it to somebody", value={"status": "resolved", "assignee": "ada"}, request_only=True
)
CHANGED_ISSUE = _answer(
    "The issue as it is now",
    {
        **_ISSUE,
        "status": "resolved",
        "resolved_at": "2026-03-04T12:00:00Z",
        "history": [{"kind": "resolved", "at": "2026-03-04T12:00:00Z", "actor": "grace", "detail": ""}, _FIRST_SEEN],
    },
)
