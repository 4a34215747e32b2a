"""Counting what is refused, so that nothing disappears silently."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import Error, connection

from events.ingest.pipeline import scrubber
from events.ingest.types import Refusal

logger = structlog.get_logger(__name__)
SAMPLE_LENGTH = 1_000


def count_rejection(
    *, service_id: int | None, code: str, detail: str, sample: str, now: datetime, times: int = 1
) -> None:
    """Add to the day's row of (service, code). ``sample`` must be scrubbed already.

    Never raises: the refusal is answered even when it cannot be counted, and the log says so.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO events_ingestrejection AS rejection
                    (service_id, code, detail, day, rejection_count, sample, first_at, last_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (service_id, code, day) DO UPDATE SET
                    rejection_count = rejection.rejection_count + excluded.rejection_count,
                    detail = excluded.detail,
                    sample = CASE WHEN excluded.sample = '' THEN rejection.sample ELSE excluded.sample END,
                    last_at = greatest(rejection.last_at, excluded.last_at)
                """,
                [service_id, code, detail[:500], now.date(), times, sample[:SAMPLE_LENGTH], now, now],
            )
    except Error:
        logger.exception("rejection_not_counted", service_id=service_id, code=code)


def count_refusals(service_id: int, refusals: Sequence[Refusal], documents: Sequence[Any], *, now: datetime) -> None:
    """Count single events of a request that were refused, one row a reason, with the first of each as the sample."""
    times = Counter(refusal.code for refusal in refusals)
    for code, count in times.items():
        first = next(refusal for refusal in refusals if refusal.code == code)
        document = documents[first.index]
        sample = "" if document is None else sample_of(repr(document)[: SAMPLE_LENGTH * 4].encode("utf-8", "replace"))
        count_rejection(service_id=service_id, code=code, detail=first.detail, sample=sample, now=now, times=count)


def sample_of(body: bytes) -> str:
    """The beginning of a body as scrubbed text that PostgreSQL can keep."""
    text = body[: SAMPLE_LENGTH * 4].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return scrubber().scrub_text(text)[:SAMPLE_LENGTH]
