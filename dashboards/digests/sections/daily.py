"""The sections of the daily review: the guide's medium priority, and what happened overnight.

Sentences that reports have ready are said anew: the reports may have been asked for a reader of other formats.
"""

from collections.abc import Sequence

from django.urls import reverse

from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.digests.sections.comparing import compared, in_brief, is_worse, share_compared
from dashboards.pages import endpoints, security
from dashboards.pages.delivery import NAMES, told_of
from dashboards.pages.links import events_link, page_link
from dashboards.pages.words import counted, failed_of, first_of, percent
from dashboards.reports.abuse import Judgement
from dashboards.reports.abuse import verdict_on as verdict_on_pressure
from dashboards.reports.ai_failures import AiFailures, ai_failures, verdict_on
from dashboards.reports.auth_and_abuse import AuthAndAbuse, auth_and_abuse
from dashboards.reports.auth_names import LIMITED, LOCKOUT
from dashboards.reports.delivery import Channel, Inconsistency, delivery, fallback_due
from dashboards.reports.failure_rates import EndpointRate, failure_rates
from dashboards.reports.overview import Overview, overview
from dashboards.reports.top_errors import ErrorRow, TopErrors, top_errors
from dashboards.reports.verdicts import ATTACK, FAILS_MOST, SPIKE
from events import formats


def ai_generation(asked: Asked) -> Section:
    """How many timeouts per feature? Which provider fails most?"""
    answer = asked.answer(ai_failures)
    total = answer.total
    link = page_link("analytics_ai", asked.question)
    has_more = asked.is_more(total.timeouts_change) or asked.is_more(total.failures_change)
    failing = [one for one in answer.providers if one.rates.failures]
    steps = [sum(of_step) for of_step in zip(*(one.failures for one in answer.by_step), strict=True)]
    return Section(
        "ai", "AI generation", asked.about("ai_failure"), link,
        sentence=_of_ai(answer, asked.before) if total.failures else "", users=answer.users_hurt,
        is_changed=has_more,
        rows=tuple(
            Row(
                one.feature or "no feature named",
                f"{counted(one.rates.timeouts, 'timeout')}{in_brief(one.rates.timeouts_change.before, asked.before)}",
                _of_feature(asked, one.feature, link),
            )
            for one in answer.features[:MOST_ROWS] if one.rates.timeouts
        ),
        bars=tuple(
            Bar(one.provider or "no provider named", one.rates.failures, counted(one.rates.failures, "failure"))
            for one in failing[:5]
        ) if len(failing) > 1 else (),
        bars_caption="Failures by provider" if len(failing) > 1 else "",
        trend=tuple(steps) if len(failing) == 1 else (),
        trend_caption="Failures over time" if len(failing) == 1 else "",
        actions=tuple(
            Action(
                f"Send less to {one.provider or 'the provider without a name'}, or fall back sooner",
                verdict_on(answer.providers).sentence, link, one.users_hurt,
            )
            for one in answer.providers[:1] if answer.verdict.kind == FAILS_MOST and has_more
        ),
    )  # fmt: skip


def _of_feature(asked: Asked, feature: str, link: str) -> str:
    return events_link(asked.question, name="ai_failure", feature=feature) if feature else link


def _of_ai(answer: AiFailures, before: str) -> str:
    """“openai timed out 41 times, 3 × the day before (14), 38 of them on career; a fallback caught 36 of 38.”"""
    total, timeouts = answer.total, answer.total.timeouts
    providers = [one for one in answer.providers if one.rates.timeouts]
    if timeouts:
        who = providers[0].provider if len(providers) == 1 and providers[0].rates.timeouts == timeouts else ""
        said = f"{who or 'AI'} timed out {counted(timeouts, 'time')}{compared(timeouts, total.timeouts_change.before, before)}"
        worst = max(answer.features, key=lambda one: one.rates.timeouts, default=None)
        if worst is not None and worst.feature and worst.rates.timeouts:
            of_them = "all" if worst.rates.timeouts == timeouts else formats.number(worst.rates.timeouts)
            said += f", {of_them} of them on {worst.feature}" if timeouts > 1 else f", on {worst.feature}"
        if total.failures > timeouts:
            in_all = compared(total.failures, total.failures_change.before, before)
            said += f"; {counted(total.failures, 'failure')} in all{in_all}"
    else:
        said = (
            f"{counted(total.failures, 'AI failure')}{compared(total.failures, total.failures_change.before, before)}, "
            "no timeout"
        )
    if total.fallback.total:
        said += f"; a fallback caught {formats.number(total.fallback.count)} of {formats.number(total.fallback.total)}"
    return f"{said}." + (f" {verdict_on(answer.providers).sentence}" if answer.verdict.kind == FAILS_MOST else "")


