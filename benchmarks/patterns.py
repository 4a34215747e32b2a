"""What happens in a month of *lift*: every kind of event of the guide, how often it comes and what it looks like. Pure.

Three services, 40 endpoints, 8 features, 3 AI providers, 20 caches, 51 causes of failures. A `Pattern` is what some events have in
common: everything but when, whose, which release and how long. The shares are the demo's (events.demo), measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from events.catalogue import GUIDE
from events.ingest.labels import EVERYWHERE

SERVICES: Final = ("lift api", "lift web", "lift billing")
_API, _WEB, _BILLING = range(3)
_CATALOGUE: Final = {entry.name: entry for entry in GUIDE}
# A share of all events, in hundred-thousandths.
_REQUESTS, _CACHE, _FEATURES = 58_000, 20_000, 17_500
_STATUSES: Final = ((200, 0.967), (404, 0.022), (500, 0.011))


@dataclass(frozen=True, slots=True)
class Pattern:
    """``share`` is relative to the others. ``cause`` names the issue that a failure belongs to; "": it is none.

    ``duration`` is the field of ``data`` that says how long it took, around ``median`` (log-normal), in its own unit.
    ``key`` is the beginning of ``data.key``, which ends in something else each time.
    """

    service: int
    name: str
    share: float
    endpoint: str = ""
    message: str = ""
    cause: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    # Beside feature and ai_provider: what the catalogue counts these events by, as events.ingest.labels reads it.
    labels: dict[str, str] = field(default_factory=dict)
    exception: list[dict[str, Any]] = field(default_factory=list)
    duration: str = ""
    median: float = 0.0
    spread: float = 0.4
    key: str = ""
    has_user: bool = True

    @property
    def tier(self) -> str:
        return _CATALOGUE[self.name].tier

    @property
    def kind(self) -> str:
        return _CATALOGUE[self.name].kind

    @property
    def severity(self) -> str:
        return _CATALOGUE[self.name].default_severity

    @property
    def all_labels(self) -> dict[str, str]:
        return {name: self.data[name] for name in EVERYWHERE if name in self.data} | self.labels


@dataclass(frozen=True, slots=True)
class _Endpoint:
    service: int
    path: str
    popularity: float
    median_ms: float
    feature: str = ""
    providers: tuple[str, ...] = ()


_ENDPOINTS: Final = (
    _Endpoint(_API, "/api/auth/session", 18, 24),
    _Endpoint(_API, "/api/auth/signin", 3, 130),
    _Endpoint(_API, "/api/profile", 16, 46),
    _Endpoint(_API, "/api/profile/:id", 2, 44),
    _Endpoint(_API, "/api/notifications", 7, 38),
    _Endpoint(_API, "/api/notifications/:id/read", 3, 33),
    _Endpoint(_API, "/api/flashcards", 11, 58),
    _Endpoint(_API, "/api/flashcards/:id", 6, 41),
    _Endpoint(_API, "/api/flashcards/generate", 9, 370, "flashcards", ("openai", "gemini")),
    _Endpoint(_API, "/api/career", 10, 430, "career", ("openai", "anthropic")),
    _Endpoint(_API, "/api/career/:id/history", 2, 85),
    _Endpoint(_API, "/api/resume", 8, 64),
    _Endpoint(_API, "/api/resume/:id", 4, 92),
    _Endpoint(_API, "/api/resume/analyze", 6, 390, "resume_builder", ("anthropic",)),
    _Endpoint(_API, "/api/resume/:id/export", 1, 640),
    _Endpoint(_API, "/api/jobs/search", 9, 210),
    _Endpoint(_API, "/api/jobs/:id", 5, 71),
    _Endpoint(_API, "/api/jobs/saved", 3, 52),
    _Endpoint(_API, "/api/jobs/match", 3, 460, "job_search", ("openai",)),
    _Endpoint(_API, "/api/planner", 6, 71),
    _Endpoint(_API, "/api/planner/tasks/:id", 4, 84),
    _Endpoint(_API, "/api/planner/suggest", 2, 410, "study_planner", ("gemini",)),
    _Endpoint(_API, "/api/notes/:id", 4, 49),
    _Endpoint(_API, "/api/notes/summarize", 5, 340, "notes_summary", ("gemini", "openai")),
    _Endpoint(_API, "/api/cover-letter", 4, 410, "cover_letter", ("openai", "anthropic")),
    _Endpoint(_API, "/api/essay/feedback", 4, 420, "essay_feedback", ("anthropic",)),
    _Endpoint(_API, "/api/scholarships", 3, 140),
    _Endpoint(_API, "/api/beta/register", 1, 150),
    _Endpoint(_WEB, "/", 9, 61),
    _Endpoint(_WEB, "/dashboard", 8, 112),
    _Endpoint(_WEB, "/resume/editor", 4, 97),
    _Endpoint(_WEB, "/jobs", 4, 88),
    _Endpoint(_WEB, "/flashcards/:deck", 5, 79),
    _Endpoint(_WEB, "/career", 4, 83),
    _Endpoint(_WEB, "/settings", 2, 66),
    _Endpoint(_BILLING, "/api/subscription/checkout", 2, 360),
    _Endpoint(_BILLING, "/api/subscription/portal", 1, 280),
    _Endpoint(_BILLING, "/api/subscription/:id", 2, 47),
    _Endpoint(_BILLING, "/api/trial/start", 1, 150),
    _Endpoint(_BILLING, "/api/billing/webhook", 2, 90),
)
FEATURES: Final = tuple(endpoint.feature for endpoint in _ENDPOINTS if endpoint.feature)
_POPULARITY_OF_FEATURES: Final = (24, 16, 14, 13, 11, 9, 7, 6)
_MINUTES: Final = (11, 7, 14, 6, 5, 4, 9, 8)
# Prefix, share, seconds to live, hit rate.
_CACHES: Final = (
    ("session:user", 18, 900, 0.94), ("user:profile", 16, 600, 0.88), ("flashcards:deck", 11, 300, 0.83),
    ("flashcards:card", 6, 300, 0.79), ("career:advice", 9, 3600, 0.57), ("career:history", 2, 600, 0.66),
    ("resume:draft", 8, 120, 0.71), ("resume:template", 3, 86400, 0.98), ("jobs:search", 9, 30, 0.05),
    ("jobs:detail", 5, 3600, 0.74), ("jobs:saved", 3, 300, 0.81), ("planner:week", 6, 300, 0.8),
    ("planner:task", 3, 60, 0.44), ("notes:text", 4, 600, 0.77), ("notes:summary", 4, 86400, 0.63),
    ("scholarships:list", 3, 3600, 0.97), ("essay:rubric", 2, 86400, 0.95), ("letter:tone", 2, 86400, 0.93),
    ("plan:prices", 2, 3600, 0.99), ("feature:flags", 8, 60, 0.9),
)  # fmt: skip
_SLOW: Final = tuple(endpoint.path for endpoint in _ENDPOINTS if endpoint.median_ms >= 360)
# Messages, where they come from, and the share of each in hundred-thousandths.
_API_ERRORS: Final = (
    ("Deck {id} is being edited elsewhere", "/api/flashcards/:id", 130),
    ("Cannot read properties of null (reading 'plan')", "/api/profile", 110),
    ("relation \"job_match\" does not exist", "/api/jobs/:id", 60),
    ("Invalid cursor", "/api/notifications", 70),
    ("PDF renderer exited with code 1", "/api/resume/:id/export", 80),
    ("deadlock detected", "/api/planner/tasks/:id", 40),
    ("upstream search index is read-only", "/api/jobs/search", 60),
    ("Unique constraint failed on the fields: (`email`)", "/api/beta/register", 30),
)  # fmt: skip
_CLIENT_ERRORS: Final = (
    ("ChunkLoadError: Loading chunk 417 failed", "/dashboard", 170),
    ("TypeError: undefined is not an object (evaluating 'a.items.map')", "/flashcards/:deck", 180),
    ("ResizeObserver loop completed with undelivered notifications", "/resume/editor", 130),
    ("NetworkError when attempting to fetch resource", "/jobs", 140),
    ("Hydration failed because the server rendered HTML didn't match the client", "/", 90),
    ("QuotaExceededError: The quota has been exceeded", "/resume/editor", 50),
    ("RangeError: Invalid time value", "/career", 70),
    ("SyntaxError: Unexpected token '<'", "/settings", 40),
)  # fmt: skip
_AI_REASONS: Final = (("timeout", 10), ("rate limit exceeded", 5), ("invalid JSON in completion", 3))
_TRIALS: Final = (("7_day", 45, 0.17), ("14_day", 38, 0.31), ("campus", 17, 0.46))


def patterns() -> list[Pattern]:
    """All of them, always in the same order."""
    return [*_requests(), *_caches(), *_features(), *_slow(), *_errors(), *_ai(), *_people(), *_money(), *_machines()]


def _requests() -> Iterator[Pattern]:
    whole = sum(endpoint.popularity for endpoint in _ENDPOINTS)
    for endpoint in _ENDPOINTS:
        for provider in endpoint.providers or ("",):
            for status, part in _STATUSES:
                about: dict[str, Any] = {"endpoint": endpoint.path, "method": "GET", "status": status}
                if provider:
                    about |= {"method": "POST", "feature": endpoint.feature, "ai_provider": provider}
                yield Pattern(
                    endpoint.service,
                    "api_response_time",
                    _REQUESTS * endpoint.popularity / whole / max(len(endpoint.providers), 1) * part,
                    endpoint.path,
                    data=about,
                    labels={"status": f"{status // 100}xx"},
                    duration="response_time_ms",
                    median=endpoint.median_ms,
                    spread=0.55 if provider else 0.38,
                    has_user=endpoint.path != "/api/billing/webhook",
                )


def _caches() -> Iterator[Pattern]:
    whole = sum(share for _, share, _, _ in _CACHES)
    for prefix, share, seconds, hit_rate in _CACHES:
        for is_hit, part in ((True, hit_rate), (False, 1 - hit_rate)):
            yield Pattern(
                _API,
                "cache_performance",
                _CACHE * share / whole * part,
                data={"hit": is_hit, "ttl": seconds},
                labels={"key": prefix, "hit": str(is_hit).lower(), "ttl": str(seconds)},
                key=prefix,
            )


def _features() -> Iterator[Pattern]:
    whole = sum(_POPULARITY_OF_FEATURES)
    for feature, popularity, minutes in zip(FEATURES, _POPULARITY_OF_FEATURES, _MINUTES, strict=True):
        share = _FEATURES * popularity / whole
        about = {"feature": feature}
        yield Pattern(
            _WEB, "feature_used", share, data=about, duration="duration_seconds", median=minutes * 60, spread=0.8
        )


def _slow() -> Iterator[Pattern]:
    for path in _SLOW:
        cause = f"{path} took longer than a second"
        about = {"endpoint": path}
        service = _BILLING if "subscription" in path else _API
        yield Pattern(
            service, "slow_endpoint", 70, path, cause, cause, about, duration="duration_ms", median=1_450, spread=0.25
        )


def _errors() -> Iterator[Pattern]:
    for message, path, share in _API_ERRORS:
        about = {"endpoint": path, "method": "POST"}
        stack = _stack("ApiError", message, "lib/handlers.js")
        yield Pattern(
            _API, "api_error", share, path, message, message, about, exception=stack, duration="duration_ms", median=180
        )
    for message, path, share in _CLIENT_ERRORS:
        about = {
            "context": {"page": path, "component": "Page"},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/146.0",
        }
        yield Pattern(
            _WEB,
            "client_error",
            share,
            path,
            message,
            message,
            about,
            exception=_stack("Error", message, "app/page.jsx"),
        )
    for path in ("/api/career", "/api/resume/analyze", "/api/jobs/search", "/api/essay/feedback"):
        for fallback, share in (("template", 40), ("false", 12)):
            message = f"{path} gave up waiting"
            about = {"endpoint": path, "fallback_used": fallback, "retry_count": 2}
            labels = {"fallback_used": fallback}
            yield Pattern(
                _API, "api_timeout", share, path, message, message, about, labels,
                duration="duration_ms", median=10_050, spread=0.01,
            )  # fmt: skip


def _ai() -> Iterator[Pattern]:
    for endpoint in _ENDPOINTS:
        for provider in endpoint.providers:
            for reason, weight in _AI_REASONS:
                is_caught = (len(endpoint.path) + weight) % 5 > 0
                about = {
                    "endpoint": endpoint.path,
                    "feature": endpoint.feature,
                    "ai_provider": provider,
                    "reason": reason,
                    "fallback_used": is_caught,
                }
                labels = {"reason": reason, "fallback_used": str(is_caught).lower()}
                cause = f"{provider}: {reason}"
                yield Pattern(
                    endpoint.service, "ai_failure", 2.2 * weight, endpoint.path, reason, cause, about, labels,
                    duration="duration_ms", median=10_000 if reason == "timeout" else 900, spread=0.1,
                )  # fmt: skip


def _people() -> Iterator[Pattern]:
    late = "session not available"
    for attempts in (2, 3, 4, 5):
        yield Pattern(
            _WEB, "session_stabilization_failure", 130 / attempts, "", late, late,
            {"attempts": attempts, "reason": late}, {"attempts": str(attempts), "reason": late},
        )  # fmt: skip
    for number in range(12):
        ip = f"203.0.113.0/24 ({number * 7919:08x})"
        yield Pattern(
            _API, "beta_register_rate_limited", 10, "/api/beta/register", "too many registrations", "rate limited",
            {"ip": ip}, {"ip": ip}, has_user=False,
        )  # fmt: skip
        locked = "account locked after 5 failed sign-ins"
        ip = f"198.51.100.0/24 ({number * 104729:08x})"
        yield Pattern(
            _API,
            "security_incident_lockout",
            4,
            "/api/auth/signin",
            locked,
            locked,
            {"ip": ip},
            {"ip": ip},
            has_user=False,
        )
    for message in ("Failed to fetch", "HTTP 429 from Formspree"):
        yield Pattern(_WEB, "formspree_failure", 25, "", message, message, {"message": message}, {"reason": message})
    for record in ("beta_tester", "subscription"):
        message = f"{record} differs from its user"
        about = {"expected": 17, "actual": None, "record": record}
        yield Pattern(_API, "data_consistency_error", 18, "", message, message, about, {"record": record})


def _money() -> Iterator[Pattern]:
    path = "/api/subscription/checkout"
    for step in ("create_session", "confirm"):
        message = f"Your card was declined ({step})"
        stack = _stack("StripeCardError", message, "pages/api/subscription/checkout.js")
        about = {"endpoint": path, "step": step}
        yield Pattern(_BILLING, "stripe_checkout_error", 40, path, message, message, about, {"step": step}, stack)
    for trial, share, converts in _TRIALS:
        for converted, part in ((True, converts), (False, 1 - converts)):
            about = {"trial_type": trial, "converted": converted}
            labels = {"trial_type": trial, "converted": str(converted).lower()}
            yield Pattern(
                _BILLING, "trial_conversion", 2.7 * share * part, data=about, labels=labels,
                duration="duration_seconds", median=500_000, spread=0.5,
            )  # fmt: skip


def _machines() -> Iterator[Pattern]:
    for name, message, share in (
        ("db_pool_error", "timeout exceeded when trying to connect", 9),
        ("auth_system_failure", "adapter did not answer", 12),
        ("cascade_failure_detected", "3 endpoints failed within 5 minutes", 4),
        ("error", "unhandled rejection", 45),
    ):
        stack = _stack("Error", message, "lib/db.js")
        yield Pattern(_API, name, share, "", message, message, {"message": message}, exception=stack, has_user=False)


def _stack(kind: str, message: str, path: str) -> list[dict[str, Any]]:
    """A chain of one exception with a dozen frames, about as long as the demo's."""
    frames = [
        {"function": f"step{number}", "filename": f"node_modules/next/dist/server/{number}.js", "lineno": 40 + number}
        for number in range(10)
    ]
    return [
        {"type": kind, "value": message, "frames": [*frames, {"function": "handler", "filename": path, "lineno": 31}]}
    ]
