"""Everything else, by Apprise: Teams, Discord, Telegram, text messages and so on; one URL a target.

Apprise connects by itself, past `alerts.outbound_http`, so that only services are let in whose hosts are fixed, and of a URL's
options only those that change how a message looks: others read files of this server, or lead elsewhere.
"""

import logging
import re
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode
from uuid import UUID

from alerts.channels.message import AlertMessage, cut, one_line, plain_text
from alerts.channels.outcome import Outcome, SettingsError, hidden, needed, only_known
from alerts.channels.written_message import WrittenMessage
from events.ingest.types import Severity

SECRET_FIELD = "url"  # noqa: S105 - the name of a field
FIELDS = (SECRET_FIELD,)
# Each of them sends to one vendor's host that Apprise itself knows.
SCHEMAS = frozenset(
    {
        "bulksms", "clickatell", "d7sms", "dingtalk", "discord", "feishu", "ifttt", "line", "mailgun", "msgbird", "opsgenie",
        "pagertree", "pbul", "pover", "sendgrid", "splunk", "tgram", "twilio", "victorops", "vonage", "webex", "wecombot",
        "workflows", "wxteams",
    }
)  # fmt: skip
# Teams' workflows have a host for each customer, below these.
_WORKFLOWS = re.compile(
    r"workflows://[a-z0-9.-]+\.(logic\.azure\.com|api\.powerplatform\.com)(:443)?/[\w/%~.+-]+", re.IGNORECASE | re.ASCII
)
_OPTIONS = ("priority", "region", "sound", "thread", "topic", "ver")
# So plain that there are no two ways to read it: what we let pass must be what Apprise sees.
_OPTION = re.compile(rf"({'|'.join(_OPTIONS)})=[\w.-]*", re.ASCII)
_TITLE = 200
_BODY = 1800


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``url``, as Apprise writes it (``discord://id/token``). Raises SettingsError."""
    only_known(settings, FIELDS)
    url = needed(settings, SECRET_FIELD, "Enter Apprise's URL of the target, such as discord://id/token.")
    if any(char.isspace() or not char.isprintable() for char in url):
        raise SettingsError(SECRET_FIELD, "The URL holds a space or a control character: take it out.")
    schema, _, rest = url.partition("://")
    if not rest or schema not in SCHEMAS:
        raise SettingsError(
            SECRET_FIELD,
            f"Services that can be reached this way are {', '.join(sorted(SCHEMAS))}; for others use a webhook.",
        )
    address, _, options = url.partition("?")
    if any(sign in url for sign in "\\#"):
        raise SettingsError(SECRET_FIELD, "The URL holds a backslash or a #: write them as %5C and %23.")
    if schema == "workflows" and not _WORKFLOWS.fullmatch(address):
        raise SettingsError(
            SECRET_FIELD,
            "A Teams workflow is at a host below logic.azure.com or api.powerplatform.com, without a port.",
        )
    for option in filter(None, options.split("&")):
        if not _OPTION.fullmatch(option):
            raise SettingsError(SECRET_FIELD, f"Options of the URL may be {', '.join(_OPTIONS)}: take others out.")
    return {SECRET_FIELD: url}


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """One message to the target; no service takes a key. The status is known where Apprise's log has it."""
    title = cut(f"{message.state}: {message.headline}", _TITLE)
    return _notified(settings, title=title, body=plain_text(message), kind=_type_of(message))


def tell(settings: Mapping[str, str], message: WrittenMessage, *, key: UUID) -> Outcome:
    """The text of what is written already."""
    return _notified(settings, title=cut(one_line(message.subject), _TITLE), body=message.text, kind="info")


def _notified(settings: Mapping[str, str], *, title: str, body: str, kind: str) -> Outcome:
    # Loaded when it is needed: it takes a second and forty megabytes, which processes that never send do without.
    import apprise

    url = settings[SECRET_FIELD]
    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True, interpret_escapes=False, interpret_emojis=False)
    said: list[str] = []
    is_accepted = False
    with _heard(said):
        target = apprise.Apprise.instantiate(_without_detours(url), asset=asset, suppress_exceptions=True)
        if target is None:
            return Outcome(
                is_accepted=False,
                is_permanent=True,
                answer="Apprise cannot read this URL: compare it with its documentation.",
            )
        is_accepted = bool(target.notify(title=title, body=cut(body, _BODY), notify_type=kind, body_format="text"))
    words = cut(one_line(hidden(" ".join(said), _secret_parts(url))), 2048)
    status = re.search(r"error=(\d{3})\b", words)
    return Outcome(
        is_accepted=is_accepted,
        status=int(status[1]) if status else None,
        answer="Accepted." if is_accepted else words or "Apprise could not send it and does not say why.",
    )


def _type_of(message: AlertMessage) -> str:
    if message.is_over:
        return "success"
    if message.severity.rank >= Severity.ERROR.rank:
        return "failure"
    return "warning" if message.severity is Severity.WARNING else "info"


def _without_detours(url: str) -> str:
    options = urlencode({"redirect": "no", "verify": "yes", "image": "no", "overflow": "truncate"})
    return f"{url}{'&' if '?' in url else '?'}{options}"


def _secret_parts(url: str) -> list[str]:
    """The URL and every part of it: which of them is the token differs by service."""
    return [url, *re.split(r"[/:?&=@]+", url.partition("://")[2])]


@contextmanager
def _heard(said: list[str]) -> Generator[None]:
    """Collects what Apprise logs meanwhile, which is all that it tells, and keeps it out of our own log."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # Other threads may be sending to other targets.
            if record.thread == mine:
                said.append(record.getMessage())

    mine = threading.get_ident()
    logger = logging.getLogger("apprise")
    listener, level, propagates = Listener(logging.WARNING), logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagates
