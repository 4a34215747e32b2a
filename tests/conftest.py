import pytest

from alerts.models import AlertRule, Route, Runbook, RunbookStep
from alerts.rules.guide import load_rules
from alerts.runbooks.guide import load_runbooks
from events.catalogue import load_guide, load_labels
from events.models import EventType

_NEEDS_DATABASE = {"db", "transactional_db", "admin_user", "admin_client", "sender", "make_sender"}


@pytest.fixture(autouse=True)
def _guide_catalogue(request: pytest.FixtureRequest) -> None:
    """What the migration loaded, for every test with a database: the flush after a transactional test takes it away."""
    if request.node.get_closest_marker("django_db") or _NEEDS_DATABASE & set(request.fixturenames):
        request.getfixturevalue("db")
        if load_guide(EventType):
            load_labels(EventType)
        load_rules(AlertRule, Route)
        load_runbooks(Runbook, RunbookStep, AlertRule)
