"""Sessions and sign-in: who is refused, which sessions fail, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.reports.auth_names import NOT_AUTHENTICATED, TIMED_OUT, UNSTABLE, AttemptCount, NamedCount, of_kinds
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Share, share_if_known, share_of

# Endpoints of sign-in and sessions: a part of the path says so. PostgreSQL reads it.
AUTH_ENDPOINTS = r"(^|/)(auth|oauth2?|sso|login|log-in|signin|sign-in|sessions?)(/|$)"


@dataclass(frozen=True, slots=True)
class AuthEndpoint:
    """``refused`` are answers of 4xx, ``failures`` failed requests as on the page of endpoints."""

    endpoint: str
    requests: int
    refused: Share
    refused_before: Share
    failures: Share
    failures_before: Share


@dataclass(frozen=True, slots=True)
class Sessions:
    """Do users see “not authenticated”? Shares of requests are of those at the endpoints of sign-in and sessions.

    ``failed_sessions`` are events of sessions that were not stable or timed out; ``users_hit`` met one of them, an event that says
    “not authenticated” or a refusal, of all users whom such events and requests at these endpoints name.
    """

    requests: int
    refused: Share
    refused_before: Share
    failures: Share
    failures_before: Share
    failed_sessions: Share
    failed_sessions_before: Share
    users_hit: Share
    attempts: list[AttemptCount]
    endpoints: list[AuthEndpoint]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    endpoint: str
    requests: int
    refused: int
    failures: int
    requests_before: int
    refused_before: int
    failures_before: int


@dataclass(frozen=True, slots=True)
class _Users:
    users_hit: int
    users_heard: int


def sessions(question: Question, named: Sequence[NamedCount], attempts: list[AttemptCount]) -> Sessions:
    """``named`` are the events that tell of sign-in and sessions, ``attempts`` those of sessions that were not stable."""
    endpoints = ask("auth_endpoints", question, _Endpoint, endpoints=AUTH_ENDPOINTS)
    total = _Endpoint("", *(sum(getattr(row, part) for row in endpoints) for part in _SUMMED))
    whole = _auth_endpoint(total)
    failed = [one for one in named if one.kind in (UNSTABLE, TIMED_OUT)]
    names = list(of_kinds(named, UNSTABLE, TIMED_OUT, NOT_AUTHENTICATED))
    (users,) = ask("auth_users", question, _Users, names=names, endpoints=AUTH_ENDPOINTS)
    return Sessions(
        requests=total.requests,
        refused=whole.refused,
        refused_before=whole.refused_before,
        failures=whole.failures,
        failures_before=whole.failures_before,
        failed_sessions=_of_requests(sum(one.event_count for one in failed), total.requests),
        failed_sessions_before=_of_requests(int(sum(one.change.before for one in failed)), total.requests_before),
        users_hit=share_of(users.users_hit, users.users_heard),
        attempts=attempts,
        endpoints=sorted(map(_auth_endpoint, endpoints), key=lambda one: (-one.requests, one.endpoint)),
    )


_SUMMED = ("requests", "refused", "failures", "requests_before", "refused_before", "failures_before")


def _auth_endpoint(row: _Endpoint) -> AuthEndpoint:
    return AuthEndpoint(
        row.endpoint,
        row.requests,
        _of_requests(row.refused, row.requests),
        _of_requests(row.refused_before, row.requests_before),
        _of_requests(row.failures, row.requests),
        _of_requests(row.failures_before, row.requests_before),
    )


def _of_requests(count: int, requests: int) -> Share:
    """Services may tell of more than they count requests: then nothing is known of the share."""
    return share_if_known(count, requests)
