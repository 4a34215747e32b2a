"""Limited requests and lockouts: are they a spike or an attack?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from dashboards.reports.addresses import Origins, network_of, origins
from dashboards.reports.auth_names import LIMITED, LOCKOUT, NamedCount, by_step, of_kinds
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.reports.verdicts import Pressure, Verdict, spike_or_attack
from dashboards.window import DAY, HOUR, Span, Window
from events.ingest.guards import OTHER

# Judged is a day at most, so that a night's attack is not lost in a quiet month.
_LONGEST_JUDGED = DAY
# A day on which a clock is put back.
_LONGEST_DAY = DAY + HOUR
# (kind, what one is called, how many say anything at all, whether each is about an account)
_JUDGED = ((LIMITED, "rate-limited request", 10, False), (LOCKOUT, "lockout", 5, True))
_DAYS_BACK, _WEEKS_BACK = range(1, 8), range(1, 5)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Spike or attack? ``start`` and ``end`` bound what was judged: the window, or its busiest step when it is longer than a day.

    ``kind`` is "limited" or "lockout".
    """

    kind: str
    start: datetime
    end: datetime
    verdict: Verdict
    pressure: Pressure


@dataclass(frozen=True, slots=True)
class _Compared:
    """What a stretch of time is compared with: the time just before, as long, and its hours on earlier days and weekdays."""

    before: Span
    days: list[Span]
    weeks: list[Span]

    @property
    def spans(self) -> list[Span]:
        return [self.before, *self.days, *self.weeks]


@dataclass(frozen=True, slots=True)
class _Day:
    day: datetime


def judgements(
    question: Question, named: Sequence[NamedCount], counts: Mapping[str, Sequence[int]], found: Origins
) -> list[Judgement]:
    """``counts`` are events by kind and step of the question's window, ``found`` where they came from."""
    known = {question.window.span: found}
    stretches, compared = {}, {}
    since = _known_since(question) if any(kind in counts for kind, *_ in _JUDGED) else question.window.end
    for kind, *_ in _JUDGED:
        stretch = stretches[kind] = _judged_stretch(question, counts.get(kind, ()))
        if kind in counts:
            narrowed = replace(question, window=Window("custom", stretch, question.window.now))
            compared[kind] = _compared_with(narrowed, since)
            if stretch not in known:
                known[stretch] = origins(narrowed, [one for one in named if one.kind in (LIMITED, LOCKOUT)], [stretch])
    earlier = _counted(question, named, counts, compared)
    judged = []
    for kind, *_ in _JUDGED:
        stretch = stretches[kind]
        pressure = _NONE
        if kind in compared:
            of = compared[kind]
            pressure = _pressure(
                known[stretch],
                kind,
                before=earlier[kind, of.before],
                days=[earlier[kind, span] for span in of.days],
                weeks=[earlier[kind, span] for span in of.weeks],
            )
        judged.append(Judgement(kind, stretch.start, stretch.end, verdict_on(kind, pressure), pressure))
    return judged


def verdict_on(kind: str, pressure: Pressure) -> Verdict:
    """Spike or attack, in the formats of whoever reads it now. Pure."""
    _, noun, least, has_accounts = next(one for one in _JUDGED if one[0] == kind)
    return spike_or_attack(pressure, noun=noun, least=least, has_accounts=has_accounts)


def _judged_stretch(question: Question, counts: Sequence[int]) -> Span:
    """The window, or the busiest of its steps (the latest such) when it is longer than a day."""
    steps = question.steps
    if question.window.span.length <= _LONGEST_JUDGED or not any(counts):
        return question.window.span
    return steps[max(range(len(steps)), key=lambda place: (counts[place], place))]


def _known_since(question: Question) -> datetime:
    """Nobody knows what came before the first whole day of which anything is counted."""
    first = next(iter(ask("first_day", question, _Day)), None)
    return first.day + DAY if first else question.window.end


def _compared_with(question: Question, since: datetime) -> _Compared:
    """The spans that the question's window is compared with, the latest first."""
    stretch = question.window.span
    days = [_back(stretch, question.zone, days=number) for number in _DAYS_BACK if stretch.length <= _LONGEST_DAY]
    weeks = [_back(stretch, question.zone, days=7 * number) for number in _WEEKS_BACK]
    return _Compared(
        question.window.before,
        [span for span in days if span.start >= since],
        [span for span in weeks if span.start >= since],
    )


def _back(span: Span, zone: tzinfo, *, days: int) -> Span:
    """The same hours on the reader's clock."""
    start, end = (
        (at.astimezone(zone) - timedelta(days=days)).astimezone(span.start.tzinfo) for at in (span.start, span.end)
    )
    return Span(start, end)


def _counted(
    question: Question,
    named: Sequence[NamedCount],
    counts: Mapping[str, Sequence[int]],
    compared: Mapping[str, _Compared],
) -> Mapping[tuple[str, Span], int]:
    """Events of each kind in the spans that it is compared with. What the charts know already is not asked for again."""
    earlier: dict[tuple[str, Span], int] = defaultdict(int)
    for kind in compared:
        earlier |= {(kind, step): count for step, count in zip(question.steps, counts[kind], strict=True)}
    wanted = [span for kind, of in compared.items() for span in of.spans if (kind, span) not in earlier]
    spans = list(dict.fromkeys(wanted))
    if spans:
        for row in by_step(question, of_kinds(named, *compared), spans):
            earlier[row.kind, spans[row.place]] = row.event_count
    return earlier


def _pressure(found: Origins, kind: str, *, before: int, days: list[int], weeks: list[int]) -> Pressure:
    by_address = {address: origin for (address, of_kind), origin in found.by_address.items() if of_kind == kind}
    apart = {address: origin.event_count for address, origin in by_address.items() if network_of(address)}
    folded = by_address[OTHER].event_count if OTHER in by_address else 0
    networks: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for address, count in apart.items():
        counts = networks[network_of(address)]
        counts[0] += count
        counts[1] += 1
    top, top_count = max(apart.items(), key=lambda one: (one[1], one[0]), default=("", 0))
    network, (network_count, network_addresses) = max(
        networks.items(), key=lambda one: (one[1], one[0]), default=("", [0, 0])
    )
    return Pressure(
        events=sum(origin.event_count for origin in by_address.values()),
        named=sum(apart.values()) + folded,
        folded=folded,
        addresses=len(apart),
        networks=len(networks),
        top_address=top,
        top_address_events=top_count,
        top_network=network,
        top_network_events=network_count,
        top_network_addresses=network_addresses,
        accounts=found.accounts.get((None, kind), 0),
        most_accounts=max((found.accounts.get((address, kind), 0) for address in apart), default=0),
        before=before,
        days=days,
        weeks=weeks,
    )


_NONE = _pressure(Origins([], {}, {}, {}), "", before=0, days=[], weeks=[])
