"""The sections of the weekly review: the guide's low priority, and where things are going."""

from collections import Counter
from collections.abc import Sequence

from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.digests.sections.comparing import before_of, compared, in_brief, is_worse
from dashboards.digests.sections.daily import actions_on_errors, error_row, failures_by_step, failures_in_words
from dashboards.pages import cache, features, trials, users
from dashboards.pages.links import events_link, page_link
from dashboards.pages.words import counted, first_of, percent
from dashboards.reports.cache import cache as cache_report
from dashboards.reports.feature_adoption import FeatureAdoption, UnusedFeature, feature_adoption
from dashboards.reports.latency import Latency
from dashboards.reports.overview import overview
from dashboards.reports.slowest_endpoints import EndpointLatency, slowest_endpoints
from dashboards.reports.top_errors import top_errors
from dashboards.reports.trial_conversion import trial_conversion
from dashboards.reports.user_impact import people_hurt
from dashboards.templatetags.numbers import took
from events import formats


def cache_performance(asked: Asked) -> Section:
    answer = asked.answer(cache_report)
    poor = [one for one in answer.ttls if one.verdict == "does_not_pay"]
    is_less = is_worse(answer.hit_rate_before, answer.hit_rate)
    has_news = bool(poor or is_less)
    link = page_link("analytics_cache", asked.question)
    return Section(
        "cache", "Cache", asked.about("cache_performance"), link,
        sentence=cache.headline(answer) if has_news else "", is_changed=is_less,
        rows=tuple(
            Row(
                one.prefix or "keys without a name",
                f"{percent(one.hit_rate.share)} hits of {counted(one.lookups, 'lookup')}, "
                f"{percent(one.hit_rate_before.share)} before" if one.hit_rate_before.total
                else f"{percent(one.hit_rate.share)} hits of {counted(one.lookups, 'lookup')}",
                link,
            )
            for one in answer.prefixes[:MOST_ROWS]
        ),
        trend=tuple(one.misses for one in answer.steps) if has_news else (),
        trend_caption="Misses over time" if has_news else "",
        actions=tuple(
            Action(
                f"Keep {one.prefix or 'keys without a name'} longer than {one.ttl} s, or not at all",
                f"{percent(one.hit_rate.share)} of {counted(one.lookups, 'lookup')} were hits", link,
            )
            for one in poor[:1]
        ),
    )  # fmt: skip


def slow_endpoints(asked: Asked) -> Section:
    """Which endpoints got slower, and by which release."""
    answer = asked.answer(slowest_endpoints)
    by_release = [one for one in answer.endpoints if _by_release(one)]
    slower = [*by_release, *(one for one in answer.endpoints if one.verdict == "slower" and not _by_release(one))]
    shown = [*slower, *(one for one in answer.endpoints if one not in slower and one.slow)][:MOST_ROWS]
    return Section(
        "slow", "Slow endpoints", asked.about("slow_endpoint"), page_link("analytics_latency", asked.question),
        sentence=_slow_in_words(answer.endpoints, slower, by_release, before_of(asked.question.window)) if shown else "",
        is_changed=bool(slower),
        rows=tuple(
            Row(f"{one.endpoint}{_because(one)}", _how_long(one), _endpoint_link(asked, one)) for one in shown
        ),
        actions=tuple(
            Action(
                f"Look at what {one.release.newest} did to {one.endpoint}" if one.release and _by_release(one)
                else f"Find out why {one.endpoint} got slower",
                _how_long(one), _endpoint_link(asked, one),
            )
            for one in slower[:1]
        ),
    )  # fmt: skip


def _slow_in_words(
    endpoints: Sequence[EndpointLatency],
    slower: Sequence[EndpointLatency],
    by_release: Sequence[EndpointLatency],
    before: str,
) -> str:
    """“2 endpoints got slower than the week before: /api/career and /api/jobs. lift@1.5 made 1 of them slower.”"""
    said = "No endpoint got slower."
    if slower:
        names = first_of(list(dict.fromkeys(one.endpoint for one in slower)))
        said = f"{counted(len(slower), 'endpoint')} got slower than {before}: {names}."
    for newest, count in Counter(one.release.newest for one in by_release if one.release).most_common(1):
        said += f" {newest} made {formats.number(count)} of them slower."
    told = [one for one in endpoints if one.slow]
    if told:
        most = max(told, key=lambda one: one.slow)
        said += f" {counted(sum(one.slow for one in told), 'request')} took so long that the service told of it, "
        said += f"{formats.number(most.slow)} of them at {most.endpoint}." if len(told) > 1 else f"at {most.endpoint}."
    return said


def _endpoint_link(asked: Asked, one: EndpointLatency) -> str:
    return page_link("analytics_endpoint", asked.question, endpoint=one.endpoint, service=one.service_id)


def _by_release(one: EndpointLatency) -> bool:
    return one.release is not None and one.release.verdict == "slower"


def _because(one: EndpointLatency) -> str:
    if one.release is not None and _by_release(one):
        return f", slower since {one.release.newest}"
    return ", slower than before" if one.verdict == "slower" else ""


def _how_long(one: EndpointLatency) -> str:
    """“p95 1.2 s, 800 ms with lift@1.4”: by the release that made it slower, else against the time before."""
    now, before, when = one.latency, one.latency_before, "before"
    if one.release is not None and _by_release(one):
        now, before, when = one.release.latency, one.release.latency_before, f"with {one.release.previous}"
    word, value, earlier = _percentile(now, before)
    compared_with = f", {took(earlier)} {when}" if earlier is not None else ""
    return f"{word} {took(value)}{compared_with}"


