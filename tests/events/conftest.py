from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from events import usage
from events.ingest import guards, issues, storing
from events.ingest.known import known
from events.ingest.limits import limiter
from events.ingest.pipeline import IngestResult, ingest
from events.models import Service
from events.onboarding import KeyTexts, create_service
from liftmon.embedded.layout import DataLayout

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fresh_process(settings: Any, tmp_path: Path) -> Iterator[None]:
    """What a process remembers is another test's; and here every request reads keys and catalogue anew."""
    settings.INGEST_KNOWN_SECONDS = 0
    settings.LAYOUT = DataLayout(tmp_path)
    forget_everything()
    yield
    forget_everything()


def forget_everything() -> None:
    guards.forget_memory()
    issues.forget_seen()
    usage.forget_uses()
    known.forget()
    limiter.forget()
    storing.spool.cache_clear()
    storing.database.came_back()


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
