"""`manage.py makepartitions`: for installations that were off for weeks, before Beat makes them."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from events.partitions import make_partitions


class Command(BaseCommand):
    help = "Make the weekly partitions of the events table that the past 30 days and the next 3 weeks need."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_partitions(now=timezone.now())
        if options["verbosity"] > 0:
            self.stdout.write(f"{made} partitions made.")
