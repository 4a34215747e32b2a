"""One visit: what a student's browser and the API behind it send from the first page to the last."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from events.demo import breadcrumbs, outages, releases
from events.demo.documents import Scene, Sent, Source, iso, moment_of, sent
from events.demo.failures import Failure, api_failures, page_failures
from events.demo.lift import (
    ANALYZE,
    CHECKOUT,
    FEATURES,
    NEW_FEATURE,
    NOTIFICATIONS,
    PROFILE,
    SESSION,
    UNUSED_FEATURE,
    Endpoint,
    Feature,
    Population,
    Student,
)
from events.demo.stories import Stories

_STAGING_SHARE: Final = 0.05
_ON_STAGING_FIRST: Final = timedelta(days=1)
_FOLLOWS_NEWSLETTER: Final = 0.45
_STAYS_WITH_FAVOURITES: Final = 0.84
_SLOW_MS: Final = 1_000
_TIMEOUT_MS: Final = 10_000
# Endpoints at least this slow ask somebody else's service, and only those time out.
_WAITS_FOR_OTHERS_MS: Final = 130
# A visit's chance of each of these; a call's chance where it says so.
_CHECKS_OUT: Final = 0.04
_PAGE_FAILS: Final = 0.12
_PAGE_FAILS_REGRESSED: Final = 0.17
_SESSION_LATE: Final = 0.02
_FORMSPREE_FAILS: Final = 0.006
_RECORDS_DISAGREE: Final = 0.004
_CARD_FAILS: Final = 0.0022
_ADDRESS_LIMITED: Final = 0.004
_ACCOUNT_LOCKED: Final = 0.0007
_TRIAL_ENDS: Final = 0.046
_CALL_FAILS: Final = 0.0095
_CALL_TIMES_OUT: Final = 0.0045
_AI_FAILS: Final = 0.019
_AI_FAILS_IN_WAVE: Final = {"career": 0.62}
_AI_FAILS_IN_WAVE_ELSEWHERE: Final = 0.2
_TRIES_AGAIN: Final = 0.6
_FALLBACK_CATCHES: Final = 0.9
# The route logs the wait as well, when it is the one that falls back to a template.
_ROUTE_CATCHES: Final = 0.3
_SESSION_RAN_OUT: Final = 0.03

_FLASHCARDS, _CAREER, *_ = FEATURES
_AI_REASONS: Final = (
    ("timeout", 10), ("rate limit exceeded", 5), ("invalid JSON in completion", 3),
)  # fmt: skip
_PHONES: Final = ("iOS", "Android")
# Type, share, converts, days.
_TRIALS: Final = (("7_day", 45, 0.17, 7), ("14_day", 38, 0.31, 14), ("campus", 17, 0.46, 30))
# What fetch says when the network is away, by engine.
_FETCH_FAILED: Final = {
    "v8": "Failed to fetch", "gecko": "NetworkError when attempting to fetch resource.", "webkit": "Load failed",
}  # fmt: skip


@dataclass(slots=True)
class _Visit:
    """Where a visit has got to; ``events`` is what it has sent so far."""

    random: Random
    student: Student
    release: int
    scene: Scene
    at_ms: int
    events: list[Sent]

    def wait(self, least_ms: int, most_ms: int) -> None:
        self.at_ms += least_ms + int(self.random.random() * (most_ms - least_ms))

    def send(
        self, source: Source, name: str, data: dict[str, Any], *, level: str = "", tags: dict[str, str] | None = None
    ) -> None:
        self.events.append(sent(source, self.at_ms, self.scene, name, data, level=level, tags=tags))

    @property
    def tags(self) -> dict[str, str]:
        browser = self.student.browser
        return {"browser": browser.name, "os": browser.system, "plan": self.student.plan}


class Visits:
    """Plays visits of one population through one fortnight's stories."""

    def __init__(self, *, population: Population, stories: Stories) -> None:
        self._population = population
        self._stories = stories
        self._popularity = [feature.popularity for feature in FEATURES]

    def play(self, random: Random, at_ms: int, busyness: float) -> list[Sent]:
        """The events of one visit that begins at ``at_ms``; ``busyness`` (1 = average) makes answers slower."""
        visit = self._begin(random, at_ms)
        if random.random() < _SESSION_RAN_OUT:
            self._respond(visit, SESSION, random.randint(6, 30), 401)
            visit.wait(4_000, 30_000)
        self._call(visit, SESSION, busyness)
        self._call(visit, PROFILE, busyness)
        if random.random() < 0.4:
            self._call(visit, NOTIFICATIONS, busyness)
        for _ in range(random.choices((1, 2, 3, 4), (46, 31, 15, 8))[0]):
            visit.wait(2_000, 25_000)
            self._use(visit, self._choose(visit), busyness)
        if random.random() < _CHECKS_OUT and not self._stories.payment_is_away(visit.at_ms):
            visit.wait(3_000, 20_000)
            self._call(visit, CHECKOUT, busyness)
        self._mishaps(visit)
        return visit.events

    def _begin(self, random: Random, at_ms: int) -> _Visit:
        is_staging = random.random() < _STAGING_SHARE
        student = random.choice(self._population.team) if is_staging else self._population.visitor(random)
        # Staging runs what production gets within a day.
        moment = moment_of(at_ms)
        release = releases.newest(moment + _ON_STAGING_FIRST) if is_staging else releases.pick(random, moment)
        scene = Scene(
            "staging" if is_staging else "production", releases.name_of(release), f"s_{random.getrandbits(64):016x}"
        )
        return _Visit(random, student, release, scene, at_ms, [])

    def _choose(self, visit: _Visit) -> Feature:
        """Mostly one of the student's favourites; never what is not there."""
        random = visit.random
        # The newsletter of the careers office sends everybody there, which is more than the provider bears.
        if self._stories.ai_is_slow(visit.at_ms) and random.random() < _FOLLOWS_NEWSLETTER:
            return _CAREER
        if random.random() < _STAYS_WITH_FAVOURITES:
            feature = random.choice(visit.student.favourites)
        else:
            feature = random.choices(FEATURES, self._popularity)[0]
        if feature.name == NEW_FEATURE and not self._stories.has_new_feature(visit.release):
            return _FLASHCARDS
        if feature.name == UNUSED_FEATURE and visit.at_ms >= self._stories.unused_from_ms:
            return _CAREER
        return feature

    def _use(self, visit: _Visit, feature: Feature, busyness: float) -> None:
        random = visit.random
        platform = "mobile" if visit.student.browser.system in _PHONES else "desktop"
        for _ in range(random.choices((1, 2, 3), (55, 30, 15))[0]):
            visit.wait(1_500, 40_000)
            visit.send(
                Source.WEB,
                "feature_used",
                {
                    "feature": feature.name,
                    "user_id": visit.student.user_id,
                    "duration_seconds": int(random.gammavariate(2.2, feature.minutes * 60 / 2.2)) + 3,
                },
                level="track",
                tags={"plan": visit.student.plan, "platform": platform},
            )
            for endpoint in feature.calls:
                visit.wait(100, 4_000)
                self._call(visit, endpoint, busyness, feature)

    # --- Calls -------------------------------------------------------------------------------------------------------

    def _call(self, visit: _Visit, endpoint: Endpoint, busyness: float, feature: Feature | None = None) -> None:
        """One request to the API: the cache it asks, how long it takes, and what goes wrong."""
        random = visit.random
        took = endpoint.median_ms * random.lognormvariate(0, endpoint.spread) * (0.94 + 0.06 * busyness)
        if endpoint is ANALYZE and self._stories.is_bad(visit.release):
            took *= 3.1
        is_hit = self._ask_cache(visit, endpoint, feature)
        told = _asked(endpoint, feature, is_cached=is_hit)
        if is_hit:
            took = 4 + took * 0.12
        elif endpoint.provider and feature and self._ai_fails(visit, endpoint, feature):
            if random.random() < _TRIES_AGAIN:
                visit.wait(2_000, 15_000)
                self._call(visit, endpoint, busyness, feature)
            return
        failing = random.random()
        # What waits for an AI provider is told by ai_failure, above.
        if failing < _CALL_TIMES_OUT and endpoint.median_ms >= _WAITS_FOR_OTHERS_MS and not endpoint.provider:
            self._time_out(visit, endpoint, told)
            return
        status = 200
        if failing > 1 - _CALL_FAILS * (3 if visit.scene.environment == "staging" else 1):
            status = self._fail(visit)
        self._respond(visit, endpoint, took, status, told)

    def _ask_cache(self, visit: _Visit, endpoint: Endpoint, feature: Feature | None) -> bool:
        cache = endpoint.cache
        if cache is None:
            return False
        is_hit = visit.random.random() < cache.hit_rate
        what = visit.random.randint(1, 40) if feature and cache.ttl >= 3_600 else visit.student.user_id[-6:]
        if cache.prefix == "jobs:search":
            what = f"{visit.random.choice(_SEARCHES)}:{visit.random.randint(1, 900)}"
        visit.send(
            Source.API, "cache_performance", {"key": f"{cache.prefix}:{what}", "hit": is_hit, "ttl": cache.ttl}, level="track"
        )  # fmt: skip
        return is_hit

    def _respond(
        self, visit: _Visit, endpoint: Endpoint, took: float, status: int, told: dict[str, Any] | None = None
    ) -> None:
        """The guide's measurement of a request; ``told`` is what it says besides."""
        took_ms = max(2, round(took))
        visit.at_ms += took_ms
        data = {
            "endpoint": endpoint.path,
            "method": endpoint.method,
            "status": status,
            "response_time_ms": took_ms,
            "user_id": visit.student.user_id,
            **(told or {}),
        }
        visit.send(Source.API, "api_response_time", data)
        if took_ms > _SLOW_MS:
            visit.send(
                Source.API, "slow_endpoint", {"endpoint": endpoint.path, "duration_ms": took_ms}, level="warn"
            )  # fmt: skip

    def _ai_fails(self, visit: _Visit, endpoint: Endpoint, feature: Feature) -> bool:
        """Whether the provider fails; then a fallback mostly answers, else the request times out."""
        random = visit.random
        is_wave = endpoint.provider == "openai" and self._stories.ai_is_slow(visit.at_ms)
        chance = _AI_FAILS_IN_WAVE.get(feature.name, _AI_FAILS_IN_WAVE_ELSEWHERE) if is_wave else _AI_FAILS
        if random.random() >= chance:
            return False
        reason = "timeout"
        if not is_wave:
            reason = random.choices([name for name, _ in _AI_REASONS], [share for _, share in _AI_REASONS])[0]
        is_caught = random.random() < _FALLBACK_CATCHES
        waited = random.randint(_TIMEOUT_MS, _TIMEOUT_MS + 400) if reason == "timeout" else random.randint(300, 2_400)
        visit.at_ms += waited
        data = {
            "feature": feature.name,
            "ai_provider": endpoint.provider,
            "reason": reason,
            "fallback_used": is_caught,
            "user_id": visit.student.user_id,
        }
        visit.send(Source.API, "ai_failure", data, level="warn")
        told = _asked(endpoint, feature)
        if is_caught:
            by = random.choice(("template", "cached"))
            if reason == "timeout" and random.random() < _ROUTE_CATCHES:
                self._log_timeout(visit, endpoint, waited, {**told, "fallback_used": by})
            self._respond(visit, endpoint, waited + 40, 200, {**told, "fallback_used": by})
        elif reason == "timeout":
            self._time_out(visit, endpoint, told)
        else:
            self._respond(visit, endpoint, waited, 502, told)
        return True

    def _time_out(self, visit: _Visit, endpoint: Endpoint, told: dict[str, Any]) -> None:
        """A request that nobody answered in time."""
        waited = visit.random.randint(_TIMEOUT_MS, _TIMEOUT_MS + 400)
        visit.at_ms += waited
        self._log_timeout(visit, endpoint, waited, {**told, "fallback_used": "none"})
        data = {"endpoint": endpoint.path, "method": endpoint.method, "status": 504, "response_time_ms": waited}
        visit.send(Source.API, "api_response_time", {**data, "user_id": visit.student.user_id, **told})

    def _log_timeout(self, visit: _Visit, endpoint: Endpoint, waited: int, told: dict[str, Any]) -> None:
        """The guide's example of a good log."""
        data = {
            "endpoint": endpoint.path,
            "duration_ms": waited,
            "user_id": visit.student.user_id,
            "retry_count": visit.random.choice((0, 1, 2, 2)),
            "timestamp": iso(visit.at_ms),
            **told,
        }
        visit.send(Source.API, "api_timeout", data, level="error")

    def _fail(self, visit: _Visit) -> int:
        """One of the API's known errors, at the endpoint that has it; answers the status."""
        causes, shares = api_failures(bad=self._stories.is_bad(visit.release))
        failure = visit.random.choices(causes, shares)[0]
        message = failure.told(visit.random)
        status = 422 if failure.kind == "ZodError" else 500
        data = {
            "endpoint": failure.where,
            "message": message,
            "status": status,
            "user_id": visit.student.user_id,
            "stack": failure.stack(message),
        }
        visit.send(Source.API, "api_error", data, level="error", tags={"runtime": failure.runtime.value})
        return status

    # --- Mishaps of the visit ----------------------------------------------------------------------------------------

    def _mishaps(self, visit: _Visit) -> None:
        """What may go wrong in a visit besides its calls."""
        random, student = visit.random, visit.student
        regressed = self._stories.is_regressed(visit.release)
        if random.random() < (_PAGE_FAILS_REGRESSED if regressed else _PAGE_FAILS):
            self._fail_page(visit, regressed=regressed)
        if random.random() < _SESSION_LATE:
            data: dict[str, Any] = {"attempts": random.randint(2, 5), "reason": "session not available"}
            visit.send(Source.WEB, "session_stabilization_failure", data, level="warn", tags=visit.tags)
        if random.random() < _FORMSPREE_FAILS:
            data = {"message": _FETCH_FAILED[student.browser.engine]}
            visit.send(Source.WEB, "formspree_failure", data, level="warn", tags=visit.tags)
        if random.random() < _TRIAL_ENDS:
            self._end_trial(visit)
        if random.random() < _RECORDS_DISAGREE:
            visit.send(
                Source.API, "data_consistency_error", outages.disagreement(random, student.user_id), level="error"
            )
        if random.random() < _CARD_FAILS:
            visit.send(
                Source.API, "stripe_checkout_error", outages.card_failure(random, student.user_id), level="error"
            )
        if random.random() < _ADDRESS_LIMITED:
            visit.send(Source.API, "beta_register_rate_limited", outages.limited(random))
        if random.random() < _ACCOUNT_LOCKED:
            visit.send(
                Source.API, "security_incident_lockout", outages.lockout(random, "", student.email), level="error"
            )  # fmt: skip

    def _end_trial(self, visit: _Visit) -> None:
        """Somebody's trial ends, whoever is here: they paid before it ran out, or it ran out."""
        random = visit.random
        kind, _, converts, days = random.choices(_TRIALS, [share for _, share, *_ in _TRIALS])[0]
        has_converted = random.random() < converts
        lasted = random.betavariate(2.2, 1.5) if has_converted else 1.0
        data = {
            "trial_type": kind,
            "converted": has_converted,
            "duration_seconds": int(lasted * days * 86_400) + random.randint(1, 900),
            "user_id": self._population.anyone(random).user_id,
        }
        scene = visit.scene._replace(session_id="")
        visit.events.append(sent(Source.API, visit.at_ms, scene, "trial_conversion", data, level="track"))

    def _fail_page(self, visit: _Visit, *, regressed: bool) -> None:
        """The guide's ``useErrorTracking``: message, context and userAgent, and the stack that the hook has at hand."""
        random, browser = visit.random, visit.student.browser
        causes, shares = page_failures(browser.engine, regressed=regressed, bad=self._stories.is_bad(visit.release))
        failure: Failure = random.choices(causes, shares)[0]
        message = failure.told(random)
        visit.wait(300, 6_000)
        data: dict[str, Any] = {
            "message": message,
            "context": {"page": failure.where, "component": failure.places[0].function},
            "userAgent": browser.user_agent,
            "user_id": visit.student.user_id,
            "stack": failure.stack(message, browser.engine),
            "breadcrumbs": breadcrumbs.before(visit.events, visit.at_ms, failure.where),
        }
        visit.send(Source.WEB, "client_error", data, level="error", tags={**visit.tags, "page": failure.where})


def _asked(endpoint: Endpoint, feature: Feature | None, *, is_cached: bool = False) -> dict[str, Any]:
    """For whom an AI endpoint works, and which provider it asks unless its cache knows the answer."""
    if not endpoint.provider or feature is None:
        return {}
    return {"feature": feature.name} if is_cached else {"feature": feature.name, "ai_provider": endpoint.provider}


_SEARCHES: Final = (
    "react-intern", "data-analyst", "nursing", "barista", "lab-assistant", "ux-design", "tutoring", "civil-engineering",
    "marketing", "paralegal",
)  # fmt: skip
