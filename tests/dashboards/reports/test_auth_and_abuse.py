"""Auth and abuse: every number of the report is what straightforward SQL over the events says."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from dashboards.reports.abuse import Judgement
from dashboards.reports.addresses import network_of
from dashboards.reports.auth_and_abuse import AuthAndAbuse, auth_and_abuse
from dashboards.reports.auth_names import kind_of
from dashboards.reports.question import Question
from dashboards.reports.sessions import AuthEndpoint
from dashboards.window import custom, preset
from events.ingest import guards
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions, where
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]

KIND = """
    CASE WHEN name = 'security_incident_lockout' THEN 'lockout' WHEN name LIKE '%%rate_limited' THEN 'limited'
        WHEN name = 'auth_system_failure' THEN 'auth failure' WHEN name = 'session_stabilization_failure' THEN 'unstable session'
        WHEN name = 'session_timed_out' THEN 'session timeout' WHEN name = 'not_authenticated' THEN 'not authenticated' END
"""
OF_ADDRESS = f"""
    (SELECT *, {KIND} AS told_kind, split_part(data ->> 'ip', ',', 1) AS address FROM {{events}}
    WHERE name = 'security_incident_lockout' OR name LIKE '%%rate_limited') AS told
"""
ENDPOINTS = """
    SELECT endpoint, count(*) FILTER (WHERE name = 'api_response_time') AS requests,
        count(*) FILTER (WHERE name = 'api_response_time' AND (data ->> 'status')::int BETWEEN 400 AND 499) AS refused,
        greatest(count(*) FILTER (WHERE name <> 'api_response_time' AND severity IN ('error', 'critical')),
            count(*) FILTER (WHERE name = 'api_response_time' AND (data ->> 'status')::int >= 500)) AS failures
    FROM {events}
    WHERE endpoint IN ('/api/auth/session', '/login') AND (name = 'api_response_time' OR severity IN ('error', 'critical'))
    GROUP BY 1
"""
USERS = """
    SELECT count(DISTINCT nullif(user_hash, '')) AS heard, count(DISTINCT nullif(user_hash, '')) FILTER (
        WHERE name <> 'api_response_time' OR data ->> 'status' = '401') AS hit
    FROM {events} WHERE name IN ('session_stabilization_failure', 'session_timed_out', 'not_authenticated')
        OR name = 'api_response_time' AND endpoint IN ('/api/auth/session', '/login')
