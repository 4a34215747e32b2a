"""One document as the guide's logger sends it: ``{"event": NAME, "data": {…}}`` and what the client adds around it."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

type Document = dict[str, Any]
_EPOCH = datetime.fromtimestamp(0, UTC)
_DAY_MS = 86_400_000


class Source(StrEnum):
    """Which of lift's two services sends: the pages in the browser, or the API behind them."""

    WEB = "web"
    API = "api"


class Sent(NamedTuple):
    """A document, the moment it tells of (milliseconds since 1970) and who sends it."""

    at_ms: int
    source: Source
    document: Document


class Scene(NamedTuple):
    """What all events of one visit share."""

    environment: str
    release: str
    session_id: str


def milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_of(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


@lru_cache(maxsize=64)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y-%m-%d")


def iso(at_ms: int) -> str:
    """What JavaScript's ``new Date().toISOString()`` says."""
    day, rest = divmod(at_ms, _DAY_MS)
    seconds, millis = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}Z"


def sent(
    source: Source,
    at_ms: int,
    scene: Scene,
    name: str,
    data: dict[str, Any],
    *,
    level: str = "",
    tags: dict[str, str] | None = None,
) -> Sent:
    """A document ready to send but for its ``event_id``, which its place in the hour decides."""
    document: Document = {"event": name, "timestamp": iso(at_ms), "environment": scene.environment, "data": data}
    if scene.release:
        document["release"] = scene.release
    if scene.session_id:
        document["session_id"] = scene.session_id
    if level:
        document["level"] = level
    if tags:
        document["tags"] = tags
    return Sent(at_ms, source, document)
