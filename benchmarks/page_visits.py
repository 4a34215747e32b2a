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
_ROUNDS = 9


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

    ``raw_count`` and ``report_count`` are how many events the query and the report counted in ``window``.
    """

    name: str
    window: str
    raw_seconds: float
    columns_seconds: float
    report_seconds: float
    raw_count: int
    report_count: int


def comparisons() -> Iterator[Comparison]:
    """The guide's queries over the window that each of them names, and all of them over seven days; the reports beside them."""
    for name, own in zip((entry.name for entry in GUIDE), _GUIDES_WINDOWS, strict=True):
        for window in dict.fromkeys((own, "7d")):
            yield _comparison(name, window)


# Of the four queries, in the order in which they stand in the guide.
_GUIDES_WINDOWS: Final = ("24h", "7d", "30d", "7d")


def _comparison(name: str, window: str) -> Comparison:
    """Query and report are asked by turns: whatever else the machine does slows both."""
    question = Question(preset(window, datetime.now(UTC)), ZoneInfo(ZONE))
    entry = next(one for one in GUIDE if one.name == name)
    statement = re.sub(
        r"timestamp > NOW\(\) - INTERVAL \d+ \w+", "timestamp >= %(since)s AND timestamp < %(until)s",
        # By PostgreSQL's own LIKE, without the guards of the query page.
        entry.statement.replace("%", "%%").replace("FROM analytics_logs", "FROM liftmon_views.analytics_logs"),
    )  # fmt: skip
    answer, files = _answers(question)[GUIDE.index(entry)]
    columns = _statements(answer, files)
    raw, alone, report = [], [], []
    for _ in range(_ROUNDS + 1):
        raw.append(_timed(lambda: _guides_count(statement, question.window)))
        alone.append(_timed(lambda: _asked(columns)))
        report.append(_timed(answer))
    return Comparison(
        name,
        window,
        *(median(seconds for seconds, _ in taken[1:]) for taken in (raw, alone, report)),
        raw[0][1],
        report[0][1],
    )


def _answers(question: Question) -> tuple[tuple[Callable[[], int], tuple[str, ...]], ...]:
    """What each report counts, and the files of reports/sql/ that give the guide's columns; in the order of the guide."""
    return (
        (lambda: sum(row.event_count for row in top_errors(question, contains="error").errors), ("top_errors",)),
        (
            lambda: sum(row.usage_count for row in feature_adoption(question).features),
            ("feature_uses", "feature_users"),
        ),
        (lambda: sum(outcome.count for outcome in trial_conversion(question).outcomes), ("trial_outcomes",)),
        (lambda: sum(row.requests for row in slowest_endpoints(question).endpoints), ("slowest_endpoints",)),
    )


type _Statements = list[tuple[str, Any]]


def _statements(answer: Callable[[], int], files: Sequence[str]) -> _Statements:
    """What a report asks PostgreSQL by some files of reports/sql/; by a file that it asks twice, the first time."""
    texts = {runner.text_of(file) for file in files}
    found: _Statements = []

    def note(execute: Callable[..., Any], statement: str, parameters: Any, *more: Any) -> Any:
        for text in [one for one in texts if statement.endswith(one)]:
            texts.remove(text)
            found.append((statement, parameters))
        return execute(statement, parameters, *more)

    with connection.execute_wrapper(note):
        answer()
    return found


def _asked(statements: _Statements) -> int:
    """How many rows they answer."""
    with connection.cursor() as cursor:
        count = 0
        for statement, parameters in statements:
            cursor.execute(statement, parameters)
            count += len(cursor.fetchall())
        return count


def _guides_count(statement: str, window: Window) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"since": window.start, "until": window.end})
        names = [column.name for column in cursor.description or ()]
        place = next(place for place, name in enumerate(names) if name in ("count", "usage_count", "request_count"))
        return sum(row[place] for row in cursor.fetchall())


def _timed[Answer](ask: Callable[[], Answer]) -> tuple[float, Answer]:
    """How long it took, in seconds, and what it said."""
    began = time.perf_counter()
    answer = ask()
    return time.perf_counter() - began, answer


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
