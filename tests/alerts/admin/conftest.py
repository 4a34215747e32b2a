import pytest
from django.contrib.auth.models import User

from alerts.models import AlertRule, Route
from tests.alerts.admin.people import looker, on_call
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender


@pytest.fixture
def only_own_rules(db: None) -> None:
    """Without those that a fresh installation starts with."""
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


@pytest.fixture
def ada(db: None) -> User:
    """May act."""
    return on_call()


@pytest.fixture
def eve(db: None) -> User:
    """May look."""
    return looker()
