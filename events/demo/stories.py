"""What happened to *lift* in this fortnight: the days that a reader of the charts should find and understand.

Stories are placed by the day that the fortnight ends on. Some change what ordinary visits meet (:meth:`Stories.ai_is_slow`,
the bad release); the others send events of their own (:meth:`Stories.of_hour`).
"""

from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, time, timedelta
from random import Random
from typing import Any, Final

from events.demo import outages, releases
from events.demo.documents import Scene, Sent, Source, milliseconds, sent
from events.demo.lift import Population

HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000
# The two evenings on which OpenAI answers late: days before the end, from and to (hours of the day).
_AI_WAVES: Final = ((6, 18.5, 22.25), (5, 19.25, 21.75))
# When Stripe is away: days before the end, hour of the day, and for how long.
_PAYMENT_OUTAGE: Final = (3, 19.15)
_PAYMENT_OUTAGE_MS: Final = 40 * _MINUTE_MS
_TROUBLED_FOR_MS: Final = 15 * _MINUTE_MS
_UNUSED_FOR: Final = timedelta(days=8)


class Stories:
    """The stories of one fortnight. ``scale`` is its size against the usual 200,000 events."""

    def __init__(self, *, seed: int, until: datetime, scale: float, population: Population) -> None:
        self._random = Random(f"lift stories {seed}")  # noqa: S311 - made-up incidents need no cryptography
        self._midnight = datetime.combine(until.date(), time(), until.tzinfo)
        self._scale = scale
        self._population = population
        # The newest release but one slowed the resume analysis and brought an old error back; the one before it had
        # repaired that error.
        newest = releases.newest(until)
        self.repaired_in = newest - 2
        self.bad_since = newest - 1
        self.unused_from_ms = milliseconds(until - _UNUSED_FOR)
        self._ai_waves = [(self._at(days, start), self._at(days, end)) for days, start, end in _AI_WAVES]
        self._hours: dict[int, list[Sent]] = defaultdict(list)
        for story in (
            self._payment_outage, self._pool_exhaustion, self._sign_in_outage, self._attacks, self._nightly_job,
        ):  # fmt: skip
            for event in story():
                self._hours[event.at_ms // HOUR_MS].append(event)
        told = (event for events in self._hours.values() for event in events)
        self._critical = sorted(one.at_ms for one in told if one.document["data"].get("severity") == "CRITICAL")

    def is_bad(self, release: int) -> bool:
        return release >= self.bad_since

    def is_regressed(self, release: int) -> bool:
        """Whether that release has the error that comes, goes and comes back."""
        return release < self.repaired_in or release >= self.bad_since

    def has_new_feature(self, release: int) -> bool:
        return release >= self.repaired_in

    def ai_is_slow(self, at_ms: int) -> bool:
        """Whether OpenAI answers too late at that moment."""
        return any(start <= at_ms < end for start, end in self._ai_waves)

    def payment_is_away(self, at_ms: int) -> bool:
        """Whether nobody can pay at that moment."""
        start = self._at(*_PAYMENT_OUTAGE)
        return start <= at_ms < start + _PAYMENT_OUTAGE_MS

    def is_troubled(self, at_ms: int) -> bool:
        """Whether one of the stories sent something critical a short while ago."""
        last = bisect_right(self._critical, at_ms)
        return last > 0 and at_ms - self._critical[last - 1] <= _TROUBLED_FOR_MS

    def of_hour(self, hour: int) -> list[Sent]:
        """The stories' own events of an hour, counted from 1970."""
        return self._hours.get(hour, [])

    # --- The stories -------------------------------------------------------------------------------------------------

    def _payment_outage(self) -> list[Sent]:
        """Stripe's network is away for forty minutes: the checkout falls, and within five minutes three more endpoints."""
        start = self._at(*_PAYMENT_OUTAGE)
        events: list[Sent] = []
        for endpoint, after_minutes, size, message in outages.PAYMENT_CASCADE:
            first = start + int(after_minutes * _MINUTE_MS)
            name = "stripe_checkout_error" if endpoint == "/api/subscription/checkout" else "api_error"
            for at_ms in self._spread(first, start + _PAYMENT_OUTAGE_MS, size):
                student = self._population.anyone(self._random)
                data = outages.payment_failure(self._random, endpoint, message, student.user_id)
                events.append(self._from_api(at_ms, name, data))
        for number in range(4):
            seen = self._random.randint(7, 60)
            at_ms = start + int((4.6 + 10 * number) * _MINUTE_MS)
            events.append(self._from_api(at_ms, "cascade_failure_detected", outages.cascade(seen)))
        return events

    def _pool_exhaustion(self) -> list[Sent]:
        """A nightly report holds every connection for a quarter of an hour."""
        start = self._at(7, 3.08)
        events = [
            self._from_api(at_ms, "db_pool_error", outages.pool_error(self._random))
            for at_ms in self._spread(start, start + 14 * _MINUTE_MS, 60)
        ]
        for at_ms in self._spread(start + _MINUTE_MS, start + 16 * _MINUTE_MS, 70):
            student = self._population.anyone(self._random)
            events.append(self._from_api(at_ms, "api_error", outages.pool_timeout(self._random, student.user_id)))
        events += [
            self._from_api(at_ms, "auth_system_failure", outages.adapter_failure())
            for at_ms in self._spread(start + 4 * _MINUTE_MS, start + 13 * _MINUTE_MS, 14)
        ]
        return events

    def _sign_in_outage(self) -> list[Sent]:
        """A secret that was rotated on half of the servers: nobody stays signed in for twelve minutes."""
        start = self._at(10, 15.4)
        return [
            self._from_api(at_ms, "auth_system_failure", outages.session_failure())
            for at_ms in self._spread(start, start + 12 * _MINUTE_MS, 45)
        ]

    def _attacks(self) -> list[Sent]:
        """Somebody tries registrations and passwords from one network, in bursts, on two nights."""
        events: list[Sent] = []
        for days, hour, bursts, size in ((8, 2.1, 7, 48), (2, 3.7, 4, 34)):
            for burst in range(bursts):
                start = self._at(days, hour) + int(burst * 9.5 * _MINUTE_MS)
                for at_ms in self._spread(start, start + 100_000, size):
                    data = outages.limited(self._random, outages.ATTACKER_NETWORK)
                    events.append(self._from_api(at_ms, "beta_register_rate_limited", data, level=""))
                for at_ms in self._spread(start + 60_000, start + 240_000, 5):
                    student = self._population.anyone(self._random)
                    data = outages.lockout(self._random, outages.ATTACKER_NETWORK, student.email)
                    events.append(self._from_api(at_ms, "security_incident_lockout", data))
        return events

    def _nightly_job(self) -> list[Sent]:
        """The alumni export logs badly when its key has run out, every morning: the guide's bad example."""
        events = []
        for days in range(30):
            at_ms = self._at(days, 6.3) + self._random.randint(0, 90_000)
            student = self._population.anyone(self._random)
            events.append(self._from_api(at_ms, "error", outages.bad_log(self._random, student.email)))
        return events

    # --- What they share ---------------------------------------------------------------------------------------------

    def _at(self, days_before: int, hour: float) -> int:
        return milliseconds(self._midnight - timedelta(days=days_before) + timedelta(hours=hour))

    def _spread(self, start_ms: int, end_ms: int, size: int) -> list[int]:
        """Moments between two others: ``size`` of them in a usual fortnight, in a small one at least a handful."""
        count = max(min(size, 6), round(size * self._scale))
        return sorted(self._random.randint(start_ms, end_ms) for _ in range(count))

    def _from_api(self, at_ms: int, name: str, data: dict[str, Any], *, level: str = "error") -> Sent:
        release = releases.name_of(releases.newest(self._midnight + timedelta(milliseconds=at_ms - self._at(0, 0))))
        return sent(Source.API, at_ms, Scene("production", release, ""), name, data, level=level)
