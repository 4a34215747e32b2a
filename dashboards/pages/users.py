"""User impact, and the timeline of one user."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.timeline import days_of
from dashboards.pages.words import counted, first_of
from dashboards.reports.releases import new_releases
from dashboards.reports.user_impact import (
    MOST_USERS,
    FeatureImpact,
    PeopleHurt,
    SeverityImpact,
    UserFailures,
    UserImpact,
    user_impact,
)
from dashboards.reports.user_timeline import UserTimeline, user_timeline
from dashboards.statistics import is_apart
from events import formats
from events.patience import SearchTooSlowError
from events.rollup_tables import FAILURES
from events.user_events import MOST_ADDED

_MOST_SHOWN = 25
_LONGEST = 500
_HASH = re.compile(r"[0-9a-f]{32}")
_SUBJECTS = ("endpoint", "name", "severity", "feature")
_SEVERITIES = (*FAILURES, "info", "debug")
_SESSIONS = "session_stabilization_failure"


@dataclass(frozen=True, slots=True)
class SeverityLine:
    impact: SeverityImpact
    events: str
    users: str


@dataclass(frozen=True, slots=True)
class FeatureLine:
    impact: FeatureImpact
    events: str
    users: str


@dataclass(frozen=True, slots=True)
class UserLine:
    user: UserFailures
    timeline: str
    events: str
    # Those of one severity.
    critical: str
    errors: str
    warnings: str


class UsersPage(ReportPage):
    title = "User impact"
    template_name = "admin/analytics/users.html"
    report_name = "user-impact"

    def subjects(self) -> dict[str, str]:
        asked = {word: self.request.GET.get(word, "").replace("\x00", "").strip()[:_LONGEST] for word in _SUBJECTS}
        if asked["severity"] not in _SEVERITIES:
            asked["severity"] = ""
        return {word: value for word, value in asked.items() if value}

    def ask(self) -> UserImpact:
        asked: dict[str, Any] = {**self.subjects()}
        if self.request.GET.get("format") not in ("csv", "json"):
            asked["most"] = _MOST_SHOWN
        return user_impact(self.question, **asked)

    def told(self, answer: UserImpact) -> dict[str, Any]:
        subjects = self.subjects()
        return {
            "headline": headline(answer, subjects),
            "subjects": subjects,
            "everybody": page_link("analytics_users", self.question),
            "trend": _trend(answer),
            "failures_link": self._failures(answer),
            "sessions_link": events_link(self.question, name=_SESSIONS),
            "severities": [self._severity_line(one) for one in answer.severities],
            "features": [self._feature_line(one) for one in answer.features],
            "users": [self._user_line(one) for one in answer.users],
            "more": max(0, answer.hurt.count - _MOST_SHOWN),
            "listed": min(answer.hurt.count, MOST_USERS),
            "chart": self._chart(answer) if answer.hurt.count else None,
            "has_heard": bool(answer.failures) or has_heard_anything(),
        }

    def _severity_line(self, one: SeverityImpact) -> SeverityLine:
        return SeverityLine(
            one,
            self._events(severity=one.severity),
            page_link("analytics_users", self.question, **{**self.subjects(), "severity": one.severity}),
        )

    def _feature_line(self, one: FeatureImpact) -> FeatureLine:
        return FeatureLine(
            one,
            self._events(feature=one.feature),
            page_link("analytics_users", self.question, **{**self.subjects(), "feature": one.feature}),
        )

    def _user_line(self, one: UserFailures) -> UserLine:
        by_severity = (self._events(user=one.user, severity=severity) for severity in FAILURES)
        return UserLine(
            one, page_link("analytics_user", self.question, user=one.user), self._events(user=one.user), *by_severity
        )

    def _failures(self, answer: UserImpact) -> str:
        """Of an endpoint that tells more failures by status than by events, the answers with a status of 5xx."""
        by_status = sum(one.failures for one in answer.severities if one.severity not in FAILURES)
        return self._events(severity="info") if by_status and by_status == answer.failures else self._events()

    def _events(self, **changes: str) -> str:
        """The failures that are counted here, of all users or of one."""
        wanted: dict[str, Any] = {**self.subjects(), **changes}
        if wanted.get("severity") in FAILURES or not wanted.get("endpoint"):
            wanted.setdefault("severity", "failures")
        elif wanted.get("severity") or wanted.get("name") == "api_response_time":
            wanted |= {"name": "api_response_time", "label": "status:5xx"}
        else:
            wanted["severity"] = "errors"
        return events_link(self.question, **wanted)

    def _chart(self, answer: UserImpact) -> dict[str, Any]:
        return over_time(
            "lm-users-hurt",
            "Users who met at least one failure",
            self.question,
            [Dataset("Users hurt", "users", [step.users_hurt for step in answer.steps])],
            y_label="users",
            releases=new_releases(self.question),
            incidents=self.incidents,
            subjects=self.subjects(),
        )


class UserPage(ReportPage):
    title = "One user"
    template_name = "admin/analytics/user.html"
    report_name = "user"
    permission_required = ("dashboards.view_analytics", "events.view_event")

    def subjects(self) -> dict[str, str]:
        user = self.request.GET.get("user", "")
        if not _HASH.fullmatch(user):
            raise Http404("Which user? The address names none by their hash: 32 characters, 0 to 9 and a to f.")
        return {"user": user}

    def answered(self, request: HttpRequest) -> HttpResponse:
        try:
            return super().answered(request)
        except SearchTooSlowError:
            up = page_link("analytics_users", self.question)
            return self.render_to_response(
                self.get_context_data(
                    controls=self.controls, user_hash=self.subjects()["user"], up=up, is_too_slow=True
                )
            )

    def ask(self) -> UserTimeline:
        (user,) = self.subjects().values()
        if self.request.GET.get("format") in ("csv", "json"):  # everything that is added up
            return user_timeline(self.question, user=user, most=MOST_ADDED)
        return user_timeline(self.question, user=user, before=self._before)

    @property
    def _before(self) -> str:
        return self.request.GET.get("before", "")

    def told(self, answer: UserTimeline) -> dict[str, Any]:
        link: dict[str, Any] = {"user": answer.user}
        return {
            "headline": told_of(answer),
            "user_hash": answer.user,
            "up": page_link("analytics_users", self.question),
            "events_link": events_link(self.question, **link),
            "failures_link": events_link(self.question, severity="failures", **link),
            "kinds": [
                (kind, events_link(self.question, name=kind.name, severity=kind.severity, **link))
                for kind in answer.kinds
            ],
            "features": [
                (feature, events_link(self.question, feature=feature.feature, **link)) for feature in answer.features
            ],
            "days": days_of(answer.events, self.question.zone),
            "services": self.controls.services if len(self.controls.services) > 1 else {},
            "is_first": not self._before,
            "newest": page_link("analytics_user", self.question, **link),
            "older": answer.older and page_link("analytics_user", self.question, before=answer.older, **link),
            "most_added": MOST_ADDED,
        }


def _trend(answer: UserImpact) -> str:
    """ "worse", "better" or "": whether the share of users hurt differs from the window before beyond chance."""
    if not is_apart(answer.hurt, answer.hurt_before):
        return ""
    return "worse" if (answer.hurt.share or 0) > (answer.hurt_before.share or 0) else "better"


def headline(answer: UserImpact, subjects: dict[str, str]) -> str:
    """What a person in a hurry must know."""
    words = first_words(answer, subjects)
    worst = next((one for one in answer.features if one.hurt.count), None)
    if worst and answer.hurt.count and "feature" not in subjects:
        of_all = f"{formats.number(worst.hurt.count)} of {formats.number(worst.hurt.total)}"
        words += f" Worst hurt are users of {worst.feature}: {of_all}."
    return words


def first_words(answer: UserImpact | PeopleHurt, subjects: dict[str, str], before: str = "in the window before") -> str:
    """How many met a failure, against the time before, which ``before`` names."""
    hurt = answer.hurt
    if not answer.failures:
        said = f"None of {counted(hurt.total, 'active user')} met a failure{_narrowing(subjects)}."
        return said if hurt.total else ""
    if not hurt.count:
        return f"{counted(answer.failures, 'failure')}{_narrowing(subjects)}, and none of them names a user."
    return (
        f"{formats.number(hurt.count)} of {counted(hurt.total, 'active user')} met at least one failure{_narrowing(subjects)}, "
        f"{formats.number(answer.hurt_before.count)} {before}."
    )


def _narrowing(subjects: dict[str, str]) -> str:
    said = ""
    if "name" in subjects:
        said += f" named {subjects['name']}"
    if "severity" in subjects:
        said += f" of severity {subjects['severity']}"
    if "endpoint" in subjects:
        said += f" at {subjects['endpoint']}"
    if "feature" in subjects:
        said += f" with {subjects['feature']}"
    return said


def told_of(answer: UserTimeline) -> str:
    """The summary of one user in words."""
    if not answer.event_count:
        return ""
    since = f", known since {formats.day(answer.known_since)}" if answer.known_since else ""
    most = "The newest " if answer.is_capped else ""
    words = f"{most}{counted(answer.event_count, 'event')}{_in_sessions(answer)}{since}. "
    if not answer.failures:
        return f"{words}None of them is a failure."
    kinds = first_of([f"{kind.name} ({formats.number(kind.event_count)})" for kind in answer.kinds])
    return f"{words}{counted(answer.failures, 'failure')}: {kinds}."


def _in_sessions(answer: UserTimeline) -> str:
    return f" in {counted(answer.sessions, 'session')}" if answer.sessions else ""
