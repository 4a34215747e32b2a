from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import ApiToken, TokenScope
from tests.events.admin.people import make_person


@dataclass(frozen=True)
class Caller:
    """A person with an API token, asking as a script does."""

    person: User
    token: ApiToken
    text: str

    def get(self, address: str, **parameters: Any) -> Any:
        """``address`` is below /api/v1/, or whole as a page gives it."""
        return Client().get(whole(address), parameters or None, headers=self.headers)

    def patch(self, address: str, content: Any) -> Any:
        return Client().patch(whole(address), content, content_type="application/json", headers=self.headers)

    def post(self, address: str, content: Any = None) -> Any:
        """Without a body when there is no content."""
        data = b"" if content is None else content
        return Client().post(whole(address), data, content_type="application/json", headers=self.headers)

    def delete(self, address: str) -> Any:
        return Client().delete(whole(address), headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}


def whole(address: str) -> str:
    return address if address.startswith("http") else f"/api/v1/{address}"


@contextmanager
def queries() -> Iterator[list[str]]:
    """What is asked of PostgreSQL in between, but for where transactions begin and end."""
    asked: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield asked
    control = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT")
    asked += [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(control)]


@pytest.fixture
def make_caller(db: None) -> Callable[..., Caller]:
    def make(*rights: str, name: str = "ada", scope: TokenScope = TokenScope.READ) -> Caller:
        person = make_person(name, *rights)
        return Caller(person, *ApiToken.issue(person, name="script", scope=scope))

    return make


@pytest.fixture
def reader(make_caller: Callable[..., Caller]) -> Caller:
    """May read everything and change nothing."""
    return make_caller("view_service", "view_event", "view_issue", name="eve")


@pytest.fixture
def triager(make_caller: Callable[..., Caller]) -> Caller:
    return make_caller("view_issue", "view_event", "triage_issue", scope=TokenScope.WRITE)
