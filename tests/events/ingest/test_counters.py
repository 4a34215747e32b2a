"""What ingest counts for `/metrics`: per outcome, once a group, together with the other processes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from events.ingest import counters, storing
from tests.events.conftest import Sender

EVENT = {"event": "api_timeout", "message": "gave up"}


class Counted:
    """How far a sample moved since it was first looked at."""

    def __init__(self) -> None:
        self.before = self._all()

    def _all(self) -> dict[str, float]:
        found = {}
        for metric in counters.REGISTRY.collect():
            for sample in metric.samples:
                labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return found

    def moved(self) -> dict[str, float]:
        now = self._all()
        return {name: now[name] - self.before.get(name, 0) for name in now if now[name] != self.before.get(name, 0)}


def test_a_batch_counts_its_events_its_refusals_and_one_transaction(sender: Sender) -> None:
    counted = Counted()

    sender.post([EVENT, EVENT, EVENT, 3, 4])

    moved = counted.moved()
    assert moved["liftmon_events_total{outcome=stored}"] == 3
    assert moved["liftmon_refused_events_total{code=not_an_object}"] == 2
    assert (moved["liftmon_group_events_count"], moved["liftmon_group_events_sum"]) == (1, 3)
    assert moved["liftmon_transaction_seconds_count"] == 1
    assert 0 < moved["liftmon_transaction_seconds_sum"] < 60


def test_what_waits_is_counted_as_spooled_and_once_more_when_it_is_replayed(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    counted = Counted()
    with monkeypatch.context() as patched:
        patched.setattr(storing, "write", fail)
        sender.post([EVENT, EVENT])
    assert counted.moved() == {"liftmon_events_total{outcome=spooled}": 2}

    storing.database.came_back()
    storing.replay()

    assert counted.moved() == {"liftmon_events_total{outcome=spooled}": 2, "liftmon_replayed_requests_total": 1}


def test_what_nobody_could_keep_is_counted(sender: Sender, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SPOOL_MAX_BYTES = 10
    monkeypatch.setattr(storing.database, "away_until", float("inf"))
    counted = Counted()

    assert sender.post(EVENT).status_code == 503

    assert counted.moved() == {"liftmon_events_total{outcome=not_kept}": 1}


def count_in_another_process(folder: Path, number: int) -> str:
    """What another process says that it wrote."""
    program = (
        f"from events.ingest import counters; counters.accepted({number}); counters.group({number}, 0.1); "
        "print(counters.folder_of_all())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return done.stdout.splitlines()[-1]


def test_processes_with_a_folder_in_common_leave_their_numbers_there(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"

    said = [count_in_another_process(folder, number) for number in (3, 4)]

    assert said == [str(folder)] * 2
    files = sorted(path.name.split("_")[0] for path in folder.iterdir())
    assert files == ["counter", "counter", "histogram", "histogram"]
    # Not sparse: writing to it later needs no more disk.
    assert all(path.stat().st_blocks * 512 >= path.stat().st_size for path in folder.iterdir())


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file is in the way")

    assert count_in_another_process(tmp_path / "metrics", 1) == ""
