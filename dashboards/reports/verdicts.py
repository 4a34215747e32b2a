"""Answers in words, with their evidence, and only as far as the numbers carry. Pure.

What is claimed is claimed beyond chance: a provider fails most when its interval lies above every other's; an attack is one when
there is more than usual and a signal that crowds of ordinary people do not give.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.pages.words import bounds, counted, joined, percent
from dashboards.statistics import Share, share_of
from events import formats


@dataclass(frozen=True, slots=True)
class Verdict:
    """``kind`` is one of the words of the function that judged; ``sentence`` says it to people, ``evidence`` says why."""

    kind: str
    sentence: str
    evidence: list[str]


# --- Which provider fails most ----------------------------------------------------------------------------------------
FAILS_MOST, NO_DIFFERENCE, CALLS_UNKNOWN, ONLY_ONE, NOTHING_FAILED = (
    "fails most", "no difference", "calls unknown", "only one", "nothing failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProviderRate:
    """``rate`` is of failures among calls, unknown where the calls are."""

    provider: str
    failures: int
    rate: Share


def worst_provider(providers: Sequence[ProviderRate]) -> Verdict:
    """Which provider fails most: claimed only when the interval of its failure rate lies above those of all others."""
    failing = sorted((one for one in providers if one.failures), key=lambda one: (-one.failures, one.provider))
    known = sorted(
        (one for one in providers if one.rate.share is not None),
        key=lambda one: (-(one.rate.share or 0), -one.rate.low, one.provider),
    )
    unknown = [one for one in failing if one.rate.share is None]
    evidence = [_rate_in_words(one) for one in known]
    evidence += [
        f"{one.provider}: {counted(one.failures, 'failure')}; how many calls there were is not known."
        for one in unknown
    ]
    if not failing:
        return Verdict(NOTHING_FAILED, "No AI provider failed.", evidence)
    if unknown and (not known or unknown[0].failures == failing[0].failures):
        return Verdict(CALLS_UNKNOWN, _unknown_in_words(failing), evidence)
    if len(known) == 1 and not unknown:
        return Verdict(ONLY_ONE, f"All calls went to one provider: {_rate_in_words(known[0])}", [])
    worst, *others = known
    near = [one.provider for one in others if one.rate.high >= worst.rate.low]
    if near:
        sentence = (
            f"No provider can be said to fail most: {worst.provider} fails in {percent(worst.rate.share)} of its calls, but that "
            f"overlaps with what is known of {joined(near)}."
        )
        if less := [one.provider for one in others if one.provider not in near]:
            sentence += f" It fails more than {joined(less)}."
        return Verdict(NO_DIFFERENCE, sentence, evidence)
    if unknown:
        names = joined([one.provider for one in unknown])
        sentence = f"{worst.provider} fails most of those whose calls are known; those of {names} are not."
        return Verdict(CALLS_UNKNOWN, sentence, evidence)
    sentence = (
        f"{worst.provider} fails most: {percent(worst.rate.share)} of its {formats.number(worst.rate.total)} calls."
    )
    return Verdict(FAILS_MOST, sentence, evidence)


def _unknown_in_words(failing: Sequence[ProviderRate]) -> str:
    total = sum(one.failures for one in failing)
    first = failing[0]
    most = (
        f"{first.provider} has the most failures, {formats.number(first.failures)} of {formats.number(total)}"
        if len(failing) > 1 and first.failures > failing[1].failures
        else f"{joined([one.provider for one in failing])} failed {formats.number(total)} times"
    )
    return f"{most}, but how many calls were made is not known: nobody can say which fails most often."


def _rate_in_words(one: ProviderRate) -> str:
    rate = one.rate
    failed = f"{formats.number(one.failures)} of {counted(rate.total, 'call')} failed"
    return f"{one.provider}: {failed}, {percent(rate.share)} ({bounds(rate)})."


# --- Spike or attack --------------------------------------------------------------------------------------------------
ATTACK, SPIKE, USUAL, TOO_LITTLE = "attack", "spike", "usual", "too little to say"
# So many times the usual, and so many standard deviations of a count above it, is more than usual.
_TIMES_USUAL, _DEVIATIONS = 2.0, 3.0
# A crowd does not come from one network for more than half, or from one address for more than a quarter.
_NETWORK_SHARE, _ADDRESS_SHARE = 0.5, 0.25
# One household has few accounts; one account has few addresses.
_ACCOUNTS_OF_ADDRESS, _TIMES_AN_ACCOUNT, _ADDRESSES_OF_ACCOUNTS = 5, 5, 5
# Below that share of events that name their address nobody knows where they come from.
_NAMED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Pressure:
    """What came in one stretch of time, from where, and how much comes usually.

    Of the ``events``, ``named`` name their address, ``folded`` of them one beyond those that are counted apart; ``addresses`` and
    ``networks`` (/24, /48) are of the others. ``most_accounts`` were met from one address. ``before`` came in the stretch just
    before, which was as long; ``days`` and ``weeks`` at the same hours of the days before and of the same weekday before, the
    latest first, as far back as anything is known. A single week says nothing where there are days: it may have had its own attack.
    """

    events: int
    named: int
    folded: int
    addresses: int
    networks: int
    top_address: str
    top_address_events: int
    top_network: str
    top_network_events: int
    top_network_addresses: int
    accounts: int
    most_accounts: int
    before: int
    days: list[int]
    weeks: list[int]

    @property
    def usual(self) -> float | None:
        """The larger of the middle of the days and of the weeks; None: nothing is known."""
        return max((statistics.median(counts) for counts in (self.days, self.compared_weeks) if counts), default=None)

    @property
    def compared_weeks(self) -> list[int]:
        return self.weeks if len(self.weeks) > 1 or not self.days else []


def spike_or_attack(pressure: Pressure, *, noun: str, least: int, has_accounts: bool) -> Verdict:
    """Attack, spike, usual, or too little to say. Fewer than ``least`` events (at least 1) say nothing.

    ``has_accounts``: every event is about an account, as a lockout is.
    """
    if pressure.events < max(least, 1):
        sentence = f"No {noun}." if not pressure.events else f"Too little to say: {counted(pressure.events, noun)}."
        return Verdict(TOO_LITTLE, sentence, _evidence(pressure, noun) if pressure.events else [])
    signals = _signals(pressure, noun, has_accounts=has_accounts)
    evidence = [*signals, *_evidence(pressure, noun)]
    usual = pressure.usual
    if usual is not None and not _is_more(pressure.events, usual):
        return Verdict(USUAL, f"As usual: {counted(pressure.events, noun)}, usually {count_in_words(usual)}.", evidence)
    more = _more_in_words(pressure, noun)
    # With nothing to compare with, one signal may be how things are here: a campus behind one address.
    if len(signals) >= (2 if usual is None else 1):
        return Verdict(ATTACK, f"Looks like an attack: {more}. {signals[0]}", evidence[1:])
    if usual is None:
        return Verdict(
            TOO_LITTLE, f"Too little to say: {counted(pressure.events, noun)}, and no earlier days.", evidence
        )
    if pressure.named < _NAMED_SHARE * pressure.events:
        sentence = f"Too little to say: {more}, but {formats.number(pressure.events - pressure.named)} of them name no address."
        return Verdict(TOO_LITTLE, sentence, evidence)
    spread = f"from {_addresses_in_words(pressure)}, none of which stands out"
    return Verdict(SPIKE, f"Looks like a legitimate spike: {more}, {spread}.", evidence)


def _is_more(events: int, usual: float) -> bool:
    return events >= _TIMES_USUAL * usual and events - usual > _DEVIATIONS * math.sqrt(max(usual, 1.0))


def _signals(pressure: Pressure, noun: str, *, has_accounts: bool) -> list[str]:
    """What ordinary people do not do. The strongest first."""
    found = []
    network = share_of(pressure.top_network_events, pressure.named)
    address = share_of(pressure.top_address_events, pressure.named)
    if network.low >= _NETWORK_SHARE:
        found.append(
            f"{percent(network.share)} of the {noun}s that name an address come from one network, {pressure.top_network} "
            f"({counted(pressure.top_network_addresses, 'address', 'addresses')})."
        )
    if pressure.most_accounts >= _ACCOUNTS_OF_ADDRESS:
        found.append(f"One address hit {counted(pressure.most_accounts, 'account')}.")
    if (
        has_accounts
        and 0 < _TIMES_AN_ACCOUNT * pressure.accounts <= pressure.events
        and pressure.addresses >= _ADDRESSES_OF_ACCOUNTS
    ):
        found.append(
            f"Only {counted(pressure.accounts, 'account')} hit {formats.number(pressure.events)} times, from "
            f"{counted(pressure.addresses, 'address', 'addresses')}."
        )
    if address.low >= _ADDRESS_SHARE:
        found.append(f"{percent(address.share)} come from one address, {pressure.top_address}.")
    return found


def _evidence(pressure: Pressure, noun: str) -> list[str]:
    """What there is, whatever it means."""
    said = [_usual_in_words(pressure)]
    said.append(_growth_in_words(pressure, noun))
    if pressure.named > pressure.folded:
        most = share_of(pressure.top_address_events, pressure.named)
        widest = share_of(pressure.top_network_events, pressure.named)
        said.append(
            f"From {_addresses_in_words(pressure)}; the busiest address has {percent(most.share)} and the busiest network "
            f"{percent(widest.share)}."
        )
    if pressure.folded:
        said.append(
            f"{formats.number(pressure.folded)} came from addresses beyond those that are counted apart: "
            "there were more addresses than said."
        )
    if pressure.events > pressure.named:
        said.append(f"{formats.number(pressure.events - pressure.named)} name no address.")
    if pressure.accounts:
        said.append(
            f"{counted(pressure.accounts, 'account')} hit, up to {formats.number(pressure.most_accounts)} from one address."
        )
    return said


def _more_in_words(pressure: Pressure, noun: str) -> str:
    usual = pressure.usual
    count = counted(pressure.events, noun)
    if usual is None:
        return count
    return f"{count}, {_times(pressure.events / usual)} times as many as usual" if usual else f"{count}, usually none"


def _usual_in_words(pressure: Pressure) -> str:
    parts = []
    for counts, where, unit in (
        (pressure.days, "at the same hours", "day"),
        (pressure.compared_weeks, "on the same weekday", "week"),
    ):
        if counts:
            of = (
                f"the middle of the last {formats.number(len(counts))} {unit}s" if len(counts) > 1 else f"{unit} before"
            )
            parts.append(f"{count_in_words(statistics.median(counts))} {where} ({of})")
    if not parts:
        return "There is nothing to compare with yet: no earlier day is known."
    return f"Usually {' and '.join(parts)}."


def _growth_in_words(pressure: Pressure, noun: str) -> str:
    if not pressure.before:
        return "None just before, in as much time."
    more = "no more now"
    if pressure.events > pressure.before:
        more = f"{_times(pressure.events / pressure.before)} times as many now"
    return f"{counted(pressure.before, noun)} just before, in as much time ({more})."


def count_in_words(count: float) -> str:
    """A middle may lie between two counts: ``3.5``, ``1,200``."""
    return formats.number(count, 0 if round(count, 1) == round(count) else 1)


def _times(ratio: float) -> str:
    return formats.number(ratio) if ratio >= 10 else formats.number(ratio, 1)


def _addresses_in_words(pressure: Pressure) -> str:
    addresses = counted(pressure.addresses, "address", "addresses")
    return f"{addresses} in {counted(pressure.networks, 'network')}"
