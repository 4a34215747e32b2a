"""Which silences and windows of maintenance mute which alerts: for people who look at them, or are about to mute some."""

from collections.abc import Mapping
from datetime import datetime

from alerts.models import Alert, AlertRule, MaintenanceWindow, Silence
from alerts.outbox.telling import told_labels
from events.models import Service


def silences_of(alert: Alert, *, at: datetime) -> list[Silence]:
    """Those that mute it at that time; the alert with its rule."""
    labels = told_labels(alert)
    running = Silence.objects.running(at=at).select_related("author").order_by("ends_at", "pk")
    return [one for one in running if one.mutes(labels)]


def maintenance_of(alert: Alert, *, at: datetime) -> list[MaintenanceWindow]:
    service = told_labels(alert)["service"]
    running = MaintenanceWindow.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("ends_at", "pk")
    return [one for one in running if one.service_id is None or str(one.service_id) == service]


def muted_by(what: Silence | MaintenanceWindow) -> list[Alert]:
    """The open alerts that it is about, the oldest first, whether it runs or not."""
    alerts = Alert.objects.open().select_related("rule").order_by("started_at", "pk")
    if isinstance(what, Silence):
        return [one for one in alerts if what.mutes(told_labels(one))]
    wanted = what.service_id
    return [one for one in alerts if wanted is None or told_labels(one)["service"] == str(wanted)]


def names_of(*many: Mapping[str, str]) -> list[dict[str, str]]:
    """Matchers as people read them: rules and services by name instead of by number. Two queries for all of them."""
    rules = {number for one in many if (number := _number(one.get("rule"))) is not None}
    services = {number for one in many if (number := _number(one.get("service"))) is not None}
    rule_names = dict(AlertRule.objects.filter(pk__in=rules).values_list("pk", "name"))
    service_names = dict(Service.objects.filter(pk__in=services).values_list("pk", "name"))
    named = []
    for one in many:
        words = dict(one)
        for label, names in (("rule", rule_names), ("service", service_names)):
            if (number := _number(one.get(label))) is not None:
                words[label] = names.get(number, f"{label} {number}, gone")
        named.append(words)
    return named


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
