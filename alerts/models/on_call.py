"""Who is on call: schedules whose people take turns, and shifts in which somebody stands in."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from alerts.models.contact import WEEKDAYS, is_zone
from alerts.on_call.rotation import WEEK_DAYS, Override, Rotation

_SALT = "alerts.on_call.calendar"


class Turns(models.TextChoices):
    WEEKLY = "weekly", "Every week"
    DAILY = "daily", "Every day"


class OnCallSchedule(models.Model):
    """People who take turns. The first of them begins on the day of the hand-over that is on or after `starts_on`."""

    name = models.CharField(max_length=100, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[is_zone])
    turns = models.CharField(max_length=6, choices=Turns.choices, default=Turns.WEEKLY)
    hand_over_weekday = models.PositiveSmallIntegerField(
        "hand-over on", choices=WEEKDAYS, default=0, help_text="Of weekly turns; daily ones are handed over every day."
    )
    hand_over_time = models.TimeField("hand-over at", default=time(9), help_text="On the clock of the time zone.")
    starts_on = models.DateField(help_text="The first person's turn begins at the first hand-over from this day on.")
    ends_on = models.DateField(
        null=True, blank=True, help_text="It ends at the hand-over of this day. Empty: it goes on."
    )
    # Part of the address of the calendar: a new number makes the old address worthless.
    feed_number = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "on-call schedule"
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")),
                name="schedule_lasts",
                violation_error_message="It must end after it starts.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def rotation(self) -> Rotation:
        """Those who left have turns in which nobody is on call, so that the turns of the others stay where they are."""
        members = sorted(self.members.all(), key=lambda one: (one.position, one.pk))
        return Rotation(
            people=tuple(one.person_id if one.person.is_active else None for one in members),
            zone=self.zone,
            first_on=self._first_on(),
            hand_over=self.hand_over_time,
            days=WEEK_DAYS if self.turns == Turns.WEEKLY else 1,
            until_on=self.ends_on,
        )

    def overrides(self) -> list[Override]:
        """The last that was made wins. Of who left none counts: the rotation holds there."""
        made = sorted(self.shifts.all(), key=lambda one: one.pk)
        return [Override(one.person_id, one.starts_at, one.ends_at) for one in made if one.person.is_active]

    def _first_on(self) -> date:
        if self.turns == Turns.DAILY:
            return self.starts_on
        return self.starts_on + timedelta(days=(self.hand_over_weekday - self.starts_on.weekday()) % WEEK_DAYS)

    def in_words(self, people: Sequence[User]) -> str:
        """“Ada, then Ben take turns every week, handed over on Monday at 09:00 (Europe/Berlin).” ``people``: in their order."""
        if not people:
            return "Nobody takes turns yet: add people."
        when = f"at {self.hand_over_time:%H:%M} ({self.time_zone})"
        if self.turns == Turns.WEEKLY:
            when = f"on {dict(WEEKDAYS)[self.hand_over_weekday]} {when}"
        names = ", then ".join(name_of(person) for person in people)
        if len(people) == 1:
            return f"{names} alone is on call."
        return f"{names} take turns {self.get_turns_display().lower()}, handed over {when}."

    @property
    def feed_token(self) -> str:
        """What the address of its calendar is signed with; the same until a new one is asked for."""
        return signing.Signer(salt=_SALT).sign_object([self.pk, self.feed_number])

    @classmethod
    def of_feed(cls, token: str, *, since: datetime) -> "OnCallSchedule | None":
        """The schedule of a calendar's address with its people; None for an address that is not, or no longer, ours."""
        try:
            pk, number = signing.Signer(salt=_SALT).unsign_object(token)
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return with_people(cls.objects.filter(pk=pk, feed_number=number), since=since).first()


def with_people(schedules: "models.QuerySet[OnCallSchedule]", *, since: datetime) -> "models.QuerySet[OnCallSchedule]":
    """With all that `rotation` and `overrides` read of the time from ``since`` on, in four queries for any number of schedules."""
    shifts = OnCallShift.objects.filter(ends_at__gt=since).select_related("person")
    return schedules.prefetch_related("members__person", models.Prefetch("shifts", shifts))


def name_of(person: User) -> str:
    """What people call somebody: the full name, or the one they sign in with."""
    return person.get_full_name() or person.get_username()


class RotationMember(models.Model):
    """A turn in a schedule."""

    schedule = models.ForeignKey(OnCallSchedule, on_delete=models.CASCADE, related_name="members")
    # Without it the turns of the others would move.
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rotation_turns")
    position = models.PositiveIntegerField(default=0, help_text="Lower ones come first.")

    class Meta:
        verbose_name = "person in the rotation"
        verbose_name_plural = "people in the rotation"

    def __str__(self) -> str:
        return str(self.person)


class OnCallShift(models.Model):
    """Somebody stands in for whoever's turn it is."""

    schedule = models.ForeignKey(OnCallSchedule, on_delete=models.CASCADE, related_name="shifts")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="on_call_shifts")
    starts_at = models.DateTimeField("from")
    ends_at = models.DateTimeField("until")
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "shift"
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="shift_lasts",
                violation_error_message="The shift must end after it begins.",
            ),
        ]
        indexes = [models.Index("schedule", "ends_at", name="shift_by_schedule")]

    def __str__(self) -> str:
        return f"{self.person} on {self.schedule}"

    def is_over(self, *, at: datetime) -> bool:
        return self.ends_at <= at
