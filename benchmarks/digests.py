"""Measure how long it takes to build and queue the digests of 200 subscribers over a month of events; write the table of results.

    uv run --group dev -m benchmarks.digests            some minutes, and a quarter of an hour more to make 10 million events
    … --millions N [N …]                                sizes of the months (default: 10)
    … --folder FOLDER                                   keep the months there, and use those that it holds

README.md in this folder says what each figure means.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.machine import machine
from benchmarks.reports import make_month, say
from benchmarks.servers import databases
from tests.journeys.running import ROOT

_MOST_SECONDS: Final = 60.0
_SUBSCRIBERS: Final = 200
_DOMAIN: Final = "digests.example"
# Places of services in the list of all, environments, zone: what teams of one company want to hear of.
_SCOPES: Final[tuple[tuple[tuple[int, ...], tuple[str, ...], str], ...]] = (
    ((), ("production",), "Europe/Berlin"),
    ((0,), ("production",), "Europe/Berlin"),
    ((1, 2), ("production",), "Europe/Berlin"),
    ((0, 1), ("production", "staging"), "Europe/Berlin"),
    ((), (), "UTC"),
    ((), ("production",), "America/New_York"),
)
# Of each ten subscribers.
_KINDS: Final = (
    ["daily"], ["daily"], ["daily"], ["daily", "weekly"], ["daily", "weekly"], ["daily"], ["weekly"], ["daily", "weekly"],
    ["daily", "monthly"], ["daily", "weekly", "monthly"],
)  # fmt: skip


# --- In a process of its own, with DATABASE_URL set --------------------------------------------------------------------


def measure() -> dict[str, Any]:
    """Seconds to build each digest, to build and queue all of them, and to look again when nothing is due."""
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from dashboards.digests import building
    from dashboards.models import Digest, DigestDelivery

    sending = import_module("dashboards.digests.sending")
    _forget()
    now = datetime.now(UTC)
    _subscribe(now)
    built: list[dict[str, Any]] = []
    whole = building.content

    def watched(kind: Any, question: Any, **how: Any) -> Any:
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as asked:
            made = whole(kind, question, **how)
        built.append({"kind": str(kind), "seconds": time.perf_counter() - began, "queries": len(asked)})
        return made

    building.content = watched
    began = time.perf_counter()
    sending.send_due(now=now)
    taken = time.perf_counter() - began
    began = time.perf_counter()
    sending.send_due(now=now)
    found = {
        "seconds": taken,
        "again": time.perf_counter() - began,
        "built": built,
        "digests": Digest.objects.filter(built_at=now).count(),
        "deliveries": DigestDelivery.objects.filter(subscription__email__endswith=f"@{_DOMAIN}").count(),
        "letters": DigestDelivery.objects.filter(subscription__email__endswith=f"@{_DOMAIN}")
        .exclude(letter=None)
        .count(),
    }
    _forget()
    return found


def _subscribe(now: datetime) -> None:
    from dashboards.models import DigestSubscription
    from events.models import Service

    services = list(Service.objects.order_by("pk"))
    since = now - timedelta(days=70)
    for number in range(_SUBSCRIBERS):
        places, environments, zone = _SCOPES[number % len(_SCOPES)]
        made = DigestSubscription.objects.create(
            email=f"reader{number}@{_DOMAIN}", kinds=_KINDS[number % len(_KINDS)], environments=list(environments), zone=zone,
            hour=8, weekdays=list(range(7)), confirmed_at=since,
        )  # fmt: skip
        made.services.set([services[place % len(services)] for place in places])
    # As if they had asked for digests before the last month began.
    DigestSubscription.objects.update(since_at=since)


def _forget() -> None:
    """What this made before, and what others subscribed to: they would be measured as well."""
    from alerts.models import Letter
    from dashboards.models import Digest, DigestSubscription

    DigestSubscription.objects.all().delete()
    Digest.objects.all().delete()
    Letter.objects.filter(to__endswith=f"@{_DOMAIN}").delete()


# --- What comes out ----------------------------------------------------------------------------------------------------


def report_of(rows: list[tuple[float, dict[str, Any]]]) -> str:
    columns = "| events, millions | subscribers | digests built | deliveries | letters"
    lines = [
        f"{columns} | seconds to build and queue (must be under {_MOST_SECONDS:g}) | seconds to look again |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for millions, found in rows:
        lines.append(
            f"| {millions:g} | {_SUBSCRIBERS} | {found['digests']} | {found['deliveries']} | {found['letters']} | "
            f"**{found['seconds']:.1f}** | {found['again']:.2f} |"
        )
    lines += [
        "", "| events, millions | kind | digests | queries each, at most | seconds each, at most | in all |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for millions, found in rows:
        for kind, count in Counter(one["kind"] for one in found["built"]).items():
            of_kind = [one for one in found["built"] if one["kind"] == kind]
            seconds = [one["seconds"] for one in of_kind]
            lines.append(
                f"| {millions:g} | {kind} | {count} | {max(one['queries'] for one in of_kind)} | {max(seconds):.2f} | "
                f"{sum(seconds):.2f} |"
            )
    return "\n".join([f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.", "", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", metavar="N", default=[10.0], help="sizes of the months")
    parser.add_argument("--folder", type=Path, help="keep servers and months there")
    parser.add_argument("--write", default="", metavar="FILE", help="write the tables there as well")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure()))
        return
    rows = []
    with ExitStack() as stack:
        folder = options.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="liftmon-bench-", ignore_cleanup_errors=True))
        )
        layout = stack.enter_context(databases(folder / "servers"))
        for millions in options.millions:
            surroundings = make_month(layout, folder, millions)
            say(f"{millions:g} million events: bringing the month up to now.")
            subprocess.run(
                [sys.executable, "-m", "benchmarks.month", "--top-up"], cwd=ROOT, env=surroundings, check=True
            )
            say("Building and queueing.")
            argv = [sys.executable, "-m", "benchmarks.digests", "--measure"]
            done = subprocess.run(
                argv, cwd=ROOT, env={**os.environ, **surroundings}, stdout=subprocess.PIPE, text=True, check=True
            )
            rows.append((millions, json.loads(done.stdout.splitlines()[-1])))
    report = report_of(rows)
    print(f"\n{report}")
    if options.write:
        Path(options.write).write_text(f"# Results of the digests\n\n{report}\n")


if __name__ == "__main__":
    main()
