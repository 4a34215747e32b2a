"""Limited addresses and lockouts: where they come from, and whether they are a spike or an attack.

Addresses are networks (/24, /48) with a keyed hash of the whole (events.ingest.scrub), and are counted by the label ``ip``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from dashboards.reports.auth_names import LIMITED, LOCKOUT, NamedCount, by_step, of_kinds
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.reports.verdicts import Pressure, Verdict, spike_or_attack
from dashboards.window import DAY, HOUR, Span, Window, cut
from events.ingest.guards import OTHER

_ADDRESS = re.compile(r"(?P<network>\S+/\d+) \([0-9a-f]{8}\)")
# Judged are a day at most, so that a night's attack is not lost in a quiet month; hours are told apart up to so long a window.
_LONGEST_JUDGED, _HOURS_TOLD = DAY, 10 * DAY
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
class AddressCount:
    """``address`` is the label of its events: a network and a short hash, or "other" for all that are not counted apart.

    ``events`` is of all that name it, ``limited`` and ``lockouts`` of those kinds; ``accounts`` are users. It was heard of first
    and last in the hours (in windows of more than ten days: the steps) that begin at ``first_seen_at`` and ``last_seen_at``.
    """

    address: str
    network: str
    is_folded: bool
    events: int
    limited: int
    lockouts: int
    accounts: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class NetworkCount:
    network: str
    addresses: int
    events: int
    limited: int
    lockouts: int


@dataclass(frozen=True, slots=True)
class AddressRow:
    """Events of one address and kind; a None stands for all. ``ip`` is "" for none, ``kind`` "other" for neither of ours."""

    ip: str | None
    kind: str | None
    event_count: int
    accounts: int


@dataclass(frozen=True, slots=True)
class _Seen:
    ip: str
    first_place: int
    last_place: int


@dataclass(frozen=True, slots=True)
class _Day:
    day: datetime


def network_of(address: str) -> str:
    """``203.0.113.0/24`` of ``203.0.113.0/24 (3f9a1c2d)``; "" for what is no address."""
    match = _ADDRESS.fullmatch(address)
    return match["network"] if match else ""


def ask_addresses(question: Question, named: Iterable[NamedCount]) -> list[AddressRow]:
    """What limited requests and lockouts, and other events that name an address, came from where."""
    about = of_kinds(named, LIMITED, LOCKOUT)
    return ask("auth_addresses", question, AddressRow, names=list(about), kinds=list(about.values()))


def unnamed_and_folded(rows: Iterable[AddressRow]) -> tuple[int, int]:
    """Limited requests and lockouts that name no address, and those of addresses beyond the ones that are counted apart."""
    apart = [row for row in rows if row.ip is not None and row.kind in (LIMITED, LOCKOUT) and not network_of(row.ip)]
    folded = sum(row.event_count for row in apart if row.ip == OTHER)
    return sum(row.event_count for row in apart) - folded, folded


def addresses_of(question: Question, rows: Iterable[AddressRow]) -> list[AddressCount]:
    """The most events first; what is no address is left out."""
    counts: dict[str, dict[str | None, AddressRow]] = defaultdict(dict)
    for row in rows:
        if row.ip and (row.ip == OTHER or network_of(row.ip)) and row.event_count:
            counts[row.ip][row.kind] = row
    if not counts:
        return []
    window = question.window
    steps = cut(window.span, HOUR, UTC) if window.span.length <= _HOURS_TOLD else question.steps
    seen = {row.ip: row for row in ask("auth_seen", question, _Seen, steps=steps)}
    throughout = _Seen("", 0, len(steps) - 1)
    found = []
    for address, by_kind in counts.items():
        at, total = seen.get(address, throughout), by_kind[None]
        limited, lockouts = (by_kind[kind].event_count if kind in by_kind else 0 for kind in (LIMITED, LOCKOUT))
        found.append(
            AddressCount(
                address=address,
                network=network_of(address),
                is_folded=address == OTHER,
                events=total.event_count,
                limited=limited,
                lockouts=lockouts,
                accounts=total.accounts,
                first_seen_at=steps[at.first_place].start,
                last_seen_at=steps[at.last_place].start,
            )
        )
    return sorted(found, key=lambda one: (-one.events, -one.lockouts, one.address))


def networks_of(addresses: Iterable[AddressCount]) -> list[NetworkCount]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in addresses:
        if not one.is_folded:
            for place, number in enumerate((1, one.events, one.limited, one.lockouts)):
                sums[one.network][place] += number
    return sorted(
        (NetworkCount(network, *counts) for network, counts in sums.items()), key=lambda one: (-one.events, one.network)
    )


# --- Spike or attack --------------------------------------------------------------------------------------------------
def judgements(
    question: Question, named: Iterable[NamedCount], counts: Mapping[str, Sequence[int]], rows: list[AddressRow]
) -> list[Judgement]:
    """``counts`` are events by kind and step of the question's window, ``rows`` its addresses."""
    named = list(named)
    first_day = next(iter(ask("first_day", question, _Day)), None)
    since = first_day.day + DAY if first_day else question.window.end
    known = {question.window.span: rows}
    found = []
    for kind, noun, least, has_accounts in _JUDGED:
        stretch = _judged_stretch(question, counts.get(kind, ()))
        before, days, weeks = 0, list[int](), list[int]()
        if kind in counts:
            narrowed = replace(question, window=Window("custom", stretch, question.window.now))
            if stretch not in known:
                known[stretch] = ask_addresses(narrowed, named)
            before, days, weeks = _earlier(narrowed, of_kinds(named, kind), since)
        pressure = _pressure([row for row in known.get(stretch, ()) if row.kind == kind], before, days, weeks)
        verdict = spike_or_attack(pressure, noun=noun, least=least, has_accounts=has_accounts)
        found.append(Judgement(kind, stretch.start, stretch.end, verdict, pressure))
    return found


