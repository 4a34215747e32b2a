"""What everything that sends mail has in common: how a mail server's answers are read, and how HTML is made fit for mail."""

import base64
import smtplib
from collections.abc import Mapping
from email import policy as policies
from email.message import EmailMessage
from typing import Any

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from alerts.channels.message import cut, one_line
from alerts.channels.outcome import hidden

# The code (0 where nobody answered) and the words.
type Refusal = tuple[int, str]

# Nothing is fetched while a mail is made: neither style sheets nor anything else.
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


class Mail(EmailMultiAlternatives):
    """One whose HTML may show pictures of its own: ``images`` are PNGs in base64, by the names that it has for them (cid:NAME)."""

    images: Mapping[str, str] = {}

    def message(self, *, policy: Any = policies.default) -> EmailMessage:
        """The HTML and its pictures are one part (multipart/related), beside the text."""
        made = super().message(policy=policy)
        html = made.get_body(("html",))
        if html is not None:
            for name, picture in self.images.items():
                html.add_related(
                    base64.b64decode(picture),
                    "image",
                    "png",
                    cid=f"<{name}>",
                    filename=f"{name}.png",
                    disposition="inline",
                )
        return made


def inlined(html: str) -> str:
    """With its styles at each element, and the rules for dark screens kept."""
    return _INLINER.inline(html)


def refusal_of(mail: EmailMultiAlternatives) -> Refusal | None:
    """Sends it; None when the server took it, else what it said about this address. What concerns the connection is raised."""
    try:
        mail.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
        return said(error)
    return None


def said(error: OSError | smtplib.SMTPException) -> Refusal:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        ((code, words),) = list(error.recipients.values())[:1] or [(450, b"refused")]
        return code, _decoded(words)
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code, _decoded(error.smtp_error)
    # smtplib tells of a timeout after the connection was made as one that was closed.
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return 0, f"The mail server did not answer within {settings.EMAIL_TIMEOUT} s."
    if isinstance(error, smtplib.SMTPException):
        return 0, f"The mail server ended the conversation ({type(error).__name__})."
    return (
        0,
        f"The mail server could not be reached: {error.strerror or type(error).__name__}. Is LIFTMON_EMAIL_URL right?",
    )


def shown(text: str) -> str:
    """As one line, without the password of the mail server."""
    secrets = (settings.EMAIL_HOST_PASSWORD, settings.EMAIL_HOST_USER)
    return cut(one_line(hidden(text, secrets)), 2048)


def _decoded(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words
