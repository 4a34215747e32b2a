"""`manage.py replayrules [--rule ID …] [--since 14d] [--json]`."""

import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from alerts.conditions import ConditionError
from alerts.models import AlertRule
from alerts.replaying import words
from alerts.replaying.found import Replay
from alerts.replaying.replay import replay
from events.models import Service

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=90)
_SHOWN = 20


def span(text: str) -> timedelta:
    """``14d``, ``36h``, ``90m``, ``2w``."""
    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    length = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < length <= _LONGEST:
        raise ArgumentTypeError(
            f"a time is a number and m, h, d or w, at most {_LONGEST.days}d, such as 14d; not {text!r}"
        )
    return length


class Command(BaseCommand):
    help = (
        "Say what alert rules would have done in the past, by the counts and events that are kept. Nothing is changed and nobody "
        "is told. Windowed rules are judged at the end of each minute. Silences are not taken into account."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rule",
            type=int,
            nargs="+",
            metavar="ID",
            help="only these rules, enabled or not (default: all that are enabled)",
        )
        parser.add_argument(
            "--since", type=span, default="14d", metavar="TIME", help="how far back: 14d (default), 36h, 90m, 2w"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document, with every alert")

    def handle(self, *args: Any, **options: Any) -> None:
        rules = _rules(options["rule"])
        until = timezone.now()
        services = dict(Service.objects.values_list("pk", "name"))
        documents = []
        for number, rule in enumerate(rules, start=1):
            self._progress(f"{number} of {len(rules)}: {rule.name}")
            try:
                found = replay(rule, since=until - options["since"], until=until)
            except ConditionError as error:
                found = Replay(
                    until - options["since"], until, until, timedelta(hours=1), refusal=f"Not judged: {error}"
                )
            self._progress("")
            if options["json"]:
                documents.append(_document(rule, found, services))
            else:
                self._say(rule, found, services)
        if options["json"]:
            self.stdout.write(json.dumps(documents, indent=2))
        elif not rules:
            self.stdout.write(
                "There is no rule that is enabled. Add one under Rules in the admin, or name one with --rule."
            )

    def _progress(self, text: str) -> None:
        """On a terminal alone, in one line that goes away."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{text[:100]}", ending="")
            self.stderr.flush()

    def _say(self, rule: AlertRule, found: Replay, services: dict[int, str]) -> None:
        zone = timezone.get_current_timezone()
        self.stdout.write(self.style.MIGRATE_HEADING(f"{rule.name} (rule {rule.pk})"))
        self.stdout.write(f"  {words.sentence(found, zone, services)}")
        for line in ([found.note] if found.note and not found.refusal else []) + words.hints(found, rule.condition):
            self.stdout.write(f"  {line}")
        for alert in found.alerts[:_SHOWN]:
            fired = words.when(alert.fired_at or alert.started_at, zone)
            where = words.group(alert.labels, services)
            self.stdout.write(
                f"    {fired} {words.lasted(alert)}{f', {where}' if where else ''}: {alert.worst.sentence}"
            )
        if len(found.alerts) > _SHOWN:
            self.stdout.write(f"    … and {len(found.alerts) - _SHOWN:,} more; --json tells all of them")
        if found.message_count:
            self.stdout.write(f"  Messages to channels: {found.message_count:,}.")


def _rules(wanted: list[int] | None) -> list[AlertRule]:
    if not wanted:
        return list(AlertRule.objects.filter(is_enabled=True).order_by("name", "pk"))
    known = AlertRule.objects.in_bulk(wanted)
    if missing := [str(pk) for pk in wanted if pk not in known]:
        raise CommandError(
            f"There is no rule {', '.join(missing)}. The list of rules in the admin shows their numbers."
        )
    return [known[pk] for pk in dict.fromkeys(wanted)]


def _document(rule: AlertRule, found: Replay, services: dict[int, str]) -> dict[str, Any]:
    return {
        "rule": rule.pk,
        "name": rule.name,
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "sentence": words.sentence(found, timezone.get_current_timezone(), services),
        "refusal": found.refusal,
        "note": found.note,
        "hints": words.hints(found, rule.condition),
        "fired": len(found.alerts),
        "brief": found.brief_count,
        "messages": found.message_count,
        "alerts": [
            {
                "labels": dict(alert.labels),
                "started_at": alert.started_at.isoformat(),
                "fired_at": _written(alert.fired_at),
                "resolved_at": _written(alert.resolved_at),
                "worst": alert.worst.value,
                "threshold": alert.worst.threshold,
                "sentence": alert.worst.sentence,
                "events": alert.event_count,
            }
            for alert in found.alerts
        ],
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
