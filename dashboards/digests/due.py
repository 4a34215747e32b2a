"""Who is due a digest now, and who should have had one: asked of the database, in three queries however many readers there are."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import structlog
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q, QuerySet

from alerts.models import Letter, Notification, NotificationKind, NotificationState
from dashboards.digests.building import Scope
from dashboards.digests.periods import Kind, Period, due
from dashboards.models import DigestDelivery, DigestSubscription
from events.formats import DEFAULT

logger = structlog.get_logger(__name__)
# It is looked every minute: what is due for longer has somebody to blame.
OVERDUE_AFTER = timedelta(minutes=15)
# A mail server that was away this long is no passing trouble.
STUCK_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A digest of that period for that reader, who has none yet."""

    subscription: DigestSubscription
    period: Period
    scope: Scope


@dataclass(frozen=True, slots=True)
class Overdue:
    """Digests that nobody wrote (``count``, the first due at ``since``), and written ones that did not get away (``stuck``)."""

    count: int
    since: datetime | None
    stuck: int


def due_now(*, now: datetime) -> list[Due]:
    """The subscription comes with its person, channel and services."""
    subscriptions = readers().prefetch_related("services").order_by("pk")
    told = _told(now)
    found = []
    for one in subscriptions:
        for kind in map(Kind, one.kinds):
            period = _period(one, kind, told.get((one.pk, kind.value)), now)
            if period is not None:
                found.append(Due(one, period, scope_of(one)))
    return found


def readers() -> "QuerySet[DigestSubscription]":
    """Who gets digests; nobody writes to people who left, or who may not see the same in the admin any more."""
    may_see = User.objects.with_perm("dashboards.view_analytics")
    active = DigestSubscription.objects.active()
    return active.filter(Q(person=None) | Q(person__in=may_see)).select_related("person", "channel")


def scope_of(subscription: DigestSubscription) -> Scope:
    services = tuple(sorted(one.pk for one in subscription.services.all()))
    return Scope(services, tuple(sorted(set(subscription.environments))), subscription.zone, subscription.formats)


def formats_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """How digests write numbers and dates for that person, where no subscription is named: as in their own one."""
    own = DigestSubscription.objects.filter(person=user.pk).order_by("-is_enabled", "pk")
    return own.values_list("formats", flat=True).first() or DEFAULT


def overdue(*, now: datetime) -> Overdue | None:
    """None when all is well."""
    late = [one.period.due_at for one in due_now(now=now) if now - one.period.due_at > OVERDUE_AFTER]
    waiting = Q(state=NotificationState.WAITING, created_at__lt=now - STUCK_AFTER)
    stuck = Letter.objects.filter(waiting, once__startswith="digest:").count()
    stuck += Notification.objects.filter(waiting, kind=NotificationKind.DIGEST).count()
    return Overdue(len(late), min(late, default=None), stuck) if late or stuck else None


def _told(now: datetime) -> dict[tuple[int, str], tuple[date, datetime]]:
    """The day and the end of the last period that each reader was told, by subscription and kind.

    What a clock that was wrong told of the future does not count before its time has come.
    """
    rows = (
        DigestDelivery.objects.filter(end_at__lte=now)
        .order_by("subscription_id", "kind", "-end_at")
        .distinct("subscription_id", "kind")
        .values_list("subscription_id", "kind", "day", "end_at")
    )
    return {(subscription, kind): (day, end) for subscription, kind, day, end in rows}


def _period(
    subscription: DigestSubscription, kind: Kind, told: tuple[date, datetime] | None, now: datetime
) -> Period | None:
    since = max(subscription.since_at, subscription.confirmed_at or subscription.since_at)
    try:
        found = due(
            kind, subscription.schedule(), now=now, told_until=told[1] if told else None, since=since
        )  # fmt: skip
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A zone that was renamed holds up nobody else.
        logger.exception("digest_without_schedule", subscription=subscription.pk)
        return None
    # An hour or a zone that was changed may make a second due time of a day that was told.
    return None if found is None or (told is not None and found.day <= told[0]) else found
