"""Who is told of status updates by e-mail. An address is subscribed once its owner pressed the button behind the letter to it.

Whoever asks learns nothing about others: the answer is the same for every address, known or not, and an address gets a letter in a
quarter of an hour at most.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q

from alerts.models import Component, Letter, NotificationState, Subscriber
from alerts.statuspage import letters

_PAUSE = timedelta(minutes=15)
# Letters to one address that answers none of them.
_MOST_A_DAY = 3
# Of all addresses together: whoever has many clients at hand may not use us to write to strangers.
_MOST_AN_HOUR = 200
# What nobody confirmed, and what was given up, is forgotten after so long.
FORGOTTEN_AFTER = timedelta(days=7)
LETTERS_KEPT = timedelta(days=90)


class SubscribingError(ValueError):
    """What was asked for cannot be done; the text says why, for people, and nothing about other people."""


def ask(email: str, component_ids: Collection[int], *, at: datetime) -> None:
    """Somebody wants the updates of these components (none: of all) at an address. Raises SubscribingError."""
    email = checked_email(email)
    chosen = public_ids(component_ids)
    with transaction.atomic():
        if Subscriber.objects.filter(asked_at__gt=at - timedelta(hours=1)).count() >= _MOST_AN_HOUR:
            raise SubscribingError("Very many people subscribe just now. Please try again in an hour.")
        Subscriber.objects.bulk_create([Subscriber(email=email, created_at=at)], ignore_conflicts=True)
        subscriber = Subscriber.objects.select_for_update().get(email__iexact=email)
        is_subscribed = subscriber.is_confirmed(at=at)
        if not is_subscribed:
            # What somebody confirmed is theirs to change, by the link that they alone have.
            subscriber.components.set(chosen)
        if _may_be_written_to(subscriber, at):
            subscriber.asked_at = at
            subscriber.save(update_fields=["asked_at"])
            (letters.write_reminder if is_subscribed else letters.write_confirmation)(subscriber, at=at)


def _may_be_written_to(subscriber: Subscriber, at: datetime) -> bool:
    if subscriber.asked_at is not None and at - subscriber.asked_at < _PAUSE:
        return False
    lately = Letter.objects.filter(subscriber=subscriber, status_update=None, created_at__gt=at - timedelta(days=1))
    return lately.count() < _MOST_A_DAY


def confirm(subscriber_id: int, link_number: int, *, at: datetime) -> Subscriber | None:
    """The owner of the address says that it was they. None when the link was for a subscription that is no more."""
    rows = Subscriber.objects.filter(pk=subscriber_id, link_number=link_number)
    rows.filter(confirmed_at=None).update(confirmed_at=at, unsubscribed_at=None)
    return rows.filter(unsubscribed_at=None).first()


def find(subscriber_id: int, link_number: int, *, at: datetime) -> Subscriber | None:
    """Whoever holds that link and is subscribed."""
    found = Subscriber.objects.filter(pk=subscriber_id, link_number=link_number).first()
    return found if found is not None and found.is_confirmed(at=at) else None


def choose(subscriber: Subscriber, component_ids: Collection[int]) -> None:
    """None: all of them, also those that are added later."""
    subscriber.components.set(public_ids(component_ids))


def unsubscribe(subscriber_id: int, *, at: datetime) -> None:
    """Whoever holds any link to it may: letters of years ago have a button for it. Twice is once."""
    with transaction.atomic():
        rows = Subscriber.objects.filter(pk=subscriber_id, unsubscribed_at=None)
        # Subscribing again is a new subscription: it has to be confirmed anew, by a new link.
        if rows.update(unsubscribed_at=at, confirmed_at=None, link_number=F("link_number") + 1):
            waiting = Letter.objects.filter(subscriber=subscriber_id, state=NotificationState.WAITING)
            waiting.update(state=NotificationState.DROPPED, settled_at=at, reason="They unsubscribed.")


def forget(*, now: datetime) -> int:
    """Addresses that nobody confirmed or that unsubscribed, a week later, and letters of a quarter ago; how many rows that was."""
    before = now - FORGOTTEN_AFTER
    # Whoever asked again meanwhile has the link of that letter.
    silent = Q(confirmed_at=None, unsubscribed_at=None, created_at__lt=before) & (
        Q(asked_at=None) | Q(asked_at__lt=before)
    )
    gone = Q(unsubscribed_at__lt=before) & (Q(asked_at=None) | Q(asked_at__lt=before))
    subscribers, _ = Subscriber.objects.filter(silent | gone).delete()
    letters_gone, _ = Letter.objects.filter(settled_at__lt=now - LETTERS_KEPT).delete()
    return subscribers + letters_gone


def checked_email(email: str) -> str:
    email = email.strip()
    try:
        validate_email(email if len(email) <= 254 else "")
    except ValidationError:
        raise SubscribingError("Write an e-mail address, such as name@example.org.") from None
    return email


def public_ids(component_ids: Collection[int]) -> list[int]:
    """Those of them that are on the page."""
    return list(Component.objects.filter(pk__in=component_ids, is_public=True).values_list("pk", flat=True))
