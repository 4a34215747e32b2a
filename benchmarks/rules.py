"""Measure a round of judging 1,000 windowed rules over a month of events, and replays of some of them; write the table of results.

    uv run --group dev -m benchmarks.rules              some minutes, and a quarter of an hour more to make 10 million events
    … --millions N [N …]                                sizes of the months (default: 10)
    … --folder FOLDER                                   keep the months there, and use those that it holds

README.md in this folder says what each figure means.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.machine import machine
from benchmarks.reports import make_month, p95, say
from benchmarks.servers import databases
from tests.journeys.running import ROOT

if TYPE_CHECKING:
    from alerts.models import AlertRule

_MOST_SECONDS: Final = 2.0
_RULES: Final = 1000
# Of a hundred rules, so many of each condition.
_MIX: Final = {
    "events": 30, "users": 10, "failure_ratio": 12, "share": 3, "latency": 15, "spike": 10, "absence": 10, "burn_rate": 10,
}  # fmt: skip
_GROUPINGS: Final = (
    [], ["service"], ["endpoint"], ["service", "environment"], ["service", "endpoint"], ["name"], ["release"], ["feature"],
)  # fmt: skip


def rules(number: int) -> "Iterator[AlertRule]":
    """The same ones for the same events: names, endpoints and services that there are, some of them by pattern."""
    from alerts.models import AlertRule
    from events.models import Service

    chance = random.Random(5)  # noqa: S311
    names, endpoints = _column("name"), [one for one in _column("endpoint") if one]
    services = list(Service.objects.order_by("pk"))
    for place in range(number):
        kind = _kind(place % 100)
        about: dict[str, Any] = {}
        if kind in ("events", "spike", "absence") and chance.random() < 0.7:
            about["names"] = chance.sample(names, chance.randint(1, 3))
        elif chance.random() < 0.3:
            about["endpoints"] = [f"{chance.choice(endpoints)[:8]}*"]
        elif kind in ("failure_ratio", "latency", "burn_rate") and chance.random() < 0.5:
            about["endpoints"] = chance.sample(endpoints, chance.randint(1, 3))
        if kind in ("events", "users") and chance.random() < 0.5:
            about["severities"] = chance.choice([["critical"], ["critical", "error"], ["warning"]])
        if chance.random() < 0.3:
            about["service"] = chance.choice(services)
        if chance.random() < 0.3:
            about["environments"] = ["production"]
        if kind == "share":
            about |= {"names": ["cache_performance"], "tag": "hit:false"}
        yield AlertRule(
            name=f"{kind} {place}", severity="warning", condition=_condition(kind), parameters=_parameters(kind, chance),
            group_by=chance.choice(_GROUPINGS), for_seconds=chance.choice([0, 0, 120]), **about,
        )  # fmt: skip


def _kind(place: int) -> str:
    for kind, share in _MIX.items():
        if place < share:
            return kind
        place -= share
    raise ValueError("The mix has a hundred.")


def _condition(kind: str) -> str:
    return kind if kind in ("latency", "spike", "absence", "burn_rate") else "threshold"


def _parameters(kind: str, chance: random.Random) -> dict[str, Any]:
    window = {"window_seconds": chance.choice([300, 600, 900, 3600])}
    if kind == "events":
        return {"limit": chance.choice([500, 2000, 10_000]), "window_seconds": chance.choice([300, 600, 3600, 86400])}
    if kind in ("users", "failure_ratio", "share"):
        limits = {"users": [200, 2000], "failure_ratio": [0.05, 0.2], "share": [0.6]}
        return {"limit": chance.choice(limits[kind]), "measure": kind, "least_volume": 30, **window}
    if kind == "latency":
        return {"limit_ms": chance.choice([1000, 3000]), "percentile": chance.choice([50, 95, 99]), **window}
    if kind == "spike":
        return {"window_seconds": chance.choice([900, 3600]), "times": chance.choice([2, 4])}
    if kind == "absence":
        return {"window_seconds": chance.choice([900, 3600, 86400])}
    return {"objective": chance.choice([0.99, 0.999]), "least_volume": 200}


def _column(name: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {name} FROM events_series ORDER BY 1")  # noqa: S608
        return [value for (value,) in cursor.fetchall()]


# --- In a process with DATABASE_URL set -------------------------------------------------------------------------------


def measure(rounds: int, *, with_replays: bool) -> dict[str, Any]:
    """Rounds of judging, 15 seconds apart on the clock that they are given; then replays of one rule of each kind."""
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from alerts.evaluation import judge_windows
    from alerts.models import Alert, AlertRule

    AlertRule.objects.all().delete()
    AlertRule.objects.bulk_create(rules(_RULES))
    try:
        now, taken, used = datetime.now(UTC), [], []
        with CaptureQueriesContext(connection) as first:
            judge_windows(now=now)
        for number in range(1, rounds + 1):
            began, cpu = time.perf_counter(), time.process_time()
            judged = judge_windows(now=now + timedelta(seconds=15 * number)).judged
            taken.append(time.perf_counter() - began)
            used.append(time.process_time() - cpu)
        connection.queries_log.clear()  # it is full by now, and would count no more
        with CaptureQueriesContext(connection) as last:
            judge_windows(now=now + timedelta(seconds=15 * (rounds + 1)))
        with connection.cursor() as cursor:
            cursor.execute("SELECT (SELECT events FROM benchmark.month), (SELECT count(*) FROM events_series)")
            events, series = cursor.fetchone()
        return {
            "judged": judged, "taken": taken, "used": used, "first_queries": len(first), "queries": len(last),
            "states": Counter(Alert.objects.values_list("state", flat=True)), "events": events, "series": series,
            "replays": list(_replays(now)) if with_replays else [],
        }  # fmt: skip
    finally:
        AlertRule.objects.all().delete()
        from alerts.models import Route
        from alerts.rules.guide import load_rules

        load_rules(AlertRule, Route)


def _replays(now: datetime) -> Iterator[tuple[str, float, int, str]]:
    from alerts.models import AlertRule
    from alerts.replaying.replay import replay

    for kind in _MIX:
        for grouping in ([], ["service", "endpoint"]):
            rule = AlertRule(
                name=kind, severity="warning", condition=_condition(kind), group_by=grouping,
                parameters=_parameters(kind, random.Random(5)), names=["cache_performance"] if kind == "share" else [],  # noqa: S311
                tag="hit:false" if kind == "share" else "",
            )  # fmt: skip
            began = time.perf_counter()
            found = replay(rule, since=now - timedelta(days=14), until=now)
            seconds = time.perf_counter() - began
            yield (
                f"{kind}, {' and '.join(grouping) or 'one group'}",
                seconds,
                len(found.alerts),
                found.note or found.refusal,
            )


# --- What comes out --------------------------------------------------------------------------------------------------


def report_of(found: list[dict[str, Any]]) -> str:
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.", "",
        "| events | series | rules | median round | p95 | slowest | of it Python's | queries | open alerts |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for one in found:
        taken = one["taken"]
        opened = sum(count for state, count in one["states"].items() if state != "resolved")
        lines.append(
            f"| {one['events']:,} | {one['series']:,} | {one['judged']:,} | {median(taken):.2f} s (≤ {_MOST_SECONDS:g}) | "
            f"{p95(taken):.2f} s | {max(taken):.2f} s | {median(one['used']):.2f} s | {one['queries']} | {opened:,} |"
        )
    if not found[0]["replays"]:
        return "\n".join(lines)
    lines += ["", "Replays of 14 days of one rule that is about every event, or every request:", ""]
    lines.append("| rule | " + " | ".join(f"{one['events']:,} events" for one in found) + " | would have fired |")
    lines.append("| --- |" + " --- |" * (len(found) + 1))
    for place, (told, *_) in enumerate(found[0]["replays"]):
        cells = [f"{one['replays'][place][1]:.1f} s" for one in found]
        lines.append(f"| {told} | {' | '.join(cells)} | {found[-1]['replays'][place][2]:,} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[10.0], metavar="N", help="sizes of the months")
    parser.add_argument("--rounds", type=int, default=20, help="rounds that are measured")
    parser.add_argument("--folder", type=Path, help="keep servers and months there")
    parser.add_argument("--write", default="", metavar="FILE", help="write the tables there as well")
    parser.add_argument("--replays", action="store_true", help="replay some of the rules, too (many minutes)")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.rounds, with_replays=options.replays)))
        return
    found = []
    with ExitStack() as stack:
        folder = options.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="liftmon-bench-", ignore_cleanup_errors=True))
        )
        layout = stack.enter_context(databases(folder / "servers"))
        for millions in options.millions:
            surroundings = make_month(layout, folder, millions)
            subprocess.run(
                [sys.executable, "-m", "benchmarks.month", "--top-up"], cwd=ROOT, env=surroundings, check=True
            )
            say(f"Judging {_RULES:,} rules over {millions:g} million events.")
            argv = [sys.executable, "-m", "benchmarks.rules", "--measure", "--rounds", str(options.rounds)]
            argv += ["--replays"] if options.replays else []
            done = subprocess.run(
                argv, cwd=ROOT, env={**os.environ, **surroundings}, stdout=subprocess.PIPE, text=True, check=True
            )
            found.append(json.loads(done.stdout))
    report = report_of(found)
    print(f"\n{report}")
    if options.write:
        Path(options.write).write_text(f"# Results of judging rules\n\n{report}\n")


if __name__ == "__main__":
    main()
