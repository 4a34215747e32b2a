"""E-mail: HTML and text, one thread an alert.

Every message of an alert refers to the same Message-ID, made from the alert's own id, and has the same subject: that is what mail
programs thread by. What changes (still firing, resolved) stands in the sender's name, which lists show beside the subject. A
message's own Message-ID is made from its key, so that one that is sent again can be known as the same.
"""

import smtplib
from collections.abc import Callable, Mapping
from email.utils import formataddr, parseaddr
from uuid import UUID

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string

from alerts.channels import mailing
from alerts.channels.message import EXAMPLE_LENGTH, AlertMessage, MessageKind, cut, is_web_address, one_line, plain_text
from alerts.channels.outcome import Outcome, SettingsError, only_known
from alerts.channels.written_message import WrittenMessage

SECRET_FIELD = "to"  # noqa: S105 - the name of a field
FIELDS = (SECRET_FIELD,)
MOST_ADDRESSES = 20
SUBJECT_LENGTH = 150
# Gmail cuts what is longer, with the links at its end.
HTML_BYTES = 100_000
_TEXT_LENGTH = 2000
_LABELS = 12
_SEVERITY_COLOURS = {
    "critical": "#b91c1c",
    "error": "#c2410c",
    "warning": "#a16207",
    "info": "#1d4ed8",
    "debug": "#475569",
}
_RESOLVED_COLOUR = "#15803d"

