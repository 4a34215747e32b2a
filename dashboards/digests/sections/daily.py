"""The sections of the daily review: the guide's medium priority, and what happened overnight."""

from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.pages import ai, delivery, endpoints, errors, security
from dashboards.pages.links import events_link, page_link
from dashboards.pages.words import counted, failed_of, percent
from dashboards.reports.abuse import Judgement
from dashboards.reports.ai_failures import AiFailures, ai_failures
from dashboards.reports.auth_and_abuse import AuthAndAbuse, auth_and_abuse
from dashboards.reports.auth_names import AUTH_FAILURE, LIMITED, LOCKOUT, UNSTABLE
from dashboards.reports.delivery import Delivery
from dashboards.reports.delivery import delivery as delivery_report
from dashboards.reports.failure_rates import EndpointRate, failure_rates
from dashboards.reports.top_errors import ErrorRow, top_errors
from dashboards.reports.verdicts import ATTACK, FAILS_MOST, SPIKE
from dashboards.statistics import is_apart, is_more


def overnight(asked: Asked) -> Section:
    """What is new or rising among the failures."""
    answer = top_errors(asked.question, is_charted=False)
    link = page_link("analytics_errors", asked.question)
    changed = [one for one in answer.errors if one.trend.kind in ("new", "rising")]
    shown = [*changed, *(one for one in answer.errors if one not in changed)][:MOST_ROWS]
    return Section(
        "overnight", "What failed", "What fails most, and is that new, rising or falling?", link,
        sentence=errors.headline(answer, ""), users=answer.affected_users, is_changed=bool(changed),
        rows=tuple(
            Row(
                f"{one.name} ({one.severity}){_trend(one)}", f"{one.event_count:,}",
                events_link(asked.question, name=one.name, severity=one.severity),
            )
            for one in shown
        ),
        bars=tuple(
            Bar(one.name, one.event_count, counted(one.event_count, "event"))
            for one in answer.errors[:5]
        ) if len(answer.errors) > 1 else (),
        bars_caption="The most frequent failures",
        actions=tuple(
            Action(
                f"Look at {one.name}", f"{one.trend.kind}: {one.event_count:,} events, {counted(one.affected_users, 'user')}",
                events_link(asked.question, name=one.name, severity=one.severity), one.affected_users,
                one.severity == "critical",
            )
            for one in changed[:1]
        ),
    )  # fmt: skip


def _trend(one: ErrorRow) -> str:
    if one.trend.kind == "rising" and one.trend.usual is not None:
        return f", rising: usually {one.trend.usual:,.0f}"
    return f", {one.trend.kind}" if one.trend.kind in ("new", "falling") else ""


def failing_endpoints(asked: Asked) -> Section:
    answer = failure_rates(asked.question)
    failing = [one for one in answer.endpoints if one.failures]
    worse = [one for one in failing if _is_worse(one)]
    link = page_link("analytics_endpoints", asked.question)
    return Section(
        "endpoints", "Failing endpoints", asked.about("api_error", "api_timeout"), link,
        sentence=endpoints.headline(answer) if failing else "", users=max((one.users_hurt for one in failing), default=0),
        is_changed=bool(worse),
        rows=tuple(
            Row(one.endpoint, failed_of(one.failures, one.requests), _endpoint_link(asked, one))
            for one in (worse or failing)[:MOST_ROWS]
        ),
        actions=tuple(
            Action(
                f"Mend {one.endpoint}",
                f"{failed_of(one.failures, one.requests)} (before: {percent(one.rate_before.share)}), "
                f"{counted(one.users_hurt, 'user')} hurt",
                _endpoint_link(asked, one), one.users_hurt,
            )
            for one in worse[:1]
        ),
    )  # fmt: skip


def _is_worse(one: EndpointRate) -> bool:
    return is_apart(one.rate, one.rate_before) and (one.rate.share or 0) > (one.rate_before.share or 0)


def _endpoint_link(asked: Asked, one: EndpointRate) -> str:
    return page_link("analytics_endpoint", asked.question, endpoint=one.endpoint, service=one.service_id)


def ai_generation(asked: Asked) -> Section:
    answer = ai_failures(asked.question)
    total = answer.total
    link = page_link("analytics_ai", asked.question)
    has_more = is_more(total.timeouts, int(total.timeouts_change.before)) or is_more(
        total.failures, int(total.failures_change.before)
    )
    return Section(
        "ai", "AI generation", asked.about("ai_failure"), link,
        sentence=_ai_sentence(answer) if total.failures else "", users=answer.users_hurt,
        is_changed=bool(total.failures) and has_more,
        rows=tuple(
            Row(one.feature or "no feature named", counted(one.rates.timeouts, "timeout"), link)
            for one in answer.features[:MOST_ROWS] if one.rates.timeouts
        ),
        bars=tuple(
            Bar(one.provider or "no provider named", one.rates.failures, counted(one.rates.failures, "failure"))
            for one in answer.providers[:5] if one.rates.failures
        ) if len(answer.providers) > 1 else (),
        bars_caption="Failures by provider",
        actions=tuple(
            Action(
                f"Send less to {one.provider}, or fall back sooner", answer.verdict.sentence, link, one.users_hurt
            )
            for one in answer.providers[:1] if answer.verdict.kind == FAILS_MOST and has_more
        ),
    )  # fmt: skip


