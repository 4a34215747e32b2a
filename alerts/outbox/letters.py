"""Sends letters: mails to single addresses that no channel knows, many over one connection to the mail server.

Each is claimed before it is sent and settled after, so that several processes share the work. A process that is killed in between
leaves its letter to be sent once more when its claim has run out, under the same Message-ID. One process sends at a time, and none
while the mail server is away: the others have people to page.
"""

import random
import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from alerts.channels import mailing
from alerts.models import Letter, LetterAttempt, NotificationState
from alerts.outbox import backoff
from events.turns import one_at_a_time

# Mail servers end connections that bring more.
_BATCH = 50
# Longer than one conversation takes at worst: each of its replies may take EMAIL_TIMEOUT.
_AT_IT = timedelta(minutes=3)
_LONGEST_ROUND = timedelta(seconds=45)
# How long nothing is tried after the mail server could not be used.
_AWAY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Answer:
    """``status`` is 0 when nobody answered. ``is_about_letter``: what was said concerns this mail and no other."""

    is_accepted: bool
    status: int
    words: str
    is_about_letter: bool = True

    @property
    def is_permanent(self) -> bool:
        return self.is_about_letter and not self.is_accepted and self.status >= 500


def send_due() -> int:
    """Send what is due, for 45 s at most; how many were settled. Nothing while somebody else sends."""
    with one_at_a_time("alerts.outbox.letters") as is_ours:
        return _send_round() if is_ours else 0


def _send_round() -> int:
    ends_at, settled = timezone.now() + _LONGEST_ROUND, 0
    while timezone.now() < ends_at:
        claimed = _claim(now=timezone.now())
        if not claimed:
            break
        number, is_there = _send_batch(claimed, ends_at)
        settled += number
        if not is_there:
            _put_off(timezone.now())
            break
    return settled


def _put_off(now: datetime) -> None:
    """The mail server is away: whoever tries each letter meets the same."""
    due = Letter.objects.filter(state=NotificationState.WAITING, due_at__lte=now + _AWAY, busy_until=None)
    due.update(due_at=now + _AWAY)


def _claim(*, now: datetime) -> list[Letter]:
    """The letters that wait longest and that nobody is at; they are ours for three minutes."""
    with transaction.atomic():
        free = Q(busy_until=None) | Q(busy_until__lt=now)
        due = Letter.objects.filter(free, state=NotificationState.WAITING, due_at__lte=now)
        rows = list(due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk")[:_BATCH])
        until = now + _AT_IT
        Letter.objects.filter(pk__in=[one.pk for one in rows]).update(busy_until=until)
    for one in rows:
        one.busy_until = until
    return rows


def _send_batch(claimed: Sequence[Letter], ends_at: datetime) -> tuple[int, bool]:
    """How many were settled, and whether the mail server is there."""
    settled, is_there = 0, True
    server: BaseEmailBackend = get_connection()
    left = list(claimed)
    try:
        while left and is_there and timezone.now() < ends_at:
            letter = left.pop(0)
            if not _begin(letter):
                continue
            began = time.monotonic()
            answer = _attempt(letter, server)
            took_ms = round((time.monotonic() - began) * 1000)
            settled += _record(letter, answer, at=timezone.now(), took_ms=took_ms)
            is_there = answer.is_about_letter
    finally:
        _let_go(left)
        _end(server)
    return settled, is_there


def _begin(letter: Letter) -> bool:
    """Whether it is still ours to send; counted now, so that a mail that kills whoever sends it is not tried for ever."""
    until = timezone.now() + _AT_IT
    ours = Letter.objects.filter(pk=letter.pk, state=NotificationState.WAITING, busy_until=letter.busy_until)
    is_ours = bool(ours.update(busy_until=until, attempt_count=F("attempt_count") + 1))
    letter.busy_until, letter.attempt_count = until, letter.attempt_count + 1
    return is_ours


def _attempt(letter: Letter, server: BaseEmailBackend) -> _Answer:
    try:
        server.open()
        refusal = mailing.refusal_of(_mail_of(letter, server))
    except (OSError, smtplib.SMTPException) as error:
        status, words = mailing.said(error)
        return _Answer(False, status, words, is_about_letter=False)
    except ValueError as error:
        # A header that cannot be written: no server is to blame, and no second attempt helps.
        return _Answer(False, 554, f"It cannot be written as a mail: {error}")
    return _Answer(False, *refusal) if refusal else _Answer(True, 250, "Accepted.")


def _mail_of(letter: Letter, server: BaseEmailBackend) -> mailing.Mail:
    name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    more = dict(letter.headers)
    name = more.pop("From-Name", "") or name
    host = sender.rpartition("@")[2]
    headers = {
        "Message-ID": f"<{letter.key}@{host}>",
        # Nobody's holiday notice is wanted in answer.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        **more,
    }
    mail = mailing.Mail(
        subject=letter.subject, body=letter.text, from_email=formataddr((name, sender)) if name else sender,
        to=[letter.to], headers=headers, connection=server,
    )  # fmt: skip
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
        mail.images = letter.inline_images
    return mail


def _record(letter: Letter, answer: _Answer, *, at: datetime, took_ms: int) -> bool:
    """Whether it is settled."""
    words = mailing.shown(answer.words)
    next_at = None
    if not answer.is_accepted and not answer.is_permanent:
        next_at = backoff.due_at(letter.attempt_count + 1, failed_at=at, jitter=random.random())  # noqa: S311 - no secret
    with transaction.atomic():
        LetterAttempt.objects.create(
            letter=letter, at=at, is_accepted=answer.is_accepted, status=answer.status or None, answer=words[:500],
            took_ms=took_ms,
        )  # fmt: skip
        row = Letter.objects.filter(pk=letter.pk, state=NotificationState.WAITING)
        if answer.is_accepted:
            row.update(state=NotificationState.SENT, settled_at=at, busy_until=None, reason="")
        elif next_at is not None:
            row.update(due_at=next_at, busy_until=None)
        else:
            row.update(state=NotificationState.DEAD, settled_at=at, busy_until=None, reason=words[:300])
    return next_at is None


def _let_go(letters: Sequence[Letter]) -> None:
    """What was claimed and not tried is free at once."""
    for one in letters:
        Letter.objects.filter(pk=one.pk, busy_until=one.busy_until).update(busy_until=None)


def _end(server: BaseEmailBackend) -> None:
    try:
        server.close()
    except (OSError, smtplib.SMTPException):
        return  # it was over already
