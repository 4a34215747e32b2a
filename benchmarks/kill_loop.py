"""Kill processes of a running Liftmon at random instants, under load, and see whether anything acknowledged is lost.

    uv run --group dev -m benchmarks.kill_loop --minutes 30

Starts `manage.py up` in a folder of its own, sends single events and batches from several connections, and kills (SIGKILL) one
process every few seconds: a web worker or its parent, PostgreSQL or one of its backends, Redis, the Celery worker, Beat, or
`up` itself, which is then started again. Afterwards every acknowledged event must be stored exactly once, nothing may be stored
twice, and every counter must equal the events. Exits with 1 when that does not hold.
"""

import argparse
import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from tests.journeys.running import RunningLiftmon

_SENDERS = 4
_USERS = 5


class Load:
    """Sends until told to stop. Half of what it sends carries ids of its own, half leaves that to Liftmon."""

    def __init__(self, port: int, key: str, seed: int) -> None:
        self.port = port
        self.key = key
        # Ids that were acknowledged: the client's own, or those that the answer told.
        self.acknowledged: set[str] = set()
        # A word of each event that was sent once and never again, whatever the answer.
        self.sent: set[str] = set()
        self.answers: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(seed + number),), daemon=True)  # noqa: S311
            for number in range(_SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, rng: random.Random) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._is_over.is_set():
            documents = [self._document(rng, with_id=True) for _ in range(rng.choice((2, 20, 100)))]
            content: object = documents
            if rng.random() < 0.7:  # single events dominate
                documents = [self._document(rng, with_id=rng.random() < 0.5)]
                content = documents[0]
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
                connection.request("POST", "/api/analytics/track", json.dumps(content), {"X-Ingest-Key": self.key})
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.02)
                continue
            self._note(response.status, body, documents)
        if connection is not None:
            connection.close()

    def _document(self, rng: random.Random, *, with_id: bool) -> dict[str, object]:
        word = uuid4().hex
        self.sent.add(word)
        document: dict[str, object] = {
            "event": rng.choice(("api_timeout", "api_error", "feature_used")),
            "message": f"gave up on step {rng.randrange(3)}",
            "endpoint": f"/api/{rng.randrange(4)}",
            "user_id": f"user-{rng.randrange(_USERS)}",
            "duration_ms": rng.randrange(1, 5000),
            "data": {"word": word},
        }
        return {**document, "event_id": str(uuid4())} if with_id else document

    def _note(self, status: int, body: bytes, documents: list[dict[str, object]]) -> None:
        with self._lock:
            self.answers[status] += 1
            if status != 200:
                return
            answer = json.loads(body)
            if answer["accepted"] != len(documents):
                raise AssertionError(f"{answer} for {len(documents)} events")
            self.acknowledged.update(str(one["event_id"]) for one in documents if "event_id" in one)
            if "id" in answer:
                self.acknowledged.add(answer["id"])

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(30)


@dataclass
class Verdict:
    """What a run found; ``problems`` is empty when everything held."""

    kills: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0
    stored: int = 0
    problems: list[str] = field(default_factory=list)


def victims(running: RunningLiftmon) -> dict[str, list[int]]:
    """Processes of this Liftmon by what they are."""
    patterns = {
        "web": ("granian",),
        "worker": ("celery", "worker"),
        "beat": ("celery", "beat"),
        "postgres": ("postgres",),
        "redis": ("valkey-server", "redis-server"),
    }
    found: dict[str, list[int]] = {name: [] for name in patterns}
    for pid, command in running.processes():
        for name, words in patterns.items():
            hits = [word in command for word in words]
            if any(hits) if name == "redis" else all(hits):
                found[name].append(pid)
                break
    return {name: pids for name, pids in found.items() if pids}