def _percentile(now: Latency, before: Latency) -> tuple[str, float | None, float | None]:
    """The one that is compared, where it is known."""
    if now.p95_ms is not None:
        return "p95", now.p95_ms, before.p95_ms
    return "half within", now.p50_ms, before.p50_ms


def feature_use(asked: Asked) -> Section:
    """Which features have 0 users?"""
    answer = asked.answer(feature_adoption)
    link = page_link("analytics_features", asked.question)
    gone = [one for one in answer.unused if one.last_used_on is not None]
    named = sorted((one for one in answer.features if one.feature), key=lambda one: -one.unique_users)
    return Section(
        "features", "Feature adoption", asked.about("feature_used"), link,
        sentence=_features_in_words(answer, asked.before), is_changed=bool(gone),
        rows=tuple(
            Row(f"{one.feature}: {counted(0, 'user')}", _last_used(one), link)
            for one in answer.unused[:MOST_ROWS]
        ),
        bars=tuple(Bar(one.feature, one.unique_users, counted(one.unique_users, "user")) for one in named[:6]),
        bars_caption="Users by feature" if named else "",
        actions=tuple(
            Action(
                f"Ask why nobody used {first_of([one.feature for one in gone])}",
                f"used until {formats.day(one.last_used_on)}", link,
            )
            for one in gone[:1] if one.last_used_on is not None
        ),
    )  # fmt: skip


def _last_used(one: UnusedFeature) -> str:
    return f"last used {formats.day(one.last_used_on)}" if one.last_used_on else "never used"


def _features_in_words(answer: FeatureAdoption, before: str) -> str:
    said = features.headline(answer)
    if not said or not (answer.users.now or answer.users.before):
        return said
    changed = compared(answer.users.now, answer.users.before, before)
    return f"{said} In all {counted(int(answer.users.now), 'user')} used a feature{changed}."


def trial_outcomes(asked: Asked) -> Section:
    """Conversion against the time before, and whether failures stand in the way."""
    answer = asked.answer(trial_conversion)
    link = page_link("analytics_trials", asked.question)
    sentence = trials.headline(answer, before_of(asked.question.window))
    if answer.is_failing_apart:
        sentence = f"{sentence} {trials.failing_in_words(answer)}"
    return Section(
        "trials", "Trial conversion", asked.about("trial_conversion"), link, sentence=sentence,
        is_changed=bool(answer.trend) or answer.is_failing_apart,
        rows=tuple(
            Row(
                one.trial_type or "no type named",
                f"{percent(one.rate.share)} of {formats.number(one.rate.total)}"
                + (f", {percent(one.rate_before.share)} before" if one.rate_before.total else ""),
                events_link(asked.question, name="trial_conversion", label=f"trial_type:{one.trial_type}")
                if one.trial_type else link,
            )
            for one in answer.types[:MOST_ROWS] if one.rate.total
        ),
        trend=tuple(one.converted for one in answer.steps) if answer.rate.total else (),
        trend_caption="Conversions over time" if answer.rate.total else "",
        actions=tuple(
            Action("Look at what users met whose trial expired", trials.failing_in_words(answer), link)
            for _ in range(answer.is_failing_apart and answer.trend == "worse")
        ),
    )  # fmt: skip


def trends(asked: Asked) -> Section:
    """What is new, rising and falling, against the windows before."""
    answer, whole = asked.answer(top_errors, is_charted=False), asked.answer(overview)
    moved = [one for one in answer.errors if one.trend.kind in ("new", "rising", "falling")]
    has_news = bool(whole.failures.now or whole.failures.before)
    before = asked.before
    growing = [one for one in moved if one.trend.kind != "falling"]
    return Section(
        "trends", "Trends", "What is new, rising or falling?", page_link("analytics_errors", asked.question),
        sentence=(
            f"{failures_in_words(answer, whole, before)} {counted(int(whole.users_active.now), 'active user')}"
            f"{compared(whole.users_active.now, whole.users_active.before, before)}."
        ) if has_news else "",
        users=int(whole.users_hurt.now),
        is_changed=bool(growing) or asked.is_more(whole.failures),
        rows=tuple(error_row(asked, one) for one in (moved or answer.errors)[:MOST_ROWS]) if has_news else (),
        trend=failures_by_step(whole) if has_news else (), trend_caption="Failures over time" if has_news else "",
        actions=actions_on_errors(asked, growing or answer.errors, whole) if has_news else (),
    )  # fmt: skip


def people(asked: Asked) -> Section:
    """How many users met a failure."""
    answer = asked.answer(people_hurt)
    link = page_link("analytics_users", asked.question)
    hurt = [one for one in answer.severities if one.users_hurt]
    return Section(
        "users", "User impact", "How many users met a failure?", link,
        sentence=users.first_words(answer, {}, before_of(asked.question.window)) if answer.failures else "",
        users=answer.hurt.count, is_changed=is_worse(answer.hurt, answer.hurt_before),
        rows=tuple(
            Row(
                one.severity, f"{counted(one.users_hurt, 'user')}{in_brief(one.users_hurt_before, asked.before)}",
                page_link("analytics_users", asked.question, severity=one.severity),
            )
            for one in hurt[:MOST_ROWS]
        ),
    )  # fmt: skip


SECTIONS = (cache_performance, slow_endpoints, feature_use, trial_outcomes, trends, people)
