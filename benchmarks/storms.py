"""Storms with known truth: sites of 20 to 60 endpoints, and what happens to them, drawn from a seed. Pure.

Traffic is heavy-tailed (log-normal, around 12 requests a minute), every endpoint has its own share of failures (around 0.3 %) that
drifts from hour to hour, some always fail a little, a tenth is too young to have a usual share, and a fifth had an outage within
the last day.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from alerts.judging.suspects import SuspectKind
from alerts.judging.usual_failures import Span, Usual, usual_of

CASCADES = ("dependency", "release", "first mover")
SLOW_BURN = "slow burn"
# How many of each a seed plays.
MIX = {
    "dependency": 8,
    "release": 7,
    "first mover": 5,
    SLOW_BURN: 4,
    "spike": 4,
    "surge": 4,
    "blip": 6,
    "flaky": 4,
    "quiet": 4,
}
MINUTES = 30
SLOW_MINUTES = 75
# An endpoint is seen to fail when so many failures beyond the usual are to be expected of it in five minutes; three make a cascade.
SEEN_BY = 6.0
_RAMP_SECONDS = 3600.0


@dataclass(slots=True)
class Source:
    """An endpoint: requests a minute, the share of them that fails, and what its ordinary failures carry."""

    service_id: int
    path: str
    per_minute: float
    share: float
    usual: Usual | None
    exception: str
    dependency: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """From ``start`` to ``end`` (seconds) so much more of a source's requests fails; it may take ``ramp`` seconds to get there."""

    source: int
    start: float
    end: float
    share: float
    ramp: float = 0.0
    is_labelled: bool = True

    def share_at(self, seconds: float) -> float:
        return self.share * min(1.0, (seconds - self.start) / self.ramp) if self.ramp else self.share


@dataclass(slots=True)
class Storm:
    """Played for ``seconds``. ``origin``: the true one. ``surge``: by how much traffic grows, from when to when, and whose."""

    kind: str
    sources: list[Source]
    seconds: int = MINUTES * 60
    troubles: list[Trouble] = field(default_factory=list)
    surge: tuple[float, float, float, frozenset[int]] = (1.0, 0.0, 0.0, frozenset())
    origin: tuple[SuspectKind, str] | None = None
    words: dict[str, dict[int, str]] = field(default_factory=dict)  # what failures of the trouble carry, by source
    labelled: float = 1.0  # the share of them that names the dependency
    release: str = "2.7.0"
    released: dict[str, float] = field(default_factory=dict)  # when releases were first seen, in seconds

    @property
    def is_cascade(self) -> bool:
        return self.kind in CASCADES or self.kind == SLOW_BURN

    @property
    def third_onset(self) -> float:
        """When the third of the endpoints begins to fail, of those that are seen to: from then on there is something to detect."""
        seen = [one.start for one in self.troubles if _failures(self.sources[one.source], one.share) >= SEEN_BY]
        return sorted(seen)[2]

    @property
    def earliest(self) -> float:
        """The same of all of them, so that to name it earlier would be wrong."""
        return sorted(one.start for one in self.troubles)[2]

    @property
    def end(self) -> float:
        return max(one.end for one in self.troubles)


def storms_of(seed: int, scale: float = 1.0) -> list[Storm]:
    """``scale``: a part of the mix, at least one of each kind."""
    rng = random.Random(seed)  # noqa: S311 - storms need no cryptography
    return [_KINDS[kind](rng) for kind, number in MIX.items() for _ in range(max(1, round(number * scale)))]


def _site(rng: random.Random, kind: str) -> Storm:
    services = rng.randint(1, 4)
    flaky = rng.randint(0, 3)
    sources = []
    for number in range(rng.randint(20, 60)):
        per_minute = min(12 * rng.lognormvariate(0, 1.5), 2_000)
        share = rng.uniform(0.03, 0.2) if number < flaky else min(0.003 * rng.lognormvariate(0, 1), 0.05)
        spans = _last_day(rng, per_minute, share)
        dependency = rng.choice(("openai", "stripe", "postgres")) if rng.random() < 0.3 else ""
        sources.append(
            Source(
                1 + number % services,
                f"/api/thing-{number}",
                per_minute,
                share,
                None if rng.random() < 0.1 else usual_of(spans),
                f"OrdinaryError {number}",
                dependency,
            )
        )
    storm = Storm(kind, sources)
    # Releases come and go, mostly without harm.
    storm.released = {storm.release: -rng.uniform(0, 7200) if rng.random() < 0.25 else -rng.uniform(86_400, 900_000)}
    return storm