def run(folder: Path, *, seconds: float, seed: int, say: bool = False) -> Verdict:
    """One loop of so many seconds of killing."""
    rng = random.Random(seed)  # noqa: S311 - which process dies needs no cryptography
    verdict = Verdict()
    running = RunningLiftmon(folder).wait_until_ready()
    key = running.told("Secret key")
    load = Load(running.port, key, seed)
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(rng.uniform(0.5, 3.0))
            targets = {**victims(running), "up": [running.process.pid]}
            name = rng.choice(sorted(targets))
            try:
                os.kill(rng.choice(targets[name]), signal.SIGKILL)
            except ProcessLookupError:
                continue
            verdict.kills[name] += 1
            if say:
                print(f"killed {name}; {len(load.acknowledged):,} acknowledged", flush=True)
            if name == "up":
                running.stop(signal.SIGKILL)
                running = RunningLiftmon(folder, port=running.port).wait_until_ready()
        load.end()
        running.stop()
        running = RunningLiftmon(folder, port=running.port).wait_until_ready().wait_until_drained(120)
        verdict.answers = load.answers
        verdict.acknowledged = len(load.acknowledged)
        _judge(running, load, verdict)
    finally:
        load.end()
        running.stop()
    return verdict


_COUNTERS = {
    "minutes": "SELECT sum(event_count) FROM events_eventrollup",
    "hours": "SELECT sum(event_count) FROM events_hourrollup",
    "days": "SELECT sum(event_count) FROM events_dayrollup",
    "latency": "SELECT sum(event_count) FROM events_latencyrollup",
}


def _judge(running: RunningLiftmon, load: Load, verdict: Verdict) -> None:
    rows = running.query("SELECT event_id::text, data ->> 'word' FROM events_event")
    verdict.stored = len(rows)
    ids, words = Counter(row[0] for row in rows), Counter(row[1] for row in rows)
    if missing := [one for one in load.acknowledged if one not in ids]:
        verdict.problems.append(f"{len(missing)} acknowledged events are not stored, such as {missing[0]}")
    if twice := [word for word, times in words.items() if times > 1]:
        verdict.problems.append(f"{len(twice)} events are stored more than once, such as {twice[0]}")
    if unknown := [word for word in words if word not in load.sent]:
        verdict.problems.append(f"{len(unknown)} stored events were never sent")
    for name, question in _COUNTERS.items():
        (counted,) = running.query(question)[0]
        if counted != len(rows):
            verdict.problems.append(f"{name}: {counted} counted, {len(rows)} stored")
    (failures,) = running.query("SELECT count(*) FROM events_event WHERE fingerprint_id IS NOT NULL")[0]
    for name in ("events_issue", "events_issuefingerprint", "events_issuerollup"):
        (counted,) = running.query(f"SELECT sum(event_count) FROM {name}")[0]  # noqa: S608 - names above
        if counted != failures:
            verdict.problems.append(f"{name}: {counted} counted, {failures} failures stored")
    if wrong := running.query(
        """
        SELECT issue.id FROM events_issue AS issue WHERE user_count <> (
            SELECT count(DISTINCT event.user_hash) FROM events_event AS event
            JOIN events_issuefingerprint AS fingerprint ON fingerprint.id = event.fingerprint_id
            WHERE fingerprint.issue_id = issue.id)
        """
    ):
        verdict.problems.append(f"{len(wrong)} issues have a wrong count of users")
    if doubled := running.query(
        "SELECT issue_id FROM events_issuetransition WHERE kind = 'new' GROUP BY issue_id HAVING count(*) > 1"
    ):
        verdict.problems.append(f"{len(doubled)} issues were announced as new more than once")


@contextmanager
def _folder(given: str) -> Iterator[Path]:
    if given:
        yield Path(given)
    else:
        with tempfile.TemporaryDirectory(prefix="liftmon-kill-", ignore_cleanup_errors=True) as made:
            yield Path(made)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to kill (default: 5)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="to repeat a run's choices")
    parser.add_argument("--folder", default="", help="data folder to use and keep; default: one that is removed")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with _folder(options.folder) as folder:
        verdict = run(folder, seconds=options.minutes * 60, seed=options.seed, say=True)
    print(f"kills: {dict(verdict.kills)}")
    print(f"answers: {dict(verdict.answers)}")
    print(f"{verdict.acknowledged:,} acknowledged, {verdict.stored:,} stored")
    print(
        "\n".join(verdict.problems)
        or "Nothing acknowledged was lost, nothing was stored twice, every counter is right."
    )
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