# How a subject begins that continues no thread.
_BEGINNINGS = {MessageKind.FIRING: "", MessageKind.TEST: "Test: ", MessageKind.LATE: "Late: "}


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``to``: addresses with commas or line breaks between them. Raises SettingsError."""
    only_known(settings, FIELDS)
    text = settings.get(SECRET_FIELD, "")
    addresses = [one.strip() for one in text.replace(";", ",").replace("\n", ",").split(",") if one.strip()]
    if not addresses:
        raise SettingsError(SECRET_FIELD, "Enter the address that shall get the e-mails.")
    if len(addresses) > MOST_ADDRESSES:
        raise SettingsError(SECRET_FIELD, f"At most {MOST_ADDRESSES} addresses: for more, use a mailing list's.")
    for number, address in enumerate(addresses, start=1):
        try:
            validate_email(address)
        except ValidationError:
            raise SettingsError(
                SECRET_FIELD, f"Address {number} is not one: write name@host, with commas between several."
            ) from None
    return {SECRET_FIELD: ", ".join(dict.fromkeys(addresses))}


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """To each address by itself, over one connection: a server that takes one and refuses the other says so for each.

    Accepted when every address that can be reached took it. When one shall be tried later all are, and those who have it get it
    again under the same Message-ID: better twice than somebody never.
    """
    html = html_of(message)
    return _sent(settings, lambda address: mail_for(address, message, html=html, key=key))


def tell(settings: Mapping[str, str], message: WrittenMessage, *, key: UUID) -> Outcome:
    """The same for what is written already."""
    return _sent(settings, lambda address: written_mail_for(address, message, key=key))


def _sent(settings: Mapping[str, str], mail_to: Callable[[str], EmailMultiAlternatives]) -> Outcome:
    addresses = settings[SECRET_FIELD].split(", ")
    refusals: dict[str, mailing.Refusal] = {}
    try:
        with get_connection() as connection:
            for address in addresses:
                mail = mail_to(address)
                mail.connection = connection
                if refusal := mailing.refusal_of(mail):
                    refusals[address] = refusal
    except (OSError, smtplib.SMTPException) as error:
        status, why = mailing.said(error)
        return Outcome(is_accepted=False, status=status or None, answer=mailing.shown(why))
    return _judged(len(addresses), refusals)


def mail_for(address: str, message: AlertMessage, *, html: str, key: UUID) -> EmailMultiAlternatives:
    """The mail to one address."""
    name, sender = parseaddr(django_settings.DEFAULT_FROM_EMAIL)
    host = sender.rpartition("@")[2]
    root = f"<alert.{_word(message.alert_id)}@{host}>"
    again = _BEGINNINGS.get(message.kind, "Re: ")
    state = "" if message.kind in (MessageKind.FIRING, MessageKind.LATE) else f" ({message.state.lower()})"
    headers = {
        "Message-ID": f"<{key}@{host}>",
        "List-Id": f"Liftmon alerts <alerts.{host}>",
        # Nobody's holiday notice is wanted in answer.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if message.kind is not MessageKind.TEST:
        headers |= {"In-Reply-To": root, "References": root}
    if message.severity.value == "critical" and not message.is_over:
        headers |= {"Importance": "high", "X-Priority": "1"}
    mail = EmailMultiAlternatives(
        subject=f"{again}{cut(message.headline, SUBJECT_LENGTH)}",
        body=plain_text(message),
        from_email=formataddr((f"{name or 'Liftmon'}{state}", sender)),
        to=[address],
        headers=headers,
    )
    mail.attach_alternative(html, "text/html")
    return mail


def written_mail_for(address: str, message: WrittenMessage, *, key: UUID) -> mailing.Mail:
    """The mail to one address of what is written already, with the headers that came with it."""
    name, sender = parseaddr(django_settings.DEFAULT_FROM_EMAIL)
    more = dict(message.headers)
    name = more.pop("From-Name", "") or name or "Liftmon"
    mail = mailing.Mail(
        subject=cut(one_line(message.subject), SUBJECT_LENGTH), body=message.text, from_email=formataddr((name, sender)),
        to=[address],
        headers={
            "Message-ID": f"<{key}@{sender.rpartition('@')[2]}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **more,
        },
    )  # fmt: skip
    if message.html:
        mail.attach_alternative(message.html, "text/html")
        mail.images = message.images
    return mail


def html_of(message: AlertMessage) -> str:
    """The HTML part, with its styles inlined and the rules for dark screens kept; under 100 KB."""
    # A storm of long texts is listed shorter until it fits; the link leads to all of it.
    for most in (50, 20, 5, 0):
        html = mailing.inlined(_rendered(message, most))
        if len(html.encode()) < HTML_BYTES:
            break
    return html


def _rendered(message: AlertMessage, most: int) -> str:
    named, left_out = message.listed(most)
    facts = [
        (label, cut(one_line(value), _TEXT_LENGTH))
        for label, value in (
            ("Where", message.where),
            ("Users", message.users),
            ("When", message.when),
            ("Growing", message.growth),
            ("Events", message.event_counts.sentence if message.event_counts else ""),
            ("Likely cause", message.likely_cause),
            ("Mutes", f"{message.mutes_sentence}: {_named(message)}" if message.mutes else ""),
        )
        if value
    ]
    return render_to_string(
        "alerts/email/alert.html",
        {
            "state": message.state,
            "severity": message.severity.value.capitalize(),
            "colour": _RESOLVED_COLOUR if message.is_over else _SEVERITY_COLOURS[message.severity.value],
            "title": cut(one_line(message.title), _TEXT_LENGTH),
            "what": cut(one_line(message.what), _TEXT_LENGTH),
            "preview": cut(f"{message.state}. {one_line(message.what)} {message.users} {message.when}", SUBJECT_LENGTH),
            "facts": facts,
            "storm_sentence": message.storm_sentence,
            "listed": [
                {
                    "title": cut(one_line(one.title), 200),
                    "where": cut(one_line(one.where), 200),
                    "url": one.url if is_web_address(one.url) and len(one.url) <= _TEXT_LENGTH else "",
                    "word": one.severity.value if one.is_firing else "resolved",
                    "colour": _SEVERITY_COLOURS[one.severity.value] if one.is_firing else _RESOLVED_COLOUR,
                }
                for one in named
            ],
            "left_out": left_out,
            "example": message.example(EXAMPLE_LENGTH),
            "links": [link for link in message.usable_links if len(link.url) <= _TEXT_LENGTH][:12],
            "labels": [
                (cut(one_line(name), 100), cut(one_line(value), 200))
                for name, value in sorted(message.labels.items())[:_LABELS]
            ],
            "base_url": django_settings.BASE_URL,
        },
    )


def _named(message: AlertMessage) -> str:
    """The alerts that it mutes, the first few by name."""
    names = ", ".join(f"{one_line(one.title)} ({one_line(one.where)})" for one in message.mutes[:5])
    return f"{names} and {len(message.mutes) - 5:,} more" if len(message.mutes) > 5 else names


def _judged(addresses_count: int, refusals: Mapping[str, mailing.Refusal]) -> Outcome:
    if not refusals:
        return Outcome(is_accepted=True, status=250, answer=f"Accepted for {_counted(addresses_count)}.")
    status, _ = min(refusals.values())
    told = "; ".join(f"{address}: {code} {why}" for address, (code, why) in refusals.items())
    answer = mailing.shown(f"Refused for {len(refusals)} of {_counted(addresses_count)}: {told}")
    has_passing = any(code < 500 for code, _ in refusals.values())
    if has_passing:
        return Outcome(is_accepted=False, status=status, answer=answer)
    if len(refusals) < addresses_count:
        return Outcome(is_accepted=True, status=250, answer=answer)
    return Outcome(is_accepted=False, is_permanent=True, status=status, answer=answer)


def _counted(addresses_count: int) -> str:
    return "1 address" if addresses_count == 1 else f"{addresses_count} addresses"


def _word(text: str) -> str:
    """What may stand in a Message-ID."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in text)
