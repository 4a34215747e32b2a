"""Measure the ingest path and write the table of results.

    uv run --group dev -m benchmarks.run            about half an hour; needs wrk (Debian: apt install wrk) and 40 GB of disk
    uv run --group dev -m benchmarks.run --quick    a few minutes: fewer rounds, 200,000 stored rows instead of 20 million

Every measure is a ratio of medians of rounds that alternate within one run on one machine, so that what else the machine does hits
both sides. README.md in this folder says what each means.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from statistics import median

import psycopg

from benchmarks import rows
from benchmarks.machine import machine
from benchmarks.servers import Web, databases, environment_of, prepare, web
from tests.journeys.running import ROOT

_LUA = Path(__file__).parent / "post.lua"
_SINGLES, _BATCHES = 64, 8  # connections, of singles to each web process


@dataclass(frozen=True)
class Load:
    """What one round of wrk saw."""

    per_second: float
    p50_ms: float
    p99_ms: float


def wrk(url: str, body: Path, *, connections: int, seconds: float, delay_ms: float = 0) -> Load:
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(_LUA), url, "--", str(body)]
    done = subprocess.run([*argv, f"{delay_ms:.1f}"], capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    requests, microseconds, errors, p50, p99, _ = (int(word) for word in line.split()[1:])
    if errors:
        raise RuntimeError(f"{errors} of {requests} requests failed:\n{done.stdout}")
    return Load(requests / microseconds * 1e6, p50 / 1000, p99 / 1000)


class Bench:
    """One run. ``values`` collects every round's figure by name."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.rounds: int = 3 if options.quick else 5
        self.seconds: float = 3 if options.quick else 6
        self.stored: int = options.rows or (200_000 if options.quick else 20_000_000)
        self.folder = folder
        self.values: dict[str, list[float]] = defaultdict(list)
        self.bodies = rows.write_bodies(folder)

    def say(self, text: str) -> None:
        print(f"{datetime.now():%H:%M:%S} {text}", flush=True)  # noqa: DTZ005 - the reader's clock

    def run(self) -> None:
        with ExitStack() as stack:
            layout = stack.enter_context(databases(self.folder / "servers"))
            empty, filled, key, other_key = self._prepare(stack, layout)
            one = stack.enter_context(web(empty, workers=1, key=key))
            two = stack.enter_context(web(empty, workers=2, key=key))
            large = stack.enter_context(web(filled, workers=1, key=other_key))
            connection = stack.enter_context(psycopg.connect(empty["DATABASE_URL"], autocommit=True))
            wrk(one.ingest_url, self.bodies.batch, connections=1, seconds=1)
            copies = rows.copy_blocks(connection, 120)
            for server in (one, two, large):
                wrk(server.ingest_url, self.bodies.singles, connections=_SINGLES, seconds=2)
            for number in range(1, self.rounds + 1):
                self._round(one, two, large, connection, copies, empty)
                copies = rows.copy_blocks(connection, 120)
                self.say(
                    f"round {number} of {self.rounds}: "
                    + ", ".join(f"{k} {v[-1]:,.0f}" for k, v in self.values.items())
                )
            self._latency(one)

    def _prepare(self, stack: ExitStack, layout: object) -> tuple[dict[str, str], dict[str, str], str, str]:
        self.say("Preparing two databases.")
        surroundings, keys = [], []
        for name in ("liftmon", "filled"):
            made = environment_of(layout, name, self.folder / name)  # type: ignore[arg-type]
            if name == "filled":
                with psycopg.connect(surroundings[0]["DATABASE_URL"], autocommit=True) as connection:
                    connection.execute("CREATE DATABASE filled")
            keys.append(prepare(made))
            surroundings.append(made)
            argv = [sys.executable, "-m", "benchmarks.compacting"]
            compacting = subprocess.Popen(argv, cwd=ROOT, env=made)
            stack.callback(compacting.kill)
        with web(surroundings[1], workers=1, key=keys[1]) as server:
            wrk(server.ingest_url, self.bodies.batch, connections=1, seconds=1)
        self.say(f"Storing {self.stored:,} rows in one of them.")
        with psycopg.connect(surroundings[1]["DATABASE_URL"], autocommit=True) as connection:
            rows.fill(connection, self.stored, say=self.say)
        return surroundings[0], surroundings[1], keys[0], keys[1]

    def _round(
        self, one: Web, two: Web, large: Web, connection: psycopg.Connection, copies: list[bytes], empty: dict[str, str]
    ) -> None:
        singles = {"connections": _SINGLES, "seconds": self.seconds}
        singles_of_two = {**singles, "connections": 2 * _SINGLES}
        batches = {"connections": _BATCHES, "seconds": self.seconds}
        watch = Resident(one)
        self._add("empty view", wrk(one.empty_url, self.bodies.singles, **singles).per_second)  # type: ignore[arg-type]
        load = wrk(two.empty_url, self.bodies.singles, **singles_of_two)  # type: ignore[arg-type]
        self._add("empty view, two processes", load.per_second)
        self._add("single", wrk(one.ingest_url, self.bodies.singles, **singles).per_second)  # type: ignore[arg-type]
        load = wrk(two.ingest_url, self.bodies.singles, **singles_of_two)  # type: ignore[arg-type]
        self._add("single, two processes", load.per_second)
        self._add("single, filled", wrk(large.ingest_url, self.bodies.singles, **singles).per_second)  # type: ignore[arg-type]
        self._add("one failure only", wrk(one.ingest_url, self.bodies.same, **singles).per_second)  # type: ignore[arg-type]
        load = wrk(two.ingest_url, self.bodies.same, **singles_of_two)  # type: ignore[arg-type]
        self._add("one failure only, two processes", load.per_second)
        self._add("raw COPY", rows.raw_copy(connection, copies))
        for name, server in (("batch", one), ("batch, two processes", two), ("batch, filled", large)):
            load = wrk(server.ingest_url, self.bodies.batch, **batches)  # type: ignore[arg-type]
            self._add(name, load.per_second * rows.BATCH)
        environment = {
            **empty,
            "DJANGO_SETTINGS_MODULE": "liftmon.settings",
            "LIFTMON_DATA_DIR": str(self.folder / "replay"),
        }
        environment |= {"LIFTMON_SECRET_KEY": "x" * 50, "LIFTMON_USER_HASH_KEYS": "y" * 50}
        argv = [sys.executable, "-m", "benchmarks.replay_rate", str(self.bodies.batch), "80"]
        replayed = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        self._add("replay", float(replayed.stdout.split()[-1]))
        self._add("resident MB", watch.most() / 1e6)

    def _add(self, name: str, value: float) -> None:
        self.values[name].append(value)
        rows.sync_disks()

    def _latency(self, one: Web) -> None:
        """32 connections that together send half of the peak rate."""
        half = median(self.values["single"]) / 2
        answer_ms = 3.0
        for _ in range(self.rounds + 1):
            pause = max(32 / half * 1000 - answer_ms, 1)
            load = wrk(one.ingest_url, self.bodies.singles, connections=32, seconds=self.seconds, delay_ms=pause)
            answer_ms = load.p50_ms
            self._add("half rate", load.per_second)
            self._add("p50 ms", load.p50_ms)
            self._add("p99 ms", load.p99_ms)
        for name in ("half rate", "p50 ms", "p99 ms"):
            del self.values[name][0]  # it found the pause

    # --- what comes out ------------------------------------------------------------------------------------------

    def middle(self, name: str) -> float:
        return median(self.values[name])

    def table(self) -> str:
        v = self.middle
        measures = [
            ("single events, one process / empty DRF view", v("single") / v("empty view"), "≥ 0.60", "{:.2f}"),
            ("single events, two processes / one", v("single, two processes") / v("single"), "≥ 1.6", "{:.2f}"),
            (
                "its bound here: empty view, two processes / one",
                v("empty view, two processes") / v("empty view"),
                "",
                "{:.2f}",
            ),
            ("batches of 500, one process / raw COPY", v("batch") / v("raw COPY"), "≥ 0.40", "{:.2f}"),
            ("batches of 500, two processes / raw COPY", v("batch, two processes") / v("raw COPY"), "≥ 0.40", "{:.2f}"),
            ("p99 at half of the peak rate, 32 connections", v("p99 ms"), "≤ 50 ms", "{:.1f} ms"),
            ("the same p99 / p50", v("p99 ms") / v("p50 ms"), "≤ 10", "{:.1f}"),
            (
                f"single events after {self.stored:,} rows / empty",
                v("single, filled") / v("single"),
                "≥ 0.85",
                "{:.2f}",
            ),
            (f"batches after {self.stored:,} rows / empty", v("batch, filled") / v("batch"), "≥ 0.85", "{:.2f}"),
            ("replay of the spool / batches, one process", v("replay") / v("batch"), "≥ 1", "{:.2f}"),
            ("resident memory of a web process", v("resident MB"), "≤ 200 MB", "{:.0f} MB"),
        ]
        lines = ["| measure | must reach | here |", "| --- | --- | --- |"]
        lines += [f"| {name} | {wanted} | {form.format(value)} |" for name, value, wanted, form in measures]
        lines += ["", "| figure | median | of |", "| --- | --- | --- |"]
        for name, found in self.values.items():
            unit = "" if name.endswith(("ms", "MB")) else " /s"
            lines.append(f"| {name} | {median(found):,.1f}{unit} | {', '.join(f'{one:,.0f}' for one in found)} |")
        return "\n".join(lines)


class Resident:
    """The most memory that the largest process of a server used, looked at four times a second."""

    def __init__(self, server: Web) -> None:
        self._server, self._most, self._is_over = server, 0, False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._is_over:
            self._most = max(self._most, self._server.resident())
            time.sleep(0.25)

    def most(self) -> int:
        self._is_over = True
        self._thread.join()
        return self._most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows")
    parser.add_argument("--rows", type=int, default=0, help="stored rows of the filled database")
    parser.add_argument(
        "--write", default="", metavar="FILE", help="write the table there as well, such as benchmarks/results.md"
    )
    options = parser.parse_args()
    if which("wrk") is None:
        parser.error("wrk is missing; on Debian and Ubuntu: apt install wrk")
    with tempfile.TemporaryDirectory(prefix="liftmon-bench-", ignore_cleanup_errors=True) as folder:
        bench = Bench(options, Path(folder))
        bench.run()
        report = f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.\n\n{bench.table()}\n"
    print(f"\n{report}")
    if options.write:
        Path(options.write).write_text(f"# Results\n\n{report}")


if __name__ == "__main__":
    main()
