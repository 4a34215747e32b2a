"""The sections of the weekly review: the guide's low priority, and how the week's alerts were dealt with."""

from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.pages import cache, features, latency, trials, users
from dashboards.pages.links import events_link, page_link
from dashboards.pages.words import counted, first_of, percent
from dashboards.reports.cache import cache as cache_report
from dashboards.reports.feature_adoption import feature_adoption
from dashboards.reports.slowest_endpoints import EndpointLatency, slowest_endpoints
from dashboards.reports.trial_conversion import trial_conversion
from dashboards.reports.user_impact import people_hurt
from dashboards.statistics import is_apart


def people(asked: Asked) -> Section:
    """How many users met a failure."""
    answer = people_hurt(asked.question)
    more = is_apart(answer.hurt, answer.hurt_before) and (answer.hurt.share or 0) > (answer.hurt_before.share or 0)
    link = page_link("analytics_users", asked.question)
    return Section(
        "users", "User impact", "How many users met a failure?", link,
        sentence=users.first_words(answer, {}) if answer.failures else "", users=answer.hurt.count, is_changed=more,
        rows=tuple(
            Row(one.severity, counted(one.users_hurt, "user"), link)
            for one in answer.severities[:MOST_ROWS] if one.users_hurt
        ),
    )  # fmt: skip


def slow_endpoints(asked: Asked) -> Section:
    """Which endpoints got slower, and by which release."""
    answer = slowest_endpoints(asked.question)
    slower = [one for one in answer.endpoints if one.verdict == "slower" or _by_release(one)]
    shown = [*slower, *(one for one in answer.endpoints if one not in slower and one.slow)][:MOST_ROWS]
    link = page_link("analytics_latency", asked.question)
    return Section(
        "slow", "Slow endpoints", asked.about("slow_endpoint"), link,
        sentence=latency.headline(answer) if shown else "", is_changed=bool(slower),
        rows=tuple(
            Row(
                f"{one.endpoint}{_because(one)}", counted(one.requests, "request"),
                page_link("analytics_endpoint", asked.question, endpoint=one.endpoint, service=one.service_id),
            )
            for one in shown
        ),
        actions=tuple(
            Action(
                f"Look at what {one.release.newest} did to {one.endpoint}" if one.release and _by_release(one)
                else f"Find out why {one.endpoint} got slower",
                latency.headline(answer),
                page_link("analytics_endpoint", asked.question, endpoint=one.endpoint, service=one.service_id),
            )
            for one in slower[:1]
        ),
    )  # fmt: skip


def _by_release(one: EndpointLatency) -> bool:
    return one.release is not None and one.release.verdict == "slower"


def _because(one: EndpointLatency) -> str:
    if one.release is not None and _by_release(one):
        return f", slower since {one.release.newest}"
    return ", slower than before" if one.verdict == "slower" else ""


def unused_features(asked: Asked) -> Section:
    """Which features have 0 users?"""
    answer = feature_adoption(asked.question)
    link = page_link("analytics_features", asked.question)
    gone = [one for one in answer.unused if one.last_used_on is not None]
    named = [one for one in answer.features if one.feature]
    return Section(
        "features", "Feature adoption", asked.about("feature_used"), link,
        sentence=features.headline(answer), is_changed=bool(gone),
        rows=tuple(
            Row(f"{one.feature}: 0 users", f"last used {one.last_used_on}" if one.last_used_on else "never used", link)
            for one in answer.unused[:MOST_ROWS]
        ),
        bars=tuple(Bar(one.feature, one.unique_users, counted(one.unique_users, "user")) for one in named[:6]),
        bars_caption="Users by feature",
        actions=tuple(
            Action(f"Ask why nobody used {first_of([one.feature for one in gone])}", "It was used before.", link)
            for _ in gone[:1]
        ),
    )  # fmt: skip


def trial_outcomes(asked: Asked) -> Section:
    """Conversion against the time before, and whether failures stand in the way."""
    answer = trial_conversion(asked.question)
    link = page_link("analytics_trials", asked.question)
    sentence = trials.headline(answer)
    if answer.is_failing_apart:
        sentence = f"{sentence} {trials.failing_in_words(answer)}"
    return Section(
        "trials", "Trial conversion", asked.about("trial_conversion"), link, sentence=sentence,
        is_changed=bool(answer.trend) or answer.is_failing_apart,
        rows=tuple(
            Row(
                one.trial_type or "no type named",
                f"{percent(one.rate.share)} of {one.rate.total:,}"
                + (f", {percent(one.rate_before.share)} before" if one.rate_before.total else ""),
                events_link(asked.question, name="trial_conversion", label=f"trial_type:{one.trial_type}")
                if one.trial_type else link,
            )
            for one in answer.types[:MOST_ROWS]
        ),
        actions=tuple(
            Action("Look at what users met whose trial expired", trials.failing_in_words(answer), link)
            for _ in range(answer.is_failing_apart and answer.trend == "worse")
        ),
    )  # fmt: skip


def cache_performance(asked: Asked) -> Section:
    answer = cache_report(asked.question)
    poor = [one for one in answer.ttls if one.verdict == "does_not_pay"]
    worse = is_apart(answer.hit_rate, answer.hit_rate_before) and (
        (answer.hit_rate.share or 0) < (answer.hit_rate_before.share or 0)
    )
    link = page_link("analytics_cache", asked.question)
    return Section(
        "cache", "Cache", asked.about("cache_performance"), link,
        sentence=cache.headline(answer) if poor or worse else "", is_changed=worse,
        rows=tuple(
            Row(
                one.prefix or "keys without a name",
                f"{percent(one.hit_rate.share)} hits of {counted(one.lookups, 'lookup')}", link,
            )
            for one in answer.prefixes[:MOST_ROWS]
        ),
        actions=tuple(
            Action(
                f"Keep {one.prefix or 'keys without a name'} longer than {one.ttl} s, or not at all",
                f"{percent(one.hit_rate.share)} of {counted(one.lookups, 'lookup')} were hits", link,
            )
            for one in poor[:1]
        ),
    )  # fmt: skip


SECTIONS = (people, slow_endpoints, unused_features, trial_outcomes, cache_performance)
