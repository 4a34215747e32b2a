"""The channels that an installation starts with, when its environment says where to."""

from django.db import transaction

from alerts.channels.kinds import KINDS
from alerts.models import Channel, ChannelKind, Route
from alerts.sealing import seal
from events.choices import SeverityChoices

# What is made, under which name, and which alerts the guide sends there.
_FIRST: tuple[tuple[ChannelKind, str, str, frozenset[str]], ...] = (
    (ChannelKind.EMAIL, "to", "E-mail", frozenset({SeverityChoices.CRITICAL})),
    (ChannelKind.SLACK, "webhook_url", "Slack", frozenset({SeverityChoices.ERROR, SeverityChoices.WARNING})),
)


def make_first_channels(*, email: str, slack_webhook_url: str) -> list[str]:
    """Make those that are told ("" for none) and of whose kind there is none yet, and put each on the guide's route of its
    severities when that has no channel. The names of what was made; a second time nothing.

    Raises alerts.channels.outcome.SettingsError.
    """
    made = []
    told = {ChannelKind.EMAIL: email.strip(), ChannelKind.SLACK: slack_webhook_url.strip()}
    for kind, setting, name, severities in _FIRST:
        if not told[kind] or Channel.objects.filter(kind=kind, contact_point__isnull=True).exists():
            continue
        sealed = seal(KINDS[kind.value].validated({setting: told[kind]}))
        with transaction.atomic():
            channel = Channel.objects.create(name=_free(name), kind=kind, sealed_settings=sealed)
            for route in Route.objects.filter(channels=None, service=None, labels={}).order_by("position", "pk"):
                if severities == set(route.severities):
                    route.channels.add(channel)
        made.append(channel.name)
    return made


def _free(name: str) -> str:
    """The name, or the first numbered one that no channel has."""
    taken = set(Channel.objects.filter(name__startswith=name).values_list("name", flat=True))
    candidates = [name, *(f"{name} {number}" for number in range(2, len(taken) + 3))]
    return next(one for one in candidates if one not in taken)
