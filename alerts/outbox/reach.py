"""Whether people can be reached: what would become of an alert by the routes as they are, and what was given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.models import Alert, AlertRule, Channel, EscalationStep, Letter, Notification, NotificationState, Route
from alerts.outbox.telling import channels_on, enabled_routes, routes_taking
from events.choices import SeverityChoices
from events.models import Service

GIVEN_UP_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Reached:
    """The routes that take an alert, in order, and the channels that it goes to; both may be empty."""

    routes: Sequence[Route]
    channels: Sequence[Channel]

    @property
    def is_escalated(self) -> bool:
        return any(route.policy_id is not None for route in self.routes)


@dataclass(frozen=True, slots=True)
class Unreached:
    """``everything``: critical alerts that name no service go nowhere; ``services``: those whose critical alerts do."""

    everything: bool
    services: Sequence[Service]

    @property
    def is_any(self) -> bool:
        return self.everything or bool(self.services)


def reached_by(
    *, severity: str, labels: Mapping[str, str], service_id: int | None = None, routes: Sequence[Route] | None = None
) -> Reached:
    """By an alert of that severity, service and labels, if it fired now. ``routes``: `telling.enabled_routes`, when at hand."""
    alert = Alert(
        rule=AlertRule(name=labels.get("rule_name", ""), severity=severity, service_id=service_id),
        labels=dict(labels),
        severity=severity,
    )
    taking = routes_taking(alert, enabled_routes() if routes is None else routes)
    return Reached(taking, channels_on(taking))


def critical_unreached() -> Unreached:
    """Whose critical alerts would go nowhere. Three queries, however many services; four where routes name a policy."""
    routes = enabled_routes()
    named = {route.policy_id for route in routes if route.policy_id is not None}
    # Whether its steps reach anybody is said where it is looked after (alerts.on_call.readiness).
    telling = (
        set(EscalationStep.objects.filter(policy__in=named).values_list("policy_id", flat=True)) if named else set()
    )

    def is_lost(service: Service | None) -> bool:
        found = reached_by(
            severity=SeverityChoices.CRITICAL, labels={}, service_id=service.pk if service else None, routes=routes
        )
        return not found.channels and not any(route.policy_id in telling for route in found.routes)

    return Unreached(is_lost(None), [one for one in Service.objects.order_by("name", "pk") if is_lost(one)])


def given_up_count(*, now: datetime) -> int:
    """Notifications that were given up in the last 24 hours and have not been sent again since."""
    dead = Notification.objects.filter(state=NotificationState.DEAD, settled_at__gte=now - GIVEN_UP_WINDOW)
    return dead.count()


def letters_given_up_count(*, now: datetime) -> int:
    """Letters that were given up in the last 24 hours and have not been sent again since."""
    dead = Letter.objects.filter(state=NotificationState.DEAD, settled_at__gte=now - GIVEN_UP_WINDOW)
    return dead.count()


def send_letters_again(ids: Sequence[int], *, now: datetime) -> int:
    """Put letters that were given up back into the outbox; how many that were."""
    return Letter.objects.filter(pk__in=ids, state=NotificationState.DEAD).update(
        state=NotificationState.WAITING, due_at=now, attempt_count=0, settled_at=None, fallback_told_at=None, reason="",
        busy_until=None,
    )  # fmt: skip


def send_again(ids: Sequence[int], *, now: datetime) -> int:
    """Put what was given up back into the outbox, with what travelled in the same message; how many rows that were."""
    dead = Notification.objects.filter(state=NotificationState.DEAD)
    chosen = dead.filter(pk__in=ids) | dead.filter(carrier__in=ids)
    return Notification.objects.filter(pk__in=chosen.values("pk"), state=NotificationState.DEAD).update(
        state=NotificationState.WAITING, due_at=now, attempt_count=0, settled_at=None, fallback_told_at=None, reason="",
        carrier=None,
    )  # fmt: skip
