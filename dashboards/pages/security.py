"""Auth & abuse: is it a spike or an attack, from where, who is not let in, and do sessions hold."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from alerts.conditions import spoken
from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, percent
from dashboards.reports.abuse import Judgement
from dashboards.reports.addresses import AddressCount, NetworkCount
from dashboards.reports.auth_and_abuse import AuthAndAbuse
from dashboards.reports.auth_names import (
    AUTH_FAILURE,
    LIMITED,
    LOCKOUT,
    NOT_AUTHENTICATED,
    TIMED_OUT,
    UNSTABLE,
    AttemptCount,
    NamedCount,
)
from dashboards.reports.sessions import AuthEndpoint, Sessions
from dashboards.reports.verdicts import ATTACK, SPIKE, USUAL, count_in_words
from dashboards.statistics import Change, change_of, is_apart
from events import formats

_MOST_ROWS, _MOST_NETWORKS = 30, 10
# (kind, what many of it are called, its colour in the chart)
_SHOWN = (
    (LOCKOUT, "Lockouts", "critical"),
    (LIMITED, "Rate-limited requests", "warning"),
    (AUTH_FAILURE, "Sign-in down", "error"),
    (UNSTABLE, "Sessions not stable", "info"),
    (TIMED_OUT, "Session timeouts", "users"),
    (NOT_AUTHENTICATED, "“Not authenticated”", "neutral"),
)
_LABELS = {kind: label for kind, label, _ in _SHOWN}
_TONES = {ATTACK: "bad", SPIKE: "warn", USUAL: "good"}
_LOOKS = {ATTACK: "look like an attack", SPIKE: "look like a legitimate spike", USUAL: "are as usual"}
_QUESTIONS = {LIMITED: "Rate limiting: spike or attack?", LOCKOUT: "Lockouts: spike or attack?"}
_NOT_KNOWN = (
    "How often users are refused is not known: no endpoint of sign-in or sessions (a path with auth, login, signin, sso or session "
    "in it) sent an api_response_time."
)


@dataclass(frozen=True, slots=True)
class Tile:
    """``link`` leads to the events, or to the names when there are several."""

    label: str
    value: int
    change: Change
    link: str


@dataclass(frozen=True, slots=True)
class JudgementShown:
    """``zoom`` shows what was judged alone; "" when that is the window."""

    one: Judgement
    title: str
    tone: str
    zoom: str


@dataclass(frozen=True, slots=True)
class AddressLine:
    """``limited_link`` is "" when several names were limited: no filter finds them together."""

    one: AddressCount
    hash: str
    link: str
    lockouts_link: str
    limited_link: str


@dataclass(frozen=True, slots=True)
class NameLine:
    one: NamedCount
    kind: str
    link: str


@dataclass(frozen=True, slots=True)
class EndpointLine:
    one: AuthEndpoint
    requests_link: str
    refused_link: str
    failures_link: str
    trend: str


class SecurityPage(ReportPage):
    title = "Auth & abuse"
    template_name = "admin/analytics/security.html"
    report_name = "auth-and-abuse"

    def told(self, answer: AuthAndAbuse) -> dict[str, Any]:
        has_any = bool(answer.names or answer.addresses or answer.sessions.endpoints)
        return {
            "headline": headline(answer) if has_any else "",
            "tiles": [tile for kind, *_ in _SHOWN if (tile := self._tile(kind, answer.names))],
            "judgements": [self._judgement(one) for one in answer.judgements if one.pressure.events],
            "charts": [self._chart(answer)] if answer.by_step else [],
            "name_lines": [
                NameLine(one, _LABELS[one.kind], events_link(self.question, name=one.name)) for one in answer.names
            ],
            "networks": [(one, self._network_line(one, answer)) for one in answer.networks[:_MOST_NETWORKS]],
            "more_networks": max(0, len(answer.networks) - _MOST_NETWORKS),
            "address_lines": [self._address_line(one, answer.names) for one in answer.addresses[:_MOST_ROWS]],
            "more_addresses": max(0, len(answer.addresses) - _MOST_ROWS),
            "attempts": [(one, self._attempts_link(one)) for one in answer.sessions.attempts],
            "endpoint_lines": [self._endpoint_line(one) for one in answer.sessions.endpoints[:_MOST_ROWS]],
            "sessions_told": sessions_in_words(answer.sessions),
            "has_any": has_any,
            "has_heard": has_any or has_heard_anything(),
        }

    def _tile(self, kind: str, names: list[NamedCount]) -> Tile | None:
        """None when nothing of it was heard of, now or before."""
        found = [one for one in names if one.kind == kind]
        if not found:
            return None
        now, before = sum(one.event_count for one in found), sum(one.change.before for one in found)
        link = events_link(self.question, name=found[0].name) if len(found) == 1 else "#lm-names"
        return Tile(_LABELS[kind], now, change_of(now, before), link)

    def _judgement(self, one: Judgement) -> JudgementShown:
        window = self.question.window
        zoom = ""
        if (one.start, one.end) != (window.start, window.end):
            query = {"window": "custom", "from": one.start.isoformat(), "to": one.end.isoformat()}
            zoom = page_link("analytics_security", self.question, **query)
        return JudgementShown(one, _QUESTIONS[one.kind], _TONES.get(one.verdict.kind, ""), zoom)

    def _address_line(self, one: AddressCount, names: list[NamedCount]) -> AddressLine:
        label = f"ip:{one.address}"

        def link_of(kind: str) -> str:
            found = [name.name for name in names if name.kind == kind]
            return events_link(self.question, label=label, name=found[0]) if len(found) == 1 else ""

        return AddressLine(
            one,
            one.address.removeprefix(one.network).strip(" ()") if one.network else "",
            events_link(self.question, label=label),
            link_of(LOCKOUT),
            link_of(LIMITED),
        )

    def _network_line(self, one: NetworkCount, answer: AuthAndAbuse) -> AddressLine | None:
        """That of its address when it has one alone: events are found by address, not by network."""
        if one.addresses != 1:
            return None
        return next(
            self._address_line(address, answer.names) for address in answer.addresses if address.network == one.network
        )

    def _attempts_link(self, one: AttemptCount) -> str:
        if not one.attempts:
            return ""
        return events_link(self.question, name="session_stabilization_failure", label=f"attempts:{one.attempts}")

    def _endpoint_line(self, one: AuthEndpoint) -> EndpointLine:
        requests: dict[str, Any] = {"name": "api_response_time", "endpoint": one.endpoint}
        trend = ""
        if is_apart(one.refused, one.refused_before):
            trend = "worse" if (one.refused.share or 0) > (one.refused_before.share or 0) else "better"
        return EndpointLine(
            one,
            events_link(self.question, **requests),
            events_link(self.question, **requests, label="status:4xx"),
            page_link("analytics_endpoint", self.question, endpoint=one.endpoint),
            trend,
        )

    def _chart(self, answer: AuthAndAbuse) -> dict[str, Any]:
        counts = {line.kind: line.event_counts for line in answer.by_step}
        return over_time(
            "lm-auth-events",
            "Lockouts, limited requests and failures of sign-in and sessions",
            self.question,
            [Dataset(label, tone, counts[kind]) for kind, label, tone in _SHOWN if kind in counts],
            y_label="events",
            releases=answer.new_releases,
            incidents=self.incidents,
        )


def headline(answer: AuthAndAbuse) -> str:
    """Spike or attack, whether sign-in works, and whether people see “not authenticated”."""
    said = []
    for one in answer.judgements:
        if one.pressure.events:
            usual = one.pressure.usual
            compared = f", usually {count_in_words(usual)}" if usual is not None else ""
            looks = _LOOKS.get(one.verdict.kind, "say too little")
            where = busiest_in_words(one, answer)
            said.append(
                f"{_LABELS[one.kind]} {looks} ({formats.number(one.pressure.events)}{where and f' {where}'}{compared})."
            )
    if not said:
        said.append("Nobody was limited or locked out.")
    if down := sum(one.event_count for one in answer.names if one.kind == AUTH_FAILURE):
        said.append(f"The authentication system failed {counted(down, 'time')}.")
    if answer.sessions.refused.count:
        said.append(_refused_in_words(answer.sessions))
    return " ".join(said)


def busiest_in_words(one: Judgement, answer: AuthAndAbuse) -> str:
    """Which part of the window was judged, on the reader's clock; "" for all of it."""
    events = sum(name.event_count for name in answer.names if name.kind == one.kind)
    if one.pressure.events >= events:
        return ""
    began = formats.day_and_hour(timezone.localtime(one.start), has_year=False)
    return f"in the busiest {spoken((one.end - one.start).total_seconds()).removeprefix('1 ')}, from {began}"