def sessions_and_auth(asked: Asked) -> Section:
    """Do users see “not authenticated”? How often do sessions fail?"""
    answer = asked.answer(auth_and_abuse)
    sessions = answer.sessions
    named = [one for one in answer.names if one.kind not in (LIMITED, LOCKOUT) and one.event_count]
    link = page_link("analytics_security", asked.question)
    is_known = bool(sessions.requests and (named or sessions.failed_sessions.count or sessions.refused.count))
    said = " ".join(security.sessions_in_words(sessions)) if is_known else ""
    if named and not is_known:
        said = _named(answer, asked.before)
    return Section(
        "sessions", "Sessions and sign-in", asked.about("session_stabilization_failure"), link,
        sentence=said, users=sessions.users_hit.count,
        is_changed=is_worse(sessions.failed_sessions, sessions.failed_sessions_before)
        or is_worse(sessions.refused, sessions.refused_before) or any(asked.is_more(one.change) for one in named),
        rows=tuple(
            Row(
                one.name, f"{counted(one.event_count, 'event')}{in_brief(one.change.before, asked.before)}",
                events_link(asked.question, name=one.name),
            )
            for one in named
        )[:MOST_ROWS],
        trend=_by_step(answer, {one.kind for one in named}), trend_caption="Such events over time" if named else "",
        actions=tuple(
            Action(
                "Find out why sessions fail more than before",
                f"{share_compared(sessions.failed_sessions, sessions.failed_sessions_before, 'before')} of the requests", link,
                sessions.users_hit.count,
            )
            for _ in range(is_worse(sessions.failed_sessions, sessions.failed_sessions_before))
        ),
    )  # fmt: skip


def _named(answer: AuthAndAbuse, before: str) -> str:
    told = [
        f"{one.name}: {counted(one.event_count, 'time')}{compared(one.event_count, one.change.before, before)}"
        for one in answer.names if one.kind not in (LIMITED, LOCKOUT) and one.event_count
    ]  # fmt: skip
    return f"{'; '.join(told[:MOST_ROWS])}."


def _by_step(answer: AuthAndAbuse, kinds: set[str]) -> tuple[float, ...]:
    lines = [one.event_counts for one in answer.by_step if one.kind in kinds]
    return tuple(sum(of_step) for of_step in zip(*lines, strict=True))


def limits(asked: Asked) -> Section:
    """Which IPs are being limited? A legitimate spike, or an attack?"""
    answer = asked.answer(auth_and_abuse)
    pressed = [one for one in answer.judgements if one.pressure.events]
    named = [one for one in answer.names if one.kind in (LIMITED, LOCKOUT)]
    link = page_link("analytics_security", asked.question)
    return Section(
        "limits", "Rate limits and lockouts", asked.about("beta_register_rate_limited", "security_incident_lockout"), link,
        sentence=" ".join(_pressure(one, answer, asked.before) for one in pressed),
        is_changed=any(one.verdict.kind in (ATTACK, SPIKE) for one in pressed),
        rows=tuple(
            Row(one.address, counted(one.events, "time"), link) for one in answer.addresses[:MOST_ROWS]
        ),
        trend=_by_step(answer, {one.kind for one in named if one.event_count}) if pressed else (),
        trend_caption="Limited requests and lockouts over time" if pressed else "",
        actions=tuple(_block(one, link) for one in pressed if one.verdict.kind == ATTACK)[:1],
    )  # fmt: skip


_KINDS = {LIMITED: "Limited", LOCKOUT: "Locked out"}


def _pressure(one: Judgement, answer: AuthAndAbuse, before: str) -> str:
    """“Limited 40 times, 4 × the day before (10); judged in the busiest 6 hours, from 27 Nov, 06:00. Looks like an attack: …”"""
    of_kind = [name for name in answer.names if name.kind == one.kind]
    now, earlier = sum(name.event_count for name in of_kind), sum(name.change.before for name in of_kind)
    where = security.busiest_in_words(one, answer)
    judged = f"{where and f'; judged {where}'}. {_judged(one)}"
    return f"{_KINDS[one.kind]} {counted(now, 'time')}{compared(now, earlier, before)}{judged}"


def _block(one: Judgement, link: str) -> Action:
    return Action(
        "Block where the attack comes from, or ask for a captcha", _judged(one), link, one.pressure.accounts, True
    )


