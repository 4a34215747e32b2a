"""What requests and answers about incidents look like, for the API's description. A test holds each against its shape."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

_BASE = "https://liftmon.example"


def _answer(name: str, value: Any, *, status: int = 200) -> OpenApiExample:
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


def _request(name: str, value: Any) -> OpenApiExample:
    return OpenApiExample(name, value=value, request_only=True)


_SUMMARY = {
    "id": 12, "title": "db_pool_error", "state": "triggered", "severity": 2, "service": "lift-api",
    "environment": "production", "opened_by": "Critical event", "commander": "ada", "communications_lead": None,
    "started_at": "2026-03-04T11:58:04Z", "ended_at": None, "opened_at": "2026-03-04T11:58:04Z", "acknowledged_at": None,
    "mitigated_at": None, "resolved_at": None, "closed_at": None, "admin_url": f"{_BASE}/admin/alerts/incident/12/change/",
}  # fmt: skip
_OPENED_ENTRY = {
    "kind": "opened", "at": "2026-03-04T11:58:04Z", "actor": None, "text": "Opened as SEV2: db_pool_error",
    "edited_at": None,
}  # fmt: skip
_DETAIL: dict[str, Any] = {
    **_SUMMARY,
    "moves": ["acknowledge", "mitigate", "resolve"],
    "users_hurt": 31,
    "alerts": [
        {
            "id": 77, "title": "db_pool_error", "state": "firing", "severity": "critical", "bond": "opener", "why": "",
            "joined_at": "2026-03-04T11:58:04Z",
        }
    ],
    "issues": [],
    "steps": [
        {
            "id": 40, "kind": "check", "title": "Check severity", "state": "open", "due_at": "2026-03-04T12:03:04Z",
            "settled_at": None, "settled_by": None, "outcome": "",
        }
    ],
    "follow_ups": [],
    "timeline": [_OPENED_ENTRY],
}  # fmt: skip
INCIDENTS = _answer(
    "One page of incidents",
    {"results": [_SUMMARY], "next": f"{_BASE}/api/v1/incidents?cursor=WyJpbmNpZGVudHMi", "previous": None},
)
INCIDENT = _answer("An incident", _DETAIL)
OPEN = _request("What is wrong", {"title": "Checkout fails", "severity": 1, "service": "lift-api"})
OPENED = _answer(
    "It is open", {**_DETAIL, "title": "Checkout fails", "severity": 1, "opened_by": "", "alerts": []}, status=201
)
HOW = _request("With a note", {"how": "Rolled back to 2.4.0."})


def _moved(state: str, moves: list[str], **times: Any) -> OpenApiExample:
    entry = {
        "kind": "state", "at": "2026-03-04T12:01:09Z", "actor": "ada", "text": f"{state.capitalize()}.", "edited_at": None,
    }  # fmt: skip
    return _answer(
        f"It is {state}",
        {**_DETAIL, **times, "state": state, "moves": moves, "timeline": [entry, _OPENED_ENTRY]},
    )


_AT = "2026-03-04T12:01:09Z"
_OVER = {"acknowledged_at": _AT, "mitigated_at": _AT, "ended_at": _AT}
MOVED = {
    "acknowledge": _moved("acknowledged", ["mitigate", "resolve"], acknowledged_at=_AT),
    "mitigate": _moved("mitigated", ["resolve", "reopen"], **_OVER),
    "resolve": _moved("resolved", ["close", "reopen"], **_OVER, resolved_at=_AT),
    "close": _moved("closed", ["reopen"], **_OVER, resolved_at=_AT, closed_at=_AT),
    "reopen": _moved("acknowledged", ["mitigate", "resolve"], acknowledged_at=_AT),
}
NOTE = _request("A note", {"text": "It is **Stripe**: https://status.stripe.com"})
NOTED = _answer(
    "With the note",
    {
        **_DETAIL,
        "timeline": [
            {
                "kind": "note", "at": _AT, "actor": "ada", "text": "It is **Stripe**: https://status.stripe.com",
                "edited_at": None,
            },
            _OPENED_ENTRY,
        ],
    },
)  # fmt: skip
SEVERITY = _request("How severe", {"severity": 1, "why": "Nobody can pay."})
RATED = _answer("It is SEV1", {**_DETAIL, "severity": 1})
