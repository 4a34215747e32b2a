"""The kinds of channel by their names, which channels are stored under."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from alerts import sealing
from alerts.channels import alertmanager, apprise_channel, email, pagerduty, slack, slack_bot, webhook
from alerts.channels.message import AlertMessage
from alerts.channels.outcome import Outcome
from alerts.channels.written_message import WrittenMessage


class Send(Protocol):
    """Sends one message by validated settings. ``key`` is the notification's own, the same whenever it is tried again.

    Raises nothing for what the other side does or fails to do: that is the outcome.
    """

    def __call__(self, settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome: ...


class Tell(Protocol):
    """Sends what is written already, such as a digest; otherwise like Send."""

    def __call__(self, settings: Mapping[str, str], message: WrittenMessage, *, key: UUID) -> Outcome: ...


class Change(Protocol):
    """Tells what became of an alert in the place of its earlier message, which ``receipt`` names (Outcome); empty for none.

    Sends a new message where that cannot be, unless somebody did something about the alert and nothing else is new.
    """

    def __call__(
        self, settings: Mapping[str, str], message: AlertMessage, *, key: UUID, receipt: Mapping[str, str]
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """``validated`` gives the settings to store or raises SettingsError; `masked` shows the end of ``shown_field``, or of
    ``other_shown_field`` where that is empty. ``change`` is None where what was sent stays as it is, ``tell`` where
    digests have no place: what takes alerts and nothing else would page somebody for one."""

    name: str
    title: str
    fields: tuple[str, ...]
    shown_field: str
    validated: Callable[[Mapping[str, str]], dict[str, str]]
    send: Send
    change: Change | None = None
    other_shown_field: str = ""
    tell: Tell | None = None

    def masked(self, settings: Mapping[str, str]) -> str:
        shown = settings.get(self.shown_field) or settings.get(self.other_shown_field, "")
        return sealing.masked(self.name, shown)


KINDS: Mapping[str, ChannelKind] = {
    kind.name: kind
    for kind in (
        ChannelKind("email", "E-mail", email.FIELDS, email.SECRET_FIELD, email.validated, email.send, tell=email.tell),
        ChannelKind(
            "slack",
            "Slack",
            slack.FIELDS,
            slack.SECRET_FIELD,
            slack.validated,
            slack.send,
            slack.change,
            other_shown_field=slack_bot.TOKEN,
            tell=slack.tell,
        ),
        ChannelKind(
            "pagerduty",
            "PagerDuty",
            pagerduty.FIELDS,
            pagerduty.SECRET_FIELD,
            pagerduty.validated,
            pagerduty.send,
            pagerduty.change,
        ),
        ChannelKind("webhook", "Webhook", webhook.FIELDS, "url", webhook.validated, webhook.send, tell=webhook.tell),
        ChannelKind(
            "alertmanager",
            "Webhook (Alertmanager)",
            alertmanager.FIELDS,
            "url",
            alertmanager.validated,
            alertmanager.send,
        ),
        ChannelKind(
            "apprise",
            "Other (Apprise)",
            apprise_channel.FIELDS,
            "url",
            apprise_channel.validated,
            apprise_channel.send,
            tell=apprise_channel.tell,
        ),
    )
}
