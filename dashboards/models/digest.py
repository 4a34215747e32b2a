"""Digests: who asked for them, what they said, and what was sent to whom."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from alerts.models import Channel, Letter, Notification
from dashboards.digests.periods import Kind, Schedule
from events.formats import DEFAULT
from events.formats import choices as format_choices
from events.models import Service

WEEKDAYS = (
    (0, "Monday"),
    (1, "Tuesday"),
    (2, "Wednesday"),
    (3, "Thursday"),
    (4, "Friday"),
    (5, "Saturday"),
    (6, "Sunday"),
)

_PARTS_WITH_FORMATS = 4


class DigestKind(models.TextChoices):
    DAILY = Kind.DAILY.value, "Daily"
    WEEKLY = Kind.WEEKLY.value, "Weekly"
    MONTHLY = Kind.MONTHLY.value, "Monthly"


class Least(models.TextChoices):
    """What must be so for a digest to be sent."""

    ALWAYS = "always", "Always"
    CHANGED = "changed", "Only when something changed"


def production() -> list[str]:
    """Noise of development is what readers of digests complain of."""
    return ["production"]


def work_days() -> list[int]:
    return [0, 1, 2, 3, 4]


class SubscriptionQuerySet(models.QuerySet["DigestSubscription"]):
    def active(self) -> "SubscriptionQuerySet":
        """Those that get digests: switched on, and somebody confirmed the address."""
        return self.filter(is_enabled=True).exclude(email__gt="", confirmed_at=None)


class DigestSubscription(models.Model):
    """One reader: a person of the staff, an address that was confirmed, or a channel."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="digest_subscriptions"
    )
    email = models.EmailField("e-mail", max_length=254, blank=True, help_text="Of somebody who need not sign in.")
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="digest_subscriptions"
    )
    kinds = ArrayField(models.CharField(max_length=7, choices=DigestKind.choices), default=list)
    services = models.ManyToManyField(Service, blank=True, related_name="+", help_text="Empty: all of them.")
    environments = ArrayField(
        models.CharField(max_length=64), default=production, blank=True, help_text="Empty: all of them."
    )
    hour = models.PositiveSmallIntegerField(default=8, validators=[MaxValueValidator(23)])
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(choices=WEEKDAYS), default=work_days,
        help_text="Daily ones come on these days, weekly ones on the first of them.",
    )  # fmt: skip
    zone = models.CharField("time zone", max_length=64, default="UTC")
    formats = models.CharField(
        "numbers and dates", max_length=12, choices=format_choices, default=DEFAULT,
        help_text="How numbers, dates and hours are written; the words are English.",
    )  # fmt: skip
    least = models.CharField("send", max_length=7, choices=Least.choices, default=Least.ALWAYS)
    is_enabled = models.BooleanField("enabled", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Nothing that was due before is sent: when it was made, switched on or given another schedule.
    since_at = models.DateTimeField(default=timezone.now, editable=False)
    confirmed_at = models.DateTimeField(null=True, editable=False)
    # Counts up to make older signed links worthless.
    link_number = models.PositiveIntegerField(default=1, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(person__isnull=False, email="", channel=None)
                | Q(person=None, email__gt="", channel=None)
                | Q(person=None, email="", channel__isnull=False),
                name="subscription_of_one",
                violation_error_message="Choose a person, an e-mail address or a channel, and only one of them.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.person or self.email or self.channel)

    @property
    def is_confirmed(self) -> bool:
        """People of the staff and channels need no confirmation."""
        return not self.email or self.confirmed_at is not None

    @property
    def reads_admin(self) -> bool:
        """Whether links into the admin are of use to the reader."""
        return not self.email and (self.person is None or self.person.is_staff)

    def schedule(self) -> Schedule:
        return Schedule(self.hour, tuple(sorted(self.weekdays)) or (0,), ZoneInfo(self.zone))

    def clean(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValidationError({"zone": "Write a zone such as Europe/Berlin."}) from None
        if not self.kinds:
            raise ValidationError({"kinds": "Choose at least one."})
        if not self.weekdays:
            raise ValidationError({"weekdays": "Choose at least one day."})


class Digest(models.Model):
    """What was said to every reader of one scope and period: written once."""

    kind = models.CharField(max_length=7, choices=DigestKind.choices)
    # Services, environments, formats and zone, of dashboards.digests.building.Scope: "1,4|production|de|Europe/Berlin". Charts and
    # hours are those of the zone's clock. The usual formats (events.formats.DEFAULT) are not named.
    scope = models.CharField(max_length=500)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    built_at = models.DateTimeField()
    is_changed = models.BooleanField()
    # dashboards.digests.content.written
    content = models.JSONField()

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint("kind", "scope", "start_at", "end_at", name="digest_once")]
        indexes = [models.Index(models.F("end_at").desc(), name="digest_newest")]

    @property
    def zone(self) -> str:
        """On whose clock it counts."""
        return self.scope.rpartition("|")[2]

    @property
    def formats(self) -> str:
        """How its numbers and dates are written."""
        parts = self.scope.split("|")
        return parts[2] if len(parts) == _PARTS_WITH_FORMATS else DEFAULT

    def __str__(self) -> str:
        return f"{self.get_kind_display()} digest until {self.end_at:%Y-%m-%d %H:%M} UTC"


class DigestCopy(models.Model):
    """A digest exactly as it was sent, but for each reader's own addresses, in whose place others stand (sending.PLACES)."""

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="copies")
    is_late = models.BooleanField()
    # False for readers who may not open the admin: none of its addresses are in it.
    has_links = models.BooleanField()
    # What it is about, as it says it: “web in production”.
    scope_words = models.TextField()
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField()
    # PNGs in base64 by the names that the HTML has for them.
    images = models.JSONField(default=dict)
    # {"text": …, "blocks": […]}
    slack = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint("digest", "is_late", "has_links", name="digest_copy_once")]

    def __str__(self) -> str:
        return self.subject


class DigestDelivery(models.Model):
    """That a reader got the digest of a period, or why not. One a period, whoever writes it and however often."""

    subscription = models.ForeignKey(DigestSubscription, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=7, choices=DigestKind.choices)
    # The day, on the reader's clock, that names the period.
    day = models.DateField()
    end_at = models.DateTimeField()
    digest = models.ForeignKey(Digest, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    letter = models.OneToOneField(Letter, null=True, on_delete=models.SET_NULL, related_name="digest_delivery")
    notification = models.OneToOneField(
        Notification, null=True, on_delete=models.SET_NULL, related_name="digest_delivery"
    )
    created_at = models.DateTimeField()
    is_late = models.BooleanField(default=False)
    # Why nothing was sent; "" when something was.
    skipped = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint("subscription", "kind", "day", name="digest_delivery_once")]
        indexes = [models.Index("subscription", "kind", models.F("end_at").desc(), name="digest_delivery_last")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.day} to {self.subscription}"
