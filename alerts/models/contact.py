"""How people are reached, and when they are left alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from alerts.models.channel import Channel
from alerts.models.notification import Notification, NotificationState
from alerts.outbox.quiet import Quiet

WEEKDAYS = (
    (0, "Monday"), (1, "Tuesday"), (2, "Wednesday"), (3, "Thursday"), (4, "Friday"), (5, "Saturday"), (6, "Sunday"),
)  # fmt: skip
CODE_VALID_FOR = timedelta(minutes=30)
MOST_CODE_TRIES = 5


def zone_names() -> list[tuple[str, str]]:
    """What can be chosen as a time zone: “Europe/Berlin”."""
    return [(name, name) for name in sorted(available_timezones()) if "/" in name or name == "UTC"]


def is_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"There is no time zone {name!r}: write it like Europe/Berlin.")


class ContactPointQuerySet(models.QuerySet["ContactPoint"]):
    def working(self) -> "ContactPointQuerySet":
        """Those that a test reached, that are switched on, and to which nothing was given up since."""
        given_up = Notification.objects.filter(
            channel=OuterRef("channel"), state=NotificationState.DEAD, settled_at__gt=OuterRef("verified_at")
        )
        known = self.filter(verified_at__isnull=False, channel__is_enabled=True, person__is_active=True)
        return known.exclude(Exists(given_up))


class ContactPoint(models.Model):
    """A person is reached through a channel of their own, which the outbox sends to like to any other."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="contact_points")
    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="contact_point")
    # When somebody typed the code that was sent there: the first moment at which it is known to arrive.
    verified_at = models.DateTimeField(null=True, editable=False)
    # Only a digest is kept; empty when no code waits to be typed.
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    code_sent_at = models.DateTimeField(null=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ContactPointQuerySet.as_manager()

    def __str__(self) -> str:
        return self.channel.name

    def has_open_code(self, *, at: datetime) -> bool:
        """Whether a code that was sent can still be typed."""
        return (
            bool(self.code_digest)
            and self.code_sent_at is not None
            and at - self.code_sent_at < CODE_VALID_FOR
            and self.code_tries < MOST_CODE_TRIES
        )


class QuietHoursQuerySet(models.QuerySet["QuietHours"]):
    def of_person(self, person: User) -> "QuietHoursQuerySet":
        return self.filter(person=person).order_by("from_time", "pk")

    def by_channel(self, channel_ids: Iterable[int]) -> dict[int, list[Quiet]]:
        """The quiet hours of channels by their ids: their own, and those of the person whom a channel reaches."""
        wanted = list(channel_ids)
        found: dict[int, list[Quiet]] = {}
        rows = self.filter(Q(channel__in=wanted) | Q(person__contact_points__channel__in=wanted)).annotate(
            told_channel_id=Coalesce(F("channel_id"), F("person__contact_points__channel_id"))
        )
        for row in rows.order_by("pk"):
            channel_id: int = row.told_channel_id  # type: ignore[attr-defined]  # annotated above
            found.setdefault(channel_id, []).append(row.quiet)
        return found


class QuietHours(models.Model):
    """When a person, or a channel, is not told of what is not critical; it is told when they end."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="quiet_hours"
    )
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="quiet_hours")
    from_time = models.TimeField("from")
    to_time = models.TimeField("to", help_text="Not after the begin: on the next day.")
    weekdays = ArrayField(models.PositiveSmallIntegerField(choices=WEEKDAYS), help_text="The days on which they begin.")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[is_zone])

    objects = QuietHoursQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "quiet hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=True, channel__isnull=False) | Q(person__isnull=False, channel__isnull=True),
                name="quiet_hours_of_one",
                violation_error_message="Choose a person or a channel.",
            ),
        ]

    def __str__(self) -> str:
        return self.quiet.in_words()

    @property
    def quiet(self) -> Quiet:
        return Quiet(self.from_time, self.to_time, frozenset(self.weekdays), ZoneInfo(self.time_zone))
