"""How many messages a replay's alerts would have been told in, by the routes, reminders and limits of `alerts.outbox.telling`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.judging.grouping import key_of
from alerts.models import Alert, AlertRule
from alerts.outbox.telling import FLAP_LIMIT, FLAP_WINDOW, STAYS, channels_on, enabled_routes, routes_taking
from alerts.replaying.course import ReplayedAlert


def messages_of(rule: AlertRule, alerts: Sequence[ReplayedAlert], *, until: datetime) -> int:
    """To all channels together, when nobody acknowledges and nothing is muted. Alerts that share a message count each."""
    by_group: dict[str, list[ReplayedAlert]] = defaultdict(list)
    for alert in alerts:
        by_group[key_of(alert.labels)].append(alert)
    known_routes = enabled_routes()
    total = 0
    for of_group in by_group.values():
        told = Alert(rule=rule, labels=dict(of_group[0].labels), severity=rule.severity)
        channel_count = len(channels_on(routes_taking(told, known_routes)))
        if channel_count:
            total += channel_count * sum(
                _messages(rule, alert, of_group[:place], until) for place, alert in enumerate(of_group)
            )
    return total


def _messages(rule: AlertRule, alert: ReplayedAlert, before: Sequence[ReplayedAlert], until: datetime) -> int:
    """To each channel: that it fires, the reminders, and that it is over."""
    fired_at = alert.fired_at or alert.started_at
    ends_at = alert.resolved_at or until
    recent = before[-FLAP_LIMIT:]
    is_flapping = len(recent) == FLAP_LIMIT and all((one.fired_at or until) > fired_at - FLAP_WINDOW for one in recent)
    told_at = fired_at + (STAYS if is_flapping else timedelta(seconds=rule.group_wait_seconds))
    # What is over before it is told is told to nobody.
    if alert.resolved_at is not None and alert.resolved_at <= told_at:
        return 0
    repeat = timedelta(seconds=rule.repeat_seconds)
    counted_from = told_at if is_flapping else fired_at
    reminders = max((ends_at - counted_from) // repeat, 0) if repeat else 0
    return 1 + reminders + (alert.resolved_at is not None)
