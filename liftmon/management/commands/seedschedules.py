"""`manage.py seedschedules`: for installations that do not use `up`."""

from typing import Any

from django.core.management.base import BaseCommand

from liftmon.beat import seed_schedules


class Command(BaseCommand):
    help = "Add the periodic tasks that are missing. `manage.py up` does this itself; what was retimed or disabled stays so."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{seed_schedules()} schedules added.")
