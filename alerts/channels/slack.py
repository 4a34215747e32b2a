"""Slack, by an incoming webhook: its URL is the secret, and belongs to one conversation."""

from collections.abc import Mapping
from uuid import UUID

from alerts import outbound_http
from alerts.channels import http_sending, slack_blocks
from alerts.channels.message import AlertMessage
from alerts.channels.outcome import Outcome, SettingsError, only_known

SECRET_FIELD = "webhook_url"  # noqa: S105 - the name of a field
FIELDS = (SECRET_FIELD,)
_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
# The webhook was revoked, its channel deleted or archived: only a person with a new URL can help.
_PERMANENT = frozenset({403, 404, 410})


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``webhook_url``. Raises SettingsError."""
    only_known(settings, FIELDS)
    url = http_sending.url_of(
        settings,
        SECRET_FIELD,
        "Paste the URL that Slack shows under Incoming Webhooks (https://hooks.slack.com/services/…).",
    )
    parts = outbound_http.read_url(url)
    is_slack = parts.scheme == "https" and parts.host in _HOSTS and (parts.path or "").startswith("/services/")
    if not is_slack and not outbound_http.is_allowed_host(parts.host or ""):
        raise SettingsError(
            SECRET_FIELD,
            "This is not a URL of Slack's incoming webhooks, which begin with https://hooks.slack.com/services/. For a server "
            "that speaks like Slack, name its host in LIFTMON_OUTBOUND_ALLOWED_HOSTS.",
        )
    return {SECRET_FIELD: url}


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """One message. Slack knows no idempotency key: what was accepted without our learning of it comes twice."""
    url = settings[SECRET_FIELD]
    body = http_sending.json_bytes(slack_blocks.payload(message))
    return http_sending.post(url, body, headers={"X-Request-Id": str(key)}, permanent=_PERMANENT)
