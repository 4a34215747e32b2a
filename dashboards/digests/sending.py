"""Writes the digests that are due: a delivery for each reader and period, and the letter or the notification with it.

What was written before is found by the delivery, in the transaction that would write it again: a doubled Beat, a worker that was
killed, a clock that went back or an hour that comes twice make no second one. The outbox sends (alerts.outbox.letters,
alerts.delivery).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parseaddr

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.urls import reverse

from alerts.channels.kinds import KINDS
from alerts.models import ChannelKind, Letter, Notification, NotificationKind
from dashboards.digests import copies, links
from dashboards.digests.building import Holding, Scope, digest_of
from dashboards.digests.due import Due, due_now, readers
from dashboards.digests.periods import Kind
from dashboards.models import Digest, DigestCopy, DigestDelivery, DigestSubscription, Least
from events.formats import DEFAULT
from events.turns import one_at_a_time

logger = structlog.get_logger(__name__)
NOTHING_CHANGED = "Nothing changed."


@dataclass(frozen=True, slots=True)
class _Batch:
    """Readers of one digest."""

    kind: Kind
    day: date
    scope: Scope
    start: datetime
    end: datetime


def send_due(*, now: datetime) -> int:
    """How many deliveries were written. Nothing while somebody else is at it.

    A digest that cannot be built holds up no other; it is tried again by the next call, and `due.overdue` tells of it.
    """
    with one_at_a_time("dashboards.digests.sending") as is_ours:
        holding = Holding()
        return sum(_written(batch, rows, now, holding) for batch, rows in _batches(due_now(now=now))) if is_ours else 0


def send_to(person: User, kind: Kind, scope: Scope, *, start: datetime, end: datetime, now: datetime) -> Letter:
    """A digest of any span to somebody who asks for it now; it counts as no delivery. The person has an address."""
    digest = digest_of(kind, scope, start=start, end=end, now=now)
    return send_again_to(person, digest, copies.words_of(scope), now=now)


def send_again_to(person: User, digest: Digest, scope_words: str, *, now: datetime) -> Letter:
    """One of the archive, to somebody who may look at it."""
    copy = copies.copy_of(digest, scope_words, is_late=False, has_links=True)
    archive = f"{settings.BASE_URL}{reverse('admin:dashboards_digest_change', args=[digest.pk])}"
    own = copies.Own(archive, copies.settings_url())
    return Letter.objects.create(
        once=f"digest-now:{digest.pk}:{person.pk}:{now.timestamp():.6f}", to=person.email, created_at=now, due_at=now,
        headers=_headers(Kind(digest.kind), f"now-{person.pk}"), **_bodies(copy, own),
    )  # fmt: skip


def _batches(found: Iterable[Due]) -> list[tuple[_Batch, list[Due]]]:
    """Those of the same digest together, what is due for longest first; beside it what only is written in other formats."""
    made: dict[_Batch, list[Due]] = defaultdict(list)
    for one in found:
        period = one.period
        made[_Batch(period.kind, period.day, one.scope, period.start, period.end)].append(one)
    return sorted(made.items(), key=lambda one: _place(one[0]))


def _place(batch: _Batch) -> tuple[datetime, datetime, str, str, str]:
    return batch.end, batch.start, replace(batch.scope, formats=DEFAULT).key, batch.kind.value, batch.scope.formats


def _written(batch: _Batch, rows: Sequence[Due], now: datetime, holding: Holding | None = None) -> int:
    try:
        digest = digest_of(batch.kind, batch.scope, start=batch.start, end=batch.end, now=now, holding=holding)
        is_late, words = rows[0].period.is_late(now=now), copies.words_of(batch.scope)
        found = {
            has_links: copies.copy_of(digest, words, is_late=is_late, has_links=has_links)
            for has_links in {one.subscription.reads_admin for one in rows}
        }
        return _deliver(batch, [one.subscription.pk for one in rows], digest, found, is_late=is_late, now=now)
    except DatabaseError:
        raise  # nobody's would be written
    except Exception:
        logger.exception("digest_failed", kind=batch.kind.value, scope=batch.scope.key, day=str(batch.day))
        return 0


def _deliver(
    batch: _Batch, subscription_ids: Sequence[int], digest: Digest, found: dict[bool, DigestCopy], *, is_late: bool,
    now: datetime,
) -> int:  # fmt: skip
    """The deliveries and what they bring, all of them or none."""
    with transaction.atomic():
        # Whoever writes the same waits here, and sees then that it was written.
        list(DigestSubscription.objects.select_for_update(no_key=True).filter(pk__in=subscription_ids).order_by("pk"))
        told = DigestDelivery.objects.filter(subscription__in=subscription_ids, kind=batch.kind, day=batch.day)
        done = set(told.values_list("subscription_id", flat=True))
        # Somebody may have unsubscribed since.
        waiting = [one for one in readers().filter(pk__in=subscription_ids).order_by("pk") if one.pk not in done]
        made = [
            DigestDelivery(
                subscription=one, kind=batch.kind, day=batch.day, end_at=batch.end, digest=digest, created_at=now,
                is_late=is_late, skipped=_why_not(one, digest)[:200],
            )
            for one in waiting
        ]  # fmt: skip
        _add_letters(made, found, now)
        _add_notifications(made, found, now)
        DigestDelivery.objects.bulk_create(made)
    return len(made)


def _why_not(one: DigestSubscription, digest: Digest) -> str:
    """Why nothing is sent, as a sentence; "" when something is."""
    if one.least == Least.CHANGED and not digest.is_changed:
        return NOTHING_CHANGED
    if one.person is not None and not one.person.email:
        return f"{one.person} has no e-mail address."
    if one.channel is not None and not one.channel.is_enabled:
        return f"The channel {one.channel} is switched off."
    if one.channel is not None and KINDS[one.channel.kind].tell is None:
        return f"{one.channel.get_kind_display()} takes alerts and no digests."
    return ""


def _add_letters(made: Sequence[DigestDelivery], found: dict[bool, DigestCopy], now: datetime) -> None:
    mailed = [one for one in made if not one.skipped and one.subscription.channel is None]
    rows = [_letter(one, found[one.subscription.reads_admin], now) for one in mailed]
    for delivery, letter in zip(mailed, Letter.objects.bulk_create(rows, batch_size=100), strict=True):
        delivery.letter = letter


def _letter(delivery: DigestDelivery, copy: DigestCopy, now: datetime) -> Letter:
    subscription, digest = delivery.subscription, copy.digest
    return Letter(
        once=f"digest:{subscription.pk}:{delivery.kind}:{delivery.day}",
        to=subscription.person.email if subscription.person else subscription.email, created_at=now, due_at=now,
        headers={**_headers(Kind(delivery.kind), str(subscription.pk)), **links.list_headers(subscription)},
        **_bodies(copy, copies.own_of(subscription, digest)),
    )  # fmt: skip


def _bodies(copy: DigestCopy, own: copies.Own) -> dict[str, object]:
    return {
        "subject": copy.subject, "text": copies.personal(copy.text, own), "html": copies.personal_html(copy.html, own),
        "inline_images": copy.images,
    }  # fmt: skip


def _headers(kind: Kind, reader: str) -> dict[str, str]:
    """Digests of a kind are one thread of the reader's, whatever their subjects say."""
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    root = f"<digest.{kind.value}.{reader}@{host}>"
    return {"From-Name": f"Liftmon {kind.value} review", "In-Reply-To": root, "References": root}


