"""Digests over the days around a change of the clocks, with a real worker and Beat that are killed, on a fast clock.

The clock waits at certain moments until all that was due by then is in the inbox: on a slow machine it takes longer, and no more.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import redis

from tests.journeys.fast_clock.sitecustomize import reading
from tests.journeys.running import RunningLiftmon, free_port, migrated
from tests.journeys.test_alerting import Inbox, kill, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

# Seconds a second: three seconds a day; and an hour in two seconds where the clocks change.
_FAST, _SLOW = 28_800, 1_800
_WORKER, _BEAT = "celery --quiet -A liftmon worker", "celery --quiet -A liftmon beat"

# Readers of all changes, none of whom gets anything yet.
_SUBSCRIBE = """
from datetime import datetime
from dashboards.models import DigestSubscription
for name, zone, begins, hours in {readers}:
    since = datetime.fromisoformat(begins)
    for hour in hours:
        DigestSubscription.objects.create(
            email=f"{{name}}-{{hour}}@users.example", kinds=["daily"], hour=hour, weekdays=list(range(7)), zone=zone,
            environments=[], created_at=since, since_at=since, confirmed_at=since, is_enabled=False,
        )
"""

# As an operator does in the admin, so that it is looked several times an hour on the fast clock.
_QUICKEN = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
often, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
for task in PeriodicTask.objects.filter(name__in=["Send digests", "Send letters"]):
    task.interval = often
    task.save()
"""


@dataclass(frozen=True)
class Step:
    """The clock runs to ``until``; ``dead`` is who was killed before, and stays so until then."""

    until: str
    speed: int = _FAST
    dead: str = ""


@dataclass(frozen=True)
class Change:
    """All times are UTC. ``due``: by the reader's hour, when a digest is due on ``first`` and the days after; before them, on
    the day before. All of it lies in the past, so that whatever looks at the machine's clock finds nothing from the future."""

    name: str
    zone: str
    begins: str
    first: date
    due: dict[int, list[str]]
    steps: list[Step]

    def __str__(self) -> str:
        return self.name


SPRING = Change(
    "spring",
    "Europe/Berlin",
    "2025-03-27 11:00",
    date(2025, 3, 28),
    {
        # On the 30th there is no 2:00: the moment at which it would have been is 3:00 of summer time.
        2: ["2025-03-27 01:00", "2025-03-28 01:00", "2025-03-29 01:00", "2025-03-30 01:00", "2025-03-31 00:00"],
        8: ["2025-03-27 07:00", "2025-03-28 07:00", "2025-03-29 07:00", "2025-03-30 06:00", "2025-03-31 06:00"],
    },
    [
        Step("2025-03-28 11:00"),
        Step("2025-03-29 06:59"),
        Step("2025-03-29 11:00", dead=_WORKER),
        Step("2025-03-30 00:00"),
        Step("2025-03-30 02:30", _SLOW),
        Step("2025-03-30 05:59"),
        Step("2025-03-30 10:00", dead=_BEAT),
        Step("2025-03-31 10:00"),
    ],
)
AUTUMN = Change(
    "autumn",
    "Europe/Berlin",
    "2025-10-24 10:00",
    date(2025, 10, 25),
    {
        # On the 26th there are two: it is the first, still of summer time.
        2: ["2025-10-24 00:00", "2025-10-25 00:00", "2025-10-26 00:00", "2025-10-27 01:00", "2025-10-28 01:00"],
        8: ["2025-10-24 06:00", "2025-10-25 06:00", "2025-10-26 07:00", "2025-10-27 07:00", "2025-10-28 07:00"],
    },
    [
        Step("2025-10-25 10:00"),
        Step("2025-10-25 23:30"),
        Step("2025-10-26 02:30", _SLOW),
        Step("2025-10-26 11:00"),
        Step("2025-10-27 11:00"),
        Step("2025-10-28 11:00"),
    ],
)
# The worker comes back in the second of two hours, and writes what was due in the first.
CRASH_BETWEEN = Change(
    "crash-between",
    "America/New_York",
    "2025-10-30 16:00",
    date(2025, 10, 31),
    {
        1: ["2025-10-30 05:00", "2025-10-31 05:00", "2025-11-01 05:00", "2025-11-02 05:00", "2025-11-03 06:00"],
        8: ["2025-10-30 12:00", "2025-10-31 12:00", "2025-11-01 12:00", "2025-11-02 13:00", "2025-11-03 13:00"],
    },
    [
        Step("2025-10-31 16:00"),
        Step("2025-11-01 16:00"),
        Step("2025-11-02 04:59"),
        Step("2025-11-02 06:20", _SLOW, dead=_WORKER),
        Step("2025-11-02 07:30", _SLOW),
        Step("2025-11-02 17:00"),
        Step("2025-11-03 17:00"),
    ],
)

CHANGES = [SPRING, AUTUMN, CRASH_BETWEEN]


