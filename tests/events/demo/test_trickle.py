from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event as Flag

import pytest

from events.demo import trickle as module
from events.demo.delivery import RefusedError
from events.demo.documents import Source, milliseconds
from events.demo.trickle import trickle
from tests.events.demo.conftest import FakeServer
from tests.events.demo.fortnights import UNTIL, generator


class Clock:
    """Time that passes only while the trickle waits; stops it after ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.now = UNTIL
        self.end = UNTIL + timedelta(seconds=seconds)
        self.stop = Flag()
        self.pauses: list[float] = []
        self.stop.wait = self.wait  # type: ignore[method-assign]

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        self.now += timedelta(seconds=timeout or 0)
        if self.now >= self.end:
            self.stop.set()
        return self.stop.is_set()


@pytest.fixture
def run(server: FakeServer) -> Callable[..., list[str]]:
    def run_it(clock: Clock, *, rate: float = 20) -> list[str]:
        said: list[str] = []
        trickle(
            generator=generator(),
            doors=dict.fromkeys(Source, server.door),
            rate=rate,
            stop=clock.stop,
            say=said.append,
            now=lambda: clock.now,
        )
        return said

    return run_it


def test_it_sends_events_as_they_happen_at_about_the_rate(server: FakeServer, run: Callable[..., list[str]]) -> None:
    clock = Clock(600)

    said = run(clock)

    times = [milliseconds(datetime.fromisoformat(one["timestamp"])) for one in server.events if "timestamp" in one]
    assert said == []
    assert times == sorted(times)
    assert milliseconds(UNTIL) <= times[0] <= times[-1] <= milliseconds(clock.now)
    # Saturday at ten is a slower hour than the average one.
    assert 3_000 < len(times) < 12_000


def test_it_waits_for_a_server_that_is_away_and_says_so_once(server: FakeServer, run: Callable[..., list[str]]) -> None:
    server.script = [(503, {}, b'{"detail": "Restarting."}')] * 4
    clock = Clock(120)

    said = run(clock)

    assert len(said) == 2
    assert "Restarting" in said[0]
    assert "back" in said[1]
    # Growing pauses, one request each.
    assert sorted(pause for pause in clock.pauses if pause > 1) == [2.0, 4.0]
    assert len(server.events) > 100


def test_it_keeps_what_happens_while_the_server_is_away(server: FakeServer, run: Callable[..., list[str]]) -> None:
    server.script = [(503, {"Retry-After": "30"}, b"")]

    run(Clock(60))

    first = server.batches[0]
    assert len(first) > 100
    assert first[0]["timestamp"] < first[-1]["timestamp"]


def test_it_forgets_the_oldest_when_the_server_stays_away(
    server: FakeServer, run: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 50)
    server.script = [(503, {"Retry-After": "30"}, b"")] * 3

    run(Clock(120))

    assert len(server.batches[0]) < 1_000


def test_it_does_not_make_up_for_a_machine_that_slept(server: FakeServer, run: Callable[..., list[str]]) -> None:
    clock = Clock(3600 * 8 + 60)
    wait = clock.wait
    clock.stop.wait = lambda timeout=None: wait(3600.0 * 8 if len(clock.pauses) == 5 else timeout)  # type: ignore[method-assign]

    run(clock, rate=2)

    assert len(server.events) < 1_500


def test_it_ends_when_the_server_refuses_the_key(server: FakeServer, run: Callable[..., list[str]]) -> None:
    server.script = [(403, {}, b'{"detail": "This key was revoked."}')] * 10

    with pytest.raises(RefusedError, match="revoked"):
        run(Clock(60))
