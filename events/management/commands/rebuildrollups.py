"""`manage.py rebuildrollups [--check]`."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.rebuilding import compare, complete_since, rebuild

_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Recompute the counters from the events, as far back as all events are kept, and prove them equal. "
        "Works while Liftmon runs: what arrives meanwhile is counted too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare; exits with 1 when something differs")
        parser.add_argument(
            "--since", type=date.fromisoformat, help="a day (UTC) such as 2026-11-01; not earlier than events are kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = complete_since()
        if options["since"]:
            since = max(since, datetime.combine(options["since"], datetime.min.time(), UTC))
        self.stderr.write(f"Comparing counters with the events since {since:%Y-%m-%d}.")
        work = compare if options["check"] else rebuild
        found = work(since=since, say=self.stderr.write)
        if not found.differences:
            self.stdout.write(
                self.style.SUCCESS(f"The counters equal the events: {found.events:,} events since {since:%Y-%m-%d}.")
            )
            return
        for name, key, off_by in found.differences[:_SHOWN]:
            self.stdout.write(f"  {name}: {key}: off by {off_by:+,}")
        if len(found.differences) > _SHOWN:
            self.stdout.write(f"  … and {len(found.differences) - _SHOWN:,} more")
        if options["check"]:
            raise CommandError(f"{len(found.differences):,} counters differ. Run it without --check to put them right.")
        left = compare(since=since).differences
        if left:
            raise CommandError(f"{len(left):,} counters still differ after the correction. Please report this.")
        self.stdout.write(
            self.style.SUCCESS(f"{len(found.differences):,} counters were put right; now they equal the events.")
        )
