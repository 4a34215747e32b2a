"""`manage.py forgetuser ID`."""

import json
import re
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.forgetting import Erasure, find_user, forget_user
from events.ingest.configured_scrubber import scrubber
from events.ingest.storing import replay, spool


class Command(BaseCommand):
    help = (
        "Erase one person everywhere: their hash in issues and activity, their sessions, and the content of their events. "
        "What was only counted stays. Shows what it will do and asks first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="the user id as services send it")
        parser.add_argument(
            "--hash", action="store_true", help="ID is the 32-character hash that Liftmon shows instead"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what is there and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts; does not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        hashes = self._hashes(options["id"], is_hash=options["hash"])
        replay()
        if spool().segments():
            raise CommandError(
                "Events wait in the spool because PostgreSQL was away. Try again when /readyz shows the spool as ok."
            )
        found = find_user(hashes)
        if options["json"]:
            done = found if options["dry_run"] else forget_user(hashes)
            self.stdout.write(json.dumps({"is_dry_run": options["dry_run"], **asdict(done)}))
            return
        if found.is_empty:
            self.stdout.write("Nothing was found of that person.")
            return
        self.stdout.write(f"Found: {_in_words(found)}.")
        if options["dry_run"]:
            return
        if not options["yes"] and input("Erase it for good? Type yes: ").strip().lower() != "yes":
            raise CommandError("Nothing was erased.")
        done = forget_user(hashes, advance=lambda count: self.stderr.write(f"  {count:,} events …"))
        self.stdout.write(self.style.SUCCESS(f"Erased: {_in_words(done)}."))

    def _hashes(self, given: str, *, is_hash: bool) -> list[str]:
        if not is_hash:
            return scrubber().hashes_of_user(given)
        if not re.fullmatch(r"[0-9a-f]{32}", given):
            raise CommandError("A hash has 32 characters, 0 to 9 and a to f. Leave out --hash to give a user id.")
        return [given]


def _in_words(erasure: Erasure) -> str:
    return (
        f"{erasure.events:,} events of that person, {erasure.session_events:,} more of their sessions, "
        f"{erasure.issues:,} issues that count them, {erasure.activity_rows:,} rows of activity"
    )