def _ai_sentence(answer: AiFailures) -> str:
    """“41 timeouts in 2 AI features …; a fallback caught 36 of 38.”"""
    said = ai.headline(answer)
    before = int(answer.total.timeouts_change.before)
    if answer.total.timeouts and before:
        said += f" {counted(before, 'timeout')} in the time before."
    fallback = answer.total.fallback
    if fallback.total:
        said += f" A fallback answered {fallback.count:,} of {fallback.total:,}."
    return said


def sessions_and_auth(asked: Asked) -> Section:
    answer = auth_and_abuse(asked.question)
    sessions = answer.sessions
    failed = sum(one.event_count for one in answer.names if one.kind in (AUTH_FAILURE, UNSTABLE))
    is_worse = is_apart(sessions.failed_sessions, sessions.failed_sessions_before) and (
        (sessions.failed_sessions.share or 0) > (sessions.failed_sessions_before.share or 0)
    )
    link = page_link("analytics_security", asked.question)
    has_news = bool(failed or sessions.failed_sessions.count or sessions.refused.count)
    return Section(
        "sessions", "Sessions and sign-in", asked.about("session_stabilization_failure"), link,
        sentence=" ".join(security.sessions_in_words(sessions)) if has_news and sessions.requests else _named(answer),
        users=sessions.users_hit.count, is_changed=is_worse,
        rows=tuple(
            Row(one.name, counted(one.event_count, "event"), events_link(asked.question, name=one.name))
            for one in answer.names if one.kind not in (LIMITED, LOCKOUT) and one.event_count
        )[:MOST_ROWS],
    )  # fmt: skip


def _named(answer: AuthAndAbuse) -> str:
    told = [one for one in answer.names if one.kind not in (LIMITED, LOCKOUT) and one.event_count]
    return f"{'; '.join(f'{one.name}: {counted(one.event_count, "event")}' for one in told)}." if told else ""


def limits(asked: Asked) -> Section:
    """Which IPs are being limited? A legitimate spike, or an attack?"""
    answer = auth_and_abuse(asked.question)
    pressed = [one for one in answer.judgements if one.pressure.events]
    link = page_link("analytics_security", asked.question)
    return Section(
        "limits", "Rate limits and lockouts", asked.about("beta_register_rate_limited"), link,
        sentence=" ".join(f"{_KINDS[one.kind]}: {one.verdict.sentence}" for one in pressed),
        is_changed=any(one.verdict.kind in (ATTACK, SPIKE) for one in pressed),
        rows=tuple(
            Row(one.address, counted(one.events, "time"), link) for one in answer.addresses[:MOST_ROWS]
        ),
        actions=tuple(_block(one, link) for one in pressed if one.verdict.kind == ATTACK)[:1],
    )  # fmt: skip


_KINDS = {"limited": "Limited", "lockout": "Locked out"}


def _block(one: Judgement, link: str) -> Action:
    return Action(
        "Block where it comes from, or ask for a captcha", one.verdict.sentence, link, one.pressure.accounts, True
    )


def mail_and_messages(asked: Asked) -> Section:
    """How often does Formspree fail? Is a fallback needed?"""
    answer = delivery_report(asked.question)
    failing = [one for one in answer.channels if one.failures]
    link = page_link("analytics_delivery", asked.question)
    return Section(
        "delivery", "E-mail and Formspree", asked.about("formspree_failure"), link,
        sentence=delivery.headline(_without_records(answer)) if failing else "",
        users=max((one.users_hurt for one in failing), default=0),
        is_changed=any(is_more(one.failures, int(one.change.before)) for one in failing),
        rows=tuple(
            Row(f"{one.name}: {one.reason or 'no reason told'}", counted(one.events, "time"), link)
            for one in answer.failures[:MOST_ROWS]
        ),
        actions=tuple(
            Action(f"Set up a fallback for {one.channel}", one.evidence, link, one.users_hurt)
            for one in failing if one.fallback == "due"
        )[:1],
    )  # fmt: skip


def _without_records(answer: Delivery) -> Delivery:
    return Delivery(answer.channels, answer.failures, answer.over_time, [])


def consistency(asked: Asked) -> Section:
    answer = delivery_report(asked.question)
    records = answer.inconsistencies
    events = sum(one.events for one in records)
    users = sum(one.users_hurt for one in records)
    link = page_link("analytics_delivery", asked.question)
    return Section(
        "consistency", "Data consistency", asked.about("data_consistency_error"), link,
        sentence=f"Records disagreed {counted(events, 'time')}, for {counted(users, 'user')}." if records else "",
        users=users, is_changed=any(is_more(one.events, int(one.change.before)) for one in records),
        rows=tuple(
            Row(
                (one.record or "records without a name") + (f", since {one.first_release}" if one.first_release else ""),
                counted(one.events, "time"), link,
            )
            for one in records[:MOST_ROWS]
        ),
    )  # fmt: skip


SECTIONS = (
    overnight, failing_endpoints, ai_generation, sessions_and_auth, limits, mail_and_messages, consistency,
)  # fmt: skip
