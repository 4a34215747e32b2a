"""What a browser remembers of the minutes before an error: pages, clicks and requests."""

from collections.abc import Sequence
from typing import Any, Final

from events.demo.documents import Sent, iso

_MOST: Final = 6


def before(events: Sequence[Sent], at_ms: int, page: str) -> list[dict[str, Any]]:
    """The trail that led to an error at ``at_ms`` on ``page``, oldest first: the visit's last requests and a click."""
    trail: list[dict[str, Any]] = []
    for event in events:
        data = event.document["data"]
        if event.document["event"] == "api_response_time":
            trail.append(_request(event.at_ms, data))
        elif event.document["event"] == "feature_used":
            trail.append(_crumb(event.at_ms, "ui.click", f"button#start-{data['feature']}"))
    trail = trail[-_MOST:]
    trail.append(_crumb(at_ms - 900, "navigation", page) | {"data": {"to": page}})
    trail.append(_crumb(at_ms - 140, "ui.click", "button[type=submit]"))
    return sorted(trail, key=lambda crumb: str(crumb["timestamp"]))


def _request(at_ms: int, data: dict[str, Any]) -> dict[str, Any]:
    crumb = _crumb(at_ms, "fetch", f"{data['method']} {data['endpoint']}")
    crumb["data"] = {"method": data["method"], "url": data["endpoint"], "status_code": data["status"]}
    if data["status"] >= 400:
        crumb["level"] = "error"
    return crumb


def _crumb(at_ms: int, category: str, message: str) -> dict[str, Any]:
    return {"timestamp": iso(at_ms), "category": category, "message": message, "level": "info"}
