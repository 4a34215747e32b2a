"""Events of one user, laid out by day and session."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from dashboards.pages.timeline import days_of
from dashboards.reports.user_timeline import TimelineEvent

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
PLAIN = TimelineEvent(
    event_id="1", occurred_at=NOON, name="login", severity="info", is_failure=False, message="", service_id=1,
    environment="", release="", endpoint="", status="", feature="", ai_provider="", duration_ms=None, session_id="s",
    issue_id=None,
)  # fmt: skip
FAILED = replace(PLAIN, name="api_error", severity="error", is_failure=True)


def told(*events: TimelineEvent, zone: str = "UTC") -> list[list[tuple[str, list[tuple[str, int]]]]]:
    """Of each day its sessions with (name, times) of their lines."""
    return [
        [
            (
                session.session_id,
                [(line.event.name, line.times) for stretch in session.stretches for line in stretch.lines],
            )
            for session in day.sessions
        ]
        for day in days_of(events, ZoneInfo(zone))
    ]


def test_what_went_well_in_a_row_is_one_line_wherever_it_happened() -> None:
    requests = [replace(PLAIN, name="api_response_time", endpoint=path) for path in ("/c", "/b", "/b", "/a")]

    (day,) = days_of(requests, UTC)
    (line,) = day.sessions[0].stretches[0].lines

    assert (line.times, line.endpoints) == (4, ["/c", "/b", "/a"])


def test_failures_are_one_line_only_when_nobody_could_tell_them_apart() -> None:
    assert told(FAILED, FAILED, replace(FAILED, message="other"), replace(FAILED, endpoint="/x")) == [
        [("s", [("api_error", 2), ("api_error", 1), ("api_error", 1)])]
    ]
    answered = replace(PLAIN, name="api_response_time", status="2xx")
    assert told(answered, replace(answered, status="5xx"), answered) == [
        [("s", [("api_response_time", 1), ("api_response_time", 1), ("api_response_time", 1)])]
    ]


def test_what_went_well_between_two_failures_is_told_in_sum() -> None:
    used = [replace(PLAIN, name="feature_used", feature=feature) for feature in ("career", "resume", "career")]
    quiet = [used[0], PLAIN, used[1], PLAIN, PLAIN, used[2]]

    (session,) = days_of([FAILED, *quiet, FAILED, PLAIN], UTC)[0].sessions

    assert [(one.has_failed, one.event_count, one.is_long) for one in session.stretches] == [
        (True, 1, False),
        (False, 6, True),
        (True, 1, False),
        (False, 1, False),
    ]
    assert session.stretches[1].counts == [("feature_used", 3), ("login", 3)]
    assert session.stretches[1].features == ["career", "resume"]
    assert not any(
        stretch.is_long
        for stretch in days_of([replace(FAILED, message=f"{n}") for n in range(9)], UTC)[0].sessions[0].stretches
    )


def test_sessions_that_overlap_are_told_apart() -> None:
    other = replace(PLAIN, session_id="t")

    assert told(PLAIN, other, FAILED, other) == [[("s", [("login", 1), ("api_error", 1)]), ("t", [("login", 2)])]]


def test_a_session_over_midnight_is_on_both_days_of_the_reader() -> None:
    events = [replace(PLAIN, occurred_at=NOON - timedelta(hours=hours)) for hours in (0, 13)]

    assert told(*events) == told(*events, zone="America/New_York") == [[("s", [("login", 1)])]] * 2
    assert told(*events, zone="Asia/Kathmandu") == [[("s", [("login", 2)])]]


def test_a_session_knows_when_it_began_and_ended_and_its_releases() -> None:
    events = [
        replace(FAILED, release="lift@2"),
        replace(PLAIN, release="lift@1", occurred_at=NOON - timedelta(minutes=2)),
        replace(PLAIN, release="lift@1", occurred_at=NOON - timedelta(minutes=5)),
    ]

    (session,) = days_of(events, UTC)[0].sessions

    assert (session.first_at, session.last_at) == (NOON - timedelta(minutes=5), NOON)
    assert (session.event_count, session.failures, session.releases) == (3, 1, ["lift@2", "lift@1"])


events = st.builds(
    lambda name, session, minutes, endpoint, is_failure: replace(
        PLAIN, name=name, session_id=session, occurred_at=NOON - timedelta(minutes=minutes), endpoint=endpoint,
        is_failure=is_failure,
    ),
    st.sampled_from(["login", "feature_used", "api_error"]), st.sampled_from(["", "s", "t"]), st.integers(0, 9000),
    st.sampled_from(["", "/a", "/b"]), st.booleans(),
)  # fmt: skip


@given(st.lists(events, max_size=40).map(lambda found: sorted(found, key=lambda one: one.occurred_at, reverse=True)))
def test_nothing_is_lost_or_told_twice(found: Sequence[TimelineEvent]) -> None:
    days = days_of(found, ZoneInfo("Europe/Berlin"))

    sessions = [session for day in days for session in day.sessions]
    assert sum(session.event_count for session in sessions) == len(found)
    assert sum(line.times for session in sessions for stretch in session.stretches for line in stretch.lines) == len(
        found
    )
    assert sum(session.failures for session in sessions) == sum(one.is_failure for one in found)
    assert [day.day for day in days] == sorted({day.day for day in days}, reverse=True)
    assert all(session.first_at <= session.last_at for session in sessions)
