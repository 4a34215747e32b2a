"""Who is told next while nobody acknowledges: policies with their steps, and the steps that alerts have ahead of them."""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from alerts.conditions import spoken
from alerts.models.alert import Alert
from alerts.models.channel import Channel
from alerts.models.on_call import OnCallSchedule, name_of
from alerts.on_call.steps import Due, dues


class EscalationPolicy(models.Model):
    """Steps that are taken one after the other until somebody acknowledges the alert or it is over."""

    name = models.CharField(max_length=100, unique=True)
    repeat_count = models.PositiveSmallIntegerField(
        "repeat",
        default=0,
        validators=[MaxValueValidator(9)],
        help_text="How often all of it is done again, at most 9.",
    )
    repeat_minutes = models.PositiveIntegerField(
        "pause before a repeat", default=15, validators=[MaxValueValidator(24 * 60)],
        help_text="Minutes after the last step, before the first step's own wait.",
    )  # fmt: skip

    class Meta:
        verbose_name = "escalation policy"
        verbose_name_plural = "escalation policies"

    def __str__(self) -> str:
        return self.name

    def ordered_steps(self) -> "list[EscalationStep]":
        return sorted(self.steps.all(), key=lambda one: (one.position, one.pk))

    def in_words(self, on_call: Mapping[int, str]) -> str:
        """“At once Ada is told; 5 minutes later …”. ``on_call``: by schedule, who is on call now."""
        told = [step.in_words(on_call, is_first=not place) for place, step in enumerate(self.ordered_steps())]
        if not told:
            return "It has no step and tells nobody: add one."
        often = {0: "", 1: "once", 2: "twice"}.get(self.repeat_count, f"{self.repeat_count} times")
        pause = f", {spoken(self.repeat_minutes * 60)} after the last step" if self.repeat_minutes else ""
        again = f" All of it is repeated {often}{pause}." if often else ""
        said = "; ".join(told)
        return f"{said[0].upper()}{said[1:]}.{again} It ends as soon as somebody acknowledges the alert or it is over."

    def dues(self) -> list[Due]:
        """When each of `ordered_steps` is due after an alert fires."""
        return dues(
            [timedelta(minutes=step.wait_minutes) for step in self.ordered_steps()],
            repeats=self.repeat_count,
            repeat_after=timedelta(minutes=self.repeat_minutes),
        )


class Tells(models.TextChoices):
    PERSON = "person", "A person"
    ON_CALL = "on_call", "Whoever is on call"
    CHANNELS = "channels", "Channels"


class EscalationStep(models.Model):
    """Wait, then tell somebody."""

    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField(default=0, help_text="Lower ones come first.")
    wait_minutes = models.PositiveIntegerField(
        "wait", default=5, validators=[MaxValueValidator(24 * 60)],
        help_text="Minutes after the step before it, or after the alert fires.",
    )  # fmt: skip
    tells = models.CharField(max_length=8, choices=Tells.choices, default=Tells.ON_CALL)
    # Whoever is named here must be taken out before they can be deleted: a step that tells nobody is found out at night.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="escalation_steps"
    )
    schedule = models.ForeignKey(
        OnCallSchedule, null=True, blank=True, on_delete=models.PROTECT, related_name="escalation_steps"
    )
    channels = models.ManyToManyField(Channel, blank=True, related_name="escalation_steps")

    class Meta:
        verbose_name = "step"
        constraints = [
            models.CheckConstraint(
                condition=Q(tells="person", person__isnull=False, schedule__isnull=True)
                | Q(tells="on_call", person__isnull=True, schedule__isnull=False)
                | Q(tells="channels", person__isnull=True, schedule__isnull=True),
                name="step_tells_one",
                violation_error_message="Name the one whom the step tells, and nobody else.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.get_tells_display()}"

    def in_words(self, on_call: Mapping[int, str], *, is_first: bool) -> str:
        """“5 minutes later tell Ada”."""
        wait = spoken(self.wait_minutes * 60) if self.wait_minutes else ""
        when = f"{wait} after it fires" if is_first else f"{wait} later"
        if not wait:
            when = "at once" if is_first else "at the same time"
        return f"{when} tell {self._told(on_call)}"

    def _told(self, on_call: Mapping[int, str]) -> str:
        if self.tells == Tells.PERSON and self.person is not None:
            return name_of(self.person)
        if self.tells == Tells.ON_CALL and self.schedule is not None:
            return f"whoever is on call on {self.schedule} (now {on_call.get(self.schedule.pk) or 'nobody'})"
        return " and ".join(one.name for one in self.channels.all() if one.is_enabled) or "nobody"

    def clean(self) -> None:
        if self.tells == Tells.PERSON and self.person is None:
            raise ValidationError({"person": "Choose the person whom the step tells."})
        if self.tells == Tells.ON_CALL and self.schedule is None:
            raise ValidationError({"schedule": "Choose the schedule whose person on call the step tells."})
        # What was chosen for another kind of step says nothing.
        if self.tells != Tells.PERSON:
            self.person = None
        if self.tells != Tells.ON_CALL:
            self.schedule = None


class EscalationState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    TOLD = "told", "Told"
    NOBODY = "nobody", "Reached nobody"
    STOPPED = "stopped", "Stopped"


class EscalationDue(models.Model):
    """A step of a policy that an alert has ahead of it, or had. All of them are written when the alert fires, with their times."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="escalation_dues")
    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="+")
    # Null when the step was taken out of the policy meanwhile.
    step = models.ForeignKey(EscalationStep, null=True, on_delete=models.SET_NULL, related_name="+")
    # Counts from 1 through all rounds, and on through the policies of the alert.
    number = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=EscalationState.choices, default=EscalationState.WAITING)
    settled_at = models.DateTimeField(null=True)
    # Whom it told, or why it told nobody.
    said = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            # However many evaluators saw it fire.
            models.UniqueConstraint("alert", "number", name="escalation_due_once"),
        ]
        indexes = [
            # What is due, the oldest first.
            models.Index("due_at", name="escalation_waiting", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"Step {self.number} of {self.policy}"
