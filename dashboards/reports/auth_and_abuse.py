"""Auth and abuse: lockouts, limited addresses and whether they are a spike or an attack; who is not let in; sessions that fail."""

from collections import defaultdict
from dataclasses import dataclass

from dashboards.reports.abuse import (
    AddressCount,
    Judgement,
    NetworkCount,
    addresses_of,
    ask_addresses,
    judgements,
    networks_of,
    unnamed_and_folded,
)
from dashboards.reports.auth_names import KINDS, NamedCount, by_step, named_counts
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease, new_releases
from dashboards.reports.sessions import Sessions, sessions
from dashboards.window import Span


@dataclass(frozen=True, slots=True)
class KindSteps:
    """Events of one kind, a number for each of the report's steps."""

    kind: str
    event_counts: list[int]


@dataclass(frozen=True, slots=True)
class AuthAndAbuse:
    """``unnamed`` and ``folded`` are limited requests and lockouts: without an address, or with one that is not counted apart."""

    names: list[NamedCount]
    judgements: list[Judgement]
    addresses: list[AddressCount]
    networks: list[NetworkCount]
    unnamed: int
    folded: int
    sessions: Sessions
    steps: list[Span]
    by_step: list[KindSteps]
    new_releases: list[NewRelease]


def auth_and_abuse(question: Question) -> AuthAndAbuse:
    """Every name that tells of it in this window or in the one before."""
    named, attempts = named_counts(question)
    counts = _by_step(question, named)
    rows = ask_addresses(question, named)
    addresses = addresses_of(question, rows)
    unnamed, folded = unnamed_and_folded(rows)
    return AuthAndAbuse(
        names=named,
        judgements=judgements(question, named, counts, rows),
        addresses=addresses,
        networks=networks_of(addresses),
        unnamed=unnamed,
        folded=folded,
        sessions=sessions(question, named, attempts),
        steps=question.steps,
        by_step=[KindSteps(kind, counts[kind]) for kind, _ in KINDS if kind in counts],
        new_releases=new_releases(question),
    )


def _by_step(question: Question, named: list[NamedCount]) -> dict[str, list[int]]:
    """By kind; kinds without events in the window are left out."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(question.steps))
    for row in by_step(question, {one.name: one.kind for one in named}):
        counts[row.kind][row.place] = row.event_count
    return dict(counts)
