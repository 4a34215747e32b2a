"""What readers of digests hold instead of a password: signed addresses. Opening one shows a page; only the button on it does
something, so that programs that look into mails change nothing.
"""

from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.core import signing
from django.urls import reverse

from dashboards.models import DigestSubscription

_DIGEST, _UNSUBSCRIPTION, _CONFIRMATION = (
    f"dashboards.digests.{what}" for what in ("digest", "unsubscription", "confirmation")
)
READ_WITHIN = timedelta(days=30)
CONFIRM_WITHIN = timedelta(days=7)


class LinkError(Exception):
    """The address is not ours, or too old; the text says so to people."""

    def __init__(self, words: str, status: int = 404) -> None:
        super().__init__(words)
        self.status = status


def digest_url(digest_pk: int, subscription_pk: int) -> str:
    """Shows that digest to whoever holds it, for READ_WITHIN and for as long as the subscription is in force."""
    return _address("digest_public", signing.dumps([digest_pk, subscription_pk], salt=_DIGEST))


def unsubscribe_url(subscription: DigestSubscription) -> str:
    """Never expires: mails are kept for years."""
    return _address("digest_unsubscribe", signing.dumps([subscription.pk], salt=_UNSUBSCRIPTION))


def confirm_url(subscription: DigestSubscription) -> str:
    """For CONFIRM_WITHIN, and until the subscription's ``link_number`` is another, as when its address changes."""
    return _address("digest_confirm", signing.dumps([subscription.pk, subscription.link_number], salt=_CONFIRMATION))


def list_headers(subscription: DigestSubscription) -> dict[str, str]:
    """Of RFC 2919 and RFC 8058: mail programs show a button that posts to that address."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return {
        "List-Id": f"Liftmon digests <digests.{host}>",
        "List-Unsubscribe": f"<{unsubscribe_url(subscription)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def read_digest(token: str) -> tuple[int, int]:
    """The ids of the digest and of the subscription. Raises LinkError."""
    expired = "This link has expired. The newest review has one that works."
    digest_pk, subscription_pk = _numbers(token, _DIGEST, 2, READ_WITHIN, expired)
    return digest_pk, subscription_pk


def read_unsubscription(token: str) -> int:
    """The id of the subscription. Raises LinkError."""
    return _numbers(token, _UNSUBSCRIPTION, 1, None, "")[0]


def read_confirmation(token: str) -> tuple[int, int]:
    """The id of the subscription and the number of the link. Raises LinkError."""
    expired = "This link has expired. Ask whoever set it up to send you a new one."
    subscription_pk, number = _numbers(token, _CONFIRMATION, 2, CONFIRM_WITHIN, expired)
    return subscription_pk, number


def _numbers(token: str, salt: str, count: int, within: timedelta | None, expired: str) -> list[int]:
    try:
        found = signing.loads(token, salt=salt, max_age=within)
    except signing.SignatureExpired:
        raise LinkError(expired, status=410) from None
    except (signing.BadSignature, ValueError):
        raise LinkError("This link is not complete. Copy all of it from the e-mail.") from None
    if not isinstance(found, list) or len(found) != count or not all(type(one) is int for one in found):
        raise LinkError("This link is not complete. Copy all of it from the e-mail.")
    return found


def _address(name: str, token: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[token])}"
