import gc
import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from alerts.models import AlertRule, Route, Runbook, RunbookStep
from alerts.rules.guide import load_rules
from alerts.runbooks.guide import load_runbooks
from events.catalogue import load_guide, load_labels
from events.models import EventType
from events.rollup_tables import FACTS, FOLDED_TABLES

_NEEDS_DATABASE = {"db", "transactional_db", "admin_user", "admin_client", "sender", "make_sender"}
# How long an example takes is the machine's, and what must be quick has a test that says so.
hypothesis_settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any-machine")


def pytest_sessionstart() -> None:
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys come first: they are long and mostly wait, and the last to begin would be waited for by all of the machine."""
    items.sort(key=lambda item: item.get_closest_marker("journey") is None)


def pytest_collection_finish() -> None:
    """Thousands of tests with their parameters are no garbage: looking through them again and again takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _cheap_settings() -> Iterator[None]:
    """What costs time in each test and is no part of it; servers that tests start have the real settings.

    Passwords are hashed slowly on purpose, and whitenoise looks at each file of the installed packages for each client of a test.
    """
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers, WHITENOISE_AUTOREFRESH=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def _own_redis() -> Iterator[None]:
    """A database of Redis for each of xdist's workers: there is one heartbeat of a Beat, and tests stop it."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    with override_settings(REDIS_URL=f"{settings.REDIS_URL}?db={number}" if number else settings.REDIS_URL):
        yield


@pytest.fixture(autouse=True)
def _guide_catalogue(request: pytest.FixtureRequest) -> None:
    """What the migration loaded, for every test with a database: the flush after a transactional test takes it away."""
    if request.node.get_closest_marker("django_db") or _NEEDS_DATABASE & set(request.fixturenames):
        request.getfixturevalue("db")
        if load_guide(EventType):
            load_labels(EventType)
        load_rules(AlertRule, Route)
        load_runbooks(Runbook, RunbookStep, AlertRule)


@pytest.fixture(autouse=True)
def _flushed(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test with real commits: the flush of the tables of events, which Django leaves out, because they are not its own."""
    marker = request.node.get_closest_marker("django_db")
    is_flushed = "transactional_db" in request.fixturenames or (marker is not None and marker.kwargs.get("transaction"))
    if is_flushed:
        request.getfixturevalue("transactional_db")
    yield
    if is_flushed:
        tables = ["events_event", "events_series", "events_usernumber", "events_release", FACTS]
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join([*tables, *(table.name for table in FOLDED_TABLES)])}")
