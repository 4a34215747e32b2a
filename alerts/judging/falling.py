"""Whether one endpoint fails beyond what is usual for it, since when, and whether it has recovered. Pure.

An endpoint fails when its failures exceed what is usual for it beyond chance (alerts.judging.usual_failures), and are twice as many
at least, and it has not recovered meanwhile. Whether several that do so fail together is for `alerts.cascade` to say.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alerts.judging.suspects import Witness, Words
from alerts.judging.usual_failures import Expectation, Span, Usual, binomial_tail, expectation, usual_of

_MINUTE = timedelta(minutes=1)
# Minutes that are looked at: the youngest two, the window, and half an hour, in which a slow burn shows.
_FAST, _SLOW = 2, 30
# Where nothing else is known of an endpoint, its minutes before these say what is usual.
_YOUNG = 10
# An endpoint fails when chance would bring it so far once in 500 looks.
_ALONE = 2e-3
# And what is not at least twice what is usual helps nobody, however certain it is.
_FACTOR = 2.0
# A restart is over sooner.
_LASTING = timedelta(seconds=24)
# Failing half as often as before would have shown by now, with all but this probability.
RECOVERED = 0.01
# A member is judged by its last minutes when it is asked whether it has recovered, and less strictly than when it fell.
_CALM = timedelta(minutes=2)
_STILL = 0.05


@dataclass(frozen=True, slots=True)
class Minute:
    """What was counted in the minute that begins at ``start`` (aware). ``requests`` below ``failures``: they are not counted."""

    start: datetime
    failures: int
    requests: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``minutes``: the last 5 at least, 30 to find slow burns, in any order, with the one that runs; quiet ones may be left out.

    ``usual`` is that of earlier hours, without these minutes; None: too young. ``first_failed_at`` and ``last_failed_at``: when it
    first and last failed in the window, to the second, where the caller knows; then a blip is better told from a cascade.
    """

    service_id: int
    endpoint: str
    minutes: Sequence[Minute]
    usual: Usual | None = None
    words: Words = field(default_factory=dict)
    first_failed_at: datetime | None = None
    last_failed_at: datetime | None = None

    @property
    def key(self) -> tuple[int, str]:
        return self.service_id, self.endpoint


@dataclass(frozen=True, slots=True)
class Condition:
    """At least so many ``endpoints``, each with so many failures, within ``window``."""

    endpoints: int = 3
    window: timedelta = timedelta(minutes=5)
    least_failures: int = 3


@dataclass(frozen=True, slots=True)
class Member:
    """Counts of the window. ``requests`` is 0 where they are not counted; ``expected``: failures, had it been as usual."""

    service_id: int
    endpoint: str
    began_at: datetime
    failures: int
    requests: int
    expected: float

    @property
    def key(self) -> tuple[int, str]:
        return self.service_id, self.endpoint


@dataclass(frozen=True, slots=True)
class Look:
    """An endpoint's minutes by age: the one that runs first. ``elapsed``: seconds of it that are over."""

    endpoint: Endpoint
    now: datetime
    elapsed: float
    window: int
    failures: list[int]
    requests: list[int]
    usual: Expectation

    def failed(self, minutes: int, since: int = 0) -> int:
        return sum(self.failures[since:minutes])

    def requested(self, minutes: int, since: int = 0) -> int:
        return sum(self.requests[since:minutes])

    def length(self, minutes: int) -> float:
        return minutes - 1 + self.elapsed / 60

    def expected(self, minutes: int) -> float:
        return self.usual.expected(self.failed(minutes), self.requested(minutes), self.length(minutes))

    def chance(self, minutes: int) -> float:
        return self.usual.chance(self.failed(minutes), self.requested(minutes), self.length(minutes))

    def start(self, age: int) -> datetime:
        return _full_minute(self.now) - age * _MINUTE

    def end(self, age: int) -> datetime:
        return min(self.start(age) + _MINUTE, self.now)

    def could_fail(self, condition: Condition) -> bool:
        return max(self.failed(self.window), self.requested(self.window)) >= condition.least_failures


