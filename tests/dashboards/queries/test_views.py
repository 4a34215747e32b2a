"""The documented views: what they show, what they leave out, and an event's data as the guide's queries expect it."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.queries.views import documented_views
from events.models import Issue
from tests.dashboards.queries.conftest import Ask
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
DURATIONS = ("duration_ms", "response_time_ms", "duration_seconds")


def rows(asked: Ask, statement: str) -> list[list[str | None]]:
    return asked(statement).rows


def test_every_view_is_documented_and_can_be_read(asked: Ask) -> None:
    views = documented_views()

    assert [view.name for view in views][:2] == ["analytics_logs", "events"]
    for view in views:
        assert view.comment
        columns = asked(f"SELECT * FROM {view.name}").columns
        assert [column.name for column in columns] == [column.name for column in view.columns]


def test_the_guides_view_has_the_guides_columns() -> None:
    (view,) = [view for view in documented_views() if view.name == "analytics_logs"]

    assert [column.name for column in view.columns] == ["event", "severity", "data", "user_id", "timestamp"]
    assert all(column.comment for column in view.columns)


def test_no_view_shows_keys_accounts_or_stacks() -> None:
    words = {word for view in documented_views() for column in view.columns for word in column.name.split("_")}

    assert not words & {"key", "digest", "password", "email", "exception", "breadcrumbs", "owner", "assignee", "secret"}


def test_a_user_is_a_hash_and_nobody_is_null(transactional_db: None, asked: Ask, sender: Sender) -> None:
    sender.store({"event": "login", "data": {"user_id": "u-42"}}, {"event": "logout"})

    found = dict(rows(asked, "SELECT event, user_id FROM analytics_logs"))  # type: ignore[arg-type]

    assert re.fullmatch("[0-9a-f]{32}", str(found["login"]))  # type: ignore[index]
    assert found["logout"] is None  # type: ignore[index]
    assert rows(asked, "SELECT count(*) FROM analytics_logs WHERE data::text LIKE '%u-42%'") == [["0"]]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"data": {"duration_ms": 10050}}, {"duration_ms": 10050}),
        ({"data": {"duration_ms": 10050.5}}, {"duration_ms": 10051}),
        ({"data": {"duration_ms": "10050.4"}}, {"duration_ms": 10050}),
        ({"data": {"duration_ms": "fast"}}, {"duration_ms": None}),
        ({"data": {"duration_ms": -5}}, {"duration_ms": None}),
        ({"data": {"duration_ms": 1e15}}, {"duration_ms": 2147483647}),
        ({"data": {"response_time_ms": 240.4}}, {"response_time_ms": 240}),
        ({"data": {"duration_seconds": 12.6}}, {"duration_seconds": 13}),
        ({"data": {"duration_ms": 1, "response_time_ms": 2.5}}, {"duration_ms": 1, "response_time_ms": 3}),
        # Sent beside the data: by whichever name it is asked for.
        ({"duration_ms": 300}, {"duration_ms": 300, "response_time_ms": 300}),
        ({"response_time_ms": 300.4}, {"duration_ms": 300, "response_time_ms": 300}),
        ({"data": {"endpoint": "/api/jobs?page=2"}}, {"endpoint": "/api/jobs"}),
        ({"endpoint": "/api/jobs"}, {"endpoint": "/api/jobs"}),
        ({"message": "broke"}, {"message": "broke"}),
        ({"data": {"reason": "timeout"}}, {"reason": "timeout"}),
        ({"feature": "career", "data": {"ai_provider": "openai"}}, {"feature": "career", "ai_provider": "openai"}),
        ({"data": {"converted": True}}, {"converted": True}),
    ],
)
def test_data_is_as_it_was_sent(
    transactional_db: None, asked: Ask, sender: Sender, document: dict[str, Any], expected: dict[str, Any]
) -> None:
    sender.store({"event": "sent", **document})

    ((found,),) = rows(asked, "SELECT data FROM analytics_logs")

    assert json.loads(found or "") == expected


NUMBERS = st.one_of(
    st.integers(0, 10**6),
    st.floats(0, 1e6, allow_nan=False).map(lambda number: round(number, 2)),
    st.sampled_from([0, 0.5, 1e20, -1, "12", "1.5", "x", "", None, True, [], 2147483647, 2147483648]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(DURATIONS, NUMBERS)
        | {"endpoint": st.sampled_from(["/a", "/a?b", ""]), "reason": st.just("r"), "message": st.just("m")},
    ),
    st.one_of(st.none(), st.integers(0, 10**6).map(float), st.floats(0, 1e12, allow_nan=False)),
    st.sampled_from(["", "/a"]),
    st.sampled_from(["", "m"]),
)
def test_the_short_way_gives_what_the_long_way_gives(
    data: dict[str, Any], duration_ms: float | None, endpoint: str, message: str
) -> None:
    if duration_ms is not None and len(data.keys() & set(DURATIONS)) == 1:
        # As ingest does: the column is what the data says.
        (name,) = data.keys() & set(DURATIONS)
        data[name] = duration_ms / 1000 if name == "duration_seconds" else duration_ms
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT liftmon_views.data_as_sent(d, m, e, t), liftmon_views.mended_data(d, m, e, t) "
            "FROM (SELECT %s::jsonb AS d, %s AS m, %s AS e, %s::float8 AS t) AS event",
            [json.dumps(data), message, endpoint, duration_ms],
        )
        short, long = cursor.fetchone()

    assert json.loads(short) == json.loads(long)
    for name in DURATIONS:
        value = json.loads(long).get(name)
        assert value is None or (isinstance(value, int) and 0 <= value < 2**31)


def test_the_data_is_written_into_the_query(asked: Ask) -> None:
    """A call for every event would cost ten times as much."""
    plan = rows(asked, "EXPLAIN (VERBOSE) SELECT data ->> 'endpoint' FROM analytics_logs")

    assert "jsonb_build_object" in str(plan)
    assert "data_as_sent" not in str(plan)


def test_counts_are_exact_before_and_after_folding(transactional_db: None, asked: Ask, sender: Sender) -> None:
    from events.rollups import compact

    sender.store(*({"event": "api_error", "severity": "error", "endpoint": "/a"} for _ in range(3)))
    statement = "SELECT service, event, endpoint, sum(event_count) FROM {} GROUP BY 1, 2, 3"
    views = ("counts_by_minute", "counts_by_hour", "counts_by_day")

    before = [rows(asked, statement.format(view)) for view in views]
    while compact():
        pass
    after = [rows(asked, statement.format(view)) for view in views]

    assert before == after == [[["lift-api", "api_error", "/a", "3"]]] * 3


def test_latencies_issues_users_and_releases_are_told(transactional_db: None, asked: Ask, sender: Sender) -> None:
    from events.rollups import compact

    sender.store(
        {
            "event": "api_timeout",
            "severity": "error",
            "endpoint": "/a",
            "duration_ms": 200,
            "user_id": "u",
            "release": "r1",
        }
    )
    while compact():
        pass

    ((took, requests),) = rows(asked, "SELECT duration_ms, event_count FROM latency_by_hour")
    assert float(took or 0) == pytest.approx(200, rel=0.01)
    assert requests == "1"
    assert rows(asked, "SELECT title IS NOT NULL, status, event_count, user_count FROM issues") == [
        ["true", "unresolved", "1", "1"]
    ]
    issue = Issue.objects.get()
    assert rows(asked, "SELECT issue_id, service, release FROM events") == [[str(issue.pk), "lift-api", "r1"]]
    assert rows(asked, "SELECT failure_count, event FROM user_failures_by_day JOIN users USING (user_id)") == [
        ["1", "api_timeout"]
    ]
    assert rows(asked, "SELECT service, release FROM releases") == [["lift-api", "r1"]]
    assert rows(asked, "SELECT service, name FROM services") == [["lift-api", "lift api"]]
    assert rows(asked, "SELECT tier FROM event_types WHERE event = 'api_timeout'") == [["daily"]]
