"""`manage.py exportstatus`: the public status page as files, for a web server that is there when everything else is down."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from alerts.judging.counting import one_moment
from alerts.statuspage.exporting import ExportError, export

_EPILOG = """\
examples:
  manage.py exportstatus /srv/status
  manage.py exportstatus /srv/status --url https://status.example.org/
  * * * * *  manage.py exportstatus /srv/status --quiet && rsync -aL --delete /srv/status/ web:/srv/status/

DIR becomes a link to the newest export, which lies beside it; a web server that serves DIR shows all of the old page
or all of the new one. docs/statuspage.md says how to host it elsewhere.
"""


class Command(BaseCommand):
    help = (
        "Write the whole status page into DIR as static files: index.html, history, incidents, maintenance, Atom and JSON "
        "feeds and the style sheet, with links from one to the other that work wherever they lie."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dir", metavar="DIR", type=Path, help="the folder to serve; its parent must be writable")
        parser.add_argument(
            "--url", default="", help="where the files will be seen, for the feeds (default: LIFTMON_BASE_URL/status/)"
        )
        parser.add_argument("--quiet", action="store_true", help="say nothing when it worked")

    def handle(self, *args: Any, **options: Any) -> None:
        public = options["url"] or f"{settings.BASE_URL}/status/"
        if not public.startswith(("https://", "http://")):
            raise CommandError("--url is an address such as https://status.example.org/")
        try:
            # All pages are of one moment.
            with one_moment():
                count = export(options["dir"], public=public.rstrip("/") + "/", now=timezone.now())
        except ExportError as error:
            raise CommandError(str(error)) from None
        if not options["quiet"]:
            self.stdout.write(f"{count} files in {options['dir']}")
