"""Auth and abuse: lockouts, limited addresses and whether they are a spike or an attack; who is not let in; sessions that fail."""

from dataclasses import dataclass

from dashboards.reports.abuse import Judgement, judgements
from dashboards.reports.addresses import (
    AddressCount,
    NetworkCount,
    addresses_of,
    counts_by_step,
    networks_of,
    origins,
    steps_of,
    unnamed_and_folded,
)
from dashboards.reports.auth_names import NamedCount, named_counts
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
    found = origins(question, named, steps_of(question))
    counts = counts_by_step(question, found)
    addresses = addresses_of(found)
    unnamed, folded = unnamed_and_folded(found)
    return AuthAndAbuse(
        names=named,
        judgements=judgements(question, named, counts, found),
        addresses=addresses,
        networks=networks_of(addresses),
        unnamed=unnamed,
        folded=folded,
        sessions=sessions(question, named, attempts),
        steps=question.steps,
        by_step=[KindSteps(kind, event_counts) for kind, event_counts in counts.items()],
        new_releases=new_releases(question),
    )
