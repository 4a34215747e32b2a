import pytest
from django.contrib.auth.models import User

from tests.alerts.admin.people import make_person


@pytest.fixture
def ada(db: None) -> User:
    """May act."""
    return make_person(
        "ada", "alerts.view_incident", "alerts.change_incident", "alerts.view_alert", "events.view_issue",
    )  # fmt: skip


@pytest.fixture
def eve(db: None) -> User:
    """May look."""
    return make_person("eve", "alerts.view_incident")
