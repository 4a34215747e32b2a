from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from alerts.statuspage import views
from alerts.statuspage.keeping import Keeper
from alerts.statuspage.pace import pace


@pytest.fixture(autouse=True)
def fresh_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """Nothing is known of the pages of other tests."""
    made = Keeper(tmp_path / "status-page")
    monkeypatch.setattr(views, "keeper", made)
    return made


@pytest.fixture(autouse=True)
def _nobody_asked() -> Iterator[None]:
    pace.forget()
    yield
    pace.forget()


@pytest.fixture
def visitor() -> Client:
    """Without an account, and without the token that forms of the admin need."""
    return Client(enforce_csrf_checks=True)
