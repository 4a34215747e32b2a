"""Writing and showing the settings of a channel: what is kept sealed is checked on its way in and masked on its way out."""

from collections.abc import Mapping

from alerts.channels.kinds import KINDS
from alerts.models import Channel
from alerts.sealing import SealBrokenError, seal, unseal

_HIDDEN = "••••"
# These say where to, not with which right.
_PLAIN = frozenset({"region", "receiver"})


def keep(channel: Channel, given: Mapping[str, str]) -> None:
    """Seal what is given over what is kept; an empty text takes a setting away. Settings that cannot be opened any more are
    replaced. What is new has not been tested. The channel is not saved.

    Raises alerts.channels.outcome.SettingsError.
    """
    together = {**_kept(channel), **given}
    channel.sealed_settings = seal(KINDS[channel.kind].validated({name: one for name, one in together.items() if one}))
    channel.tested_at, channel.test_answer = None, ""


def shown(channel: Channel) -> dict[str, str]:
    """Each setting that it has, masked; none when they cannot be opened."""
    kept, kind = _kept(channel), KINDS[channel.kind]
    masked = {kind.shown_field: kind.masked(kept).removeprefix(f"{kind.name} ")}
    return {name: one if name in _PLAIN else masked.get(name, _HIDDEN) for name, one in kept.items() if one}


def is_readable(channel: Channel) -> bool:
    """Whether the keys that settings are sealed with still open them."""
    try:
        unseal(channel.sealed_settings)
    except SealBrokenError:
        return False
    return True


def _kept(channel: Channel) -> dict[str, str]:
    if not channel.sealed_settings:
        return {}
    try:
        return unseal(channel.sealed_settings)
    except SealBrokenError:
        return {}
