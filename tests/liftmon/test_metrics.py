"""`/metrics`: who may read it, what it says, and that it says what it can while a server is away."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from events.ingest.storing import spool
from events.models import Guard, GuardHit, IngestRejection, Issue, Service
from events.onboarding import create_service
from liftmon import health, heartbeats, present_state
from liftmon.embedded.layout import DataLayout

pytestmark = pytest.mark.django_db
TOKEN = "correct-horse"


@pytest.fixture(autouse=True)
def _own_spool(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.LAYOUT = DataLayout(tmp_path)
    settings.METRICS_TOKEN = ""
    spool.cache_clear()
    yield
    spool.cache_clear()


@pytest.fixture
def service() -> Service:
    return create_service(name="lift api")[0]


def scrape(client: Client | None = None, **more: Any) -> Any:
    return (client or Client()).get("/metrics", **more)


def samples(**more: Any) -> dict[str, float]:
    """Every sample by its name and labels, as PromQL writes them."""
    response = scrape(**more)
    assert response.status_code == 200
    found = {}
    for family in text_string_to_metric_families(response.content.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


# --- Who may read it ---------------------------------------------------------------------------------------------


def test_without_a_token_this_machine_may_ask() -> None:
    response = scrape()

    assert response.status_code == 200
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_every_loopback_address_is_this_machine(address: str) -> None:
    assert scrape(REMOTE_ADDR=address).status_code == 200


@pytest.mark.parametrize(
    "address", ["10.0.0.7", "192.0.2.1", "2001:db8::1", "::ffff:10.0.0.7", "", "unix:", "localhost"]
)
def test_others_are_told_how_to_get_in(address: str) -> None:
    response = scrape(REMOTE_ADDR=address)

    assert response.status_code == 403
    assert "LIFTMON_METRICS_TOKEN" in response.content.decode()
    assert "liftmon_" not in response.content.decode()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "Via"])
def test_a_proxy_on_this_machine_is_not_this_machine(header: str) -> None:
    assert scrape(headers={header: "127.0.0.1"}).status_code == 403


def test_behind_a_known_proxy_no_address_is_believed(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert scrape().status_code == 403


def test_with_a_token_only_the_token_opens(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert scrape().status_code == 403
    assert scrape(headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert scrape(headers={"Authorization": f"Basic {TOKEN}"}).status_code == 403
    assert scrape(headers={"Authorization": TOKEN}).status_code == 403
    assert scrape(headers={"Authorization": f"Bearer {TOKEN}"}, REMOTE_ADDR="192.0.2.1").status_code == 200
    assert scrape(headers={"Authorization": f"bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1"}).status_code == 200


def test_an_empty_bearer_is_no_token() -> None:
    assert scrape(headers={"Authorization": "Bearer "}, REMOTE_ADDR="192.0.2.1").status_code == 403


@pytest.mark.parametrize(("is_staff", "code"), [(True, 200), (False, 403)])
def test_staff_may_look_with_their_browser(settings: Any, is_staff: bool, code: int) -> None:
    settings.METRICS_TOKEN = TOKEN
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.force_login(User.objects.create_user("ada", is_staff=is_staff))

    assert scrape(client).status_code == code


def test_it_only_answers_questions() -> None:
    assert Client().post("/metrics").status_code == 405


# --- What it says ------------------------------------------------------------------------------------------------


def test_every_family_has_our_prefix_a_help_and_a_type() -> None:
    text = scrape().content.decode()

    named = set(re.findall(r"^([a-z_]+)", text, re.MULTILINE))
    families = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    assert named
    assert all(name.startswith("liftmon_") for name in named)
    assert set(families) == set(re.findall(r"^# HELP (\S+) .{20,}\.$", text, re.MULTILINE))
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in families.items())


def test_heartbeats_are_told_in_seconds() -> None:
    heartbeats.stamp("worker")
    late = datetime.now(UTC) - timedelta(minutes=5)
    heartbeats.client().set(heartbeats._KEYS["beat"], late.isoformat())

    found = samples()

    assert found['liftmon_component_up{component="postgresql"}'] == 1
    assert found['liftmon_component_up{component="redis"}'] == 1
    assert found['liftmon_component_up{component="worker"}'] == 1
    assert found['liftmon_component_up{component="beat"}'] == 0
    assert found['liftmon_heartbeat_age_seconds{component="worker"}'] < 10
    assert found['liftmon_heartbeat_age_seconds{component="beat"}'] == pytest.approx(300, abs=10)


def test_an_empty_spool_is_zero() -> None:
    found = samples()

    names = ("liftmon_spool_bytes", "liftmon_spool_age_seconds", "liftmon_spool_segments")
    assert [found[name] for name in names] == [0, 0, 0]


def test_what_waits_in_the_spool_is_told(settings: Any) -> None:
    spool().append([b"x" * 88])
    at = time.time() - 90
    os.utime(spool().segments()[0], (at, at))

    found = samples()

    assert found["liftmon_spool_bytes"] == 100
    assert found["liftmon_spool_limit_bytes"] == settings.SPOOL_MAX_BYTES
    assert found["liftmon_spool_segments"] == 1
    assert found["liftmon_spool_age_seconds"] == pytest.approx(90, abs=5)


def test_facts_to_fold_are_counted_and_no_further_than_a_million(
    monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    monkeypatch.setattr(present_state, "_MOST_ROWS", 3)
    assert samples()["liftmon_rollup_pending_rows"] == 0

    for facts, counted in ((2, 2), (9, 3)):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO events_fact SELECT %s, 'n', 'error', '', '', '', '{}', now(), '', NULL, NULL, 1, 0, 0 "
                "FROM generate_series(1, %s)",
                [service.pk, facts],
            )
        assert samples()["liftmon_rollup_pending_rows"] == counted


def test_partitions_reach_weeks_ahead() -> None:
    call_command("makepartitions", verbosity=0)

    found = samples()

    for tier in ("immediate", "daily", "weekly"):
        days = found[f'liftmon_partition_ahead_seconds{{tier="{tier}"}}'] / 86_400
        assert 21 <= days <= 28


def test_refusals_and_guards_of_today_are_told_by_service(service: Service) -> None:
    now = timezone.now()
    for day, count in ((now, 3), (now - timedelta(days=1), 90)):
        at = day.astimezone(UTC)
        IngestRejection.objects.create(
            service=service, code="invalid_json", day=at.date(), rejection_count=count, first_at=at, last_at=at
        )
        IngestRejection.objects.create(
            code="unknown_key", day=at.date(), rejection_count=count + 1, first_at=at, last_at=at
        )
        GuardHit.objects.create(
            service=service, guard=Guard.NAMES, day=at.date(), event_count=count + 2, first_at=at, last_at=at
        )

    found = samples()

    assert found[f'liftmon_refused_events_today{{code="invalid_json",service="{service.slug}"}}'] == 3
    assert found['liftmon_refused_events_today{code="unknown_key",service=""}'] == 4
    assert found[f'liftmon_guard_hits_today{{guard="name",service="{service.slug}"}}'] == 5


def test_news_that_nobody_claimed_and_tasks_that_nobody_took_are_counted(service: Service) -> None:
    now = timezone.now()
    issue = Issue.objects.create(
        service=service, title="t", name="n", tier="daily", severity="error", first_seen_at=now, last_seen_at=now
    )
    issue.transitions.create(kind="new", at=now)
    issue.transitions.create(kind="new", at=now, processed_at=now)
    heartbeats.client().rpush("celery", "one", "two")

    try:
        found = samples()
    finally:
        heartbeats.client().delete("celery")

    assert found["liftmon_unclaimed_issue_transitions"] == 1
    assert found["liftmon_queued_tasks"] == 2
    assert found["liftmon_unanswered_questions"] == 0


def test_a_name_with_quotes_breaks_no_line(service: Service) -> None:
    now = timezone.now()
    IngestRejection.objects.create(
        service=service, code='a"b\\c\nd', day=now.astimezone(UTC).date(), rejection_count=1, first_at=now, last_at=now
    )

    assert any('a"b\\c\nd' in name for name in samples())


# --- While something is away -------------------------------------------------------------------------------------


def test_redis_away_takes_only_what_comes_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(heartbeats, "client", away)

    found = samples()

    up = {
        name: found[f'liftmon_component_up{{component="{name}"}}'] for name in ("postgresql", "redis", "worker", "beat")
    }
    assert up == {"postgresql": 1, "redis": 0, "worker": 0, "beat": 0}
    assert "liftmon_queued_tasks" not in found
    assert found["liftmon_unanswered_questions"] == 0


def test_redis_that_goes_away_in_the_middle_does_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: object, **__: object) -> None:
        raise redis.TimeoutError("slow")

    monkeypatch.setattr(redis.Redis, "llen", leave)

    found = samples()

    assert "liftmon_queued_tasks" not in found
    assert "liftmon_spool_bytes" in found


def test_postgresql_away_leaves_what_is_known_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> Any:
            raise OperationalError("refused with password=hunter2")

    monkeypatch.setattr(health, "connection", Away())
    spool().append([b"x" * 88])

    found = samples()

    assert found['liftmon_component_up{component="postgresql"}'] == 0
    assert found["liftmon_spool_bytes"] == 100
    assert found["liftmon_unanswered_questions"] == len(present_state._QUESTIONS)
    assert not any("rollup" in name or "today" in name for name in found)
    assert any(name.startswith("liftmon_events_total") for name in found)


def test_a_session_that_cannot_be_read_is_no_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.force_login(User.objects.create_user("ada", is_staff=True))

    def refuse(*_: object, **__: object) -> Any:
        raise OperationalError("refused")

    with monkeypatch.context() as patched:
        patched.setattr(connections["default"], "cursor", refuse)
        assert scrape(client).status_code == 403


def test_a_slow_question_is_given_up_and_the_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> present_state.Rows:
        return present_state._select("SELECT 1 FROM pg_sleep(60)")

    questions = (("liftmon_slow", "Never comes.", [], slow), *present_state._QUESTIONS)
    monkeypatch.setattr(present_state, "_QUESTIONS", questions)
    monkeypatch.setattr(present_state, "_QUESTION_SECONDS", 1.0)
    began = time.monotonic()

    found = samples()

    assert time.monotonic() - began < 20
    assert "liftmon_slow" not in found
    assert found["liftmon_unanswered_questions"] == 1
    assert "liftmon_unclaimed_issue_transitions" in found


def test_no_question_is_asked_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present_state, "_ALL_QUESTIONS_SECONDS", 0.0)

    assert samples()["liftmon_unanswered_questions"] == len(present_state._QUESTIONS)


# --- Several processes -------------------------------------------------------------------------------------------


def test_any_process_answers_for_all(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"

    def run(program: str) -> str:
        environment = {
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "liftmon.settings",
        }
        program = f"import django; django.setup(); from events.ingest import counters; {program}"
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=180
        )
        return done.stdout

    run("counters.accepted(3); counters.group(3, 0.004)")
    said = run("counters.accepted(4); from liftmon import metrics; print(metrics._counted().decode())")

    assert 'liftmon_events_total{outcome="stored"} 7.0' in said
    assert "liftmon_group_events_sum 3.0" in said
    assert "# HELP liftmon_events_total Events that were taken in" in said
