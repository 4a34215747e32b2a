"""Whether several endpoints fail together, who fell first, and where it comes from. Pure.

The guide: three or more endpoints that fail within five minutes are CRITICAL. Here an endpoint fails when its failures exceed what
is usual for it beyond chance (alerts.judging.usual_failures), and are twice as many at least, and it has not recovered meanwhile.
Endpoints fail together when so many of them at once are no chance either: of a hundred endpoints three are soon beyond one bound or
another. And as many as are asked for have to go on failing for half a minute, which a restart does not: that much time it costs to
tell the two apart.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from alerts.judging.suspects import Suspect, Witness, Words, suspects_of
from alerts.judging.usual_failures import Expectation, Span, Usual, binomial_tail, expectation, typical_share, usual_of

_MINUTE = timedelta(minutes=1)
# Minutes that are looked at: the youngest two, the window, and half an hour, in which a slow burn shows.
_FAST, _SLOW = 2, 30
# Where nothing else is known of an endpoint, its minutes before these say what is usual.
_YOUNG = 10
# An endpoint fails when chance would bring it so far once in 500 looks; so many together, once in a million.
_ALONE = 2e-3
_TOGETHER = 1e-6
# And what is not at least twice what is usual helps nobody, however certain it is.
_FACTOR = 2.0
# A restart takes seconds.
_LASTING = timedelta(seconds=30)
# Failing half as often as before would have shown by now, with all but this probability.
_RECOVERED = 0.01
# A member is judged by its last minutes when it is asked whether it has recovered, and less strictly than when it fell.
_CALM = timedelta(minutes=2)
_STILL = 0.05
_NAMED = 3


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
class Cascade:
    """``members`` in the order in which they fell; ``suspects`` the likeliest first. ``chance``: of so many failing at once."""

    members: tuple[Member, ...]
    suspects: tuple[Suspect, ...]
    chance: float
    summary: str

    @property
    def began_at(self) -> datetime:
        return self.members[0].began_at


@dataclass(frozen=True, slots=True)
class Course:
    """How a cascade goes on: who ``joined``, who ``recovered``, and who of the earlier members is ``failing`` still."""

    joined: tuple[Member, ...]
    recovered: tuple[Member, ...]
    failing: tuple[Member, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        return _in_order((*self.failing, *self.joined))

    @property
    def is_over(self) -> bool:
        """One endpoint alone is not together."""
        return len(self.failing) + len(self.joined) < 2


def cascade_of(
    endpoints: Iterable[Endpoint],
    *,
    now: datetime,
    condition: Condition | None = None,
    released_at: Mapping[str, datetime] | None = None,
) -> Cascade | None:
    """``released_at``: when each release was first seen, where it is known."""
    condition = condition or Condition()
    looks = _looks(endpoints, now=now, condition=condition)
    fallen = [one for look in looks if (one := _fallen(look, condition)) is not None]
    if len(fallen) < max(condition.endpoints, 1):
        return None
    judged = sum(look.could_fail(condition) for look in looks)
    chance = _chance_together([one.chance for one in fallen], judged=judged, least=condition.endpoints)
    # Each of them alone may have too few requests to say that it is over.
    is_over = min(map(sum, zip(*(one.calm for one in fallen), strict=True))) < math.log(_RECOVERED)
    if chance > _TOGETHER or is_over or sum(one.lasts for one in fallen) < condition.endpoints:
        return None
    members = _in_order(one.member for one in fallen)
    keys = {member.key for member in members}
    suspects = suspects_of(
        [one.witness for one in sorted(fallen, key=lambda one: one.member.key)],
        others=[look.endpoint.words for look in looks if look.endpoint.key not in keys],
        released_at=released_at,
    )
    return Cascade(members, suspects, chance, _summary(members, suspects))


def course_of(
    members: Sequence[Member], endpoints: Iterable[Endpoint], *, now: datetime, condition: Condition | None = None
) -> Course:
    """What became of a cascade's members. Who left no trace in the minutes has recovered.

    An endpoint recovers when it is back at what is usual, and it is no accident of few requests: failing half as often would have
    shown. Without requests it recovers when the window is over.
    """
    condition = condition or Condition()
    looks = {look.endpoint.key: look for look in _looks(endpoints, now=now, condition=condition)}
    before = {member.key: member for member in members}
    well = {key: _well(member, looks.get(key)) for key, member in before.items()}
    bound = math.log(_RECOVERED)
    undecided = {key: value for key, value in well.items() if bound < value < 0}
    # Of one with few requests it takes long to say; of several together it does not.
    are_well = undecided.keys() if sum(undecided.values()) <= bound else frozenset()
    has_recovered = {key: value <= bound or key in are_well for key, value in well.items()}
    recovered = [member for key, member in before.items() if has_recovered[key]]
    failing = [member for key, member in before.items() if not has_recovered[key]]
    fallen = (_fallen(look, condition) for key, look in looks.items() if key not in before)
    joined = [one.member for one in fallen if one is not None and one.lasts]
    return Course(_in_order(joined), _in_order(recovered), _in_order(failing))


@dataclass(frozen=True, slots=True)
class _Look:
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
class _Fallen:
    """``calm``: by number of minutes, the logarithm of the probability of the last ones, if it failed half as often as before.

    ``lasts``: for longer than a restart takes.
    """

    member: Member
    witness: Witness
    chance: float
    calm: Sequence[float]
    lasts: bool


def _looks(endpoints: Iterable[Endpoint], *, now: datetime, condition: Condition) -> list[_Look]:
    distinct: dict[tuple[int, str], Endpoint] = {}
    for endpoint in endpoints:
        known = distinct.get(endpoint.key)
        if known is None or _volume(endpoint) > _volume(known):
            distinct[endpoint.key] = endpoint
    running = _full_minute(now)
    elapsed = (now - running).total_seconds()
    # Nothing that began before the window counts in it; the minute that runs is one of its minutes.
    window = int((condition.window.total_seconds() - elapsed) // 60) + 1
    typical = typical_share(endpoint.usual for endpoint in distinct.values())
    looks = []
    for _, endpoint in sorted(distinct.items()):
        failures, requests = _by_age(endpoint.minutes, running, max(window, _SLOW))
        usual = endpoint.usual or _usual_of_itself(failures, requests)
        looks.append(_Look(endpoint, now, elapsed, max(window, 1), failures, requests, expectation(usual, typical)))
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


def _fallen(look: _Look, condition: Condition) -> _Fallen | None:
    """None: as usual, or too little to judge by, or recovered."""
    failures, requests = look.failed(look.window), look.requested(look.window)
    expected = look.expected(look.window)
    if failures < max(condition.least_failures, 1) or failures < _FACTOR * expected:
        return None
    scans = {min(_FAST, look.window), look.window, max(_SLOW, look.window)}
    chance = min(1.0, len(scans) * min(look.chance(minutes) for minutes in scans))
    if chance > _ALONE:
        return None
    oldest = _onset(look)
    began_at = _began_at(look, oldest)
    newest = next(age for age, count in enumerate(look.failures) if count)
    exact = look.endpoint.last_failed_at
    last_at = look.end(newest) if exact is None else min(max(exact, look.start(newest)), look.end(newest))
    well_after = _well_after(look, newest, last_at)
    silence = _log_well(look.failed(oldest + 1, newest), look.requested(oldest + 1, newest), 0, well_after)
    calm = _calm(look, oldest)
    if min(silence, *calm) < math.log(_RECOVERED):
        return None
    first = look.endpoint.first_failed_at
    is_exact = exact is not None and first is not None and began_at == first
    seconds = max((last_at - began_at).total_seconds(), 1.0)
    member = Member(*look.endpoint.key, began_at, failures, requests if requests >= failures else 0, round(expected, 2))
    return _Fallen(
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


def _onset(look: _Look) -> int:
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


def _began_at(look: _Look, age: int) -> datetime:
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


def _calm(look: _Look, oldest: int) -> list[float]:
    """Of the minutes since it fell, each number of the last ones against those before. 0 where they say nothing."""
    calm = [0.0] * len(look.failures)
    for split in range(1, oldest + 1):
        failures, requests = look.failed(oldest + 1, split), look.requested(oldest + 1, split)
        calm[split] = _log_well(failures, requests, look.failed(split), look.requested(split))
    return calm


def _log_well(failures: int, requests: int, failures_after: int, requests_after: int) -> float:
    """The logarithm of the probability that so few fail afterwards, if half as many do as before."""
    # The first failure is why one looks at all; it says nothing about a share.
    if failures < 2 or not requests_after:
        return 0.0
    half = min(1.0, (failures - 1) / requests if requests else 1.0) / 2
    chance = binomial_tail(max(requests_after - failures_after, 0), requests_after, 1 - half)
    return math.log(chance) if chance > 0 else -math.inf


def _well_after(look: _Look, newest: int, last_at: datetime) -> int:
    """Requests that went well since its last failure; where only the minute of that is known, those of later minutes."""
    well = sum(max(look.requests[age] - look.failures[age], 0) for age in range(newest))
    length = max((look.end(newest) - look.start(newest)).total_seconds(), 1.0)
    after = (look.end(newest) - last_at).total_seconds() / length * look.requests[newest]
    return well + min(int(after), max(look.requests[newest] - look.failures[newest], 0))


def _chance_together(chances: Sequence[float], *, judged: int, least: int) -> float:
    """That of ``judged`` endpoints so many are so far from what is usual: the likeliest number of them decides."""
    ordered = sorted(chances)
    return min(
        binomial_tail(number, max(judged, number), ordered[number - 1])
        for number in range(max(least, 1), len(ordered) + 1)
    )


def _well(member: Member, look: _Look | None) -> float:
    """0: it fails. Else the logarithm of the probability of its last minutes, if it failed half as often as in the cascade."""
    if look is None or not look.failed(look.window):
        return -math.inf
    minutes = min(int(_CALM / _MINUTE) + 1, look.window)
    failures, requests = look.failed(minutes), look.requested(minutes)
    if failures >= _FACTOR * look.expected(minutes) and look.chance(minutes) <= _STILL:
        return 0.0
    if not member.requests:
        return 0.0 if failures else -math.inf
    return _log_well(member.failures, member.requests, failures, requests)


def _in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: (member.began_at, member.service_id, member.endpoint)))


def _summary(members: Sequence[Member], suspects: Sequence[Suspect]) -> str:
    services = len({member.service_id for member in members})
    failures, expected = sum(member.failures for member in members), sum(member.expected for member in members)
    names = ", then ".join(member.endpoint for member in members[:_NAMED])
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    of_services = f" of {services} services" if services > 1 else ""
    origin = (
        f"likely origin: {suspects[0].kind.value} {suspects[0].value}"
        if suspects
        else "nothing that they share was found"
    )
    return (
        f"{len(members)} endpoints{of_services} fail together since {members[0].began_at.astimezone(UTC):%H:%M:%S} UTC "
        f"({failures:,} failures, {expected:,.0f} expected): {names}{more}; {origin}."
    )


def _full_minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)
