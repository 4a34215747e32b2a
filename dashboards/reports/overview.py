"""What is failing now, for whom, and how it compares with the day before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncHour

from events.models import EventRollup, FingerprintUser, Issue, Service

DAY = timedelta(hours=24)
_FAILURES = ("critical", "error", "warning")
_TOP = 8


@dataclass(frozen=True, slots=True)
class Number:
    """A count of the last 24 hours and of the 24 before them."""

    now: int
    before: int

    @property
    def change(self) -> str:
        """In words: "+12 % against the day before"."""
        if self.before == 0:
            return "none the day before" if self.now else "as the day before"
        percent = round(100 * (self.now - self.before) / self.before)
        return f"{percent:+d} % against the day before" if percent else "as the day before"


@dataclass(frozen=True, slots=True)
class Totals:
    events: Number
    failures: Number


@dataclass(frozen=True, slots=True)
class Hour:
    """Failures that occurred in one hour, by severity."""

    start: datetime
    critical: int
    error: int
    warning: int


@dataclass(frozen=True, slots=True)
class Attention:
    """Unresolved issues: how many, how many of them critical, and the ones to look at first."""

    unresolved: int
    critical: int
    regressed: int  # not the critical ones: those are told of already
    others: int  # neither critical nor regressed
    new_today: int
    top: list[Issue]
    # Critical and seen in the last 24 hours, the one that hurt most users first; None when there is none.
    burning: Issue | None


@dataclass(frozen=True, slots=True)
class Setup:
    """How far the installation has come."""

    has_service: bool
    has_event: bool


def totals(*, now: datetime) -> Totals:
    """Events and failures of two days, in one query over the minute rollups."""
    day, day_before = now - DAY, now - 2 * DAY
    recent = Q(minute__gte=day)
    failed = Q(severity__in=_FAILURES)
    sums = EventRollup.objects.filter(minute__gte=day_before, minute__lte=now + timedelta(minutes=2)).aggregate(
        events=Sum("event_count", filter=recent, default=0),
        events_before=Sum("event_count", filter=~recent, default=0),
        failures=Sum("event_count", filter=recent & failed, default=0),
        failures_before=Sum("event_count", filter=~recent & failed, default=0),
    )
    return Totals(
        events=Number(sums["events"], sums["events_before"]), failures=Number(sums["failures"], sums["failures_before"])
    )


def users_hurt(*, now: datetime) -> int:
    """How many different users met a failure in the last 24 hours."""
    recent = FingerprintUser.objects.filter(last_seen_at__gte=now - DAY)
    return int(recent.aggregate(users=Count("user_hash", distinct=True))["users"])


def failures_by_hour(*, now: datetime) -> list[Hour]:
    """The last 24 hours, this one included, oldest first; hours without failures are there with zeros."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    start = this_hour - timedelta(hours=23)
    rows = (
        EventRollup.objects.filter(minute__gte=start, severity__in=_FAILURES)
        .annotate(hour=TruncHour("minute", tzinfo=now.tzinfo))
        .values("hour", "severity")
        .annotate(total=Sum("event_count"))
        .values_list("hour", "severity", "total")
    )
    counts = {(hour, severity): total for hour, severity, total in rows}
    hours = (start + timedelta(hours=number) for number in range(24))
    return [Hour(hour, *(counts.get((hour, severity), 0) for severity in _FAILURES)) for hour in hours]


def attention(*, now: datetime) -> Attention:
    """What needs somebody, in three queries however many issues there are."""
    open_issues = Issue.objects.unresolved()
    counts = open_issues.aggregate(
        unresolved=Count("pk"),
        critical=Count("pk", filter=Q(severity="critical")),
        regressed=Count("pk", filter=Q(is_regressed=True) & ~Q(severity="critical")),
        others=Count("pk", filter=Q(is_regressed=False) & ~Q(severity="critical")),
        new_today=Count("pk", filter=Q(first_seen_at__gte=now - DAY)),
    )
    recent_critical = open_issues.filter(severity="critical", last_seen_at__gte=now - DAY)
    return Attention(
        **counts,
        top=list(open_issues.worst_first().select_related("service")[:_TOP]),
        burning=recent_critical.order_by("-user_count", "-last_seen_at").first(),
    )


def setup() -> Setup:
    """Whether there is a service, and whether any has sent something."""
    counts = Service.objects.aggregate(services=Count("pk"), heard=Count("first_event_at"))
    return Setup(has_service=counts["services"] > 0, has_event=counts["heard"] > 0)