def _last_day(rng: random.Random, per_minute: float, share: float) -> list[Span]:
    outage = rng.randrange(24) if rng.random() < 0.2 else -1
    spans = []
    for hour in range(24):
        failing = 0.3 if hour == outage else min(share * rng.lognormvariate(0, 0.25), 1.0)
        requests = poisson(rng, per_minute * 60 * rng.lognormvariate(0, 0.3))
        spans.append(Span(min(poisson(rng, requests * failing), requests), requests))
    return spans


def _failures(source: Source, share: float) -> float:
    return 5 * source.per_minute * share


def _victims(rng: random.Random, storm: Storm, number: int, share: Callable[[], float]) -> list[tuple[int, float]]:
    """Different sources with the share of each, whatever their traffic is; at least three of them are seen to fail."""
    while True:
        chosen = [(source, share()) for source in rng.sample(range(len(storm.sources)), number)]
        if sum(_failures(storm.sources[source], more) >= SEEN_BY for source, more in chosen) >= 3:
            return chosen


def _strength(rng: random.Random) -> Callable[[], float]:
    """Some storms break everything, others a sixth of the requests; not every endpoint alike."""
    middle = rng.uniform(0.15, 0.95)
    return lambda: min(max(middle * rng.uniform(0.6, 1.4), 0.1), 1.0)


def _span(rng: random.Random) -> tuple[float, float]:
    start = rng.uniform(240, 720)
    return start, start + rng.uniform(480, 900)


def _dependency(rng: random.Random) -> Storm:
    storm = _site(rng, "dependency")
    start, end = _span(rng)
    name = rng.choice(("anthropic", "search", "mail", "openai"))
    victims = _victims(rng, storm, rng.randint(3, 15), _strength(rng))
    storm.troubles = [Trouble(source, start + rng.uniform(0, 15), end, share) for source, share in victims]
    storm.origin = (SuspectKind.DEPENDENCY, name)
    # Where nobody labels failures with what they wait for, nothing in the data names the dependency.
    storm.labelled = rng.uniform(0.6, 1.0) if rng.random() < 0.9 else 0.0
    storm.words = {
        "dependency": dict.fromkeys((source for source, _ in victims), name),
        "exception": {
            source: "ProviderTimeout" if rng.random() < 0.7 else f"TimeoutError {source}" for source, _ in victims
        },
    }
    _surge_of_retries(rng, storm)
    return storm


def _release(rng: random.Random) -> Storm:
    storm = _site(rng, "release")
    start, end = _span(rng)
    victims = _victims(rng, storm, rng.randint(3, 12), _strength(rng))
    rollout = rng.uniform(0, 120)
    storm.troubles = [Trouble(source, start + rng.uniform(0, rollout), end, share) for source, share in victims]
    storm.origin = (SuspectKind.RELEASE, "2.8.0")
    storm.released["2.8.0"] = start - rng.uniform(0, 60)
    has_common = rng.random() < 0.6
    storm.words = {
        "release": dict.fromkeys((source for source, _ in victims), "2.8.0"),
        "exception": {source: "TypeError" if has_common else f"TypeError {source}" for source, _ in victims},
    }
    _surge_of_retries(rng, storm)
    return storm


