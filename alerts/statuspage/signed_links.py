"""What subscribers hold instead of a password: signed addresses. Opening one shows a page; only the button on it does something."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from alerts.models import Subscriber

_CONFIRMATION, _SUBSCRIPTION = "alerts.statuspage.confirmation", "alerts.statuspage.subscription"
CONFIRM_WITHIN = timedelta(days=7)


class LinkError(Exception):
    """The address is not ours, or too old; the text says so to people."""


def confirmation_of(subscriber: Subscriber) -> str:
    return _address("status_confirm", signing.dumps([subscriber.pk, subscriber.link_number], salt=_CONFIRMATION))


def subscription_of(subscriber: Subscriber) -> str:
    return _address("status_subscription", subscription_token(subscriber))


def unsubscription_of(subscriber: Subscriber) -> str:
    return _address("status_unsubscribe", subscription_token(subscriber))


def subscription_token(subscriber: Subscriber) -> str:
    """Holds for as long as the person is subscribed: letters are kept for years."""
    return signing.dumps([subscriber.pk, subscriber.link_number], salt=_SUBSCRIPTION)


def read_confirmation(token: str) -> tuple[int, int]:
    """The subscriber's id and the number of the link. Raises LinkError."""
    try:
        return _pair(signing.loads(token, salt=_CONFIRMATION, max_age=CONFIRM_WITHIN))
    except signing.SignatureExpired:
        raise LinkError("This link has expired. Subscribe again, and you get a new one.") from None
    except signing.BadSignature:
        raise LinkError("This link is not complete. Copy all of it from the e-mail.") from None


def read_subscription(token: str) -> tuple[int, int]:
    """The subscriber's id and the number of the link. Raises LinkError."""
    try:
        return _pair(signing.loads(token, salt=_SUBSCRIPTION))
    except signing.BadSignature:
        raise LinkError("This link is not complete. Copy all of it from the e-mail.") from None


def _pair(found: object) -> tuple[int, int]:
    match found:
        case [int() as subscriber_id, int() as number]:
            return subscriber_id, number
        case _:
            raise signing.BadSignature


def _address(name: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[token])}"