def _judged_stretch(question: Question, counts: Sequence[int]) -> Span:
    """The window, or the busiest of its steps (the latest such) when it is longer than a day."""
    steps = question.steps
    if question.window.span.length <= _LONGEST_JUDGED or not any(counts):
        return question.window.span
    return steps[max(range(len(steps)), key=lambda place: (counts[place], place))]


def _earlier(question: Question, names: Mapping[str, str], since: datetime) -> tuple[int, list[int], list[int]]:
    """Events of those names just before the question's window, at its hours of earlier days, and of weeks: the latest first.

    Only of days after ``since``: nobody knows what came before Liftmon heard of anything.
    """
    stretch = question.window.span
    days = [_back(stretch, question.zone, days=number) for number in _DAYS_BACK if stretch.length <= _LONGEST_DAY]
    weeks = [_back(stretch, question.zone, days=7 * number) for number in _WEEKS_BACK]
    days, weeks = ([span for span in spans if span.start >= since] for spans in (days, weeks))
    spans = [question.window.before, *days, *weeks]
    found = {row.place: row.event_count for row in by_step(question, names, spans)}
    counts = [found.get(place, 0) for place in range(len(spans))]
    return counts[0], counts[1 : 1 + len(days)], counts[1 + len(days) :]


def _back(span: Span, zone: tzinfo, *, days: int) -> Span:
    """The same hours on the reader's clock."""
    start, end = (
        (at.astimezone(zone) - timedelta(days=days)).astimezone(span.start.tzinfo) for at in (span.start, span.end)
    )
    return Span(start, end)


def _pressure(rows: Sequence[AddressRow], before: int, days: list[int], weeks: list[int]) -> Pressure:
    """``rows`` are of one kind."""
    total = next((row for row in rows if row.ip is None), AddressRow(None, None, 0, 0))
    apart = [row for row in rows if row.ip and network_of(row.ip)]
    folded = sum(row.event_count for row in rows if row.ip == OTHER)
    networks: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in apart:
        counts = networks[network_of(row.ip or "")]
        counts[0] += row.event_count
        counts[1] += 1
    nobody = AddressRow("", None, 0, 0)
    top = max(apart, key=lambda row: (row.event_count, row.ip or ""), default=nobody)
    network, (network_events, network_addresses) = max(
        networks.items(), key=lambda found: (found[1], found[0]), default=("", [0, 0])
    )
    return Pressure(
        events=total.event_count,
        named=sum(row.event_count for row in apart) + folded,
        folded=folded,
        addresses=len(apart),
        networks=len(networks),
        top_address=top.ip or "",
        top_address_events=top.event_count,
        top_network=network,
        top_network_events=network_events,
        top_network_addresses=network_addresses,
        accounts=total.accounts,
        most_accounts=max((row.accounts for row in apart), default=0),
        before=before,
        days=days,
        weeks=weeks,
    )