def _first_mover(rng: random.Random) -> Storm:
    storm = _site(rng, "first mover")
    start, end = _span(rng)
    victims = _victims(rng, storm, rng.randint(4, 10), _strength(rng))
    # What others depend on is not the endpoint that nobody calls.
    victims.sort(key=lambda victim: -_failures(storm.sources[victim[0]], victim[1]))
    first, at = victims[0][0], start
    rest = victims[1:]
    rng.shuffle(rest)
    for source, share in [victims[0], *rest]:
        storm.troubles.append(Trouble(source, at, max(end, at + 480), share))
        at += rng.uniform(15, 90)
    path = storm.sources[first].path
    storm.origin = (SuspectKind.FIRST_MOVER, path)
    common = rng.choice(("HTTP 503", f"ConnectionError: {path}", ""))
    storm.words = {
        "exception": {source: common or f"Error {source}" for source, _ in victims} | {first: "OutOfMemoryError"}
    }
    _surge_of_retries(rng, storm)
    return storm


def _slow_burn(rng: random.Random) -> Storm:
    storm = _site(rng, SLOW_BURN)
    storm.seconds = SLOW_MINUTES * 60
    final = rng.uniform(0.08, 0.3)
    victims = _victims(rng, storm, rng.randint(3, 10), lambda: final * rng.uniform(0.7, 1.3))
    start = rng.uniform(120, 480)
    storm.troubles = [
        Trouble(source, start, float(storm.seconds), share, ramp=_RAMP_SECONDS) for source, share in victims
    ]
    common = "PoolTimeout" if rng.random() < 0.5 else ""
    storm.words = {"exception": {source: common or f"Error {source}" for source, _ in victims}}
    return storm


def _spike(rng: random.Random) -> Storm:
    """One endpoint, sometimes two, however badly."""
    storm = _site(rng, "spike")
    start, _ = _span(rng)
    for source in rng.sample(range(len(storm.sources)), rng.choice((1, 1, 1, 2))):
        storm.troubles.append(Trouble(source, start, start + rng.uniform(60, 1200), rng.uniform(0.3, 1.0)))
    return storm


def _surge(rng: random.Random) -> Storm:
    storm = _site(rng, "surge")
    start, end = _span(rng)
    number = rng.randint(len(storm.sources) // 2, len(storm.sources))
    storm.surge = (rng.uniform(3, 10), start, end, frozenset(rng.sample(range(len(storm.sources)), number)))
    return storm


def _blip(rng: random.Random) -> Storm:
    """A restart: some endpoints at once, for seconds."""
    storm = _site(rng, "blip")
    start, _ = _span(rng)
    length, share = rng.uniform(3, 25), rng.uniform(0.3, 1.0)
    for source in rng.sample(range(len(storm.sources)), rng.randint(3, 8)):
        at = start + rng.uniform(0, 3)
        storm.troubles.append(Trouble(source, at, at + length, share))
    storm.released["2.8.0"] = start
    storm.words = {"release": {one.source: "2.8.0" for one in storm.troubles}}
    return storm


def _flaky(rng: random.Random) -> Storm:
    """Many that always fail a little, and now and then a little more, each at its own time."""
    storm = _site(rng, "flaky")
    for source in rng.sample(range(len(storm.sources)), rng.randint(3, 8)):
        one = storm.sources[source]
        one.share = rng.uniform(0.03, 0.2)
        one.usual = usual_of(_last_day(rng, one.per_minute, one.share))
        start = rng.uniform(120, MINUTES * 60 - 240)
        storm.troubles.append(Trouble(source, start, start + rng.uniform(60, 180), one.share, is_labelled=False))
    return storm


def _quiet(rng: random.Random) -> Storm:
    return _site(rng, "quiet")


def _surge_of_retries(rng: random.Random, storm: Storm) -> None:
    """What fails is asked for again, or given up."""
    sources = frozenset(one.source for one in storm.troubles)
    start = min(one.start for one in storm.troubles)
    storm.surge = (rng.choice((0.7, 1.0, 1.0, 1.5)), start, storm.end, sources)


_KINDS: dict[str, Callable[[random.Random], Storm]] = {
    "dependency": _dependency,
    "release": _release,
    "first mover": _first_mover,
    SLOW_BURN: _slow_burn,
    "spike": _spike,
    "surge": _surge,
    "blip": _blip,
    "flaky": _flaky,
    "quiet": _quiet,
}


def poisson(rng: random.Random, mean: float) -> int:
    """Exact for few, by the normal distribution for many."""
    if mean <= 0:
        return 0
    if mean > 40:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
