import pytest

from dashboards.reports import upkeep


@pytest.fixture(autouse=True)
def _steady_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """How large a database is depends on the machine, and changes between two looks at it."""
    monkeypatch.setattr(upkeep, "_sizes", lambda: (9_100_000, 4_200_000, 3_100_000))
