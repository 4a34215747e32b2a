"""User impact: how many users met a failure, which share of the active ones that is, and who met the most."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, share_of
from dashboards.window import HOUR, floor, pieces

MOST_USERS = 500


@dataclass(frozen=True, slots=True)
class SeverityImpact:
    """Users who met failures of one severity; one who met several severities is in each."""

    severity: str
    users_hurt: int
    users_hurt_before: int
    failures: int


@dataclass(frozen=True, slots=True)
class FeatureImpact:
    """Users who met failures that name the feature, as a share of the users of it: of all whose events name it."""

    feature: str
    hurt: Share
    users_hurt_before: int
    failures: int


@dataclass(frozen=True, slots=True)
class UserFailures:
    """One user's failures; ``kinds`` is how many names they have, ``most_often`` the most frequent one.

    ``last_failed_at`` is when the minute of the last one began.
    """

    user: str
    failures: int
    critical: int
    errors: int
    warnings: int
    kinds: int
    most_often: str
    last_failed_at: datetime


@dataclass(frozen=True, slots=True)
class UnstableSessions:
    """Sessions that were not stabilised (session_stabilization_failure), and the users who are known to have met that.

    Of the endpoint and the feature that were asked for.
    """

    event_count: int
    event_count_before: int
    users_hurt: int
    users_hurt_before: int


@dataclass(frozen=True, slots=True)
class HurtStep:
    start: datetime
    end: datetime
    users_hurt: int


@dataclass(frozen=True, slots=True)
class UserImpact:
    """``hurt`` is of the active users: all that any event names. ``users`` are those who met the most failures, worst first."""

    hurt: Share
    hurt_before: Share
    change: Change
    failures: int
    severities: list[SeverityImpact]
    features: list[FeatureImpact]
    sessions: UnstableSessions
    steps: list[HurtStep]
    users: list[UserFailures]


@dataclass(frozen=True, slots=True)
class _Row:
    """What user_impact.sql says of one thing; `_NOBODY` where it says nothing."""

    what: str
    word: str
    users: int
    users_before: int
    events: int
    events_before: int


_NOBODY = _Row("", "", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _StepRow:
    place: int
    users_hurt: int


@dataclass(frozen=True, slots=True)
class _Ranked:
    user_id: int
    failures: int


@dataclass(frozen=True, slots=True)
class _UserRow:
    user_hash: str
    failures: int
    critical: int
    errors: int
    warnings: int
    kinds: int
    most_often: str
    last_failed_at: datetime


_SEVERITIES = ("critical", "error", "warning", "info", "debug")


@dataclass(frozen=True, slots=True)
class PeopleHurt:
    """How many of the active users met a failure of any kind, and the failures; the worst severity first."""

    hurt: Share
    hurt_before: Share
    failures: int
    severities: list[SeverityImpact]


def people_hurt(question: Question) -> PeopleHurt:
    """The first numbers of `user_impact`, in one query that reads some dozens of sets a day."""
    rows = ask("people_hurt", question, _Row, severity="", has_sessions=False)
    active, hurt = (next((row for row in rows if row.what == one), _NOBODY) for one in ("active", "hurt"))
    return PeopleHurt(
        share_of(hurt.users, active.users),
        share_of(hurt.users_before, active.users_before),
        hurt.events,
        _severities(rows),
    )


def user_impact(
    question: Question,
    *,
    endpoint: str = "",
    name: str = "",
    severity: str = "",
    feature: str = "",
    most: int = MOST_USERS,
) -> UserImpact:
    """Of all failures, or of those at one endpoint, of one name, severity or feature; with so many of the users.

    With an endpoint those failures count that the failure rate of endpoints counts, and the active users are the users of the
    endpoint; with a feature they are the users of the feature.
    """
    what: dict[str, Any] = {"endpoint": endpoint, "name": name, "severity": severity, "feature": feature}
    # Failures of every kind: sets by the words that these questions have are much fewer than sets by series.
    is_of_all = not (endpoint or name or feature)
    if is_of_all:
        rows = ask("people_hurt", question, _Row, severity=severity, has_sessions=True)
        rows += ask("features_hurt", question, _Row, severity=severity)
    else:
        rows = ask("user_impact", question, _Row, **what)
    active, hurt, session = (
        next((row for row in rows if row.what == one), _NOBODY) for one in ("active", "hurt", "session")
    )
    return UserImpact(
        share_of(hurt.users, active.users),
        share_of(hurt.users_before, active.users_before),
        change_of(hurt.users, hurt.users_before),
        hurt.events,
        _severities(rows),
        _features(rows),
        UnstableSessions(session.events, session.events_before, session.users, session.users_before),
        _steps(question, what, is_of_all=is_of_all),
        _most_hurt(question, what, most, is_of_all=is_of_all),
    )


def _severities(rows: list[_Row]) -> list[SeverityImpact]:
    """Worst first."""
    found = [
        SeverityImpact(row.word, row.users, row.users_before, row.events) for row in rows if row.what == "severity"
    ]
    return sorted(found, key=lambda one: _SEVERITIES.index(one.severity))


def _features(rows: list[_Row]) -> list[FeatureImpact]:
    """The one with the largest share of its users hurt first: by the share that it has at least."""
    users = {row.word: row.users for row in rows if row.what == "used"}
    found = [
        FeatureImpact(row.word, share_of(row.users, users.get(row.word, 0)), row.users_before, row.events)
        for row in rows
        if row.what == "feature"
    ]
    return sorted(found, key=lambda one: (-one.hurt.low * bool(one.hurt.total), -one.hurt.count, one.feature))


def _steps(question: Question, what: dict[str, Any], *, is_of_all: bool) -> list[HurtStep]:
    steps = question.steps
    # The ends of the window may lie anywhere: minutes are read there.
    if is_of_all and all(step.start == floor(step.start, HOUR) for step in steps[1:]):
        severity = {"severity": what["severity"]} if what["severity"] else {}
        rows = ask("people_hurt_by_step" if severity else "hurt_by_step", question, _StepRow, **severity)
    else:
        bounds: dict[str, Any] = {"starts": [step.start for step in steps], "ends": [step.end for step in steps]}
        rows = ask("users_hurt_by_step", question, _StepRow, **what, **bounds)
    found = {row.place: row.users_hurt for row in rows}
    return [HurtStep(step.start, step.end, found.get(place, 0)) for place, step in enumerate(steps)]


def _most_hurt(question: Question, what: dict[str, Any], most: int, *, is_of_all: bool) -> list[UserFailures]:
    if is_of_all and not what["severity"] and not question.filters.release:
        ranked = ask("users_failing_most", question, _Ranked, most=most, **_in_days(question))
    else:
        ranked = ask("users_failing", question, _Ranked, **what, most=most)
    if not ranked:
        return []
    bounds: dict[str, Any] = {
        "user_ids": [one.user_id for one in ranked],
        "failures": [one.failures for one in ranked],
    }
    return [_user(row) for row in ask("users_most_hurt", question, _UserRow, **what, **bounds)]


def _in_days(question: Question) -> dict[str, Any]:
    """The window as whole days (UTC), and what those have too little or too much."""
    window = question.window
    found = pieces([window.span], window.now, may_take_away=True)
    start = min((piece.start for piece in found.days), default=window.start)
    end = max((piece.end for piece in found.days), default=start)
    # A window that ends now reaches as far as its pieces.
    last = window.end if window.end < window.now else max(piece.end for piece in (*found.hours, *found.days))
    rest = [edge for edge in ((window.start, start), (end, last)) if edge[0] != edge[1]]
    return {
        "days_start": start,
        "days_end": end,
        "starts": [min(edge) for edge in rest],
        "ends": [max(edge) for edge in rest],
        "signs": [1 if first < last else -1 for first, last in rest],
    }


def _user(row: _UserRow) -> UserFailures:
    return UserFailures(
        row.user_hash,
        row.failures,
        row.critical,
        row.errors,
        row.warnings,
        row.kinds,
        row.most_often,
        row.last_failed_at,
    )
