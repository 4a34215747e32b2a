import pytest
from django.test import Client

from dashboards.models import SavedQuery
from dashboards.queries.guide import load_questions
from tests.dashboards.pages.query.asking import EDITING, SEEING
from tests.events.admin.people import client_of, make_person


@pytest.fixture(autouse=True)
def _questions(db: None) -> None:
    """What the migration loaded; the flush after a transactional test takes it away."""
    load_questions(SavedQuery)


@pytest.fixture
def eve(db: None) -> Client:
    return client_of(make_person("eve", *SEEING))


@pytest.fixture
def editor(db: None) -> Client:
    return client_of(make_person("ada", *EDITING))


@pytest.fixture
def saved(db: None) -> SavedQuery:
    return SavedQuery.objects.create(
        name="Mine",
        statement="SELECT :days + 1 AS answer",
        parameters=[{"name": "days", "type": "integer", "default": "7"}],
    )
