"""`manage.py up`: everything on one machine, in the foreground, with one command."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liftmon.embedded.errors import StartError
from liftmon.up import Up, UpOptions


class Command(BaseCommand):
    help = (
        "Start Liftmon: PostgreSQL and Redis (embedded, unless DATABASE_URL and REDIS_URL are set), the web server, the "
        "Celery worker and Celery Beat, in the foreground with one log. Ctrl-C stops everything it started."
    )
    requires_system_checks: list[str] = []  # some of them ask the database, which this command has yet to start

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument("--workers", type=int, default=2, help="web processes (default: 2)")
        parser.add_argument(
            "--demo", action="store_true", help="load a fortnight of demo traffic once, then keep a trickle running"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = UpOptions(
            host=options["host"], port=options["port"], workers=options["workers"], with_demo=options["demo"]
        )
        try:
            Up(chosen, layout=settings.LAYOUT).run()
        except StartError as error:
            raise CommandError(str(error)) from None
