"""What has a beginning and an end: silences and windows of maintenance."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework import serializers

from alerts.api.fields import LONGEST_SECONDS, JsonMoment, JsonWhole
from events.api.v1.bodies import StrictBody
from events.api.v1.parameters import Parameters, Words, refusal

STATES = (("upcoming", "Upcoming"), ("running", "Running"), ("ended", "Ended"))


class SpanState(serializers.ChoiceField):
    """Whether it has begun and ended; of the row itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"choices": STATES, "source": "*", "read_only": True, **options})

    def to_representation(self, value: Any) -> str:
        now = timezone.now()
        if value.starts_at > now:
            return "upcoming"
        return "running" if value.ends_at > now else "ended"


class SpanParameters(Parameters):
    state = Words(choices=STATES, required=False, help_text="One or several: repeated, or a list with commas.")


def in_states(states: Collection[str], *, now: datetime) -> Q:
    """Rows in one of the states; in any when there are none."""
    wanted = Q()
    if "upcoming" in states:
        wanted |= Q(starts_at__gt=now)
    if "running" in states:
        wanted |= Q(starts_at__lte=now, ends_at__gt=now)
    if "ended" in states:
        wanted |= Q(ends_at__lte=now)
    return wanted


class SpanBody(StrictBody):
    """From when until when: it ends at a time, or after so many seconds."""

    starts_at = JsonMoment(required=False, help_text="RFC 3339. Left out: now.")
    ends_at = JsonMoment(required=False, help_text="RFC 3339. Give it or `seconds`.")
    seconds = JsonWhole(required=False, min_value=60, max_value=LONGEST_SECONDS, help_text="How long it lasts.")


def span_of(wanted: Mapping[str, Any], *, now: datetime) -> tuple[datetime, datetime]:
    """When it begins and ends. Raises Problem 400."""
    if ("ends_at" in wanted) == ("seconds" in wanted):
        raise refusal([("ends_at", "Say when it ends, or with seconds how long it lasts: one of them.")])
    starts_at = wanted.get("starts_at", now)
    ends_at = wanted["ends_at"] if "ends_at" in wanted else starts_at + timedelta(seconds=wanted["seconds"])
    if ends_at <= max(starts_at, now):
        raise refusal([("ends_at", "It must end after it begins, and not in the past.")])
    return starts_at, ends_at
