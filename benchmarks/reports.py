"""Measure the analytics pages over a month of events, and the guide's SQL beside them; write the table of results.

    uv run --group dev -m benchmarks.reports            about an hour, most of it making 31 million events; 60 GB of disk
    uv run --group dev -m benchmarks.reports --quick    a quarter of an hour: 0.2, 1 and 2 million events, fewer rounds
    … --folder FOLDER                                   keep the months there, and use those that it holds

Pages are asked for through the web server that `up` starts, one at a time: databases of each size in turn, so that what else the
machine does hits all of them. README.md in this folder says what each figure means.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import psycopg

from benchmarks.machine import machine
from benchmarks.servers import Web, databases, environment_of, manage, web
from liftmon.embedded.layout import DataLayout
from tests.journeys.running import ROOT

SIZES: Final = (1.0, 10.0, 20.0)
QUICK_SIZES: Final = (0.2, 1.0, 2.0)
# What a page has to keep to, whatever the window.
_MOST_MS, _MOST_QUERIES, _MOST_GROWTH, _LEAST_GAIN = 300, 25, 1.3, 50
# A page whose median is below that grows by the noise of a few milliseconds.
_NOISE_MS: Final = 3.0


@dataclass
class Month:
    """A database with so many million events, its web server, and what was measured: milliseconds by (page, window)."""

    millions: float
    server: Web
    cookie: str
    visits: list[dict[str, Any]]
    guide: list[dict[str, Any]] = field(default_factory=list)
    taken: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def visit(self, visit: Mapping[str, Any], connection: http.client.HTTPConnection) -> float:
        """Milliseconds from sending the request to the last byte of the page."""
        began = time.perf_counter()
        connection.request("GET", visit["path"], headers={"Cookie": self.cookie})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{visit['path']} answers {answer.status}")
        return (time.perf_counter() - began) * 1000


def say(text: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {text}", flush=True)  # noqa: DTZ005 - the reader's clock


def make_month(layout: DataLayout, folder: Path, millions: float) -> dict[str, str]:
    """The surroundings of processes that work on a month of so many million events, made unless it is there already."""
    name = f"month_{round(millions * 1000)}"
    surroundings = environment_of(layout, name, folder / name)
    os.makedirs(folder / name, exist_ok=True)  # noqa: PTH103 - as in servers.prepare
    with psycopg.connect(_beside(surroundings["DATABASE_URL"], name), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
    manage(surroundings, "migrate", "--verbosity", "0")
    if not _is_whole(surroundings["DATABASE_URL"]):
        say(f"Making a month of {millions:g} million events.")
        argv = [sys.executable, "-m", "benchmarks.month", "--millions", str(millions)]
        subprocess.run(argv, cwd=ROOT, env=surroundings, check=True)
    return surroundings


def _beside(url: str, name: str) -> str:
    """The address of the database that is always there."""
    return url.replace(f"/{name}?", "/liftmon?")


def _is_whole(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('benchmark.month')").fetchone() != (None,) and bool(
            connection.execute("SELECT 1 FROM benchmark.month").fetchone()
        )


def open_month(stack: ExitStack, surroundings: dict[str, str], millions: float, *, with_guide: bool) -> Month:
    """Bring the month up to now, count each page's queries, time the guide's SQL when that is wanted, and start a web server."""
    say(f"{millions:g} million events: counting queries{', asking the guide’s SQL' if with_guide else ''}.")
    subprocess.run([sys.executable, "-m", "benchmarks.month", "--top-up"], cwd=ROOT, env=surroundings, check=True)
    argv = [sys.executable, "-m", "benchmarks.page_visits", *(["--guide"] if with_guide else [])]
    done = subprocess.run(argv, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    server = stack.enter_context(web(surroundings, workers=1, key=""))
    return Month(millions, server, found["cookie"], found["visits"], found.get("guide", []))


def measure(months: Sequence[Month], rounds: int) -> None:
    connections = [http.client.HTTPConnection("127.0.0.1", month.server.port, timeout=60) for month in months]
    for number in range(rounds + 1):
        for visits in zip(*(month.visits for month in months), strict=True):
            for month, visit, connection in zip(months, visits, connections, strict=True):
                taken = month.visit(visit, connection)
                if number:  # the first round fills caches, as any reader before this one did
                    month.taken[visit["page"], visit["window"]].append(taken)
        say(f"Round {number} of {rounds}.")
    for connection in connections:
        connection.close()


# --- What comes out --------------------------------------------------------------------------------------------------


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def pages_table(months: Sequence[Month], middle: Month) -> str:
    """A line a page: the highest p95 and the most queries of its windows in the middle month, and growth from the smallest month to
    the largest, of the window that takes longest by its median: a p95 of few rounds is that of one outlier.
    """
    windows: dict[str, list[str]] = defaultdict(list)
    queries: dict[str, int] = defaultdict(int)
    for visit in middle.visits:
        windows[visit["page"]].append(visit["window"])
        queries[visit["page"]] = max(queries[visit["page"]], visit["queries"])
    sizes = ", ".join(f"{month.millions:g}" for month in months)
    lines = [
        f"| page | p95, {middle.millions:g} million | in the window | queries | slowest window | ms at {sizes} million | growth |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    worst_p95, worst_growth, most_queries = 0.0, 0.0, 0
    for page, of_page in windows.items():
        tail, in_window = max((p95(middle.taken[page, window]), window) for window in of_page)
        slowest = max(of_page, key=lambda window: median(middle.taken[page, window]))
        medians = [median(month.taken[page, slowest]) for month in months]
        growth = medians[-1] / max(medians[0], _NOISE_MS)
        worst_p95, most_queries = max(worst_p95, tail), max(most_queries, queries[page])
        worst_growth = max(worst_growth, growth)
        told = " / ".join(f"{one:.0f}" for one in medians)
        lines.append(
            f"| {page} | {tail:.0f} ms | {in_window or '—'} | {queries[page]} | {slowest or '—'} | {told} | {growth:.2f} |"
        )
    lines.append(
        f"| **worst** (must keep to) | **{worst_p95:.0f} ms** (≤ {_MOST_MS}) | | **{most_queries}** (≤ {_MOST_QUERIES}) | | | "
        f"**{worst_growth:.2f}** (≤ {_MOST_GROWTH}) |"
    )
    return "\n".join(lines)


def windows_table(months: Sequence[Month]) -> str:
    """Growth of every page and window, by their medians."""
    windows = list(dict.fromkeys(visit["window"] for visit in months[0].visits if visit["window"]))
    pages = list(dict.fromkeys(visit["page"] for visit in months[0].visits if visit["window"]))
    lines = ["| page | " + " | ".join(windows) + " |", "| --- |" + " --- |" * len(windows)]
    for page in pages:
        cells = [" / ".join(f"{median(month.taken[page, window]):.0f}" for month in months) for window in windows]
        lines.append(f"| {page} | {' | '.join(cells)} |")
    return "\n".join(lines)


def guide_table(month: Month) -> str:
    lines = [
        "| the guide's query | window | as it is written | its columns | times as fast | report, whole | times as fast | events |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in month.guide:
        counts = f"{one['raw_count']:,}"
        if one["raw_count"] != one["report_count"]:
            counts += f" (the report: {one['report_count']:,})"
        raw = one["raw_seconds"]
        cells = [one["name"], one["window"], _milliseconds(raw)]
        for seconds in (one["columns_seconds"], one["report_seconds"]):
            cells += [_milliseconds(seconds), f"{raw / seconds:.0f}"]
        lines.append(f"| {' | '.join([*cells, counts])} |")
    return "\n".join(lines)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms" if seconds < 0.01 else f"{seconds * 1000:,.0f} ms"


_GUIDES = (
    "The guide asks two of its questions of seven days, features and slowest endpoints: they must be answered "
    f"{_LEAST_GAIN} times as fast. The others are shown over their own windows, and over seven days:"
)


def report_of(months: Sequence[Month], rounds: int) -> str:
    middle = months[len(months) // 2]
    return "\n\n".join([
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}. {rounds} rounds.",
        pages_table(months, middle),
        f"Medians in milliseconds at {', '.join(f'{month.millions:g}' for month in months)} million events, by window:",
        windows_table(months),
        f"At {middle.millions:g} million events. {_GUIDES}",
        guide_table(middle),
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer events and rounds")
    parser.add_argument("--millions", type=float, nargs="+", metavar="N", help="sizes of the months, smallest first")
    parser.add_argument(
        "--rounds", type=int, default=0, help="how often each page is asked for (default: 20; quick: 5)"
    )
    parser.add_argument("--folder", type=Path, help="keep servers and months there")
    parser.add_argument("--write", default="", metavar="FILE", help="write the tables there as well")
    options = parser.parse_args()
    sizes = options.millions or (QUICK_SIZES if options.quick else SIZES)
    rounds = options.rounds or (5 if options.quick else 20)
    with ExitStack() as stack:
        folder = options.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="liftmon-bench-", ignore_cleanup_errors=True))
        )
        layout = stack.enter_context(databases(folder / "servers"))
        surroundings = [make_month(layout, folder, millions) for millions in sizes]
        months = [
            open_month(stack, one, millions, with_guide=place == len(sizes) // 2)
            for place, (one, millions) in enumerate(zip(surroundings, sizes, strict=True))
        ]
        measure(months, rounds)
        report = report_of(months, rounds)
    print(f"\n{report}")
    if options.write:
        Path(options.write).write_text(f"# Results of the analytics pages\n\n{report}\n")


if __name__ == "__main__":
    main()