def sessions_in_words(sessions: Sessions) -> list[str]:
    """Do users see “not authenticated”? How often do sessions fail?"""
    if not sessions.requests:
        return [_NOT_KNOWN]
    said = [
        _refused_in_words(sessions) if sessions.refused.count else "No request for sign-in or a session was refused."
    ]
    failed, before = sessions.failed_sessions, sessions.failed_sessions_before
    compared = f" ({percent(before.share)} before)" if before.share is not None else ""
    share = (
        f"{percent(failed.share)} of the requests" if failed.share is not None else "more than the requests measured"
    )
    said.append(f"{counted(failed.count, 'session')} timed out or did not become stable, {share}{compared}.")
    said.append(
        f"{counted(sessions.users_hit.count, 'user')} met one of these, {percent(sessions.users_hit.share)} of those who signed in "
        "or had a session, as far as events name them."
    )
    return said


def _refused_in_words(sessions: Sessions) -> str:
    refused, before = sessions.refused, sessions.refused_before
    words = (
        f"{formats.number(refused.count)} of {counted(sessions.requests, 'request')} for sign-in or a session were refused, "
        f"{percent(refused.share)}"
    )
    if is_apart(refused, before):
        word = "more" if (refused.share or 0) > (before.share or 0) else "less"
        return f"{words}: {word} than before ({percent(before.share)})."
    return f"{words}."
