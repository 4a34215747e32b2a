"""What requests and answers look like, for the API's description. A test holds each against the shape that it is an example of."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_BASE = "https://liftmon.example"
_LIFT_API = {"id": 1, "slug": "lift-api", "name": "lift api"}


def _answer(name: str, value: Any, *, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def _request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


def _page(row: dict[str, Any], *, at: str) -> dict[str, Any]:
    return {"results": [row], "next": f"{_BASE}/api/v1/{at}?cursor=WyJhbGVydHMiLGZhbHNlXQ", "previous": None}


# --- Notifications ----------------------------------------------------------------------------------------------------

_ATTEMPT = {"at": "2026-03-04T11:58:06Z", "is_accepted": True, "status": 200, "answer": "ok", "took_ms": 212}
_NOTIFICATION = {
    "id": 903,
    "key": "0b6c2d7a-8d5f-4f0a-9a51-51f6f1d2a4c3",
    "alert": 77,
    "incident": None,
    "channel": {"id": 2, "name": "On-call Slack"},
    "kind": "firing",
    "number": 0,
    "state": "sent",
    "reason": "",
    "created_at": "2026-03-04T11:58:04Z",
    "due_at": "2026-03-04T11:58:04Z",
    "settled_at": "2026-03-04T11:58:06Z",
    "carrier": None,
    "attempt_count": 1,
    "attempts": [_ATTEMPT],
}
_REFUSED = {**_ATTEMPT, "is_accepted": False, "status": 404, "answer": "no_service"}
NOTIFICATIONS = _answer("One page of notifications", _page(_NOTIFICATION, at="notifications"))
NOTIFICATION = _answer("A notification that was sent", _NOTIFICATION)
SENT_AGAIN = _answer(
    "Waiting to be sent again",
    {**_NOTIFICATION, "state": "waiting", "due_at": "2026-03-04T12:20:00Z", "settled_at": None, "attempts": [_REFUSED]},
)

# --- Alerts -----------------------------------------------------------------------------------------------------------

_ALERT_SUMMARY = {
    "id": 77,
    "rule": {"id": 12, "name": "An AI provider fails"},
    "title": "An AI provider fails: openai",
    "summary": "9 events in 10 minutes, limit 5.",
    "state": "firing",
    "severity": "warning",
    "labels": {"ai_provider": "openai"},
    "value": 9.0,
    "threshold": 5.0,
    "event_count": 0,
    "started_at": "2026-03-04T11:58:04Z",
    "fired_at": "2026-03-04T11:58:04Z",
    "resolved_at": None,
    "held_at": "2026-03-04T11:59:49Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "admin_url": f"{_BASE}/admin/alerts/alert/77/change/",
}
_FIRED = {"kind": "fired", "at": "2026-03-04T11:58:04Z", "actor": None, "text": "9 events in 10 minutes, limit 5."}
_ALERT = {
    **_ALERT_SUMMARY,
    "evidence": {},
    "runbook": "Which provider, which feature, did the fallback answer?",
    "muted": "",
    "timeline": [_FIRED],
    "notifications": [_NOTIFICATION],
}


def _with_entry(kind: str, text: str, **changed: Any) -> dict[str, Any]:
    entry = {"kind": kind, "at": "2026-03-04T12:00:00Z", "actor": "ada", "text": text}
    return {**_ALERT, **changed, "timeline": [entry, _FIRED]}


ALERTS = _answer("One page of alerts", _page(_ALERT_SUMMARY, at="alerts"))
ALERT = _answer("An alert that fires", _ALERT)
ACKNOWLEDGED = _answer(
    "The alert as it is now",
    _with_entry("acknowledged", "By the API.", acknowledged_at="2026-03-04T12:00:00Z", acknowledged_by="ada"),
)
RESOLVED = _answer(
    "The alert as it is now",
    _with_entry("resolved", "By the API.", state="resolved", resolved_at="2026-03-04T12:00:00Z"),
)
NOTE = _request("A note", {"text": "The provider says so on its status page."})
NOTED = _answer("The alert as it is now", _with_entry("noted", "The provider says so on its status page."))

# --- Silences and maintenance -----------------------------------------------------------------------------------------

_SILENCE = {
    "id": 5,
    "state": "running",
    "matchers": {"rule": "12", "ai_provider": "openai"},
    "reason": "The provider knows.",
    "author": "ada",
    "starts_at": "2026-03-04T12:00:00Z",
    "ends_at": "2026-03-04T13:00:00Z",
}
SILENCE_FOR = _request("For an hour", {"seconds": 3600, "reason": "The provider knows."})
NEW_SILENCE = _request(
    "By labels", {"matchers": {"endpoint": "/api/pay*"}, "reason": "Payments move.", "seconds": 3600}
)
MADE_SILENCE = _answer("The silence", _SILENCE, status=201)
SILENCES = _answer("One page of silences", _page(_SILENCE, at="silences"))
ENDED_SILENCE = _answer("Ended", {**_SILENCE, "state": "ended", "ends_at": "2026-03-04T12:10:00Z"})

_WINDOW = {
    "id": 3,
    "state": "running",
    "name": "Release 5.2.0",
    "service": _LIFT_API,
    "author": "ada",
    "starts_at": "2026-03-04T12:00:00Z",
    "ends_at": "2026-03-04T12:15:00Z",
}
NEW_WINDOW = _request("From now on", {"name": "Release 5.2.0", "service": "lift-api", "seconds": 900})
MADE_WINDOW = _answer("The window", _WINDOW, status=201)
WINDOWS = _answer("One page of windows", _page(_WINDOW, at="maintenance-windows"))
ENDED_WINDOW = _answer("Ended", {**_WINDOW, "state": "ended", "ends_at": "2026-03-04T12:06:00Z"})

# --- Rules ------------------------------------------------------------------------------------------------------------

_NEW_RULE = {
    "name": "Payments fail",
    "condition": "threshold",
    "parameters": {"measure": "failure_ratio", "limit": 0.05, "window_seconds": 300, "least_volume": 50},
    "severity": "critical",
    "service": "lift-api",
    "endpoints": ["/api/pay*"],
    "group_by": ["endpoint"],
    "owner": "ada",
}
_RULE = {
    "id": 21,
    "key": "",
    **_NEW_RULE,
    "sentence": "When 5 % or more of the requests of lift api at /api/pay* fail within 5 minutes for one endpoint with at least "
    "50 requests, an alert of severity critical fires; it is resolved when that has not held for 5 minutes.",
    "is_enabled": True,
    "service": _LIFT_API,
    "environments": [],
    "names": [],
    "severities": [],
    "tag": "",
    "for_seconds": 0,
    "recover_seconds": 300,
    "group_wait_seconds": 0,
    "repeat_seconds": 14400,
    "runbook": "",
    "created_at": "2026-03-04T12:00:00Z",
}
RULES = _answer("One page of rules", _page(_RULE, at="rules"))
RULE = _answer("A rule", _RULE)
NEW_RULE = _request("5 % of the requests for payments", _NEW_RULE)
MADE_RULE = _answer("The rule", _RULE, status=201)
RULE_CHANGE = _request("Later, and quieter", {"for_seconds": 120, "severity": "warning"})
CHANGED_RULE = _answer("The rule as it is now", {**_RULE, "for_seconds": 120, "severity": "warning"})
DISABLED_RULE = _answer("The rule as it is now", {**_RULE, "is_enabled": False})

# --- Channels and routes ----------------------------------------------------------------------------------------------

_CHANNEL = {
    "id": 2,
    "name": "On-call Slack",
    "kind": "slack",
    "settings": {"webhook_url": "••••Xy12"},
    "is_readable": True,
    "is_enabled": True,
    "disabled_reason": "",
    "tested_at": None,
    "test_answer": "",
    "created_at": "2026-02-01T08:00:00Z",
}
_WEBHOOK = {"webhook_url": "https://hooks.slack.com/services/T000/B000/abcdefghXy12"}
CHANNELS = _answer("One page of channels", _page(_CHANNEL, at="channels"))
CHANNEL = _answer("A channel", _CHANNEL)
NEW_CHANNEL = _request("Slack", {"name": "On-call Slack", "kind": "slack", "settings": _WEBHOOK})
MADE_CHANNEL = _answer("The channel", _CHANNEL, status=201)
CHANNEL_CHANGE = _request("Another webhook", {"settings": _WEBHOOK})
TEST_ANSWER = _answer(
    "It was refused",
    {"is_accepted": False, "is_permanent": True, "status": 404, "answer": "no_service", "took_ms": 187},
)

_ROUTE = {
    "id": 4,
    "position": 15,
    "name": "Payments",
    "is_enabled": True,
    "severities": ["critical", "error"],
    "service": None,
    "labels": {"endpoint": "/api/pay*"},
    "channels": [{"id": 2, "name": "On-call Slack"}],
    "policy": {"id": 3, "name": "Whoever is on call"},
    "goes_on": False,
}
ROUTES = _answer("One page of routes", _page(_ROUTE, at="routes"))
ROUTE = _answer("A route", _ROUTE)
NEW_ROUTE = _request(
    "Payments to Slack",
    {
        "name": "Payments",
        "position": 15,
        "severities": ["critical", "error"],
        "labels": {"endpoint": "/api/pay*"},
        "channels": [2],
        "policy": 3,
    },
)
MADE_ROUTE = _answer("The route", _ROUTE, status=201)
ROUTE_CHANGE = _request("Also the routes behind it", {"goes_on": True})
