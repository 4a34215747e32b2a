"""The product: its features, the endpoints behind them, the browsers and the students who use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

STUDENTS: Final = 2_400
_ID_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Cache:
    """What an endpoint keeps: keys ``prefix:…``, for ``ttl`` seconds, found again with probability ``hit_rate``."""

    prefix: str
    ttl: int
    hit_rate: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route and how long it takes: a log-normal around ``median_ms``."""

    path: str
    method: str
    median_ms: float
    spread: float = 0.38
    provider: str = ""
    cache: Cache | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a student does; ``popularity`` against the others, ``minutes`` at it, the endpoints it calls."""

    name: str
    popularity: float
    minutes: float
    page: str
    calls: tuple[Endpoint, ...]


SESSION = Endpoint("/api/auth/session", "GET", 24, cache=Cache("session:user", 900, 0.94))
PROFILE = Endpoint("/api/profile", "GET", 46, cache=Cache("user:profile", 600, 0.88))
NOTIFICATIONS = Endpoint("/api/notifications", "GET", 38)
ANALYZE = Endpoint("/api/resume/analyze", "POST", 390, 0.42, provider="anthropic")
CAREER = Endpoint("/api/career", "POST", 430, 0.4, "openai", Cache("career:advice", 3600, 0.57))
# Searches hardly ever repeat within half a minute: this time to live does not pay.
JOB_SEARCH = Endpoint("/api/jobs/search", "GET", 210, 0.45, cache=Cache("jobs:search", 30, 0.05))
CHECKOUT = Endpoint("/api/subscription/checkout", "POST", 360)
PORTAL = Endpoint("/api/subscription/portal", "POST", 280)
WEBHOOK = Endpoint("/api/billing/webhook", "POST", 90)
TRIAL_START = Endpoint("/api/trial/start", "POST", 150)

# Withdrawn from the menu by mistake a week before the end: nobody uses it any more.
UNUSED_FEATURE: Final = "mock_interview"
# Arrives with a release in the middle of the fortnight.
NEW_FEATURE: Final = "salary_insights"

FEATURES: Final = (
    Feature("flashcards", 24, 11, "/flashcards", (
        Endpoint("/api/flashcards", "GET", 58, cache=Cache("flashcards:deck", 300, 0.83)),
        Endpoint("/api/flashcards/generate", "POST", 370, 0.4, "openai"),
    )),
    Feature("career", 16, 7, "/career", (CAREER,)),
    Feature("resume_builder", 14, 14, "/resume/editor", (
        Endpoint("/api/resume", "GET", 64, cache=Cache("resume:draft", 120, 0.71)),
        Endpoint("/api/resume", "PUT", 92),
        ANALYZE,
    )),
    Feature("job_search", 13, 6, "/jobs", (JOB_SEARCH, Endpoint("/api/jobs/saved", "GET", 52))),
    Feature("study_planner", 11, 5, "/planner", (
        Endpoint("/api/planner", "GET", 71, cache=Cache("planner:week", 300, 0.8)),
        Endpoint("/api/planner/tasks", "POST", 84),
    )),
    Feature("notes_summary", 9, 4, "/notes", (Endpoint("/api/notes/summarize", "POST", 340, 0.4, "gemini"),)),
    Feature("cover_letter", 6, 9, "/cover-letter", (Endpoint("/api/cover-letter", "POST", 410, 0.4, "openai"),)),
    Feature("essay_feedback", 6, 8, "/essay", (Endpoint("/api/essay/feedback", "POST", 420, 0.4, "anthropic"),)),
    Feature("scholarship_finder", 5, 6, "/scholarships", (
        Endpoint("/api/scholarships", "GET", 140, cache=Cache("scholarships:list", 3600, 0.97)),
    )),
    Feature("gpa_calculator", 4, 2, "/gpa", (Endpoint("/api/gpa", "POST", 31),)),
    Feature("community", 3, 8, "/community", (Endpoint("/api/community/feed", "GET", 120),)),
    Feature(NEW_FEATURE, 5, 3, "/salary", (
        Endpoint("/api/salary", "GET", 115, cache=Cache("salary:region", 86400, 0.9)),
    )),
    Feature(UNUSED_FEATURE, 1.2, 12, "/interview", (Endpoint("/api/interview/mock", "POST", 430, 0.4, "openai"),)),
)  # fmt: skip
AI_FEATURES: Final = tuple(feature for feature in FEATURES if any(call.provider for call in feature.calls))


class Browser(NamedTuple):
    """A browser as its pages and its stacks show it; ``engine`` is v8, gecko or webkit."""

    name: str
    system: str
    engine: str
    share: float
    user_agent: str


_CHROMIUM: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome"
_SAFARI: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1"
_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_PHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X)"
_EDGE: Final = "Safari/537.36 Edg/143.0.0.0"
BROWSERS: Final = (
    Browser("Chrome", "Windows", "v8", 27, f"{_WINDOWS}) {_CHROMIUM}/143.0.0.0 Safari/537.36"),
    Browser("Chrome", "macOS", "v8", 16, f"{_MAC} {_CHROMIUM}/143.0.0.0 Safari/537.36"),
    Browser("Chrome", "Android", "v8", 13, f"Mozilla/5.0 (Linux; Android 10; K) {_CHROMIUM}/142.0.0.0 Mobile Safari/537.36"),
    Browser("Chrome", "Linux", "v8", 5, f"Mozilla/5.0 (X11; Linux x86_64) {_CHROMIUM}/142.0.0.0 Safari/537.36"),
    Browser("Edge", "Windows", "v8", 8, f"{_WINDOWS}) {_CHROMIUM}/143.0.0.0 {_EDGE}"),
    Browser("Safari", "iOS", "webkit", 17, f"{_PHONE} {_SAFARI} Mobile/15E148 Safari/604.1"),
    Browser("Safari", "macOS", "webkit", 8, f"{_MAC} {_SAFARI} Safari/605.1.15"),
    Browser("Firefox", "Windows", "gecko", 4, f"{_WINDOWS}; rv:146.0) Gecko/20100101 Firefox/146.0"),
    Browser("Firefox", "Linux", "gecko", 2, "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"),
)  # fmt: skip


class Student(NamedTuple):
    """Somebody who uses lift: always with the same browser, and mostly for the same few features."""

    user_id: str
    email: str
    browser: Browser
    plan: str
    favourites: tuple[Feature, ...]


class Population:
    """The students and the team. The most eager tenth makes nearly half of the visits, as everywhere."""

    def __init__(self, seed: int) -> None:
        random = Random(f"lift students {seed}")  # noqa: S311 - made-up people need no cryptography
        self.students = [_student(random, number) for number in range(STUDENTS)]
        self.team = [_student(random, STUDENTS + number) for number in range(9)]
        self._reach = list(accumulate(random.paretovariate(1.35) for _ in self.students))

    def visitor(self, random: Random) -> Student:
        """Who comes next."""
        return random.choices(self.students, cum_weights=self._reach)[0]

    def anyone(self, random: Random) -> Student:
        """A student, eager or not."""
        return random.choice(self.students)


_FIRST_NAMES: Final = (
    "maya", "liam", "zoe", "noah", "iris", "omar", "ava", "leo", "priya", "kofi", "hana", "diego", "sofia", "jonas",
    "amara", "ethan", "mei", "lucas", "nora", "tariq",
)  # fmt: skip
_LAST_NAMES: Final = (
    "fischer", "okafor", "nguyen", "garcia", "patel", "kim", "silva", "haddad", "larsen", "brown", "rossi", "adeyemi",
    "cohen", "novak", "tanaka", "walker",
)  # fmt: skip


def _student(random: Random, number: int) -> Student:
    email = f"{random.choice(_FIRST_NAMES)}.{random.choice(_LAST_NAMES)}{number}@example.edu"
    return Student(
        user_id=identifier(random),
        email=email,
        browser=random.choices(BROWSERS, [browser.share for browser in BROWSERS])[0],
        plan=random.choices(("free", "trial", "pro", "campus"), (58, 12, 18, 12))[0],
        favourites=tuple(_favourites(random, random.choices((1, 2, 3, 4), (35, 38, 19, 8))[0])),
    )


def _favourites(random: Random, count: int) -> Sequence[Feature]:
    left = list(FEATURES)
    chosen: list[Feature] = []
    for _ in range(count):
        feature = random.choices(left, [one.popularity for one in left])[0]
        left.remove(feature)
        chosen.append(feature)
    return chosen


def identifier(random: Random) -> str:
    """An id as Prisma makes them: a "c" and 24 letters and digits."""
    return "c" + "".join(random.choices(_ID_LETTERS, k=24))
