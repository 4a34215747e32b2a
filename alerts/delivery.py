"""Sends what is in the outbox: one process a channel, each attempt recorded, failures tried again for a day.

A process that is killed between sending and recording leaves the row as it was: it is sent once more, with the same key. Whatever
else is lost (the broker, the worker, the database for a while) is found again here, later.
"""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from alerts.channels.kinds import KINDS
from alerts.channels.message import AlertMessage, MessageKind
from alerts.channels.outcome import Outcome
from alerts.channels.written_message import read as read_written
from alerts.models import (
    Channel,
    ChannelKind,
    Letter,
    Notification,
    NotificationAttempt,
    NotificationKind,
    NotificationState,
)
from alerts.outbox import backoff, lateness, quiet_hours, wording
from alerts.sealing import SealBrokenError, unseal

logger = structlog.get_logger(__name__)
# Longer than one attempt may take (alerts.outbound_http), so that nobody else sends meanwhile.
_AT_IT = timedelta(seconds=60)
# So many messages of a kind that are due at once become one.
_STORM = 6
_MOST_AT_ONCE = 2000
# A channel whose first message failed is left alone for this round: the others would fail the same way.
_LONGEST_ROUND = timedelta(seconds=45)
# They take the place of no earlier message.
_NEW_MESSAGES = (NotificationKind.FIRING, NotificationKind.TEST, NotificationKind.LATE)
# No other may speak for one of these.
_ALONE = (NotificationKind.TEST, NotificationKind.CHANGED, NotificationKind.LATE, NotificationKind.DIGEST)


def channels_due(*, now: datetime) -> list[int]:
    """Channels that have something to send and nobody at it."""
    due = Notification.objects.filter(state=NotificationState.WAITING, due_at__lte=now)
    free = due.filter(Q(channel__busy_until__isnull=True) | Q(channel__busy_until__lt=now))
    return list(free.order_by("channel_id").values_list("channel_id", flat=True).distinct())


def deliver(channel_id: int) -> int:
    """Send what is due to one channel; how many rows were settled. Nothing while another process is at it."""
    turn = _take(channel_id)
    if turn is None:
        return 0
    settled = 0
    try:
        channel = Channel.objects.get(pk=channel_id)
        ends_at = timezone.now() + _LONGEST_ROUND
        while timezone.now() < ends_at:
            batches = _batches(channel)
            if not batches:
                break
            for batch in batches:
                if timezone.now() >= ends_at or not turn.goes_on():
                    return settled
                is_settled = _send(channel, batch)
                settled += len(batch) * is_settled
                if not is_settled:
                    return settled
    finally:
        turn.end()
    return settled


def _take(channel_id: int) -> "_Turn | None":
    now = timezone.now()
    free = Channel.objects.filter(Q(busy_until__isnull=True) | Q(busy_until__lt=now), pk=channel_id)
    return _Turn(channel_id, now + _AT_IT) if free.update(busy_until=now + _AT_IT) else None


@dataclass(slots=True)
class _Turn:
    """The right to send to a channel, for as long as nobody else took it because we were too slow."""

    channel_id: int
    busy_until: datetime

    def goes_on(self) -> bool:
        until = timezone.now() + _AT_IT
        is_ours = bool(self._ours().update(busy_until=until))
        self.busy_until = until
        return is_ours

    def end(self) -> None:
        self._ours().update(busy_until=None)

    def _ours(self) -> QuerySet[Channel]:
        return Channel.objects.filter(pk=self.channel_id, busy_until=self.busy_until)


def _batches(channel: Channel) -> list[list[Notification]]:
    """What is due, the oldest first; many of one kind at once are one batch."""
    due = (
        Notification.objects.filter(channel=channel, state=NotificationState.WAITING, due_at__lte=timezone.now())
        .select_related("alert__rule", "alert__acknowledged_by", "incident__commander", "incident__service")
        .order_by("due_at", "pk")[:_MOST_AT_ONCE]
    )
    by_kind: dict[str, list[Notification]] = defaultdict(list)
    for one in due:
        by_kind[one.kind].append(one)
    batches = []
    for kind, rows in by_kind.items():
        # A message that was tried keeps its words: its key must not stand for two of them.
        tried = [one for one in rows if one.attempt_count]
        carriers = {one.pk for one in tried}
        fresh = [one for one in rows if not one.attempt_count and one.carrier_id not in carriers]
        batches += [[one, *one.carried.select_related("alert__rule")] for one in tried]
        alone = _alone(channel, NotificationKind(kind), fresh)
        batches += [[one] for one in fresh if one.pk in alone]
        together = [one for one in fresh if one.pk not in alone]
        batches += [together] if len(together) >= _STORM else [[one] for one in together]
    return batches