"""


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed, count=700)
    for question in questions(services):
        found = auth_and_abuse(question)

        _check_names(question, found, events_say)
        _check_addresses(question, found, events_say)
        _check_sessions(question, found, events_say)
        _check_steps(question, found, events_say)
        for judgement in found.judgements:
            _check_judgement(question, judgement, found, events_say)


def _check_names(question: Question, found: AuthAndAbuse, events_say: Say) -> None:
    plain = f"SELECT name, {KIND} AS kind, count(*) AS count FROM {{events}} WHERE {KIND} IS NOT NULL GROUP BY 1, 2"
    now, before = (
        {row["name"]: row for row in events_say(question, plain, before=earlier)} for earlier in (False, True)
    )
    by_name = {one.name: one for one in found.names}
    assert set(by_name) == set(now) | set(before)
    for name, one in by_name.items():
        assert one.kind == (now.get(name) or before[name])["kind"]
        assert one.event_count == one.change.now == now.get(name, {"count": 0})["count"]
        assert one.change.before == before.get(name, {"count": 0})["count"]


def _check_addresses(question: Question, found: AuthAndAbuse, events_say: Say) -> None:
    plain = f"""
        SELECT address, count(*) AS events, count(*) FILTER (WHERE told_kind = 'limited') AS limited,
            count(*) FILTER (WHERE told_kind = 'lockout') AS lockouts, count(DISTINCT nullif(user_hash, '')) AS accounts,
            min(occurred_at) AS first, max(occurred_at) AS last
        FROM {OF_ADDRESS} WHERE address LIKE '%%/%% (%%)' GROUP BY 1
    """
    rows = {row["address"]: row for row in events_say(question, plain)}
    assert {one.address for one in found.addresses} == set(rows)
    hour = timedelta(hours=1)
    tells_hours = question.window.span.length <= timedelta(days=10) and str(question.zone) != "Asia/Kathmandu"
    # On the day that the clocks changed, a day is an hour longer or shorter.
    length = hour if tells_hours else question.window.step + hour
    for one in found.addresses:
        row = rows[one.address]
        assert (one.events, one.limited, one.lockouts, one.accounts, one.is_folded) == (
            row["events"],
            row["limited"],
            row["lockouts"],
            row["accounts"],
            False,
        )
        assert one.first_seen_at <= row["first"] < one.first_seen_at + length
        assert one.last_seen_at <= row["last"] < one.last_seen_at + length
    assert [one.events for one in found.addresses] == sorted((row["events"] for row in rows.values()), reverse=True)
    networks: dict[str, list[int]] = {}
    for row in rows.values():
        sums = networks.setdefault(row["address"].split(" ")[0], [0, 0, 0, 0])
        for place, number in enumerate((1, row["events"], row["limited"], row["lockouts"])):
            sums[place] += number
    assert {one.network: [one.addresses, one.events, one.limited, one.lockouts] for one in found.networks} == networks
    (unnamed,) = events_say(
        question, f"SELECT count(*) AS count FROM {OF_ADDRESS} WHERE coalesce(address, '') NOT LIKE '%%/%% (%%)'"
    )
    assert (found.unnamed, found.folded) == (unnamed["count"], 0)


def _check_sessions(question: Question, found: AuthAndAbuse, events_say: Say) -> None:
    sessions = found.sessions
    now, before = (
        {row["endpoint"]: row for row in events_say(question, ENDPOINTS, before=earlier)} for earlier in (False, True)
    )
    nothing = {"requests": 0, "refused": 0, "failures": 0}
    by_endpoint = {one.endpoint: one for one in sessions.endpoints}
    assert set(by_endpoint) == set(now) | set(before)
    for endpoint, one in by_endpoint.items():
        _check_endpoint(one, now.get(endpoint, nothing), before.get(endpoint, nothing))
    total, total_before = (
        {part: sum(row[part] for row in rows.values()) for part in nothing} for rows in (now, before)
    )
    assert sessions.requests == total["requests"]
    assert (sessions.refused.count, sessions.failures.count) == (total["refused"], total["failures"])
    assert (sessions.refused_before.count, sessions.failures_before.count) == (
        total_before["refused"],
        total_before["failures"],
    )
    failed = (
        "SELECT count(*) AS count FROM {events} WHERE name IN ('session_stabilization_failure', 'session_timed_out')"
    )
    for share, earlier, requests in (
        (sessions.failed_sessions, False, total["requests"]),
        (sessions.failed_sessions_before, True, total_before["requests"]),
    ):
        count = events_say(question, failed, before=earlier)[0]["count"]
        assert share.count == count
        assert share.total == (requests if requests >= count else 0)
    users = events_say(question, USERS)[0]
    assert (sessions.users_hit.count, sessions.users_hit.total) == (users["hit"], users["heard"])
    attempts = events_say(
        question,
        "SELECT coalesce(data ->> 'attempts', '') AS attempts, count(*) AS count FROM {events} "
        "WHERE name = 'session_stabilization_failure' GROUP BY 1",
    )
    assert {one.attempts: one.event_count for one in sessions.attempts} == {
        row["attempts"]: row["count"] for row in attempts
    }


def _check_endpoint(one: AuthEndpoint, now: dict[str, Any], before: dict[str, Any]) -> None:
    assert one.requests == now["requests"]
    for shares, row in (
        ((one.refused, one.failures), now),
        ((one.refused_before, one.failures_before), before),
    ):
        for share, part in zip(shares, ("refused", "failures"), strict=True):
            assert share.count == row[part]
            assert share.total == (row["requests"] if row["requests"] >= row[part] else 0)


def _check_steps(question: Question, found: AuthAndAbuse, events_say: Say) -> None:
    events = events_say(question, f"SELECT occurred_at, {KIND} AS kind FROM {{events}} WHERE {KIND} IS NOT NULL")
    assert {one.kind for one in found.by_step} == {event["kind"] for event in events}
    for line in found.by_step:
        counts = [
            sum(event["kind"] == line.kind and step.start <= event["occurred_at"] < step.end for event in events)
            for step in found.steps
        ]
        assert line.event_counts == counts


def _check_judgement(question: Question, judgement: Judgement, found: AuthAndAbuse, events_say: Say) -> None:
    """Against the events of the stretch that was judged."""
    steps = {line.kind: line.event_counts for line in found.by_step}.get(judgement.kind, [])
    if question.window.span.length <= timedelta(days=1) or not steps:
        assert (judgement.start, judgement.end) == (question.window.start, question.window.end)
    else:
        (place,) = [number for number, step in enumerate(found.steps) if step.start == judgement.start]
        assert steps[place] == max(steps)
    pressure = judgement.pressure
    counts = [
        _count(question, judgement.kind, judgement.start - days, judgement.end - days, events_say)
        for days in (timedelta(0), judgement.end - judgement.start)
    ]
    assert [pressure.events, pressure.before] == (counts if steps else [0, 0])
    if not steps:
        return
    local = [at.astimezone(question.zone) for at in (judgement.start, judgement.end)]
    for told, step in ((pressure.days, 1), (pressure.weeks, 7)):
        for number, count in enumerate(told, start=1):
            start, end = (at - timedelta(days=step * number) for at in local)
            assert count == _count(question, judgement.kind, start, end, events_say)
    rows = _say_between(
        question,
        f"SELECT address, count(*) AS events, count(DISTINCT nullif(user_hash, '')) AS accounts FROM {OF_ADDRESS} "
        "WHERE told_kind = %(kind)s AND address LIKE '%%/%% (%%)' GROUP BY 1",
        judgement,
    )
    networks: dict[str, int] = {}
    for row in rows:
        networks[row["address"].split(" ")[0]] = networks.get(row["address"].split(" ")[0], 0) + row["events"]
    assert (pressure.named, pressure.addresses, pressure.networks) == (
        sum(row["events"] for row in rows),
        len(rows),
        len(networks),
    )
    if rows:
        assert pressure.top_address_events == max(row["events"] for row in rows)
        assert pressure.top_network_events == max(networks.values()) == networks[pressure.top_network]
        assert pressure.most_accounts == max(row["accounts"] for row in rows)
    (accounts,) = _say_between(
        question,
        f"SELECT count(DISTINCT nullif(user_hash, '')) AS accounts FROM {OF_ADDRESS} WHERE told_kind = %(kind)s",
        judgement,
    )
    assert pressure.accounts == accounts["accounts"]


def _count(question: Question, kind: str, start: datetime, end: datetime, events_say: Say) -> int:
    condition, bound = where(question)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM events_event WHERE {condition} AND {KIND} = %(kind)s",
            {**bound, "start": start, "end": end, "kind": kind},
        )
        return int(cursor.fetchone()[0])


def _say_between(question: Question, statement: str, judgement: Judgement) -> list[dict[str, Any]]:
    condition, bound = where(question)
    with connection.cursor() as cursor:
        cursor.execute(
            statement.replace("{events}", f"(SELECT * FROM events_event WHERE {condition}) AS event"),
            {**bound, "start": judgement.start, "end": judgement.end, "kind": judgement.kind},
        )
        columns = [column[0] for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def limited(address: str, **data: Any) -> dict[str, Any]:
    return {"event": "beta_register_rate_limited", "ip": address, **data}


@pytest.fixture
def send(sender: Sender) -> Callable[..., None]:
    def store(*documents: Any, at: datetime = NOW - timedelta(minutes=5)) -> None:
        sender.store(*({"timestamp": at.isoformat(), **document} for document in documents), at=at)
        compact()

    return store


@pytest.fixture
def _history(send: Callable[..., None]) -> None:
    """Ten days on which two or three addresses of the campus were limited."""
    rng = random.Random(7)
    for days in range(1, 11):
        at = NOW - timedelta(days=days, minutes=20)
        send(*(limited(f"198.51.100.{rng.randrange(2, 250)}") for _ in range(rng.choice((2, 3)))), at=at)


def judged(question: Question, kind: str = "limited") -> Judgement:
    (one,) = (one for one in auth_and_abuse(question).judgements if one.kind == kind)
    return one


HOUR, WEEK = (Question(preset(name, NOW), ZoneInfo("UTC")) for name in ("1h", "7d"))


@pytest.mark.usefixtures("_history")
def test_many_from_one_network_are_an_attack(send: Callable[..., None]) -> None:
    send(*(limited(f"203.0.113.{number % 20}") for number in range(60)), limited("198.51.100.4"))

    verdict, pressure = judged(HOUR).verdict, judged(HOUR).pressure

    assert verdict.kind == "attack"
    assert (pressure.events, pressure.addresses, pressure.networks) == (61, 21, 2)
    assert (pressure.top_network, pressure.top_network_events) == ("203.0.113.0/24", 60)
    assert len(pressure.days) == 7
    assert len(pressure.weeks) == 1
    assert pressure.usual in (2, 3)
    assert "98 % of the rate-limited requests that name an address come from one network" in verdict.sentence


@pytest.mark.usefixtures("_history")
def test_many_from_everywhere_are_a_spike(send: Callable[..., None]) -> None:
    send(*(limited(f"198.{number}.7.9") for number in range(60)))

    assert judged(HOUR).verdict.kind == "spike"


@pytest.mark.usefixtures("_history")
def test_as_many_as_on_other_days_are_usual(send: Callable[..., None]) -> None:
    for days in range(11):
        at = NOW - timedelta(days=days, minutes=10)
        send(*(limited(f"203.0.113.{number}") for number in range(30)), at=at)

    assert judged(HOUR).verdict.kind == "usual"


@pytest.mark.usefixtures("_history")
def test_the_same_hours_are_those_of_the_readers_clock(send: Callable[..., None]) -> None:
    """On the day before, the clocks of Berlin were put forward: until then this hour was another one there."""
    send(limited("203.0.113.9"))
    in_berlin = Question(HOUR.window, ZoneInfo("Europe/Berlin"))

    assert all(judged(HOUR).pressure.days)
    assert [bool(count) for count in judged(in_berlin).pressure.days] == [True, *[False] * 6]


@pytest.mark.usefixtures("_history")
def test_of_a_long_window_the_busiest_step_is_judged(send: Callable[..., None]) -> None:
    night = NOW - timedelta(days=3, hours=9)
    send(*(limited("203.0.113.66") for _ in range(40)), at=night)

    found = judged(WEEK)

    assert found.verdict.kind == "attack"
    assert found.start <= night < found.end
    assert found.end - found.start <= timedelta(hours=3)


def test_one_address_that_locks_many_accounts_is_told(send: Callable[..., None]) -> None:
    send(
        *(
            {
                "event": "security_incident_lockout",
                "severity": "CRITICAL",
                "ip": "203.0.113.9",
                "email": f"{n}@example.edu",
            }
            for n in range(7)
        )
    )

    found = auth_and_abuse(HOUR)
    lockouts = judged(HOUR, "lockout")

    assert [(one.accounts, one.lockouts, one.limited, one.events) for one in found.addresses] == [(7, 7, 0, 7)]
    assert lockouts.verdict.kind == "attack", "nothing to compare with, but two signals"
    assert "One address hit 7 accounts." in lockouts.verdict.evidence


def test_what_was_folded_and_what_names_no_address_is_told(send: Callable[..., None], settings: Any) -> None:
    settings.INGEST_CARDINALITY = {**settings.INGEST_CARDINALITY, "label": 3}
    guards.forget_memory()
    send(*(limited(f"203.0.113.{number}") for number in range(8)), limited("unknown"), limited(""))

    found = auth_and_abuse(HOUR)

    assert (found.folded, found.unnamed) == (6, 1), "“unknown” is a value beyond the third as well"
    assert (found.addresses[0].address, found.addresses[0].is_folded, found.addresses[0].events) == ("other", True, 6)
    assert judged(HOUR).pressure.addresses == 3
    assert [one.addresses for one in found.networks] == [3]


def test_an_address_is_never_stored(send: Callable[..., None]) -> None:
    send(limited("203.0.113.77, 192.168.7.7"), {"event": "login_rate_limited", "ip": "2001:db8:7:7:7::77"})

    with connection.cursor() as cursor:
        for table in ("events_event", "events_fact", "events_series", "events_knownvalue", "events_guardhit"):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} AS t")
            text = cursor.fetchone()[0]
            assert "113.77" not in text
            assert "7.7" not in text
            assert "::77" not in text


def test_it_is_empty_without_events(db: None) -> None:
    found = auth_and_abuse(HOUR)

    assert found.names == found.addresses == found.networks == found.by_step == []
    assert [one.verdict.sentence for one in found.judgements] == ["No rate-limited request.", "No lockout."]
    assert found.sessions.refused.share is None
    assert (found.unnamed, found.folded) == (0, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("security_incident_lockout", "lockout"),
        ("admin_lockout", "lockout"),
        ("beta_register_rate_limited", "limited"),
        ("rate_limited", "limited"),
        ("rate_limited_retry", ""),
        ("auth_system_failure", "auth failure"),
        ("session_stabilization_failure", "unstable session"),
        ("session_expired", "session timeout"),
        ("user_session_timeout", "session timeout"),
        ("NotAuthenticated", "not authenticated"),
        ("error_unauthorised", "not authenticated"),
        ("session_started", ""),
    ],
)
def test_names_say_what_events_tell_of(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.0/24 (3f9a1c2d)", "203.0.113.0/24"),
        ("2001:db8::/48 (3f9a1c2d)", "2001:db8::/48"),
        ("203.0.113.0/24", ""),
        ("unknown", ""),
        ("other", ""),
        ("", ""),
    ],
)
def test_networks_are_read_from_labels(address: str, network: str) -> None:
    assert network_of(address) == network


def test_windows_of_other_lengths_are_judged_too(send: Callable[..., None]) -> None:
    send(*(limited("203.0.113.66") for _ in range(40)), at=NOW - timedelta(days=50))
    long = Question(custom(NOW - timedelta(days=90), NOW, NOW), ZoneInfo("UTC"))

    found = judged(long)

    assert found.pressure.events == 40
    assert found.pressure.days == []
