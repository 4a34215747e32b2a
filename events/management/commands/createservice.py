"""`manage.py createservice NAME [--json]`."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from events.onboarding import create_service, snippets


class Command(BaseCommand):
    help = (
        "Make a service with one secret and one public key, and show how to send to it. "
        "Works while `manage.py up` runs. The secret key is shown this once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what people call the service, for example “lift web”")
        parser.add_argument("--json", action="store_true", help="print one JSON object, for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            service, keys = create_service(name=options["name"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        except OperationalError:
            raise CommandError(
                "PostgreSQL cannot be reached. Start Liftmon with `manage.py up` first, or set DATABASE_URL."
            ) from None
        shown = snippets(service, keys)
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"Service {service.name} (id {service.pk}) is ready.\n")
        self.stdout.write(f"  secret key  {shown['secret_key']}   (shown once: keep it)")
        self.stdout.write(f"  public key  {shown['public_key']}   (for browsers)")
        self.stdout.write(f"  DSN         {shown['dsn']}")
        self.stdout.write(f"  ingest URL  {shown['ingest_url']}\n\nTry it:\n  {shown['curl']}")
