from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from events.ingest import pipeline
from events.ingest.pipeline import IngestResult, ingest
from events.models import Service
from events.onboarding import KeyTexts, create_service

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh_catalogue() -> Iterator[None]:
    """The catalogue is kept for seconds in the process; a test must not see another one's."""
    pipeline._catalogue.cache_clear()
    yield
    pipeline._catalogue.cache_clear()


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """Real commits, and afterwards the flush that Django leaves out, because the table of events is not its own."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE events_event")


@dataclass(frozen=True)
class Sender:
    """A service with its keys, and ways to send as it does."""

    service: Service
    keys: KeyTexts

    def store(self, *documents: Any, at: datetime | None = None) -> IngestResult:
        """Through the pipeline, without HTTP."""
        return ingest(service_id=self.service.pk, documents=documents, received_at=at or timezone.now())

    def post(self, body: Any, *, path: str = "/api/analytics/track", key: str = "", **headers: str) -> HttpResponse:
        """Through Django's test client; ``body`` is JSON unless it is bytes."""
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        headers.setdefault("Authorization", f"Bearer {key or self.keys.secret}")
        response: Any = Client().post(
            path, data=data, content_type=headers.pop("content_type", "application/json"), headers=headers
        )
        return response  # type: ignore[no-any-return]


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender(*create_service(name="lift api"))


@pytest.fixture
def make_sender(db: None) -> Callable[[str], Sender]:
    return lambda name: Sender(*create_service(name=name))


def ago(**amount: float) -> datetime:
    return timezone.now() - timedelta(**amount)
