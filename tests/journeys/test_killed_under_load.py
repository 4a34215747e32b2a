"""SIGKILL in the middle of a load: whatever was acknowledged is there after the next start, exactly once."""

import json
import os
import signal
import threading
import time
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest

from tests.journeys.running import RunningLiftmon

pytestmark = pytest.mark.journey
ROUNDS = 2


class Load:
    """Sends batches from a few threads and remembers the ids that were acknowledged."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(4)]
        for thread in self._threads:
            thread.start()

    def _send(self, number: int) -> None:
        while not self._is_over.is_set():
            ids = [str(uuid4()) for _ in range(20)]
            self.sent.update(ids)
            documents = [
                {"event": "api_timeout", "event_id": event_id, "message": f"gave up {number}", "user_id": f"u{number}"}
                for event_id in ids
            ]
            request = urllib.request.Request(
                f"{self.url}/api/analytics/track", json.dumps(documents).encode(), {"X-Ingest-Key": self.key}
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert json.load(answer)["accepted"] == 20
            except OSError:
                time.sleep(0.05)
            else:
                self.acknowledged.update(ids)

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(15)


def test_nothing_acknowledged_is_lost_and_nothing_is_counted_twice(data_folder: Path) -> None:
    running = RunningLiftmon(data_folder).wait_until_ready()
    acknowledged: set[str] = set()
    sent: set[str] = set()
    try:
        key = running.told("Secret key")
        for _ in range(ROUNDS):
            load = Load(running.url, key)
            time.sleep(3)
            os.kill(running.process.pid, signal.SIGKILL)
            running.stop(signal.SIGKILL)
            load.end()
            acknowledged |= load.acknowledged
            sent |= load.sent
            running = RunningLiftmon(data_folder).wait_until_ready()

        running.wait_until_drained()
        stored = [str(row[0]) for row in running.query("SELECT event_id FROM events_event")]
        assert len(acknowledged) > 100
        assert acknowledged <= set(stored)
        assert set(stored) <= sent
        assert len(stored) == len(set(stored))
        for counted in ("sum(event_count) FROM events_eventrollup", "sum(event_count) FROM events_issue"):
            assert running.query(f"SELECT {counted}") == [(len(stored),)]
        assert running.query("SELECT sum(user_count) FROM events_issue") == [(4,)]
    finally:
        running.stop()
    assert running.children() == []