def _judged(one: Judgement) -> str:
    return verdict_on_pressure(one.kind, one.pressure).sentence


def mail_and_messages(asked: Asked) -> Section:
    """How often does Formspree fail? Is a fallback needed?"""
    answer = asked.answer(delivery)
    failing = [one for one in answer.channels if one.failures]
    link = page_link("analytics_delivery", asked.question)
    steps = [sum(of_step) for of_step in zip(*(one.failures for one in answer.over_time), strict=True)]
    return Section(
        "delivery", "E-mail and Formspree", asked.about("formspree_failure"), link,
        sentence=" ".join(_failed(one, asked.before) for one in failing),
        users=max((one.users_hurt for one in failing), default=0),
        is_changed=any(asked.is_more(one.change) for one in failing),
        rows=tuple(
            Row(
                f"{one.name}: {one.reason or 'no reason told'}", counted(one.events, "time"),
                events_link(asked.question, name=one.name, severity=one.severity),
            )
            for one in answer.failures[:MOST_ROWS]
        ),
        trend=tuple(steps), trend_caption="Failed deliveries over time" if steps else "",
        actions=tuple(
            Action(f"Set up a fallback for {NAMES[one.channel]}", _why_due(one), link, one.users_hurt)
            for one in failing if one.fallback == "due"
        )[:1],
    )  # fmt: skip


def _why_due(one: Channel) -> str:
    return fallback_due(one.rate, failures=one.failures, failing_hours=one.failing_hours)[1]


def _failed(one: Channel, before: str) -> str:
    return told_of(one, compared(one.failures, one.change.before, before))


def consistency(asked: Asked) -> Section:
    records = asked.answer(delivery).inconsistencies
    users = sum(one.users_hurt for one in records)
    link = page_link("analytics_delivery", asked.question)
    return Section(
        "consistency", "Data consistency", asked.about("data_consistency_error"), link,
        sentence=_disagreed(records, users, asked.before) if records else "", users=users,
        is_changed=any(asked.is_more(one.change) for one in records),
        rows=tuple(
            Row(
                (one.record or "records without a name") + (f", since {one.first_release}" if one.first_release else ""),
                f"{counted(one.events, 'time')}{in_brief(one.change.before, asked.before)}",
                events_link(asked.question, name="data_consistency_error", service=one.service_id),
            )
            for one in records[:MOST_ROWS]
        ),
        actions=tuple(
            Action(
                f"Mend the records of {one.record or 'data_consistency_error'}",
                f"{counted(one.events, 'time')}" + (f" since {one.first_release}" if one.first_release else ""), link,
                one.users_hurt,
            )
            for one in records if asked.is_more(one.change)
        )[:1],
    )  # fmt: skip


def _disagreed(records: Sequence[Inconsistency], users: int, before: str) -> str:
    events = sum(one.events for one in records)
    earlier = sum(one.change.before for one in records)
    said = f"Records disagreed {counted(events, 'time')}{compared(events, earlier, before)}"
    worst = max(records, key=lambda one: one.events)
    if worst.record and len(records) > 1:
        said += f", most often {worst.record} ({formats.number(worst.events)})"
    return f"{said}, for {counted(users, 'user')}."


def overnight(asked: Asked) -> Section:
    """What failed, and what of it is new or rising."""
    answer, whole = asked.answer(top_errors, is_charted=False), asked.answer(overview)
    changed = [one for one in answer.errors if one.trend.kind in ("new", "rising")]
    shown = [*changed, *(one for one in answer.errors if one not in changed)][:MOST_ROWS]
    return Section(
        "overnight", "What failed", "What fails most, and is that new, rising or falling?",
        page_link("analytics_errors", asked.question),
        sentence=failures_in_words(answer, whole, asked.before) if whole.failures.now else "",
        users=int(whole.users_hurt.now), is_changed=bool(changed) or asked.is_more(whole.failures),
        rows=tuple(error_row(asked, one) for one in shown) if whole.failures.now else (),
        trend=failures_by_step(whole) if whole.failures.now else (),
        trend_caption="Failures over time" if whole.failures.now else "",
        actions=actions_on_errors(asked, changed or answer.errors, whole) if whole.failures.now else (),
    )  # fmt: skip


