"""What an immediate rule makes of an event, or of an issue that is new or came back: the same for live judging and replays."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from alerts.judging.grouping import labels_of
from alerts.matching import Words
from alerts.models import AlertRule, ConditionType
from events.models import Event, EventNotice, IssueTransition, TransitionKind

# What happened longer ago is counted and told to nobody: it was loaded from an archive, or a client kept it for days.
LATE = timedelta(hours=24)
KINDS = {ConditionType.NEW_ISSUE: TransitionKind.NEW, ConditionType.REGRESSION: TransitionKind.REGRESSED}


def words_of(told: Event | EventNotice) -> Words:
    return Words(told.service_id, told.name, told.severity, told.endpoint, told.environment, told.release, told.labels)


class TellsOfEvent(Protocol):
    """As much of an event as a sentence has."""

    @property
    def name(self) -> str: ...

    @property
    def endpoint(self) -> str: ...

    @property
    def service_id(self) -> int: ...

    @property
    def message(self) -> str: ...


def event_sentence(told: TellsOfEvent, services: Mapping[int, str]) -> str:
    """“api_error at /api/career of lift api: upstream is gone”; ``services`` are names by id."""
    where = f" at {told.endpoint}" if told.endpoint else ""
    said = f": {told.message}" if told.message else ""
    return f"{told.name}{where} of {services.get(told.service_id, 'a service that is gone')}{said}"[:500]


def issue_labels(rule: AlertRule, transition: IssueTransition, event: Event) -> dict[str, str] | None:
    """Of the alert of that issue: each is a group of its own, so it is told of once; None when the rule is not about the event."""
    words = words_of(event)
    if not rule.match.takes(words) or not rule.match.takes_tags(event.tags, event.data, event.labels):
        return None
    return {**labels_of(rule.group_by, words), "issue": str(transition.issue_id)}


def issue_sentence(transition: IssueTransition) -> str:
    what = "New issue" if transition.kind == TransitionKind.NEW else "Came back"
    return f"{what}: {transition.issue.title}"[:500]
