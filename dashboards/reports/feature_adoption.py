"""Feature adoption: how often each feature is used and by how many, which ones nobody uses, and who comes back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from dashboards.reports.active_users import active_users
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, share_of
from dashboards.window import DAY, Span, aligned, cut, floor, midnight_of

# So long before the window a use makes somebody a user already, and a feature one of those that were used lately.
LOOKED_BACK = 90 * DAY
_WEEK = 7 * DAY
# Weeks whose new users are followed, and the time before the first of them in which nobody of them may have come.
_COHORTS, _EARLIER = 8, 5 * _WEEK
# Fewer whole days say nothing about how often people come.
_FEWEST_DAYS = 2


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """The guide's columns, and what makes them readable. ``feature`` is "" for uses that name none.

    ``adoption`` is the share of the active users who used it; ``first_use`` the share of its users who had not used it in the 90
    days before the window. ``stickiness`` (0 to 1) is the average number of users a day divided by the users of all those days
    together: the whole days of UTC in the window, None when there are fewer than two. ``failure_rate`` sets the failures that name
    the feature against its uses.
    """

    feature: str
    usage_count: int
    unique_users: int
    avg_duration_seconds: float | None
    uses: Change
    users: Change
    adoption: Share
    first_use: Share
    stickiness: float | None
    failures: int
    failure_rate: Share
    users_hurt: int


@dataclass(frozen=True, slots=True)
class UnusedFeature:
    """``last_used_on`` is a day of UTC in the 90 days before the window; None: not used in them either."""

    feature: str
    last_used_on: date | None
    failures: int


@dataclass(frozen=True, slots=True)
class Return:
    """Who of a cohort used any feature in the week that is ``week`` weeks later. That week may still go on."""

    week: int
    share: Share
    is_over: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """Users whose first use of any feature fell into the week from ``start``, as far as 13 weeks back can tell."""

    start: datetime
    users: int
    returns: list[Return]


@dataclass(frozen=True, slots=True)
class UsesStep:
    start: datetime
    end: datetime
    usage_count: int


@dataclass(frozen=True, slots=True)
class FeatureAdoption:
    """Most used feature first. ``adoption`` is of any feature, as a share of the active users: all whom any event names."""

    features: list[FeatureUse]
    unused: list[UnusedFeature]
    adoption: Share
    users: Change
    stickiness: float | None
    whole_days: int
    cohorts: list[Cohort]
    steps: list[UsesStep]


@dataclass(frozen=True, slots=True)
class _UsesRow:
    feature: str
    usage_count: int
    duration_count: int
    duration_ms: float
    usage_count_before: int
    failures: int


@dataclass(frozen=True, slots=True)
class _UsersRow:
    feature: str | None
    users: int
    users_before: int
    first_users: int
    users_of_days: int
    user_days: int


@dataclass(frozen=True, slots=True)
class _HurtRow:
    feature: str
    users_hurt: int


@dataclass(frozen=True, slots=True)
class _KnownRow:
    feature: str
    place: int | None


@dataclass(frozen=True, slots=True)
class _ReturnRow:
    week: int
    later: int
    users: int


@dataclass(frozen=True, slots=True)
class _StepRow:
    place: int
    usage_count: int


_NOBODY = _UsersRow(None, 0, 0, 0, 0, 0)


def feature_adoption(question: Question) -> FeatureAdoption:
    """Of every feature that was used in the window; ``unused`` are the others that any event ever named."""
    uses = ask("feature_uses", question, _UsesRow)
    users, days = _users(question)
    hurt = {row.feature: row.users_hurt for row in ask("feature_hurt", question, _HurtRow)}
    active = active_users(question)
    features = [
        _feature(row, users.get(row.feature, _NOBODY), active, days, hurt.get(row.feature, 0))
        for row in uses
        if row.usage_count
    ]
    features.sort(key=lambda one: (-one.usage_count, -one.unique_users, one.feature))
    everybody = users.get(None, _NOBODY)
    return FeatureAdoption(
        features,
        _unused(question, {one.feature for one in features}, {row.feature: row.failures for row in uses}),
        share_of(everybody.users, active),
        change_of(everybody.users, everybody.users_before),
        _stickiness(everybody, days),
        days,
        _cohorts(question),
        _steps(question),
    )


def _feature(uses: _UsesRow, users: _UsersRow, active: int, days: int, users_hurt: int) -> FeatureUse:
    return FeatureUse(
        feature=uses.feature,
        usage_count=uses.usage_count,
        unique_users=users.users,
        avg_duration_seconds=uses.duration_ms / uses.duration_count / 1000 if uses.duration_count else None,
        uses=change_of(uses.usage_count, uses.usage_count_before),
        users=change_of(users.users, users.users_before),
        adoption=share_of(users.users, active),
        first_use=share_of(users.first_users, users.users),
        stickiness=_stickiness(users, days),
        failures=uses.failures,
        failure_rate=share_of(uses.failures, max(uses.usage_count, uses.failures)),
        users_hurt=users_hurt,
    )


def _stickiness(users: _UsersRow, days: int) -> float | None:
    return users.user_days / days / users.users_of_days if days >= _FEWEST_DAYS and users.users_of_days else None


def _users(question: Question) -> tuple[dict[str | None, _UsersRow], int]:
    """By feature, None for all of them; and how many whole days of UTC the window has."""
    window = question.window
    recent = aligned(window.start - LOOKED_BACK, window.now)
    edges = {recent, window.before.start, window.start, window.end} | set(_midnights(window.span))
    ordered = sorted(edges)
    steps = [Span(start, end) for start, end in pairwise(ordered)]
    is_day = [step.start >= window.start and step.length == DAY for step in steps]
    rows = ask(
        "feature_users",
        question,
        _UsersRow,
        steps=steps,
        is_window=[step.start >= window.start for step in steps],
        is_before=[window.before.start <= step.start < window.start for step in steps],
        is_recent=[recent <= step.start < window.start for step in steps],
        is_day=is_day,
    )
    return {row.feature: row for row in rows}, sum(is_day)


def _midnights(span: Span) -> list[datetime]:
    """Of UTC, inside the span."""
    first = floor(span.start, DAY) + DAY
    return [first + number * DAY for number in range(max(0, -((first - span.end) // DAY)))]


def _unused(question: Question, used: set[str], failures: dict[str, int]) -> list[UnusedFeature]:
    """The one that was used last comes first."""
    start = question.window.start
    days = cut(Span(aligned(start - LOOKED_BACK, question.window.now), start), DAY, UTC)
    unused = [
        UnusedFeature(
            row.feature, None if row.place is None else days[row.place].start.date(), failures.get(row.feature, 0)
        )
        for row in ask("features_known", question, _KnownRow, steps=days)
        if row.feature not in used
    ]
    return sorted(unused, key=lambda one: (-(one.last_used_on or date.min).toordinal(), one.feature))


def _cohorts(question: Question) -> list[Cohort]:
    """The weeks up to the one that the window ends in, as the reader's clock has them; only those with new users.

    Bounds of weeks that are finer than what is kept of that time move down to it (dashboards.window.pieces).
    """
    weeks = _weeks(question)
    earlier = Span(floor(weeks[0].start - _EARLIER, DAY), weeks[0].start)
    rows = ask("feature_weeks", question, _ReturnRow, steps=[earlier, *weeks])
    found = {(row.week - 1, row.later): row.users for row in rows}
    return [
        Cohort(
            week.start,
            users,
            [
                Return(
                    later,
                    share_of(found.get((number, later), 0), users),
                    _week_after(weeks[number + later].start, question) <= question.window.end,
                )
                for later in range(1, len(weeks) - number)
            ],
        )
        for number, week in enumerate(weeks)
        if (users := found.get((number, 0), 0))
    ]


def _weeks(question: Question) -> list[Span]:
    """From Monday on, oldest first; the last one as far as the window reaches."""
    zone, end = question.zone, question.window.end
    last_day = (end - timedelta(microseconds=1)).astimezone(zone).date()
    monday = last_day - timedelta(days=last_day.weekday(), weeks=_COHORTS - 1)
    return cut(Span(midnight_of(monday, zone), end), _WEEK, zone)


def _week_after(start: datetime, question: Question) -> datetime:
    return midnight_of(start.astimezone(question.zone).date() + _WEEK, question.zone)


def _steps(question: Question) -> list[UsesStep]:
    found = {row.place: row.usage_count for row in ask("feature_steps", question, _StepRow)}
    return [UsesStep(step.start, step.end, found.get(place, 0)) for place, step in enumerate(question.steps)]
