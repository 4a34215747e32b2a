"""The rows of a benchmark: believable events, as documents, as a raw COPY of the same, and twenty million of them."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import orjson
import psycopg

from events.demo.generator import Generator
from events.event_ids import uuid7

BATCH = 500
SAME = {
    "event": "api_timeout",
    "data": {
        "severity": "error",
        "message": "career advice timed out",
        "endpoint": "/api/career",
        "duration_ms": 10050,
        "user_id": "u-42",
    },
}
COLUMNS = (
    "id, tier, occurred_at, received_at, service_id, fingerprint_id, event_id, name, kind, severity, message, environment, "
    "release, endpoint, duration_ms, user_hash, session_id, exception, breadcrumbs, tags, data, scrubbed, repaired, labels"
)


class Bodies(NamedTuple):
    """Files that wrk sends from. Without ids, so that each sending is new events."""

    # 500 of the demo's events, one a request, in turn; and the same in one batch.
    singles: Path
    batch: Path
    # One failure again and again: every event counts on the same issue.
    same: Path


def write_bodies(folder: Path) -> Bodies:
    now = datetime.now(UTC)
    events = Generator(seed=1, until=now, days=14).events()
    documents = [event.document for event in islice(events, 3_000, 3_000 + BATCH)]
    for document in documents:
        document.pop("event_id", None)
        document["timestamp"] = now.isoformat()
    bodies = Bodies(folder / "singles.lines", folder / "batch.json", folder / "same.json")
    bodies.singles.write_bytes(b"\n".join(map(orjson.dumps, documents)))
    bodies.batch.write_bytes(orjson.dumps(documents))
    bodies.same.write_bytes(orjson.dumps(SAME))
    return bodies


def copy_blocks(connection: psycopg.Connection, count: int) -> list[bytes]:
    """So many blocks of 500 of the stored rows in COPY's text format, with ids of their own."""
    stored = f"COPY (SELECT {COLUMNS} FROM events_event LIMIT {BATCH}) TO STDOUT"  # noqa: S608 - constants
    with connection.cursor().copy(stored.encode()) as copy:
        rows = [bytes(row).split(b"\t") for row in copy]
    if len(rows) < BATCH:
        raise RuntimeError("send a batch first")
    now = datetime.now(UTC)
    blocks = []
    for _ in range(count):
        lines = []
        for row in rows:
            fresh = str(uuid7(now)).encode()
            lines.append(b"\t".join([fresh, row[1], now.isoformat().encode(), *row[3:6], fresh, *row[7:]]))
        blocks.append(b"".join(lines))
    return blocks


def raw_copy(connection: psycopg.Connection, blocks: list[bytes]) -> float:
    """Rows a second of COPY by one connection, a commit a block: what PostgreSQL does here when nobody thinks about rows."""
    started = time.perf_counter()
    for block in blocks:
        with connection.cursor().copy(f"COPY events_event ({COLUMNS}) FROM STDIN") as copy:
            copy.write(block)
    return len(blocks) * BATCH / (time.perf_counter() - started)


# Rows of the demo's 500, spread over the past five weeks, users and all, with ids of their time as the writer makes them.
_FILL = f"""
    INSERT INTO events_event ({COLUMNS})
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
            || '8' || substr(md5(random()::text), 1, 15))::uuid,
        tier, moment, moment, service_id, fingerprint_id, gen_random_uuid(), name, kind, severity, message, environment,
        release, endpoint, duration_ms, CASE WHEN user_hash = '' THEN '' ELSE md5((random() * 100000)::int::text) END,
        session_id, exception, breadcrumbs, tags, data, scrubbed, repaired, labels
    FROM (SELECT * FROM events_event LIMIT {BATCH}) AS sample
    CROSS JOIN LATERAL (
        SELECT now() - interval '35 days' * ((%s + (part + random()) / %s) / %s) AS moment FROM generate_series(1, %s) AS part
        WHERE sample.id IS NOT NULL
    ) AS times
"""  # noqa: S608 - constants above


def fill(connection: psycopg.Connection, rows: int, *, say: Callable[[str], None]) -> None:
    """Store so many rows more, by SQL, oldest last."""
    step = 500_000
    for number in range(rows // step):
        copies = step // BATCH
        connection.execute(_FILL.encode(), [number, copies, rows // step, copies])
        say(f"  {(number + 1) * step:,} of {rows:,} rows")
    connection.execute("VACUUM ANALYZE events_event")
    connection.execute("CHECKPOINT")


def sync_disks() -> None:
    """Let what earlier rounds wrote reach the disk, so that no round pays for another."""
    os.sync()
