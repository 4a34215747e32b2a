"""Rate limits: counting, sliding, sharing through a real Redis."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.known import KnownKey
from events.ingest.limits import Limiter, Policy, headers_of

MINUTE = 1_000_000
START = MINUTE * 60.0


def key(**limits: int) -> KnownKey:
    return KnownKey(
        id=limits.pop("id", 1),
        service_id=limits.pop("service_id", 7),
        digest="",
        is_public=False,
        allowed_origins=(),
        revoked_at="",
        **({"key_limit": 0, "service_limit": 0, "spike_allowance": 0} | limits),
    )


def test_without_limits_nothing_is_counted_or_said() -> None:
    limiter = Limiter()
    limiter.count(key(), 5, now=START)

    assert limiter.standing(key(), now=START) == []
    assert headers_of([]) == {}


def test_a_key_is_stopped_at_its_limit_and_told_when_to_come_back() -> None:
    limiter = Limiter()
    mine = key(key_limit=10)
    limiter.count(mine, 9, now=START)
    assert limiter.standing(mine, now=START)[0].remaining == 1
    limiter.count(mine, 1, now=START)

    (standing,) = limiter.standing(mine, now=START + 1)

    assert standing.is_exhausted
    assert standing.retry_after_seconds == 59
    assert not limiter.standing(mine, now=START + 61)[0].is_exhausted


def test_the_window_slides_instead_of_starting_anew() -> None:
    limiter = Limiter()
    mine = key(key_limit=60)
    limiter.count(mine, 60, now=START + 59)

    assert limiter.standing(mine, now=START + 60)[0].is_exhausted
    assert limiter.standing(mine, now=START + 90)[0].remaining == 30
    assert limiter.standing(mine, now=START + 120)[0].remaining == 60


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 400)), max_size=12),
)
def test_after_the_time_it_was_told_a_sender_is_let_in(limit: int, sent: list[tuple[float, int]]) -> None:
    limiter, mine, now = Limiter(), key(key_limit=limit), START
    for pause, events in sent:
        now += pause
        if not limiter.standing(mine, now=now)[0].is_exhausted:
            limiter.count(mine, events, now=now)
    (standing,) = limiter.standing(mine, now=now)

    assert standing.is_exhausted == (standing.remaining == 0 and standing.retry_after_seconds > 0)
    assert not limiter.standing(mine, now=now + standing.retry_after_seconds + 0.001)[0].is_exhausted
    if standing.retry_after_seconds > 2:
        assert limiter.standing(mine, now=now + standing.retry_after_seconds - 2)[0].is_exhausted


def test_keys_of_a_service_share_its_limit() -> None:
    limiter = Limiter()
    one, other = key(id=1, service_limit=10), key(id=2, service_limit=10)
    limiter.count(one, 10, now=START)

    assert limiter.standing(other, now=START)[0].is_exhausted
    assert not limiter.standing(key(id=3, service_id=8, service_limit=10), now=START)[0].is_exhausted


def test_headers_tell_every_policy_and_the_tightest_standing() -> None:
    limiter = Limiter()
    mine = key(key_limit=10, service_limit=1000, spike_allowance=3000)
    limiter.count(mine, 4, now=START)

    headers = headers_of(limiter.standing(mine, now=START))

    assert headers["RateLimit-Policy"] == '"key";q=10;w=60, "service";q=1000;w=60, "spike";q=3000;w=60'
    assert headers["RateLimit"].startswith('"key";r=6;t=')


@pytest.fixture
def client() -> Iterator[Callable[[], redis.Redis]]:
    made: redis.Redis = redis.Redis.from_url(settings.REDIS_URL)
    yield lambda: made
    made.close()


def test_processes_learn_what_the_others_counted(client: Callable[[], redis.Redis]) -> None:
    here, there = Limiter(), Limiter()
    mine = key(id=uuid4().int % 10**9, service_id=uuid4().int % 10**9, key_limit=100)
    here.count(mine, 40, now=START)
    there.count(mine, 50, now=START)
    for limiter in (here, there, here):
        limiter.share(client, now=START)

    assert here.standing(mine, now=START)[0].remaining == 10
    here.count(mine, 5, now=START + 1)
    assert here.standing(mine, now=START + 0)[0].remaining == 5
    for limiter in (here, there):
        limiter.share(client, now=START + 1)
    assert there.standing(mine, now=START)[0].remaining == 5


def test_without_redis_each_process_counts_alone_and_catches_up(client: Callable[[], redis.Redis]) -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError("no Redis")

    here, there = Limiter(), Limiter()
    mine = key(id=uuid4().int % 10**9, service_id=uuid4().int % 10**9, key_limit=100)
    here.count(mine, 30, now=START)
    there.count(mine, 30, now=START)
    here.share(away, now=START)

    assert not here.is_shared
    assert here.standing(mine, now=START)[0].remaining == 70
    for limiter in (here, there, here):
        limiter.share(client, now=START)
    assert here.is_shared
    assert here.standing(mine, now=START)[0].remaining == 40


def test_the_spike_guard_speaks_for_itself() -> None:
    limiter = Limiter()
    mine = key(spike_allowance=5)
    limiter.count(mine, 5, now=START)

    assert [one.policy for one in limiter.standing(mine, now=START) if one.is_exhausted] == [Policy.SPIKE]
