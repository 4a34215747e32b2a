"""The database that is looked at."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.incidents.diagnostics.connecting import keep_dsn
from alerts.models import MonitoredDatabase
from tests.alerts.incidents.diagnostics.patient import Patient, patients


@pytest.fixture(scope="session")
def server() -> Iterator[Patient]:
    with tempfile.TemporaryDirectory(prefix="lm-patient-", ignore_cleanup_errors=True) as folder:
        yield from patients(Path(folder))


@pytest.fixture
def patient(server: Patient) -> Iterator[Patient]:
    yield server
    server.rest()


@pytest.fixture
def lift(patient: Patient, db: None) -> MonitoredDatabase:
    database = MonitoredDatabase(name="lift", pool_limit=10, slow_seconds=1, timeout_ms=2000, allows_mitigation=True)
    keep_dsn(database, patient.reader)
    database.save()
    return database
