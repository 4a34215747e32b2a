"""What readers do themselves by the links of their digests: confirm, stop, and read one of them again."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from dashboards.digests.links import LinkError
from dashboards.models import Digest, DigestDelivery, DigestSubscription

_ENDED = "Whoever got this link is not subscribed any more."


@dataclass(frozen=True, slots=True)
class Shared:
    """A digest and the reader to whom it was sent."""

    digest: Digest
    subscription: DigestSubscription
    is_late: bool


def shared(digest_pk: int, subscription_pk: int) -> Shared:
    """What a link to a digest shows, for as long as the subscription is in force. Raises LinkError."""
    subscription = (
        DigestSubscription.objects.active().select_related("person", "channel").filter(pk=subscription_pk).first()
    )
    # As `due.readers`: who may not see the analytics any more, or left, is told nothing of them.
    person = None if subscription is None else subscription.person
    if subscription is None or (person is not None and not person.has_perm("dashboards.view_analytics")):
        raise LinkError(_ENDED, status=410)
    digest = Digest.objects.filter(pk=digest_pk).first()
    if digest is None:
        raise LinkError("This review is no longer kept.", status=410)
    is_late = DigestDelivery.objects.filter(digest=digest, subscription=subscription, is_late=True).exists()
    return Shared(digest, subscription, is_late)


def awaiting(subscription_pk: int, number: int) -> DigestSubscription:
    """The subscription of an address that a link may confirm, confirmed or not. Raises LinkError."""
    found = DigestSubscription.objects.filter(pk=subscription_pk, link_number=number, email__gt="").first()
    if found is None:
        raise LinkError("This link is no longer valid. Ask whoever set it up to send you a new one.", status=410)
    return found


def confirm(subscription: DigestSubscription, *, at: datetime) -> None:
    """Once, however often it is said."""
    DigestSubscription.objects.filter(
        pk=subscription.pk, link_number=subscription.link_number, confirmed_at=None
    ).update(confirmed_at=at)


def subscribed(subscription_pk: int) -> DigestSubscription | None:
    """None for somebody who gets nothing (any more)."""
    return DigestSubscription.objects.filter(pk=subscription_pk, is_enabled=True).first()


def unsubscribe(subscription_pk: int, kind: str = "") -> None:
    """Of all kinds, or of one of several; nothing happens to somebody who gets nothing any more."""
    with transaction.atomic():
        found = DigestSubscription.objects.select_for_update().filter(pk=subscription_pk, is_enabled=True).first()
        if found is None:
            return
        left = [one for one in found.kinds if one != kind]
        if kind and left and len(left) < len(found.kinds):
            found.kinds = left
        elif kind and kind not in found.kinds:
            return
        else:
            found.is_enabled = False
        found.save(update_fields=["kinds", "is_enabled"])
