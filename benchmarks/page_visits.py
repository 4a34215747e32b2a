"""The analytics pages as somebody visits them over a month of events. Called by benchmarks.reports, with DATABASE_URL set.

    python -m benchmarks.page_visits

Prints a JSON document: who visits (a session's cookie), the addresses to ask for and how many queries each makes; and how long the
guide's own SQL takes against the reports that answer the same.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import django

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboards.middleware import COOKIE_NAME
from dashboards.queries.guide import GUIDE
from dashboards.reports import runner
from dashboards.reports.feature_adoption import feature_adoption
from dashboards.reports.question import Question
from dashboards.reports.slowest_endpoints import slowest_endpoints
from dashboards.reports.top_errors import top_errors
from dashboards.reports.trial_conversion import trial_conversion
from dashboards.window import Window, preset

WINDOWS: Final = ("1h", "24h", "7d", "30d")
_ENDPOINT: Final = "/api/career"
# Pages below /admin/analytics/ that look through a window; "" is the hub.
_PAGES: Final = (
    "", "endpoints", "endpoint", "errors", "users", "user", "latency", "features", "trials", "ai", "security", "delivery",
    "cache",
)  # fmt: skip
# Whose days begin at another hour than those of UTC: charts of days are put together from hours.
ZONE: Final = "Europe/Berlin"
_RAW_ROUNDS, _REPORT_ROUNDS = 3, 15


@dataclass(frozen=True, slots=True)
class Visit:
    """``queries`` are what the page asks PostgreSQL for, those of the session and the reader's rights included."""

    page: str
    window: str
    path: str
    queries: int = 0


def visits() -> Iterator[Visit]:
    """Every page through every window; pages without a window once."""
    user = _most_hurt()
    for page in _PAGES:
        about = {"endpoint": {"endpoint": _ENDPOINT}, "user": {"user": user}}.get(page, {})
        for window in WINDOWS:
            asked = {"window": window, **about}
            path = f"/admin/analytics/{page}/" if page else "/admin/analytics/"
            yield Visit(page or "analytics", window, f"{path}?{urlencode(asked)}")
    for window in WINDOWS:
        yield Visit("overview", window, f"/admin/?window={window}")
    yield Visit("feed", "", "/admin/analytics/feed/")
    # Behind the last event, which may be of the minute that runs: most polls find nothing, and what they find is 50 rows at most.
    arrived_since = urlencode({"since": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()})
    yield Visit("feed, what arrived", "", f"/admin/analytics/feed/arrivals/?{arrived_since}")
    yield Visit("query", "", "/admin/analytics/query/")


def _most_hurt() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_hash FROM events_fingerprintuser GROUP BY 1 ORDER BY sum(event_count) DESC, 1 LIMIT 1"
        )
        return str(cursor.fetchone()[0])


def counted(client: Client, visit: Visit) -> Visit:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(visit.path)
    if answer.status_code != 200:
        raise RuntimeError(f"{visit.path} answers {answer.status_code}")
    return replace(visit, queries=len(asked))


# --- The guide's SQL -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians in seconds: of the guide's query, of what the report asks for to give the same columns, and of the report as a whole.

    ``raw_count`` and ``report_count`` are how many events the query and the report counted.
    """

    name: str
    raw_seconds: float
    columns_seconds: float
    report_seconds: float
    raw_count: int
    report_count: int


def comparisons() -> Iterator[Comparison]:
    """The guide's queries as they are written, but over the last seven days, and the reports that answer them."""
    question = Question(preset("7d", datetime.now(UTC)), ZoneInfo(ZONE))
    # What each report counts, and the files of reports/sql/ that give the guide's columns.
    answers: tuple[tuple[Callable[[], int], tuple[str, ...]], ...] = (
        (lambda: sum(row.event_count for row in top_errors(question, contains="error").errors), ("top_errors",)),
        (
            lambda: sum(row.usage_count for row in feature_adoption(question).features),
            ("feature_uses", "feature_users"),
        ),
        (lambda: sum(outcome.count for outcome in trial_conversion(question).outcomes), ("trial_outcomes",)),
        (lambda: sum(row.requests for row in slowest_endpoints(question).endpoints), ("slowest_endpoints",)),
    )
    for entry, (answer, files) in zip(GUIDE, answers, strict=True):
        statement = re.sub(
            r"timestamp > NOW\(\) - INTERVAL \d+ \w+", "timestamp >= %(since)s AND timestamp < %(until)s",
            # By PostgreSQL's own LIKE, without the guards of the query page.
            entry.statement.replace("%", "%%").replace("FROM analytics_logs", "FROM liftmon_views.analytics_logs"),
        )  # fmt: skip
        raw, raw_count = _timed(lambda text=statement: _guides_count(text, question.window), _RAW_ROUNDS)
        stopwatch = _Stopwatch(files)
        with connection.execute_wrapper(stopwatch):
            seconds, count = _timed(answer, _REPORT_ROUNDS)
        yield Comparison(entry.name, raw, stopwatch.seconds(), seconds, raw_count, count)


class _Stopwatch:
    """Times the statements of some files of reports/sql/; of a file that a report asks twice, the first time."""

    def __init__(self, files: Sequence[str]) -> None:
        self._texts = {file: runner.text_of(file) for file in files}
        self._taken: dict[str, list[float]] = {file: [] for file in files}

    def __call__(self, execute: Callable[..., Any], statement: str, *arguments: Any) -> Any:
        began = time.perf_counter()
        result = execute(statement, *arguments)
        for file, text in self._texts.items():
            if statement.endswith(text):
                self._taken[file].append(time.perf_counter() - began)
        return result

    def seconds(self) -> float:
        """The sum of the medians, without the first round."""
        a_round = {file: len(taken) // (_REPORT_ROUNDS + 1) for file, taken in self._taken.items()}
        return sum(median(taken[a_round[file] :: a_round[file]]) for file, taken in self._taken.items())


def _guides_count(statement: str, window: Window) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": window.start, "until": window.end})
        names = [column.name for column in cursor.description or ()]
        place = next(place for place, name in enumerate(names) if name in ("count", "usage_count", "request_count"))
        return sum(row[place] for row in cursor.fetchall())


def _timed[Answer](ask: Callable[[], Answer], rounds: int) -> tuple[float, Answer]:
    """The median of some rounds after a first one that is not counted."""
    answer, seconds = ask(), []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = ask()
        seconds.append(time.perf_counter() - began)
    return median(seconds), answer


def main() -> None:
    reader, _ = User.objects.get_or_create(username="benchmark", defaults={"is_staff": True, "is_superuser": True})
    client = Client()
    client.force_login(reader)
    client.cookies[COOKIE_NAME] = ZONE
    found: dict[str, Any] = {
        "cookie": client.cookies.output(attrs=[], header="", sep=";").strip(),
        "visits": [asdict(counted(client, visit)) for visit in visits()],
    }
    if "--guide" in sys.argv:
        found["guide"] = [asdict(one) for one in comparisons()]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