def _alone(channel: Channel, kind: NotificationKind, rows: Sequence[Notification]) -> set[int]:
    """Those that no other may speak for: tests, steps of incidents, digests, and what changes a message of its own."""
    if kind in _ALONE:
        return {one.pk for one in rows}
    if kind != NotificationKind.RESOLVED or KINDS[channel.kind].change is None:
        return {one.pk for one in rows if one.incident_id is not None}
    if channel.kind == ChannelKind.PAGERDUTY:
        return {one.pk for one in rows}
    earlier = Notification.objects.filter(channel=channel, alert__in=[one.alert_id for one in rows])
    changeable = set(earlier.exclude(receipt={}).values_list("alert_id", flat=True))
    return {one.pk for one in rows if one.alert_id in changeable or one.incident_id is not None}


def _send(channel: Channel, batch: Sequence[Notification]) -> bool:
    """Send one message for these rows, of which the first carries the others. Whether they are settled."""
    # Somebody may have acknowledged since they were read: then nobody is told any more.
    batch = _still_waiting(batch)
    if not batch:
        return True
    first = batch[0]
    if not channel.is_enabled:
        _settle(batch, NotificationState.DROPPED, "The channel is switched off.")
        return True
    if not first.attempt_count:
        _carry(first, batch[1:])
    began, at = time.monotonic(), timezone.now()
    outcome = _attempted(channel, batch)
    record(first, outcome, at=at, took_ms=round((time.monotonic() - began) * 1000))
    if outcome.is_accepted:
        _settle(batch, NotificationState.SENT, "")
        return True
    due_at = None
    if not outcome.is_permanent:
        due_at = backoff.due_at(
            first.attempt_count + 1,
            failed_at=timezone.now(),
            jitter=random.random(),  # noqa: S311 - spreads attempts, hides nothing
            retry_after_seconds=outcome.retry_after_seconds,
        )
    if due_at is None:
        _settle(batch, NotificationState.DEAD, f"Given up after {first.attempt_count} attempts: {outcome.answer}"[:300])
        logger.error("notification_given_up", channel=channel.name, notification=first.pk, status=outcome.status)
        return True
    severities = [lateness.severity_of(one) for one in batch]
    quiet_ends = quiet_hours.ends([channel.pk], severity=quiet_hours.worst(severities), at=due_at)
    due_at = quiet_ends.get(channel.pk, due_at)
    Notification.objects.filter(pk__in=[one.pk for one in batch]).update(due_at=due_at)
    return False


def _still_waiting(batch: Sequence[Notification]) -> list[Notification]:
    rows = Notification.objects.filter(pk__in=[one.pk for one in batch], state=NotificationState.WAITING)
    waiting = set(rows.values_list("pk", flat=True))
    return [one for one in batch if one.pk in waiting]


def _carry(first: Notification, others: Sequence[Notification]) -> None:
    """The first one speaks for the others, and for itself: who spoke for it before need not be told any more."""
    Notification.objects.filter(pk__in=[one.pk for one in others]).update(carrier=first)
    if first.carrier_id is not None:
        Notification.objects.filter(pk=first.pk).update(carrier=None)


def _attempted(channel: Channel, batch: Sequence[Notification]) -> Outcome:
    """One attempt at one message. An error of ours is an outcome, too: it must not hold up what waits behind it."""
    try:
        if batch[0].kind == NotificationKind.DIGEST:
            return _told(channel, batch[0])
        return attempt(channel, wording.message_of(_told_together(batch)), batch[0])
    except DatabaseError:
        raise  # nothing could be recorded, and nothing was: it is tried again when the database is there
    except Exception as error:
        logger.exception("notification_failed", channel=channel.name, notification=batch[0].pk)
        return Outcome(is_accepted=False, answer=f"Liftmon failed to send it: {type(error).__name__}.")


def _told_together(batch: Sequence[Notification]) -> Sequence[Notification]:
    """What became of an alert that spoke for others is told of all of them."""
    first = batch[0]
    if len(batch) > 1 or first.kind not in (NotificationKind.RESOLVED, NotificationKind.CHANGED):
        return batch
    group = _first_of_group(first)
    return [first, *group.carried.select_related("alert__rule").exclude(alert=first.alert)] if group else batch


def _first_of_group(notification: Notification) -> Notification | None:
    earlier = _told_before(notification).filter(carried__isnull=False)
    return earlier.order_by("pk").first()


def _told_before(notification: Notification) -> QuerySet[Notification]:
    """What was told of the same alert to the same channel."""
    told = Notification.objects.filter(alert=notification.alert_id, channel=notification.channel_id)
    told = told.filter(kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT), alert__isnull=False)
    return told.exclude(pk=notification.pk)


def receipt_of(notification: Notification) -> dict[str, str]:
    """Of the message that it changes: that of the group for which its alert spoke, or the last that told of the alert alone. Empty
    where there is none: a reminder of one alert does not take the place of what told of many."""
    group = _first_of_group(notification)
    if group is not None:
        return {} if notification.kind == NotificationKind.REPEAT else dict(group.receipt)
    earlier = _told_before(notification).filter(carrier__isnull=True).exclude(receipt={})
    last = earlier.order_by("-pk").first()
    return dict(last.receipt) if last else {}