def failures_in_words(answer: TopErrors, whole: Overview, before: str) -> str:
    failed, hurt = whole.failures, whole.users_hurt
    said = (
        f"{counted(int(failed.now), 'failure')}{compared(failed.now, failed.before, before)}. "
        f"{'It' if failed.now == 1 else 'They'} hurt {counted(int(hurt.now), 'user')}{in_brief(hurt.before, before)}."
    )
    if answer.errors:
        first = answer.errors[0]
        of_first = counted(first.affected_users, "user")
        said += f" The most frequent is {first.name}: {counted(first.event_count, 'time')}, {of_first}."
    for kind, word in (("new", "New"), ("rising", "Rising"), ("falling", "Falling")):
        names = list(dict.fromkeys(one.name for one in answer.errors if one.trend.kind == kind))
        said += f" {word}: {first_of(names)}." if names else ""
    return said


def failures_by_step(whole: Overview) -> tuple[float, ...]:
    return tuple(one.critical + one.error + one.warning for one in whole.failures_over_time)


def error_row(asked: Asked, one: ErrorRow) -> Row:
    return Row(
        f"{one.name} ({one.severity}){_trend(one)}", f"{counted(one.event_count, 'event')}, {counted(one.affected_users, 'user')}",
        events_link(asked.question, name=one.name, severity=one.severity),
    )  # fmt: skip


def actions_on_errors(asked: Asked, errors: Sequence[ErrorRow], whole: Overview) -> tuple[Action, ...]:
    """The critical issue that hurts most people now, and of the ``errors`` the one that hurt most."""
    burning = whole.attention.burning
    found = []
    if burning is not None:
        found.append(
            Action(
                f"Deal with {burning.name}",
                f"critical and unresolved, {counted(burning.event_count, 'event')}, {counted(burning.user_count, 'user')} so far",
                reverse("admin:events_issue_change", args=[burning.id]), burning.user_count, True,
            )
        )  # fmt: skip
    others = [one for one in errors if burning is None or one.name != burning.name]
    others.sort(key=lambda one: (-one.affected_users, -one.event_count))
    found += [
        Action(
            f"Look at {one.name}",
            f"{_kind_words(one)}: {counted(one.event_count, 'event')}, {counted(one.affected_users, 'user')}",
            events_link(asked.question, name=one.name, severity=one.severity), one.affected_users,
        )
        for one in others[:1]
    ]  # fmt: skip
    return tuple(found)


def _kind_words(one: ErrorRow) -> str:
    if one.trend.kind in ("new", "rising"):
        return one.trend.kind
    return "hurts most people" if one.affected_users else "the most frequent"


def _trend(one: ErrorRow) -> str:
    if one.trend.kind == "rising" and one.trend.usual is not None:
        return f", rising: usually {formats.number(one.trend.usual)}"
    return f", {one.trend.kind}" if one.trend.kind in ("new", "falling") else ""


def failing_endpoints(asked: Asked) -> Section:
    answer = asked.answer(failure_rates)
    failing = [one for one in answer.endpoints if one.failures]
    worse = [one for one in failing if is_worse(one.rate, one.rate_before)]
    return Section(
        "endpoints", "Failing endpoints", asked.about("api_error", "api_timeout"),
        page_link("analytics_endpoints", asked.question),
        sentence=endpoints.headline(answer) if failing else "", users=max((one.users_hurt for one in failing), default=0),
        is_changed=bool(worse),
        rows=tuple(
            Row(
                one.endpoint, f"{failed_of(one.failures, one.requests)}{_rate_before(one)}",
                _endpoint_link(asked, one),
            )
            for one in (worse or failing)[:MOST_ROWS]
        ),
        bars=tuple(
            Bar(one.endpoint, one.failures, counted(one.failures, "failure"))
            for one in sorted(failing, key=lambda one: -one.failures)[:5]
        ) if len(failing) > 1 else (),
        bars_caption="Failures by endpoint, most first" if len(failing) > 1 else "",
        actions=tuple(
            Action(
                f"Mend {one.endpoint}",
                f"{failed_of(one.failures, one.requests)}{_rate_before(one)}, "
                f"{counted(one.users_hurt, 'user')} hurt",
                _endpoint_link(asked, one), one.users_hurt,
            )
            for one in (worse or failing)[:1]
        ),
    )  # fmt: skip


def _rate_before(one: EndpointRate) -> str:
    """Where both are known."""
    is_known = one.rate.share is not None and one.rate_before.share is not None
    return f", {percent(one.rate_before.share)} before" if is_known else ""


def _endpoint_link(asked: Asked, one: EndpointRate) -> str:
    return page_link("analytics_endpoint", asked.question, endpoint=one.endpoint, service=one.service_id)


SECTIONS = (
    ai_generation, sessions_and_auth, limits, mail_and_messages, consistency, overnight, failing_endpoints,
)  # fmt: skip
