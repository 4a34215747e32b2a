"""Where lockouts and limited requests come from.

Addresses are networks (/24, /48) with a keyed hash of the whole (events.ingest.scrub), and are counted by the label ``ip``.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboards.reports.auth_names import KINDS, LIMITED, LOCKOUT, NamedCount
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.window import DAY, HOUR, Span, cut
from events.ingest.guards import OTHER

_ADDRESS = re.compile(r"(?P<network>\S+/\d+) \([0-9a-f]{8}\)")
# Up to so long a window, hours are told apart, where those of the reader's clock are full ones of UTC.
_HOURS_TOLD = 10 * DAY


@dataclass(frozen=True, slots=True)
class AddressCount:
    """``address`` is the label of its events: a network and a short hash, or "other" for all that are not counted apart.

    ``events`` is of all that name it, ``limited`` and ``lockouts`` of those kinds; ``accounts`` are users. It was heard of first
    and last in the hours that begin at ``first_seen_at`` and ``last_seen_at`` (steps of the window when it is longer than ten days
    or the reader's clock is off by a part of an hour).
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
class Origin:
    """Events of one address ("" for none) and kind, and the first and last step that has any."""

    event_count: int
    first_place: int
    last_place: int


@dataclass(frozen=True, slots=True)
class Origins:
    """What came from where in some steps, by (address, kind); of ``accounts``, a None stands for all."""

    steps: list[Span]
    by_address: Mapping[tuple[str, str], Origin]
    by_step: Mapping[str, Sequence[int]]
    accounts: Mapping[tuple[str | None, str | None], int]


@dataclass(frozen=True, slots=True)
class _Row:
    ip: str | None
    kind: str
    place: int | None
    event_count: int
    first_place: int
    last_place: int


@dataclass(frozen=True, slots=True)
class _Accounts:
    ip: str | None
    kind: str | None
    accounts: int


def network_of(address: str) -> str:
    """``203.0.113.0/24`` of ``203.0.113.0/24 (3f9a1c2d)``; "" for what is no address."""
    match = _ADDRESS.fullmatch(address)
    return match["network"] if match else ""


def steps_of(question: Question) -> list[Span]:
    """Those of the window's charts, or hours that make them up."""
    window, steps = question.window, question.steps
    if window.step <= HOUR or window.span.length > _HOURS_TOLD or _is_off(question):
        return steps
    return cut(window.span, HOUR, question.zone)


def _is_off(question: Question) -> bool:
    """Whether hours begin elsewhere on the reader's clock: then they would have to be put together from minutes."""
    offsets = (at.astimezone(question.zone).utcoffset() for at in (question.window.start, question.window.end))
    return any(offset and offset % HOUR for offset in offsets)


def origins(question: Question, named: Iterable[NamedCount], steps: list[Span]) -> Origins:
    """Of all kinds of ``named`` events, and of others that name an address ("other"), in two queries."""
    about = {one.name: one.kind for one in named}
    parameters: dict[str, Any] = {"names": list(about), "kinds": list(about.values())}
    by_address: dict[tuple[str, str], Origin] = {}
    by_step: dict[str, list[int]] = defaultdict(lambda: [0] * len(steps))
    for row in ask("auth_addresses", question, _Row, steps=steps, **parameters):
        if row.place is not None:
            by_step[row.kind][row.place] = row.event_count
        elif row.ip is not None:
            by_address[row.ip, row.kind] = Origin(row.event_count, row.first_place, row.last_place)
    accounts = {}
    if by_address:
        accounts = {(row.ip, row.kind): row.accounts for row in ask("auth_accounts", question, _Accounts, **parameters)}
    return Origins(steps, by_address, by_step, accounts)


def counts_by_step(question: Question, found: Origins) -> dict[str, list[int]]:
    """Events of each kind in the steps of the window's charts, which the steps of ``found`` make up."""
    steps = question.steps
    places, place = [], 0
    for step in found.steps:
        while step.start >= steps[place].end:
            place += 1
        places.append(place)
    counts = {kind: [0] * len(steps) for kind, _ in KINDS if kind in found.by_step}
    for kind, summed in counts.items():
        for place, count in zip(places, found.by_step[kind], strict=True):
            summed[place] += count
    return counts


def unnamed_and_folded(found: Origins) -> tuple[int, int]:
    """Limited requests and lockouts that name no address, and those of addresses beyond the ones that are counted apart."""
    unnamed = folded = 0
    for (address, kind), origin in found.by_address.items():
        if kind in (LIMITED, LOCKOUT):
            if address == OTHER:
                folded += origin.event_count
            elif not network_of(address):
                unnamed += origin.event_count
    return unnamed, folded


def addresses_of(found: Origins) -> list[AddressCount]:
    """The most events first; what is no address is left out."""
    by_kind: dict[str, dict[str, Origin]] = defaultdict(dict)
    for (address, kind), origin in found.by_address.items():
        if address == OTHER or network_of(address):
            by_kind[address][kind] = origin
    nothing = Origin(0, 0, 0)
    addresses = [
        AddressCount(
            address=address,
            network=network_of(address),
            is_folded=address == OTHER,
            events=sum(origin.event_count for origin in kinds.values()),
            limited=kinds.get(LIMITED, nothing).event_count,
            lockouts=kinds.get(LOCKOUT, nothing).event_count,
            accounts=found.accounts.get((address, None), 0),
            first_seen_at=found.steps[min(origin.first_place for origin in kinds.values())].start,
            last_seen_at=found.steps[max(origin.last_place for origin in kinds.values())].start,
        )
        for address, kinds in by_kind.items()
    ]
    return sorted(addresses, key=lambda one: (-one.events, -one.lockouts, one.address))


def networks_of(addresses: Iterable[AddressCount]) -> list[NetworkCount]:
    """The most events first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in addresses:
        if not one.is_folded:
            for place, number in enumerate((1, one.events, one.limited, one.lockouts)):
                sums[one.network][place] += number
    return sorted(
        (NetworkCount(network, *counts) for network, counts in sums.items()), key=lambda one: (-one.events, one.network)
    )
