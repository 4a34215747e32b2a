"""How a person comes to be reached: a contact of their own, and the code that shows that what is sent there arrives."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from alerts import delivery
from alerts.channels.kinds import KINDS
from alerts.channels.outcome import Outcome, SettingsError
from alerts.models import Channel, ChannelKind, ContactPoint, Notification, NotificationKind, NotificationState
from alerts.models.contact import MOST_CODE_TRIES
from alerts.outbox import wording
from alerts.sealing import seal

# Through what a person can be reached: one address each.
KINDS_OF_CONTACT = (ChannelKind.EMAIL, ChannelKind.SLACK, ChannelKind.APPRISE)
PAUSE_BETWEEN_CODES = timedelta(seconds=30)
MOST_CONTACTS = 10
_DIGITS = 6


class ContactError(ValueError):
    """What was asked for cannot be done; the text says why and what helps."""


def add_contact(person: User, *, kind: str, address: str, at: datetime) -> ContactPoint:
    """A contact that nothing is sent to yet but its code. Raises ContactError."""
    if kind not in KINDS_OF_CONTACT:
        raise ContactError("Choose how you are reached: E-mail, Slack or Apprise.")
    if kind == ChannelKind.EMAIL and any(char in address.strip() for char in ",;\n"):
        raise ContactError("Enter one address; add another contact for another one.")
    try:
        values = KINDS[kind].validated({KINDS[kind].shown_field: address})
    except SettingsError as error:
        raise ContactError(str(error)) from None
    with transaction.atomic():
        # One at a time for a person, so that they have no more than is allowed.
        User.objects.select_for_update().get(pk=person.pk)
        if person.contact_points.count() >= MOST_CONTACTS:
            raise ContactError(f"You have {MOST_CONTACTS} contacts already: take one out first.")
        # Names are unique, and a person may have two of a kind.
        channel = Channel.objects.create(
            name=f"{person.get_username()[:60]}: {secrets.token_hex(8)}", kind=kind, sealed_settings=seal(values),
            created_at=at,
        )  # fmt: skip
        channel.name = f"{person.get_username()[:60]}: {channel.get_kind_display()[:20]} {channel.pk}"
        channel.save(update_fields=["name"])
        return ContactPoint.objects.create(person=person, channel=channel, created_at=at)


def remove_contact(contact: ContactPoint) -> None:
    """With its channel, and what was sent to it."""
    contact.channel.delete()


def send_code(contact: ContactPoint, *, at: datetime) -> Outcome:
    """Send a new code there and say what the other side answered; older codes are worth nothing. Raises ContactError."""
    code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
    sent = ContactPoint.objects.filter(pk=contact.pk).exclude(code_sent_at__gt=at - PAUSE_BETWEEN_CODES)
    if not sent.update(code_digest=_digest(contact, code), code_sent_at=at, code_tries=0):
        raise ContactError("A code was sent just now: wait half a minute before you ask for another.")
    message = wording.test_message(contact.channel, now=at)
    said = f"Your code is {code}. Type it in Liftmon under My contacts within 30 minutes; then alerts reach you here."
    row = Notification.objects.create(
        channel=contact.channel, kind=NotificationKind.TEST, created_at=at, due_at=at, settled_at=at,
        state=NotificationState.SENT,
    )  # fmt: skip
    began = timezone.now()
    outcome = delivery.attempt(contact.channel, replace(message, title=f"Code {code}", what=said), row)
    delivery.record(row, outcome, at=at, took_ms=round((timezone.now() - began).total_seconds() * 1000))
    if not outcome.is_accepted:
        # Somebody waits for it at the page and asks for another one.
        Notification.objects.filter(pk=row.pk).update(state=NotificationState.DROPPED, reason=outcome.answer[:300])
        ContactPoint.objects.filter(pk=contact.pk).update(code_digest="")
    Channel.objects.filter(pk=contact.channel_id).update(tested_at=at, test_answer=outcome.answer[:300])
    return outcome


def confirm(contact: ContactPoint, code: str, *, at: datetime) -> bool:
    """Whether this is the code that was sent; then the contact is tested. A wrong one costs one of a few tries."""
    contact.refresh_from_db()
    if not contact.has_open_code(at=at):
        raise ContactError("There is no code to type any more: send a new one.")
    tried = ContactPoint.objects.filter(
        pk=contact.pk, code_digest=contact.code_digest, code_tries__lt=MOST_CODE_TRIES
    ).update(code_tries=F("code_tries") + 1)
    if not tried or not constant_time_compare(_digest(contact, code.strip()), contact.code_digest):
        return False
    return bool(ContactPoint.objects.filter(pk=contact.pk).update(verified_at=at, code_digest=""))


def _digest(contact: ContactPoint, code: str) -> str:
    return salted_hmac("alerts.reaching.code", f"{contact.pk}:{code}", algorithm="sha256").hexdigest()