def attempt(channel: Channel, message: AlertMessage, notification: Notification) -> Outcome:
    """One attempt; whatever goes wrong is the outcome."""
    try:
        values = unseal(channel.sealed_settings)
    except SealBrokenError as error:
        return Outcome(is_accepted=False, answer=str(error))
    kind = KINDS[channel.kind]
    if kind.change is None or notification.kind in _NEW_MESSAGES:
        return kind.send(values, message, key=notification.key)
    # A group of reminders takes nobody's place.
    receipt = {} if message.storm_count and message.kind is MessageKind.REPEAT else receipt_of(notification)
    return kind.change(values, message, key=notification.key, receipt=receipt)


def _told(channel: Channel, notification: Notification) -> Outcome:
    """One attempt at what is written already."""
    tell = KINDS[channel.kind].tell
    if tell is None:
        return Outcome(is_accepted=False, is_permanent=True, answer="Channels of this kind take alerts and no digests.")
    try:
        values = unseal(channel.sealed_settings)
    except SealBrokenError as error:
        return Outcome(is_accepted=False, answer=str(error))
    return tell(values, read_written(notification.content), key=notification.key)


def record(notification: Notification, outcome: Outcome, *, at: datetime, took_ms: int) -> None:
    with transaction.atomic():
        NotificationAttempt.objects.create(
            notification=notification, at=at, is_accepted=outcome.is_accepted, status=outcome.status,
            answer=outcome.answer[:500], took_ms=took_ms,
        )  # fmt: skip
        notification.attempt_count += 1
        if outcome.receipt:
            notification.receipt = dict(outcome.receipt)
        notification.save(update_fields=["attempt_count", "receipt"])


def _settle(batch: Sequence[Notification], state: NotificationState, reason: str) -> None:
    rows = Notification.objects.filter(pk__in=[one.pk for one in batch], state=NotificationState.WAITING)
    rows.update(state=state, settled_at=timezone.now(), reason=reason)


def tell_fallback(*, now: datetime) -> int:
    """Mail the fallback address of what was given up, once; how many rows that was."""
    if not settings.ALERT_FALLBACK_EMAIL:
        return 0
    is_untold = {"state": NotificationState.DEAD, "fallback_told_at": None}
    rows = Notification.objects.filter(**is_untold).select_related("channel", "alert", "incident").order_by("pk")[:200]
    letters = Letter.objects.filter(**is_untold).only("pk", "subject", "reason").order_by("pk")[:200]
    notifications, unsent = list(rows), list(letters)
    told = [f"{one.channel}: {one.get_kind_display()}: {_subject_of(one)} ({one.reason})" for one in notifications]
    # Not to whom: the fallback address is no subscriber's business, nor they its.
    told += [f"A letter: {one.subject} ({one.reason})" for one in unsent]
    if not told:
        return 0
    pages = [
        f"{settings.BASE_URL}/admin/alerts/{name}/?state__exact=dead\n"
        for name, found in (("notification", notifications), ("letter", unsent))
        if found
    ]
    EmailMessage(
        subject=f"[Liftmon] {'1 message' if len(told) == 1 else f'{len(told)} messages'} could not be delivered",
        body="Liftmon gave up on these. Look at the channels, the mail server and the attempts:\n"
        + "".join(pages)
        + "\n"
        + "\n".join(f"- {one}" for one in told[:50]),
        to=[settings.ALERT_FALLBACK_EMAIL],
    ).send()
    Notification.objects.filter(pk__in=[one.pk for one in notifications]).update(fallback_told_at=now)
    Letter.objects.filter(pk__in=[one.pk for one in unsent]).update(fallback_told_at=now)
    return len(told)


def _subject_of(notification: Notification) -> str:
    if notification.kind == NotificationKind.DIGEST:
        return notification.subject
    return str(notification.alert or notification.incident or "test")


def send_test(channel: Channel, *, now: datetime) -> Outcome:
    """Send a test message now and remember the true answer."""
    notification = Notification.objects.create(
        channel=channel,
        kind=NotificationKind.TEST,
        created_at=now,
        due_at=now,
        state=NotificationState.SENT,
        settled_at=now,
    )
    began = time.monotonic()
    outcome = attempt(channel, wording.test_message(channel, now=now), notification)
    record(notification, outcome, at=now, took_ms=round((time.monotonic() - began) * 1000))
    if not outcome.is_accepted:
        # A test is answered at once and not tried again.
        Notification.objects.filter(pk=notification.pk).update(
            state=NotificationState.DROPPED, reason=outcome.answer[:300]
        )
    channel.tested_at, channel.test_answer = now, _in_words(outcome)[:300]
    channel.save(update_fields=["tested_at", "test_answer"])
    return outcome


def _in_words(outcome: Outcome) -> str:
    status = f" ({outcome.status})" if outcome.status else ""
    return f"{'Accepted' if outcome.is_accepted else 'Failed'}{status}: {outcome.answer or 'no answer'}"
