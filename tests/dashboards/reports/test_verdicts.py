"""Answers in words. Pure: no database."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.reports.verdicts import Pressure, ProviderRate, Verdict, spike_or_attack, worst_provider
from dashboards.statistics import share_of

SPREAD = Pressure(
    events=120,
    named=120,
    folded=0,
    addresses=100,
    networks=80,
    top_address="198.51.100.0/24 (00000001)",
    top_address_events=3,
    top_network="198.51.100.0/24",
    top_network_events=6,
    top_network_addresses=4,
    accounts=0,
    most_accounts=0,
    before=10,
    days=[9, 12, 11, 10, 8, 12, 10],
    weeks=[9, 11],
)
CONCENTRATED = replace(SPREAD, top_network="203.0.113.0/24", top_network_events=110, addresses=40, networks=6)


def judge(pressure: Pressure, *, least: int = 10, has_accounts: bool = False) -> Verdict:
    return spike_or_attack(pressure, noun="request", least=least, has_accounts=has_accounts)


@pytest.mark.parametrize(
    ("pressure", "kind", "sentence"),
    [
        (
            SPREAD, "spike",
            "Looks like a legitimate spike: 120 requests, 12 times as many as usual, from 100 addresses in 80 networks@",
        ),
        (
            CONCENTRATED, "attack",
            "Looks like an attack: 120 requests, 12 times as many as usual. 92 % of the@",
        ),
        (replace(CONCENTRATED, days=[110, 120, 130], weeks=[]), "usual", "As usual: 120 requests, usually 120."),
        (replace(CONCENTRATED, weeks=[118, 118]), "usual", "As usual: 120 requests, usually 118."),
        (replace(CONCENTRATED, days=[], weeks=[118]), "usual", "As usual: 120 requests, usually 118."),
        (replace(SPREAD, events=9, named=9, days=[0] * 7, weeks=[0]), "too little to say", "Too little to say: 9 requests."),
        (replace(SPREAD, events=0, named=0, folded=0), "too little to say", "No request."),
        (
            replace(SPREAD, days=[0] * 7, weeks=[]), "spike",
            "Looks like a legitimate spike: 120 requests, usually none, from 100 addresses in 80 networks@",
        ),
        (
            replace(CONCENTRATED, days=[], weeks=[]), "too little to say",
            "Too little to say: 120 requests, and no earlier days.",
        ),
        (
            replace(SPREAD, named=20, top_network_events=3, top_address_events=2), "too little to say",
            "Too little to say: 120 requests, 12 times as many as usual, but 100 of them name no address.",
        ),
    ],
)  # fmt: skip
def test_it_tells_a_spike_from_an_attack(pressure: Pressure, kind: str, sentence: str) -> None:
    verdict = judge(pressure)

    begins, _, _ = sentence.partition("@")
    assert verdict.kind == kind
    assert verdict.sentence.startswith(begins)
    if kind == "spike":
        assert verdict.sentence == f"{begins}, none of which stands out."
    if kind == "attack":
        tells = "requests that name an address come from one network, 203.0.113.0/24 (4 addresses)."
        assert verdict.sentence == f"{begins} {tells}"


@pytest.mark.parametrize(
    ("changes", "signal"),
    [
        ({"top_address_events": 60, "top_network_events": 61}, "50 % come from one address, 198.51.100.0/24 (00000001)."),
        ({"most_accounts": 7, "accounts": 30}, "One address hit 7 accounts."),
        ({"accounts": 3, "most_accounts": 1}, "Only 3 accounts hit 120 times, from 100 addresses."),
    ],
)  # fmt: skip
def test_each_signal_makes_more_than_usual_an_attack(changes: dict[str, Any], signal: str) -> None:
    verdict = judge(replace(SPREAD, **changes), has_accounts=True)

    assert verdict.kind == "attack"
    assert signal in verdict.sentence
    assert signal not in verdict.evidence, "nothing is said twice"


def test_few_accounts_are_no_signal_where_events_need_not_name_one() -> None:
    assert judge(replace(SPREAD, accounts=3, most_accounts=1)).kind == "spike"


def test_with_nothing_to_compare_with_two_signals_are_needed() -> None:
    unknown = replace(CONCENTRATED, days=[], weeks=[])

    assert judge(unknown).kind == "too little to say"
    assert judge(replace(unknown, most_accounts=9, accounts=9)).kind == "attack"


def test_the_evidence_tells_what_is_not_known() -> None:
    evidence = " ".join(judge(replace(CONCENTRATED, folded=15, named=110, days=[], weeks=[], before=0)).evidence)

    assert (
        "15 came from addresses beyond those that are counted apart: there were more addresses than said." in evidence
    )
    assert "10 name no address." in evidence
    assert "no earlier day is known" in evidence
    assert "None just before, in as much time." in evidence


def test_the_evidence_compares_with_days_weeks_and_the_time_before() -> None:
    evidence = judge(SPREAD).evidence

    by_day, by_week = "(the middle of the last 7 days)", "(the middle of the last 2 weeks)"
    assert f"Usually 10 at the same hours {by_day} and 10 on the same weekday {by_week}." in evidence
    assert "10 requests just before, in as much time (12 times as many now)." in evidence
    assert "From 100 addresses in 80 networks; the busiest address has 2.5 % and the busiest network 5.0 %." in evidence


def test_one_week_before_is_no_match_for_days() -> None:
    verdict = judge(replace(CONCENTRATED, weeks=[500], before=200))

    assert verdict.kind == "attack"
    assert "Usually 10 at the same hours (the middle of the last 7 days)." in verdict.evidence
    assert "200 requests just before, in as much time (no more now)." in verdict.evidence


def test_the_middle_of_two_counts_is_not_rounded() -> None:
    verdict = judge(replace(CONCENTRATED, days=[119, 120], weeks=[]))

    assert verdict.sentence == "As usual: 120 requests, usually 119.5."


counts = st.integers(0, 400)
earlier = st.lists(counts, max_size=7)


@st.composite
def pressures(draw: st.DrawFn) -> Pressure:
    """What may be counted: parts are never more than the whole."""
    by_address = draw(st.lists(st.integers(1, 60), max_size=12))
    folded, unnamed = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    networks = draw(st.integers(1, len(by_address))) if by_address else 0
    of_network = [sum(by_address[number::networks]) for number in range(networks)]
    accounts = draw(st.integers(0, 40))
    return Pressure(
        events=sum(by_address) + folded + unnamed,
        named=sum(by_address) + folded,
        folded=folded,
        addresses=len(by_address),
        networks=networks,
        top_address="a" if by_address else "",
        top_address_events=max(by_address, default=0),
        top_network="n" if by_address else "",
        top_network_events=max(of_network, default=0),
        top_network_addresses=1 if by_address else 0,
        accounts=accounts,
        most_accounts=draw(st.integers(0, accounts)) if by_address else 0,
        before=draw(counts),
        days=draw(earlier),
        weeks=draw(st.lists(counts, max_size=4)),
    )


@given(pressures(), st.integers(0, 30), st.booleans())
def test_it_always_says_one_of_four_things_in_whole_sentences(
    pressure: Pressure, least: int, has_accounts: bool
) -> None:
    verdict = judge(pressure, least=least, has_accounts=has_accounts)

    assert verdict.kind in ("attack", "spike", "usual", "too little to say")
    assert all(text.endswith(".") and text.strip() == text for text in (verdict.sentence, *verdict.evidence))
    if pressure.events < max(least, 1):
        assert verdict.kind == "too little to say"


@given(pressures(), st.booleans())
def test_what_is_usual_is_neither_spike_nor_attack(pressure: Pressure, has_accounts: bool) -> None:
    usual = replace(pressure, days=[*pressure.days, *[max(pressure.events, 1)] * 8])

    assert judge(usual, least=1, has_accounts=has_accounts).kind in ("usual", "too little to say")


@given(pressures(), st.booleans(), st.randoms())
def test_the_order_of_earlier_days_does_not_matter(pressure: Pressure, has_accounts: bool, random: Any) -> None:
    days, weeks = random.sample(pressure.days, len(pressure.days)), random.sample(pressure.weeks, len(pressure.weeks))

    shuffled = judge(replace(pressure, days=days, weeks=weeks), has_accounts=has_accounts)

    assert shuffled == judge(pressure, has_accounts=has_accounts)


@given(pressures(), st.integers(0, 300), st.booleans())
def test_more_of_the_busiest_network_never_clears_an_attack(pressure: Pressure, more: int, has_accounts: bool) -> None:
    heavier = replace(
        pressure,
        events=pressure.events + more,
        named=pressure.named + more,
        top_network_events=pressure.top_network_events + more,
        top_address_events=pressure.top_address_events + more,
    )

    # An account's share of the events grows as well, so every signal stays or becomes one.
    if judge(pressure, has_accounts=has_accounts).kind == "attack" and pressure.addresses:
        assert judge(heavier, has_accounts=has_accounts).kind == "attack"


def rate(provider: str, failures: int, calls: int) -> ProviderRate:
    return ProviderRate(provider, failures, share_of(failures, calls))


@pytest.mark.parametrize(
    ("providers", "kind", "sentence"),
    [
        ([], "nothing failed", "No AI provider failed."),
        ([rate("openai", 0, 90), rate("gemini", 0, 0)], "nothing failed", "No AI provider failed."),
        (
            [rate("openai", 100, 1000), rate("gemini", 20, 1000), rate("anthropic", 5, 400)], "fails most",
            "openai fails most: 10 % of its 1,000 calls.",
        ),
        (
            [rate("openai", 12, 100), rate("gemini", 10, 100), rate("anthropic", 1, 1000)], "no difference",
            "No provider can be said to fail most: openai fails in 12 % of its calls@gemini. It fails more than anthropic.",
        ),
        (
            [rate("openai", 100, 1000), rate("gemini", 0, 3)], "no difference",
            "No provider can be said to fail most: openai fails in 10 % of its calls@gemini.",
        ),
        (
            [rate("openai", 30, 0), rate("gemini", 10, 0)], "calls unknown",
            "openai has the most failures, 30 of 40, but how many calls@",
        ),
        (
            [rate("openai", 7, 0), rate("gemini", 7, 0)], "calls unknown",
            "gemini and openai failed 14 times, but how many calls@",
        ),
        (
            [rate("openai", 100, 1000), rate("gemini", 10, 1000), rate("local", 3, 0)], "calls unknown",
            "openai fails most of those whose calls are known; those of local are not.",
        ),
        (
            [rate("openai", 30, 1000)], "only one",
            "All calls went to one provider: openai: 30 of 1,000 calls failed, 3.0 % (2.1–4.3 %).",
        ),
    ],
)  # fmt: skip
def test_it_says_which_provider_fails_most(providers: list[ProviderRate], kind: str, sentence: str) -> None:
    verdict = worst_provider(providers)

    between = {
        "no difference": ", but that overlaps with what is known of ",
        "calls unknown": " were made is not known: nobody can say which fails most often.",
    }
    assert (verdict.kind, verdict.sentence) == (kind, sentence.replace("@", between.get(kind, "")))


rates = st.builds(
    lambda provider, failures, more: rate(provider, failures, failures + more if more else 0),
    st.sampled_from("abcdefgh"),
    st.integers(0, 500),
    st.integers(0, 5_000),
)


@given(st.lists(rates, max_size=6, unique_by=lambda one: one.provider))
def test_it_claims_the_worst_only_where_intervals_are_apart(providers: list[ProviderRate]) -> None:
    verdict = worst_provider(providers)

    if verdict.kind == "fails most":
        worst = next(one for one in providers if verdict.sentence.startswith(f"{one.provider} "))
        assert all(one.rate.high < worst.rate.low for one in providers if one is not worst and one.rate.total)
        assert all(one.rate.total or not one.failures for one in providers)
    assert len(verdict.evidence) <= len(providers)


@given(st.lists(rates, max_size=6, unique_by=lambda one: one.provider), st.randoms())
def test_the_order_of_providers_does_not_matter(providers: list[ProviderRate], random: Any) -> None:
    assert worst_provider(random.sample(providers, len(providers))) == worst_provider(providers)
