"""Buttons that somebody pressed under a message in Slack.

A request is Slack's when it is signed with the signing secret of one of the channels, which is how the channel is found, too: Slack
knows nothing of ours. Each request is answered once. It may act on alerts alone that were told to a channel with that secret.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from django.db import transaction

from alerts.acting import handling
from alerts.channels import slack_bot
from alerts.channels.message import cut, one_line
from alerts.channels.slack_blocks import read_action
from alerts.models import Channel, ChannelKind, Notification, SlackRequest
from alerts.sealing import SealBrokenError, unseal

MOST_BYTES = 256 * 1024
TOLERANCE = timedelta(minutes=5)
_MUTED_FOR = timedelta(hours=1)
_VERSION = "v0"


class RefusedError(Exception):
    """Not Slack's, too old, answered before, or not to be read; the text says so. ``status``: of HTTP."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def act(body: bytes, headers: Mapping[str, str], *, now: datetime) -> int:
    """Do what the buttons ask for; how many of them changed something. Raises RefusedError."""
    signature = headers.get("X-Slack-Signature", "")
    channels = _signers(body, headers.get("X-Slack-Request-Timestamp", ""), signature, now=now)
    payload = _payload(body)
    with transaction.atomic():
        _once(signature, now=now)
        if payload.get("type") != "block_actions":
            return 0
        how = f"By {_name(payload)} in Slack."
        return sum(_do(action, channels, how, now=now) for action in _actions(payload))


def signature_of(body: bytes, timestamp: str, secret: str) -> str:
    """As Slack signs: ``v0=`` and the HMAC-SHA256 of ``v0:timestamp:body``."""
    signed = b":".join((_VERSION.encode(), timestamp.encode(), body))
    return f"{_VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _signers(body: bytes, timestamp: str, signature: str, *, now: datetime) -> list[Channel]:
    """The channels with whose secret it is signed."""
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise RefusedError(401, "X-Slack-Request-Timestamp is missing or no number.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise RefusedError(401, "The request is too old, or the clock of this server is wrong.")
    # Every secret is tried, whichever fits: how long that takes tells nothing.
    found = [
        channel
        for channel, secret in _secrets()
        if hmac.compare_digest(signature_of(body, timestamp, secret).encode(), signature.encode(errors="replace"))
    ]
    if not found:
        raise RefusedError(401, "X-Slack-Signature fits no signing secret of a Slack channel.")
    return found


def _secrets() -> Iterable[tuple[Channel, str]]:
    for channel in Channel.objects.filter(kind=ChannelKind.SLACK).order_by("pk"):
        try:
            secret = unseal(channel.sealed_settings).get(slack_bot.SIGNING_SECRET, "")
        except SealBrokenError:
            continue
        if secret:
            yield channel, secret


def _once(signature: str, *, now: datetime) -> None:
    SlackRequest.objects.filter(at__lt=now - 2 * TOLERANCE).delete()
    # Two at once: the second waits for the first, and finds its row.
    _, is_new = SlackRequest.objects.get_or_create(signature=signature, defaults={"at": now})
    if not is_new:
        raise RefusedError(409, "This request was answered before.")


def _payload(body: bytes) -> dict[str, Any]:
    try:
        (text,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=20)["payload"]
        payload = json.loads(text)
    except (ValueError, KeyError, RecursionError):
        raise RefusedError(400, "There is no readable payload.") from None
    if not isinstance(payload, dict):
        raise RefusedError(400, "The payload is no object.")
    return payload


def _actions(payload: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The buttons of ours among those that were pressed; links say so, too, and ask for nothing."""
    pressed = payload.get("actions")
    ids = [one.get("action_id") for one in pressed if isinstance(one, dict)] if isinstance(pressed, list) else []
    return [action for one in ids if isinstance(one, str) and (action := read_action(one)) is not None]


def _name(payload: Mapping[str, Any]) -> str:
    """``Ada Lovelace (U024BE7LH)``: the name may be changed, the id may not."""
    user = payload.get("user")
    user = user if isinstance(user, dict) else {}
    name = next((one_line(str(user[key])) for key in ("name", "username") if user.get(key)), "somebody")
    return f"{cut(name, 100)} ({cut(one_line(str(user['id'])), 40)})" if user.get("id") else cut(name, 100)


def _do(action: tuple[str, int], channels: Iterable[Channel], how: str, *, now: datetime) -> bool:
    verb, alert_id = action
    if not Notification.objects.filter(alert=alert_id, channel__in=[one.pk for one in channels]).exists():
        raise RefusedError(404, "This alert was not told to this channel, or is no longer kept.")
    if verb == "acknowledge":
        return handling.acknowledge(alert_id, by=None, at=now, how=how)
    if verb == "resolve":
        return handling.resolve(alert_id, by=None, at=now, how=how)
    handling.silence(alert_id, by=None, at=now, lasts=_MUTED_FOR, reason="Muted in Slack", how=how)
    return True
