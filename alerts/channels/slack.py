"""Slack, in one of two ways: by an incoming webhook, whose URL is the secret and belongs to one conversation, or by a bot's token,
which can also change what it said."""

from collections.abc import Mapping
from uuid import UUID

from alerts import outbound_http
from alerts.channels import http_sending, slack_blocks, slack_bot
from alerts.channels.message import AlertMessage, MessageKind
from alerts.channels.outcome import Outcome, SettingsError, only_known
from alerts.channels.written_message import WrittenMessage

SECRET_FIELD = "webhook_url"  # noqa: S105 - the name of a field
FIELDS = (SECRET_FIELD, *slack_bot.FIELDS)
_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
# The webhook was revoked, its channel deleted or archived: only a person with a new URL can help.
_PERMANENT = frozenset({403, 404, 410})


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``webhook_url``, or ``token`` and ``channel`` with an optional ``signing_secret`` and ``url`` (alerts.channels.slack_bot).
    Raises SettingsError."""
    only_known(settings, FIELDS)
    of_bot = {name: settings[name] for name in slack_bot.FIELDS if settings.get(name, "").strip()}
    if not of_bot:
        return {SECRET_FIELD: _webhook_url(settings)}
    if slack_bot.TOKEN not in of_bot and "channel" not in of_bot:
        raise SettingsError(
            next(iter(of_bot)), "This belongs to a bot: enter its token and channel, too, or leave it out."
        )
    if settings.get(SECRET_FIELD, "").strip():
        raise SettingsError(SECRET_FIELD, "Enter either a webhook's URL or a bot's token and channel, not both.")
    return slack_bot.validated(of_bot)


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """One message. Slack knows no idempotency key: what was accepted without our learning of it comes twice."""
    if slack_bot.TOKEN in settings:
        return slack_bot.send(settings, message)
    url = settings[SECRET_FIELD]
    body = http_sending.json_bytes(slack_blocks.payload(message))
    return http_sending.post(url, body, headers={"X-Request-Id": str(key)}, permanent=_PERMANENT)


def tell(settings: Mapping[str, str], message: WrittenMessage, *, key: UUID) -> Outcome:
    """What is written already."""
    said = slack_blocks.written_payload(message)
    if slack_bot.TOKEN in settings:
        return slack_bot.post(settings, said)
    headers = {"X-Request-Id": str(key)}
    return http_sending.post(
        settings[SECRET_FIELD], http_sending.json_bytes(said), headers=headers, permanent=_PERMANENT
    )


def change(settings: Mapping[str, str], message: AlertMessage, *, key: UUID, receipt: Mapping[str, str]) -> Outcome:
    """Change the message that ``receipt`` names; a new message where there is none, unless there is nothing new to tell."""
    if slack_bot.TOKEN in settings and receipt:
        return slack_bot.change(settings, message, receipt=receipt)
    if message.kind is MessageKind.CHANGED:
        return Outcome(is_accepted=True, answer="There is no message that could be changed.")
    return send(settings, message, key=key)


def _webhook_url(settings: Mapping[str, str]) -> str:
    url = http_sending.url_of(
        settings,
        SECRET_FIELD,
        "Paste the URL that Slack shows under Incoming Webhooks (https://hooks.slack.com/services/…), or enter a bot's token and "
        "its channel.",
    )
    parts = outbound_http.read_url(url)
    is_slack = parts.scheme == "https" and parts.host in _HOSTS and (parts.path or "").startswith("/services/")
    if not is_slack and not outbound_http.is_allowed_host(parts.host or ""):
        raise SettingsError(
            SECRET_FIELD,
            "This is not a URL of Slack's incoming webhooks, which begin with https://hooks.slack.com/services/. For a server "
            "that speaks like Slack, name its host in LIFTMON_OUTBOUND_ALLOWED_HOSTS.",
        )
    return url
