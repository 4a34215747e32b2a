"""Whether an alert is part of an incident that goes on. Pure.

Strong ties are of one failure: a member of the same cascade, the same issue, the same likely origin. Whoever was told of the
incident knows enough, so they mute (alerts.outbox.inhibiting). That something else fails at the same endpoint, or in the same
service at the same time, is a weak one: it joins, so that one incident tells all of it, and is told all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Tie(StrEnum):
    CASCADE = "cascade"
    ISSUE = "issue"
    ORIGIN = "origin"
    ENDPOINT = "endpoint"
    SERVICE = "service"


# An incident of which nothing was heard for so long is another story, however long it stays open.
WINDOW = timedelta(minutes=30)
# Suspects that score less are hints to people and tie nothing.
_LEAST_SCORE = 0.5
_ORIGINS = ("release", "dependency", "exception")


@dataclass(frozen=True, slots=True)
class Story:
    """What an alert says of where something fails and why.

    ``places`` are pairs of service and endpoint, "" for what is not known; ``origins`` are "release=lift@2.4.1" and the like.
    ``last_at`` is when its condition was last seen to hold.
    """

    service: str
    environment: str
    places: frozenset[tuple[str, str]]
    issue: str
    origins: frozenset[str]
    is_cascade: bool
    began_at: datetime
    last_at: datetime
    # Whether its rule opens incidents.
    is_grave: bool = True


def story_of(
    *, labels: Mapping[str, Any], rule_service: int | None, evidence: Mapping[str, Any], is_cascade: bool,
    began_at: datetime, last_at: datetime, is_grave: bool,
) -> Story:  # fmt: skip
    """Of an alert's labels and evidence, as alerts.evaluation writes them."""
    service = _text(labels.get("service") or rule_service or evidence.get("service"))
    endpoint = _text(labels.get("endpoint") or evidence.get("endpoint"))
    members = evidence.get("members") if is_cascade else None
    places = {(service, endpoint)} if endpoint else set()
    if isinstance(members, list):
        places |= {
            (_text(one.get("service")), _text(one.get("endpoint"))) for one in members if isinstance(one, Mapping)
        }
    return Story(
        service=service, environment=_text(labels.get("environment")), places=frozenset(places),
        issue=_text(labels.get("issue") or evidence.get("issue")), origins=frozenset(origins_of(evidence)),
        is_cascade=is_cascade, began_at=began_at, last_at=last_at, is_grave=is_grave,
    )  # fmt: skip


def origins_of(evidence: Mapping[str, Any]) -> list[str]:
    """The likely origins among the suspects of a cascade, the likeliest first."""
    suspects = evidence.get("suspects")
    if not isinstance(suspects, list):
        return []
    return [
        f"{one['kind']}={one.get('value', '')}"
        for one in suspects
        if isinstance(one, Mapping) and one.get("kind") in _ORIGINS and float(one.get("score") or 0) >= _LEAST_SCORE
    ]


def tie_of(alert: Story, members: Iterable[Story], *, now: datetime) -> tuple[Tie, Story] | None:
    """The strongest tie to any of an incident's alerts, and that alert. None where there is none, or all of it is too long ago."""
    near = [one for one in members if now - one.last_at <= WINDOW and _may_meet(alert.environment, one.environment)]
    for tie in Tie:
        for one in near:
            if _ties(tie, alert, one):
                return tie, one
    return None


def _ties(tie: Tie, alert: Story, member: Story) -> bool:
    match tie:
        case Tie.CASCADE:
            return (alert.is_cascade or member.is_cascade) and _share_a_place(alert.places, member.places)
        case Tie.ISSUE:
            return bool(alert.issue) and alert.issue == member.issue
        case Tie.ORIGIN:
            return bool(alert.origins & member.origins)
        case Tie.ENDPOINT:
            return _share_a_place(alert.places, member.places)
        case Tie.SERVICE:
            # What is no reason for an incident is none for being part of one, just because it is of the same service.
            return alert.is_grave and bool(alert.service) and alert.service in services_of([member])


def services_of(stories: Sequence[Story]) -> frozenset[str]:
    return frozenset(
        service for one in stories for service in (one.service, *(place[0] for place in one.places)) if service
    )


def _share_a_place(some: Iterable[tuple[str, str]], others: Iterable[tuple[str, str]]) -> bool:
    """An endpoint of which the service is not known is that of any."""
    pairs = list(others)
    return any(
        endpoint and endpoint == other and _may_meet(service, its) for service, endpoint in some for its, other in pairs
    )


def _may_meet(one: str, other: str) -> bool:
    return not one or not other or one == other


def _text(value: object) -> str:
    return str(value) if value else ""
