"""What happens when somebody asks for digests, changes what they get, or gives another address."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.models import Letter
from dashboards.digests import links, periods
from dashboards.digests.copies import words_of
from dashboards.digests.due import scope_of
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import confirmation_of
from dashboards.models import DigestSubscription
from events import formats

# What decides when a digest is due.
SCHEDULE = frozenset({"kinds", "hour", "weekdays", "zone", "is_enabled"})
# Letters to somebody who answers none of them.
_PAUSE, _MOST_A_DAY = timedelta(minutes=15), 3


class SubscribingError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def changed(subscription: DigestSubscription, fields: frozenset[str], *, at: datetime) -> None:
    """Before it is saved: what was due by another schedule is not sent, and a new address is confirmed anew."""
    if fields & SCHEDULE:
        subscription.since_at = at
    if "email" in fields:
        subscription.confirmed_at = None
        subscription.link_number = (subscription.link_number or 0) + 1


def ask_to_confirm(subscription: DigestSubscription, *, at: datetime) -> None:
    """The letter whose button confirms the address. Raises SubscribingError."""
    if subscription.is_confirmed:
        raise SubscribingError("There is nothing to confirm.")
    asked = Letter.objects.filter(once__startswith=f"digest-confirm:{subscription.pk}:", to__iexact=subscription.email)
    if asked.filter(created_at__gt=at - _PAUSE).exists():
        raise SubscribingError("It was sent within the last 15 minutes. Wait for it, and look among the spam.")
    if asked.filter(created_at__gt=at - timedelta(days=1)).count() >= _MOST_A_DAY:
        raise SubscribingError("It was sent three times today. Try again tomorrow.")
    kinds = [Kind(one) for one in subscription.kinds]
    mail = confirmation_of(kinds, words_of(scope_of(subscription)), links.confirm_url(subscription))
    Letter.objects.create(
        once=f"digest-confirm:{subscription.pk}:{at.timestamp():.6f}", to=subscription.email, subject=mail.subject,
        text=mail.text, html=mail.html, created_at=at, due_at=at,
    )  # fmt: skip


def next_due(subscription: DigestSubscription, *, now: datetime) -> list[tuple[Kind, datetime]]:
    """When each kind comes next, the first one first; UTC."""
    schedule = subscription.schedule()
    found = [(Kind(one), periods.next_due(Kind(one), schedule, now=now)) for one in subscription.kinds]
    return sorted(found, key=lambda one: one[1])


def next_in_words(subscription: DigestSubscription, *, now: datetime) -> list[tuple[Kind, str]]:
    """The same as the reader reads it: ``Fri 27 Nov 2026, 08:00 CET``."""
    zone = ZoneInfo(subscription.zone)
    with formats.written_for(subscription.formats):
        return [(kind, _moment(at.astimezone(zone))) for kind, at in next_due(subscription, now=now)]


def _moment(local: datetime) -> str:
    return f"{formats.day_and_hour(local, has_weekday=True)} {local.tzname()}"