def _add_notifications(made: Sequence[DigestDelivery], found: dict[bool, DigestCopy], now: datetime) -> None:
    told = [one for one in made if not one.skipped and one.subscription.channel is not None]
    rows = [
        Notification(
            channel=one.subscription.channel, kind=NotificationKind.DIGEST, created_at=now, due_at=now,
            content=_content(one, found[one.subscription.reads_admin]),
        )
        for one in told
    ]  # fmt: skip
    for delivery, row in zip(told, Notification.objects.bulk_create(rows, batch_size=100), strict=True):
        delivery.notification = row


def _content(delivery: DigestDelivery, copy: DigestCopy) -> dict[str, object]:
    """As alerts.channels.written_message reads it; what the channel does not show is left out."""
    subscription = delivery.subscription
    own = copies.own_of(subscription, copy.digest)
    match subscription.channel and subscription.channel.kind:
        case ChannelKind.EMAIL:
            headers = _headers(Kind(delivery.kind), f"channel-{subscription.channel_id}")
            bodies = _bodies(copy, own)
            images = bodies.pop("inline_images")
            return {**bodies, "images": images, "headers": headers}
        case ChannelKind.SLACK:
            blocks = copies.personal_blocks(copy.slack["blocks"], own)
            return {"subject": copy.subject, "text": copies.personal(copy.slack["text"], own), "blocks": blocks}
        case _:
            return {"subject": copy.subject, "text": copies.personal(copy.text, own)}
