"""The kinds of channel by their names, which channels are stored under."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from alerts import sealing
from alerts.channels import alertmanager, apprise_channel, email, pagerduty, slack, webhook
from alerts.channels.message import AlertMessage
from alerts.channels.outcome import Outcome


class Send(Protocol):
    """Sends one message by validated settings. ``key`` is the notification's own, the same whenever it is tried again.

    Raises nothing for what the other side does or fails to do: that is the outcome.
    """

    def __call__(self, settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """``validated`` gives the settings to store or raises SettingsError; ``shown_field`` is what `masked` shows the end of."""

    name: str
    title: str
    fields: tuple[str, ...]
    shown_field: str
    validated: Callable[[Mapping[str, str]], dict[str, str]]
    send: Send

    def masked(self, settings: Mapping[str, str]) -> str:
        return sealing.masked(self.name, settings.get(self.shown_field, ""))


KINDS: Mapping[str, ChannelKind] = {
    kind.name: kind
    for kind in (
        ChannelKind("email", "E-mail", email.FIELDS, email.SECRET_FIELD, email.validated, email.send),
        ChannelKind("slack", "Slack", slack.FIELDS, slack.SECRET_FIELD, slack.validated, slack.send),
        ChannelKind(
            "pagerduty", "PagerDuty", pagerduty.FIELDS, pagerduty.SECRET_FIELD, pagerduty.validated, pagerduty.send
        ),
        ChannelKind("webhook", "Webhook", webhook.FIELDS, "url", webhook.validated, webhook.send),
        ChannelKind(
            "alertmanager",
            "Webhook (Alertmanager)",
            alertmanager.FIELDS,
            "url",
            alertmanager.validated,
            alertmanager.send,
        ),
        ChannelKind(
            "apprise", "Other (Apprise)", apprise_channel.FIELDS, "url", apprise_channel.validated, apprise_channel.send
        ),
    )
}
