"""Where a cascade comes from: who fell first, and what the failures of its members have in common. Pure.

A release is shared by everything that runs it, so it is suspected for its age: it must have come shortly before the first endpoint
fell. A common exception is often a symptom, so it is named behind a dependency that explains as much.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

type Words = Mapping[str, Mapping[str, int]]
"""Of the recent failures of an endpoint: "release", "environment", "exception", "dependency" → value → failures."""


class SuspectKind(StrEnum):
    FIRST_MOVER = "first mover"
    RELEASE = "release"
    DEPENDENCY = "dependency"
    EXCEPTION = "exception"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Suspect:
    """``value``: the release, the dependency, …, or the endpoint that fell first. ``score`` is from 0 to 1, and no probability.

    ``evidence`` is one or more sentences.
    """

    kind: SuspectKind
    value: str
    score: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witness:
    """A member of the cascade, as far as its origin is concerned. ``failures_per_second`` since ``began_at``."""

    service_id: int
    endpoint: str
    began_at: datetime
    is_exact: bool
    failures: int
    failures_per_second: float
    words: Words


# What explains a cascade entirely scores so much.
_WEIGHTS = {
    SuspectKind.DEPENDENCY: 0.95,
    SuspectKind.RELEASE: 0.9,
    SuspectKind.FIRST_MOVER: 0.85,
    SuspectKind.EXCEPTION: 0.6,
    SuspectKind.ENVIRONMENT: 0.4,
}
# Not every failure is labelled: a word is a member's when a quarter of its failures carry it, for certain when half of them do.
_CARRIES, _CARRIES_SURELY = 0.25, 0.5
# Half of the members, and never one alone.
_SHARED = 0.5
_LEAST_SCORE = 0.25
# A release is suspected half as much for each quarter of an hour in which nothing fell; clocks and minutes are off by so much.
_FRESH = timedelta(minutes=15)
_SLACK = timedelta(minutes=2)
_UNDATED = 0.5
# A lead of so many seconds is half certain; minutes alone tell less than exact times do.
_LEAD_EXACT, _LEAD_BY_MINUTES = 15.0, 45.0
# What fails so many seconds before the others has little to do with them.
_LONGEST_LEAD = 600.0


def suspects_of(
    witnesses: Sequence[Witness], *, others: Collection[Words] = (), released_at: Mapping[str, datetime] | None = None
) -> tuple[Suspect, ...]:
    """The likeliest first; none where nothing is shared and all fell at once. ``others``: words of endpoints that are no members.

    ``released_at``: when each release was first seen, as far as it is known.
    """
    if len(witnesses) < 2:
        return ()
    found = [
        *_shared(witnesses, SuspectKind.DEPENDENCY),
        *_releases(witnesses, released_at or {}),
        *_shared(witnesses, SuspectKind.EXCEPTION),
        *_environments(witnesses, others),
        *_first_mover(witnesses),
    ]
    likely = [suspect for suspect in found if suspect.score >= _LEAST_SCORE]
    return tuple(sorted(likely, key=lambda suspect: (-suspect.score, suspect.kind, suspect.value)))


def _shared(witnesses: Sequence[Witness], kind: SuspectKind) -> list[Suspect]:
    shares: dict[str, list[float]] = {}
    for witness in witnesses:
        labelled = max((sum(counts.values()) for counts in witness.words.values()), default=0)
        for value, count in witness.words.get(kind, {}).items():
            if value and labelled > 0 and count / labelled >= _CARRIES:
                shares.setdefault(value, []).append(min(count / labelled, 1.0))
    found = []
    for value, of_carriers in shares.items():
        carriers = len(of_carriers)
        if carriers < 2 or carriers < _SHARED * len(witnesses):
            continue
        sureness = min(1.0, sum(of_carriers) / carriers / _CARRIES_SURELY)
        score = _WEIGHTS[kind] * carriers / len(witnesses) * sureness
        share = 100 * sum(of_carriers) / carriers
        sentence = (
            f"{share:.0f} % of the failures of {carriers} of {len(witnesses)} endpoints name the {kind.value} {value}."
        )
        found.append(Suspect(kind, value, round(score, 3), (sentence,)))
    return found


def _releases(witnesses: Sequence[Witness], released_at: Mapping[str, datetime]) -> list[Suspect]:
    found = []
    for suspect in _shared(witnesses, SuspectKind.RELEASE):
        seen = released_at.get(suspect.value)
        if seen is None:
            freshness, sentence = _UNDATED, "When it was first seen is not known."
        else:
            # One endpoint that failed before it does not clear a release of the others.
            ages = [witness.began_at - seen for witness in witnesses if witness.began_at >= seen - _SLACK]
            age = max(min(ages, default=timedelta()), timedelta())
            freshness = len(ages) / len(witnesses) * math.exp2(-age / _FRESH)
            sentence = (
                f"It was first seen at {_clock(seen)} on {seen.astimezone(UTC):%Y-%m-%d}; "
                f"{len(ages)} of {len(witnesses)} endpoints fell after it, the first {_spoken(age)} later."
                if ages
                else f"But it was first seen at {_clock(seen)}, when all of them failed already."
            )
        score = round(suspect.score * freshness, 3)
        found.append(Suspect(suspect.kind, suspect.value, score, (*suspect.evidence, sentence)))
    return found


def _environments(witnesses: Sequence[Witness], others: Collection[Words]) -> list[Suspect]:
    """An environment says something only where there is another one."""
    known = {value for words in others for value in words.get(SuspectKind.ENVIRONMENT, {})}
    return [suspect for suspect in _shared(witnesses, SuspectKind.ENVIRONMENT) if known - {suspect.value}]


def _first_mover(witnesses: Sequence[Witness]) -> list[Suspect]:
    first, second, *_ = sorted(witnesses, key=lambda witness: (witness.began_at, witness.service_id, witness.endpoint))
    # An endpoint with few requests shows late that it fell.
    patience = 1 / second.failures_per_second if second.failures_per_second > 0 else 0.0
    lead = (second.began_at - first.began_at).total_seconds()
    certain = lead - patience
    if certain <= 0 or lead > _LONGEST_LEAD:
        return []
    half = _LEAD_EXACT if first.is_exact and second.is_exact else _LEAD_BY_MINUTES
    evidence = [
        f"{first.endpoint} fell at {_clock(first.began_at)}, {lead:.0f} seconds before the next, {second.endpoint}."
    ]
    likely = 1 - math.exp2(-certain / half)
    if _is_named_by_others(first, witnesses):
        likely = max(likely, 0.95)
        evidence.append(f"Exceptions of the others name {first.endpoint}.")
    score = round(_WEIGHTS[SuspectKind.FIRST_MOVER] * likely, 3)
    return [Suspect(SuspectKind.FIRST_MOVER, first.endpoint, score, tuple(evidence))]


def _is_named_by_others(first: Witness, witnesses: Sequence[Witness]) -> bool:
    path = first.endpoint.rpartition(" ")[2]  # without the method
    if len(path) < 3:
        return False
    return any(
        path in exception
        for witness in witnesses
        if witness is not first
        for exception in witness.words.get(SuspectKind.EXCEPTION, {})
    )


def _spoken(age: timedelta) -> str:
    seconds = age.total_seconds()
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:,.0f} minutes"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"
