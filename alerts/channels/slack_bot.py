"""Slack by a bot's token: messages that change when their alert does (chat.postMessage, chat.update)."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerts import outbound_http
from alerts.channels import http_sending, slack_blocks
from alerts.channels.message import AlertMessage, MessageKind
from alerts.channels.outcome import Outcome, SettingsError, judged, needed, seconds_of

TOKEN, SIGNING_SECRET = "token", "signing_secret"
FIELDS = (TOKEN, "channel", SIGNING_SECRET, "url")
API = "https://slack.com/api"
# Slack answers with the whole message that it made of ours.
_KEPT_BYTES = 256 * 1024
_CHANNEL_LENGTH = 100
_NEW_TOKEN = "Install the app anew in Slack and enter its bot token (xoxb-…) here."  # noqa: S105 - a sentence

# What to do about an error of Slack's, and whether only a person can. What is not listed is tried again.
_FIXES: Mapping[str, tuple[str, bool]] = {
    "channel_not_found": ("Enter the ID of the channel (C…, at the end of its details); invite the app where it is private.", True),
    # Somebody invites the app, and what waits arrives.
    "not_in_channel": ("Invite the app to the channel: /invite in it.", False),
    "is_archived": ("The channel is archived: enter another one.", True),
    "invalid_auth": (_NEW_TOKEN, True),
    "not_authed": (_NEW_TOKEN, True),
    "account_inactive": (_NEW_TOKEN, True),
    "token_revoked": (_NEW_TOKEN, True),
    "token_expired": (_NEW_TOKEN, True),
    "not_allowed_token_type": (_NEW_TOKEN, True),
    "missing_scope": ("Give the app the scope chat:write and install it anew.", True),
    "restricted_action": ("The workspace does not let apps post there: ask its owners, or enter another channel.", True),
    "msg_too_long": ("Slack finds the message too long.", True),
    "invalid_blocks": ("Slack does not take the form of the message.", True),
    "no_text": ("Slack finds no text in the message.", True),
    "ratelimited": ("Slack asks us to send less often.", False),
    "rate_limited": ("Slack asks us to send less often.", False),
}  # fmt: skip
# The message was deleted, or may no longer be changed: what there is to tell is told anew.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``token`` and ``channel``; ``signing_secret`` where buttons shall act in Slack; ``url`` of a server that speaks like Slack's
    API. Raises SettingsError."""
    found = {TOKEN: needed(settings, TOKEN, "Enter the bot token of the app (xoxb-…), under OAuth & Permissions.")}
    http_sending.header_value(found[TOKEN], TOKEN)
    if settings.get("url", "").strip():
        found["url"] = http_sending.url_of(settings, "url", "Leave the URL empty for Slack itself.").rstrip("/")
    elif not found[TOKEN].startswith("xoxb-"):
        raise SettingsError(TOKEN, "This is not the token of a bot, which begins with xoxb-.")
    channel = needed(settings, "channel", "Enter the ID of the channel (C…), at the end of its details in Slack.")
    if len(channel) > _CHANNEL_LENGTH or not channel.isprintable() or " " in channel:
        raise SettingsError("channel", "Enter the ID of one channel (C…) or its name, without spaces.")
    found["channel"] = channel
    if secret := settings.get(SIGNING_SECRET, "").strip():
        if len(secret) < 16 or not secret.isascii() or not secret.isalnum():
            raise SettingsError(
                SIGNING_SECRET,
                "The signing secret has 32 letters and digits: copy it from the app's basic information.",
            )
        found[SIGNING_SECRET] = secret
    return found


def send(settings: Mapping[str, str], message: AlertMessage) -> Outcome:
    """A new message; the receipt names it."""
    return post(settings, _payload(settings, message))


def post(settings: Mapping[str, str], payload: Mapping[str, Any]) -> Outcome:
    """A new message of that form."""
    return _call(settings, "chat.postMessage", {"channel": settings["channel"], **payload})


def change(settings: Mapping[str, str], message: AlertMessage, *, receipt: Mapping[str, str]) -> Outcome:
    """Say it in the place of what was said. Slack notifies nobody of a change, so that a line in its thread tells of the end, and
    one that stands in the channel, too, reminds."""
    place = {"channel": receipt["channel"], "ts": receipt["ts"]}
    outcome = _call(settings, "chat.update", {**place, **_payload(settings, message)})
    if outcome.answer in _GONE and not outcome.is_accepted:
        if message.kind is MessageKind.CHANGED:
            return Outcome(is_accepted=True, status=outcome.status, answer=f"Nothing to change: {outcome.answer}")
        return send(settings, message)
    if not outcome.is_accepted or message.kind is MessageKind.CHANGED:
        return outcome
    said: dict[str, Any] = {
        "channel": receipt["channel"], "thread_ts": receipt["ts"], "text": slack_blocks.reply(message), "unfurl_links": False,
    }  # fmt: skip
    if message.kind is MessageKind.REPEAT:
        said["reply_broadcast"] = True
    replied = _call(settings, "chat.postMessage", said)
    # The message itself says it already; a line that Slack will never take must not make us say it again.
    return outcome if replied.is_accepted or replied.is_permanent else replied


def _payload(settings: Mapping[str, str], message: AlertMessage) -> dict[str, Any]:
    return slack_blocks.payload(message, has_buttons=SIGNING_SECRET in settings)


def _call(settings: Mapping[str, str], method: str, said: Mapping[str, Any]) -> Outcome:
    url = f"{settings.get('url') or API}/{method}"
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Authorization": f"Bearer {settings[TOKEN]}",
    }
    try:
        answer = outbound_http.post(url, http_sending.json_bytes(said), headers=headers, kept_bytes=_KEPT_BYTES)
    except outbound_http.OutboundError as error:
        outcome = Outcome(is_accepted=False, is_permanent=isinstance(error, outbound_http.UrlError), answer=str(error))
    else:
        outcome = _judged(answer)
    return outcome.without((settings[TOKEN], settings.get(SIGNING_SECRET, "")))


def _judged(answer: outbound_http.Answer) -> Outcome:
    """Slack answers 200 to what it refuses, too, and says so in the body."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
        retry_after = answer.headers.get("retry-after", "")
        outcome = judged(answer.status, answer.body[:500], permanent=(), retry_after=retry_after, now=datetime.now(UTC))
        if not outcome.is_accepted:
            return outcome
        told = f"This is no answer of Slack's API: {answer.body[:200]}"
        return Outcome(is_accepted=False, status=answer.status, answer=told)
    if said["ok"]:
        receipt = {name: str(said[name]) for name in ("channel", "ts") if said.get(name)}
        return Outcome(
            is_accepted=True, status=answer.status, answer="ok", receipt=receipt if len(receipt) == 2 else {}
        )
    error = str(said.get("error", "unknown error"))[:100]
    fix, is_permanent = _FIXES.get(error, ("", False))
    told = f"{error}: {fix}" if fix else error
    return Outcome(
        is_accepted=False, is_permanent=is_permanent, status=answer.status, answer=told,
        retry_after_seconds=seconds_of(answer.headers.get("retry-after", ""), now=datetime.now(UTC)),
    )  # fmt: skip
