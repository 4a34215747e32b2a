"""Prometheus asks several web processes, one after the other, and each answers for all of them."""

import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.journeys.running import RunningLiftmon, migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


@pytest.fixture
def running(data_folder: Path) -> Iterator[RunningLiftmon]:
    up = RunningLiftmon(migrated(data_folder), "--workers", "2")
    try:
        yield up.wait_until_ready()
    finally:
        up.stop()


def ask(running: RunningLiftmon, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
    """Over a connection of its own, so that any of the web processes may answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def scrape(running: RunningLiftmon) -> dict[str, float]:
    status, text = ask(running, "GET", "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def send(running: RunningLiftmon, key: str, times: int) -> None:
    body = json.dumps([{"event": "api_timeout", "message": "gave up"}] * 2)
    for _ in range(times):
        assert ask(running, "POST", "/api/analytics/track", body, **{"X-Ingest-Key": key})[0] == 200


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@contextmanager
def postgresql_hangs(running: RunningLiftmon) -> Iterator[None]:
    """Everybody is thrown out, and whoever knocks is not answered."""
    postmaster = int((running.layout.postgres_dir / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)
    try:
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and parent_of(int(entry.name)) == postmaster:
                    os.kill(int(entry.name), signal.SIGKILL)
        yield
    finally:
        os.kill(postmaster, signal.SIGCONT)


def web_workers(running: RunningLiftmon) -> list[int]:
    """The processes that serve: granian's children."""
    pids = {pid for pid, command in running.processes() if "granian" in command}
    found = []
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            found += [pid] if parent_of(pid) in pids else []
    return found


def wait_until_replaced(running: RunningLiftmon, before: list[int]) -> None:
    """Until the place of the killed one is taken and nobody is cut off: what waited for it was reset."""
    deadline = time.monotonic() + 120
    answered = 0
    while answered < 20 or len(web_workers(running)) < 2 or set(web_workers(running)) == set(before):
        assert time.monotonic() < deadline, running.log
        try:
            answered = answered + 1 if ask(running, "GET", "/healthz")[0] == 200 else 0
        except OSError:
            answered = 0
            time.sleep(0.1)


def test_each_process_answers_for_all_also_for_one_that_was_killed(running: RunningLiftmon) -> None:
    key = running.told("Secret key")
    send(running, key, 40)

    assert {scrape(running)["liftmon_events_total stored"] for _ in range(10)} == {80}

    workers = web_workers(running)
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGKILL)
    wait_until_replaced(running, workers)
    send(running, key, 1)

    assert scrape(running)["liftmon_events_total stored"] == 82

    with postgresql_hangs(running):
        began = time.monotonic()
        found = scrape(running)
        assert time.monotonic() - began < 10
    assert found["liftmon_component_up postgresql"] == 0
    assert found["liftmon_component_up redis"] == 1
    assert found["liftmon_events_total stored"] == 82
    assert found["liftmon_unanswered_questions"] > 0


def test_counting_begins_anew_with_the_next_start(data_folder: Path) -> None:
    first = RunningLiftmon(migrated(data_folder))
    try:
        first.wait_until_ready()
        send(first, first.told("Secret key"), 3)
        assert scrape(first)["liftmon_events_total stored"] == 6
    finally:
        first.stop()

    second = RunningLiftmon(data_folder)
    try:
        assert scrape(second.wait_until_ready())["liftmon_events_total stored"] == 0
    finally:
        second.stop()
