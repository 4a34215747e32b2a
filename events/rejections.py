"""Counting what is refused, so that nothing disappears silently."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from events.ingest.configured_scrubber import scrubber
from events.ingest.types import Refusal, RefusalCount

SAMPLE_LENGTH = 1_000
# Of a body or document, before it is scrubbed.
SAMPLED_BYTES = SAMPLE_LENGTH * 4


def count_rejections(cursor: CursorWrapper, refusals: Sequence[RefusalCount]) -> None:
    """Add to the day's row of each (service, code), inside the writer's transaction. Samples must be scrubbed already."""
    # A service that nobody knows sorts before all others.
    days: dict[tuple[int, str, date], list[RefusalCount]] = {}
    for refusal in refusals:
        days.setdefault((refusal.service_id or 0, refusal.code, refusal.at.date()), []).append(refusal)
    for (service_id, code, day), members in sorted(days.items()):
        samples = [refusal.sample for refusal in members if refusal.sample]
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
            [
                service_id or None,
                code,
                members[-1].detail[:500],
                day,
                sum(refusal.times for refusal in members),
                samples[-1][:SAMPLE_LENGTH] if samples else "",
                min(refusal.at for refusal in members),
                max(refusal.at for refusal in members),
            ],
        )


def refusal_counts(
    service_id: int, refusals: Sequence[Refusal], documents: Sequence[Any], *, at: datetime
) -> list[RefusalCount]:
    """What to count for single events of a request that were refused: one a reason, with the first of each as sample."""
    counts = []
    for code, times in Counter(refusal.code for refusal in refusals).items():
        first = next(refusal for refusal in refusals if refusal.code == code)
        document = documents[first.index]
        sample = "" if document is None else sample_of(repr(document)[:SAMPLED_BYTES].encode("utf-8", "replace"))
        counts.append(RefusalCount(service_id, code, first.detail, sample, times, at))
    return counts


def sample_of(body: bytes) -> str:
    """The beginning of a body as scrubbed text that PostgreSQL can keep."""
    text = body[:SAMPLED_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return scrubber().scrub_text(text)[:SAMPLE_LENGTH]
