"""Spool so many batches of 500 and replay them, in this process; prints events a second. Called by benchmarks.run."""

import sys
import time
from pathlib import Path

import django
import orjson

django.setup()

from django.utils import timezone  # noqa: E402

from events.ingest import spool_records  # noqa: E402
from events.ingest.pipeline import read  # noqa: E402
from events.ingest.storing import replay, spool  # noqa: E402
from events.models import Service  # noqa: E402


def main() -> None:
    documents = orjson.loads(Path(sys.argv[1]).read_bytes())
    service_id = Service.objects.get(slug="benchmark").pk
    batches = int(sys.argv[2])
    for _ in range(batches):
        submission = read(service_id=service_id, documents=documents, received_at=timezone.now()).submission
        spool().append([spool_records.encode(submission)])
    started = time.perf_counter()
    records = replay()
    seconds = time.perf_counter() - started
    if records != batches:
        raise SystemExit(f"{records} of {batches} records were replayed")
    print(batches * len(documents) / seconds)


if __name__ == "__main__":
    main()
