"""Mails to single addresses that no channel knows, such as subscribers: rows of the outbox beside Notification."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from alerts.models.notification import NotificationState
from alerts.models.status import StatusUpdate, Subscriber


class Letter(models.Model):
    """One mail to one address, written in the transaction that brought it and sent by alerts.outbox.letters."""

    # In the Message-ID, so that a second attempt can be recognised as the same mail.
    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    # What makes it one however often it is written: "status:12:7" (update, subscriber), "digest:4:daily:2026-12-01".
    once = models.CharField(max_length=200, unique=True)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True)
    # PNGs in base64 by the names that the HTML has for them (cid:NAME).
    inline_images = models.JSONField(default=dict)
    # Further headers, such as List-Unsubscribe.
    headers = models.JSONField(default=dict)
    subscriber = models.ForeignKey(Subscriber, null=True, on_delete=models.CASCADE, related_name="letters")
    status_update = models.ForeignKey(StatusUpdate, null=True, on_delete=models.SET_NULL, related_name="letters")
    state = models.CharField(max_length=8, choices=NotificationState.choices, default=NotificationState.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    # Until when the process that sends it may be at it; then another may.
    busy_until = models.DateTimeField(null=True)
    attempt_count = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    # When the fallback address was told that it was given up.
    fallback_told_at = models.DateTimeField(null=True)
    # Why it was given up or dropped.
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index("due_at", name="letter_due", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_digest(self) -> bool:
        return self.once.startswith("digest")


class LetterAttempt(models.Model):
    """What the mail server answered, and after how long."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    is_accepted = models.BooleanField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    took_ms = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
