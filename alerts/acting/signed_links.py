"""What people can do about an alert from its message: signed addresses that expire, for those who are not signed in.

Opening one shows what it would do; only the button on that page does it, so that a scanner that follows links changes nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

_SALT = "alerts.acting"
VALID_FOR = timedelta(days=7)
ACTIONS = ("acknowledge", "silence")


class LinkError(Exception):
    """The address is not ours, or too old; the text says so to people."""


@dataclass(frozen=True, slots=True)
class Act:
    alert_id: int
    action: str
    # To whose channel the message went: who acted is told by that.
    channel_id: int


def address_of(act: Act) -> str:
    token = signing.dumps([act.alert_id, act.action, act.channel_id], salt=_SALT, compress=False)
    return f"{settings.BASE_URL}{reverse('alert_act', args=[token])}"


def read(token: str) -> Act:
    """Raises LinkError."""
    try:
        alert_id, action, channel_id = signing.loads(token, salt=_SALT, max_age=VALID_FOR)
    except signing.SignatureExpired:
        raise LinkError("This link has expired. Open the alert in Liftmon instead.") from None
    except (signing.BadSignature, ValueError, TypeError):
        raise LinkError("This link is not complete. Copy all of it, or open the alert in Liftmon.") from None
    if action not in ACTIONS:
        raise LinkError("This link asks for something that Liftmon cannot do.")
    return Act(alert_id, action, channel_id)