class Clock:
    """The one that the processes read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def now(self) -> datetime:
        return reading(self.file.read_text())

    def set(self, start: datetime, *, speed: float = 1, until: datetime | None = None) -> None:
        made = self.file.with_suffix(".new")
        made.write_text(f"{time.monotonic()} {start.timestamp()} {speed} {(until or start).timestamp()}")
        made.replace(self.file)  # nobody reads half of it

    def run_to(self, until: datetime, speed: float) -> None:
        """From wherever it is."""
        self.set(min(self.now, until), speed=speed, until=until)
        wait_for(lambda: self.now >= until)


@dataclass(frozen=True)
class Told:
    """A delivery, and what became of its letter."""

    day: date
    start_at: datetime
    end_at: datetime
    created_at: datetime
    skipped: str
    state: str


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    made = Inbox(free_port())
    yield made
    made.close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def clock(folder: Path) -> Clock:
    made = Clock(folder / "clock")
    made.set(_at("2025-01-01 12:00"))
    return made


@pytest.fixture(scope="module")
def liftmon(folder: Path, inbox: Inbox, clock: Clock) -> Iterator[RunningLiftmon]:
    ours = str(Path(__file__).with_name("fast_clock"))
    running = RunningLiftmon(
        migrated(folder / "data"),
        LIFTMON_EMAIL_URL=f"smtp://127.0.0.1:{inbox.port}",
        LIFTMON_OUTBOUND_ALLOWED_HOSTS="127.0.0.1",
        LIFTMON_TEST_CLOCK=str(clock.file),
        PYTHONPATH=os.pathsep.join(filter(None, [ours, os.environ.get("PYTHONPATH")])),
    )
    try:
        running.wait_until_ready(180)
        readers = [(one.name, one.zone, _at(one.begins).isoformat(), list(one.due)) for one in CHANGES]
        done = running.manage("shell", "-v0", "-c", _QUICKEN + _SUBSCRIBE.format(readers=readers))
        assert done.returncode == 0, done.stderr
        yield running
    finally:
        running.stop()


@pytest.fixture
def readers(liftmon: RunningLiftmon, clock: Clock, change: Change) -> Iterator[dict[int, str]]:
    """Addresses by hour. Who reads of one change is gone before the clock is set for another."""
    addresses = {hour: f"{change.name}-{hour}@users.example" for hour in change.due}
    clock.set(_at(change.begins))
    _switch(liftmon, change, is_enabled=True)
    yield addresses
    _switch(liftmon, change, is_enabled=False)


def _switch(liftmon: RunningLiftmon, change: Change, *, is_enabled: bool) -> None:
    assert liftmon.query(
        f"UPDATE dashboards_digestsubscription SET is_enabled = {is_enabled} "
        f"WHERE email LIKE '{change.name}-%@users.example' RETURNING id"
    )


@contextmanager
def dead(liftmon: RunningLiftmon, who: str) -> Iterator[None]:
    """Killed, and whoever would start it again is stopped meanwhile."""
    if not who:
        yield
        return
    liftmon.process.send_signal(signal.SIGSTOP)
    try:
        assert kill(liftmon, who)
        if who == _BEAT:
            _do_what_beat_asked_for(liftmon)
        yield
    finally:
        liftmon.process.send_signal(signal.SIGCONT)


def _do_what_beat_asked_for(liftmon: RunningLiftmon) -> None:
    """Before the clock runs on: or the worker would do it when more is due."""
    with redis.Redis.from_url(liftmon.layout.redis_url) as broker:
        wait_for(lambda: not broker.llen("celery"), 30)
    time.sleep(2)  # what it has begun


def told(liftmon: RunningLiftmon, email: str) -> list[Told]:
    rows = liftmon.query(
        "SELECT day, digest.start_at, delivery.end_at, delivery.created_at, skipped, coalesce(letter.state, '') "
        "FROM dashboards_digestdelivery AS delivery "
        "JOIN dashboards_digestsubscription AS reader ON reader.id = subscription_id "
        "JOIN dashboards_digest AS digest ON digest.id = digest_id "
        f"LEFT JOIN alerts_letter AS letter ON letter.id = letter_id WHERE reader.email = '{email}' ORDER BY delivery.id"
    )
    return [Told(*row) for row in rows]  # type: ignore[arg-type]


def message_ids(inbox: Inbox, email: str) -> list[str]:
    return [mail["Message-ID"] for _, mail in list(inbox.mails) if mail["To"] == email]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_there_is_one_a_day_at_its_hour_whatever_the_clocks_do_and_whoever_is_killed(
    liftmon: RunningLiftmon, inbox: Inbox, clock: Clock, change: Change, readers: dict[int, str]
) -> None:
    missed = 0
    for step in change.steps:
        began, until = clock.now, _at(step.until)
        with dead(liftmon, step.dead):
            clock.run_to(until, step.speed)
        for hour, email in readers.items():
            count = sum(_at(at) <= until for at in change.due[hour][1:])
            wait_for(lambda word=email, count=count: _are_sent(liftmon, inbox, word, count), 90)  # type: ignore[misc]
            if step.dead:
                late = [one for one in told(liftmon, email) if one.end_at > began]
                assert all(one.created_at >= until for one in late), f"{step.dead} was not dead: {late}"
                missed += len(late)
    time.sleep(3)  # several rounds of Beat

    for hour, email in readers.items():
        due = [_at(at) for at in change.due[hour]]
        rows = told(liftmon, email)
        assert [one.day for one in rows] == [change.first + timedelta(days=number) for number in range(4)]
        assert [one.end_at for one in rows] == due[1:]
        # Nothing is told of twice and nothing left out: each begins where the one before ended.
        assert [one.start_at for one in rows] == due[:-1]
        assert all(one.created_at >= one.end_at for one in rows)
        assert {(one.skipped, one.state) for one in rows} == {("", "sent")}
        assert len(message_ids(inbox, email)) == len(set(message_ids(inbox, email))) == 4
    assert missed == sum(bool(step.dead) for step in change.steps)


def _are_sent(liftmon: RunningLiftmon, inbox: Inbox, email: str, count: int) -> bool:
    rows = told(liftmon, email)
    return len(message_ids(inbox, email)) >= count and [one.state for one in rows].count("sent") >= count


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)
