"""Quiet hours: when people and channels are left alone with what can wait. Pure.

They are told by the clock of a zone: 22:00 is 22:00 there in winter and in summer, and the night in which the clock changes is an
hour shorter or longer. A time that the clock skips is read with the offset before the change, of one that comes twice the first is
meant, as in alerts.on_call.rotation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Whoever is quiet all week is told after this all the same: what waits longer is no news and never would be told.
LONGEST = timedelta(days=7)
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Quiet:
    """From ``begins`` to ``ends`` on the clock of ``zone``, beginning on ``weekdays`` (0: Monday).

    An end that is not after the begin is on the day after: from 22:00 to 07:00, or from 00:00 to 00:00 the whole day.
    """

    begins: time
    ends: time
    weekdays: frozenset[int]
    zone: ZoneInfo

    def end_of(self, at: datetime) -> datetime | None:
        """When the quiet span that covers a moment ends, in UTC; None when none does."""
        today = at.astimezone(self.zone).date()
        ends = []
        # One that began yesterday may last until now, and a change of the clock may put a day's begin on the day before.
        for days in (-2, -1, 0, 1):
            day = today + timedelta(days=days)
            if day.weekday() not in self.weekdays:
                continue
            last = day if self.ends > self.begins else day + timedelta(days=1)
            begins_at = datetime.combine(day, self.begins, tzinfo=self.zone).astimezone(UTC)
            ends_at = datetime.combine(last, self.ends, tzinfo=self.zone).astimezone(UTC)
            if begins_at <= at < ends_at:
                ends.append(ends_at)
        return max(ends, default=None)

    def in_words(self) -> str:
        """“22:00 to 07:00 on weekdays (Europe/Berlin)”."""
        span = f"{self.begins:%H:%M} to {self.ends:%H:%M}"
        if self.begins == self.ends:
            span = "all day" if self.begins == time() else f"all day from {self.begins:%H:%M}"
        return f"{span} {days_in_words(self.weekdays)} ({self.zone.key})"


def quiet_until(quiets: Iterable[Quiet], at: datetime) -> datetime:
    """The first moment from ``at`` on that none of them covers, spans that meet taken together; ``at`` itself when none does."""
    known: Sequence[Quiet] = list(quiets)
    until = at
    while until - at < LONGEST:
        ends = [end for quiet in known if (end := quiet.end_of(until)) is not None]
        if not ends:
            return until
        until = max(ends)
    return at + LONGEST


def days_in_words(weekdays: Iterable[int]) -> str:
    """“every day”, “on weekdays”, “on Friday and Saturday”; “on no day” for none."""
    days = sorted(set(weekdays))
    if not days:
        return "on no day"
    if days == [*range(7)]:
        return "every day"
    if days == [0, 1, 2, 3, 4]:
        return "on weekdays"
    if days == [5, 6]:
        return "at weekends"
    names = [_NAMES[day] for day in days]
    return f"on {names[0]}" if len(names) == 1 else f"on {', '.join(names[:-1])} and {names[-1]}"
