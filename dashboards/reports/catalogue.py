"""Every report by its name: what the API lists, pages show and digests quote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.reports.ai_failures import AiFailures, ai_failures
from dashboards.reports.auth_and_abuse import AuthAndAbuse, auth_and_abuse
from dashboards.reports.cache import Cache, cache
from dashboards.reports.delivery import Delivery, delivery
from dashboards.reports.endpoint import EndpointReport, endpoint_report
from dashboards.reports.failure_rates import FailureRates, failure_rates
from dashboards.reports.feature_adoption import FeatureAdoption, feature_adoption
from dashboards.reports.incident_times import IncidentTimes, incident_times
from dashboards.reports.overview import Overview, overview
from dashboards.reports.question import Question
from dashboards.reports.slowest_endpoints import SlowestEndpoints, slowest_endpoints
from dashboards.reports.top_errors import TopErrors, top_errors
from dashboards.reports.trial_conversion import TrialConversion, trial_conversion
from dashboards.reports.user_impact import UserImpact, user_impact
from dashboards.reports.user_timeline import UserTimeline, user_timeline


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a report must be told besides the window and the filters, such as an endpoint."""

    name: str
    description: str
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """A question with a typed answer. ``rows`` names the list of the answer that a table (CSV) of it has.

    ``permission`` is one that its readers need besides dashboards.view_analytics; "" for none.
    """

    name: str
    title: str
    # What it tells, for people.
    description: str
    answer: Callable[..., Any]
    answer_type: type[Any]
    rows: str
    subjects: tuple[Subject, ...] = ()
    permission: str = ""

    def ask(self, question: Question, **subjects: str) -> Any:
        """The answer: an ``answer_type``. ``subjects`` are given by name."""
        return self.answer(question, **subjects)


_ALL = (
    Report(
        "overview",
        "Overview",
        "Events, failures, users hurt and failed requests against the window before, open issues, the last releases.",
        overview,
        Overview,
        rows="failures_over_time",
        permission="events.view_issue",
    ),
    Report(
        "failure-rates",
        "Failure rate by endpoint",
        "Requests, failures and their rate, latency and users hurt of every endpoint, the worst first.",
        failure_rates,
        FailureRates,
        rows="endpoints",
    ),
    Report(
        "endpoint",
        "One endpoint",
        "Requests, failures and latency of one endpoint over the window, what failed there, and its releases compared.",
        endpoint_report,
        EndpointReport,
        rows="steps",
        subjects=(Subject("endpoint", "The endpoint as events name it, such as /api/career."),),
    ),
    Report(
        "slowest-endpoints",
        "Slowest endpoints",
        "p50, p95 and p99 of endpoints with more than ten requests, against the window before and across the newest release.",
        slowest_endpoints,
        SlowestEndpoints,
        rows="endpoints",
    ),
    Report(
        "delivery",
        "Delivery and consistency",
        "How often e-mail, Formspree and other messages fail, whether a fallback is due, and which records disagree.",
        delivery,
        Delivery,
        rows="channels",
    ),
    Report(
        "cache",
        "Cache",
        "Hit rates by prefix of the key, and times to live that do not pay.",
        cache,
        Cache,
        rows="prefixes",
    ),
    Report(
        "top-errors",
        "Top errors",
        "What failed how often, whom it hurt, how long it took, and whether that is new, rising or falling.",
        top_errors,
        TopErrors,
        rows="errors",
        subjects=(
            Subject(
                "contains",
                "Only events with that in their name, whatever their severity, such as error; without it every failure.",
                is_required=False,
            ),
        ),
    ),
    Report(
        "user-impact",
        "User impact",
        "How many users met a failure and which share of the active ones that is, by severity and feature, and who met the most.",
        user_impact,
        UserImpact,
        rows="users",
        subjects=(
            Subject("endpoint", "Only failed requests of that endpoint.", is_required=False),
            Subject("name", "Only failures of that name, such as api_timeout.", is_required=False),
            Subject("severity", "Only failures of that severity.", is_required=False),
            Subject("feature", "Only failures that name that feature, of the users of it.", is_required=False),
        ),
    ),
    Report(
        "user",
        "One user",
        "What one user met and used in the window, event by event, newest first.",
        user_timeline,
        UserTimeline,
        rows="events",
        subjects=(
            Subject("user", "The hash that stands for the user: 32 characters, 0 to 9 and a to f."),
            Subject("before", "Older events than this one: the answer's own ``older``.", is_required=False),
        ),
        permission="events.view_event",
    ),
    Report(
        "ai-failures",
        "AI generation",
        "Timeouts of each feature; calls, failures, success in time, fallbacks and latency of each provider, and which fails most.",
        ai_failures,
        AiFailures,
        rows="providers",
    ),
    Report(
        "auth-and-abuse",
        "Auth & abuse",
        "Lockouts and limited addresses, whether they are a spike or an attack, failures of sign-in, and sessions that fail.",
        auth_and_abuse,
        AuthAndAbuse,
        rows="addresses",
    ),
    Report(
        "feature-adoption",
        "Feature adoption",
        "Uses and users of every feature, which ones nobody uses, first uses, stickiness, failures, and who comes back.",
        feature_adoption,
        FeatureAdoption,
        rows="features",
    ),
    Report(
        "trial-conversion",
        "Trial conversion",
        "Trials that ended by type and outcome, time to convert, and failures met before converting and before expiring.",
        trial_conversion,
        TrialConversion,
        rows="outcomes",
    ),
    Report(
        "incident-times",
        "Incident times",
        "Incidents opened in the window: how many, MTTA and MTTR, time in each state, by severity and service.",
        incident_times,
        IncidentTimes,
        rows="incidents",
        permission="alerts.view_incident",
    ),
)
REPORTS: Mapping[str, Report] = {report.name: report for report in _ALL}
