import pytest

from alerts.models import Route


@pytest.fixture(autouse=True)
def _no_routes(db: None) -> None:
    Route.objects.all().delete()