@dataclass(frozen=True, slots=True)
class Fallen:
    """``calm``: by number of minutes, the logarithm of the probability of the last ones, if it failed half as often as before.

    ``lasts``: for longer than a restart takes.
    """

    member: Member
    witness: Witness
    chance: float
    calm: Sequence[float]
    lasts: bool


def looks_at(endpoints: Iterable[Endpoint], *, now: datetime, condition: Condition, typical: float) -> list[Look]:
    """Of each endpoint once. ``typical``: the share that fails of one that nothing is known of (usual_failures.typical_share)."""
    distinct: dict[tuple[int, str], Endpoint] = {}
    for endpoint in endpoints:
        known = distinct.get(endpoint.key)
        if known is None or _volume(endpoint) > _volume(known):
            distinct[endpoint.key] = endpoint
    running = _full_minute(now)
    elapsed = (now - running).total_seconds()
    # Nothing that began before the window counts in it; the minute that runs is one of its minutes.
    window = int((condition.window.total_seconds() - elapsed) // 60) + 1
    looks = []
    for _, endpoint in sorted(distinct.items()):
        failures, requests = _by_age(endpoint.minutes, running, max(window, _SLOW))
        usual = endpoint.usual or _usual_of_itself(failures, requests)
        looks.append(Look(endpoint, now, elapsed, max(window, 1), failures, requests, expectation(usual, typical)))
    return looks


def _volume(endpoint: Endpoint) -> list[tuple[int, int, datetime]]:
    """Of the same endpoint told twice, the one that failed worse in any minute is believed."""
    return sorted(((one.failures, one.requests, one.start) for one in endpoint.minutes), reverse=True)


def _by_age(minutes: Sequence[Minute], running: datetime, length: int) -> tuple[list[int], list[int]]:
    failures, requests = [0] * length, [0] * length
    for minute in minutes:
        since = minute.start - running
        age = -(since.days * 1440 + since.seconds // 60)
        if 0 <= age < length:
            failures[age] += max(0, minute.failures)
            requests[age] += max(0, minute.requests)
    return failures, requests


def _usual_of_itself(failures: Sequence[int], requests: Sequence[int]) -> Usual | None:
    """Of an endpoint too young for more: its minutes before the last ten, if there were any."""
    return usual_of(Span(*counts, 1.0) for counts in zip(failures[_YOUNG:], requests[_YOUNG:], strict=True))


def chance_beyond(look: Look, condition: Condition) -> float | None:
    """Of failing as often as it does, by chance. None: as usual, or too little to judge by.

    When in the minutes it failed is not looked at.
    """
    failures = look.failed(look.window)
    if failures < max(condition.least_failures, 1) or failures < _FACTOR * look.expected(look.window):
        return None
    scans = {min(_FAST, look.window), look.window, max(_SLOW, look.window)}
    chance = min(1.0, len(scans) * min(look.chance(minutes) for minutes in scans))
    return chance if chance <= _ALONE else None


def fallen(look: Look, condition: Condition) -> Fallen | None:
    """None: as usual, or too little to judge by, or recovered."""
    chance = chance_beyond(look, condition)
    if chance is None:
        return None
    failures, requests = look.failed(look.window), look.requested(look.window)
    expected = look.expected(look.window)
    oldest = _onset(look)
    began_at = _began_at(look, oldest)
    newest = next(age for age, count in enumerate(look.failures) if count)
    exact = look.endpoint.last_failed_at
    last_at = look.end(newest) if exact is None else min(max(exact, look.start(newest)), look.end(newest))
    well_after = _well_after(look, newest, last_at)
    silence = _loghow_well(look.failed(oldest + 1, newest), look.requested(oldest + 1, newest), 0, well_after)
    calm = _calm(look, oldest)
    if min(silence, *calm) < math.log(RECOVERED):
        return None
    first = look.endpoint.first_failed_at
    is_exact = exact is not None and first is not None and began_at == first
    seconds = max((last_at - began_at).total_seconds(), 1.0)
    member = Member(*look.endpoint.key, began_at, failures, requests if requests >= failures else 0, round(expected, 2))
    return Fallen(
        member,
        Witness(
            *look.endpoint.key,
            began_at,
            is_exact,
            failures,
            look.failed(oldest + 1) / seconds,
            look.endpoint.words,
        ),
        chance,
        calm,
        # One minute's count does not tell how long it took. Where nothing went well since, it may as well go on.
        ((is_exact or oldest > newest) and last_at - began_at >= _LASTING)
        or (not well_after and look.now - last_at >= _LASTING),
    )


def _onset(look: Look) -> int:
    """The age of the minute from which on an endpoint fails: where two rates, before and since, are likeliest.

    What is usual weighs with the minutes before it, so that an endpoint whose usual share is not known is held against itself.
    """
    by_share = look.usual.share is not None and sum(look.requests) >= sum(look.failures)
    exposures = (
        [float(count) for count in look.requests] if by_share else [look.elapsed / 60] + [1.0] * len(look.failures)
    )
    rate = (look.usual.share if by_share else look.usual.rate) or 1.0
    failures_before = sum(look.failures) + look.usual.shape
    before = sum(exposures[: len(look.failures)]) + look.usual.shape / rate
    failures, since = 0, 0.0
    best, at = -math.inf, 0
    for age, count in enumerate(look.failures):
        failures, failures_before = failures + count, failures_before - count
        since, before = since + exposures[age], before - exposures[age]
        if not count or not since:
            continue
        is_more = failures / since > failures_before / before
        likely = failures * math.log(failures / since) + failures_before * math.log(failures_before / before)
        if is_more and likely > best:
            best, at = likely, age
    return at


def _began_at(look: Look, age: int) -> datetime:
    """To the second where its first failure is known; else the minute is shared out by the rate of the next."""
    start, end = look.start(age), look.end(age)
    first = look.endpoint.first_failed_at
    if first is not None and start <= first <= end:
        return first
    if age == 0:
        return start
    count, following = look.failures[age], look.failures[age - 1]
    if age == 1 and look.elapsed > 0:
        following = round(following * 60 / max(look.elapsed, 15.0))
    failing = min(1.0, count / following) if following else 1.0
    return end - failing * (end - start)


def _calm(look: Look, oldest: int) -> list[float]:
    """Of the minutes since it fell, each number of the last ones against those before. 0 where they say nothing."""
    calm = [0.0] * len(look.failures)
    for split in range(1, oldest + 1):
        failures, requests = look.failed(oldest + 1, split), look.requested(oldest + 1, split)
        calm[split] = _loghow_well(failures, requests, look.failed(split), look.requested(split))
    return calm


def _loghow_well(failures: int, requests: int, failures_after: int, requests_after: int) -> float:
    """The logarithm of the probability that so few fail afterwards, if half as many do as before."""
    # The first failure is why one looks at all; it says nothing about a share.
    if failures < 2 or not requests_after:
        return 0.0
    half = min(1.0, (failures - 1) / requests if requests else 1.0) / 2
    chance = binomial_tail(max(requests_after - failures_after, 0), requests_after, 1 - half)
    return math.log(chance) if chance > 0 else -math.inf


def _well_after(look: Look, newest: int, last_at: datetime) -> int:
    """Requests that went well since its last failure; where only the minute of that is known, those of later minutes."""
    well = sum(max(look.requests[age] - look.failures[age], 0) for age in range(newest))
    length = max((look.end(newest) - look.start(newest)).total_seconds(), 1.0)
    after = (look.end(newest) - last_at).total_seconds() / length * look.requests[newest]
    return well + min(int(after), max(look.requests[newest] - look.failures[newest], 0))


def how_well(member: Member, look: Look | None) -> float:
    """0: it fails. Else the logarithm of the probability of its last minutes, if it failed half as often as in the cascade."""
    if look is None or not look.failed(look.window):
        return -math.inf
    minutes = min(int(_CALM / _MINUTE) + 1, look.window)
    failures, requests = look.failed(minutes), look.requested(minutes)
    if failures >= _FACTOR * look.expected(minutes) and look.chance(minutes) <= _STILL:
        return 0.0
    if not member.requests:
        return 0.0 if failures else -math.inf
    return _loghow_well(member.failures, member.requests, failures, requests)


def _full_minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)
