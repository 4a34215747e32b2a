from datetime import UTC, datetime, timedelta
from random import Random

from events.demo import releases

_TUESDAY = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)


def test_it_releases_on_tuesday_and_thursday() -> None:
    number = releases.newest(_TUESDAY)

    assert releases.released_at(number) == _TUESDAY
    assert releases.released_at(number + 1) == _TUESDAY + timedelta(days=2)
    assert releases.released_at(number + 2) == _TUESDAY + timedelta(days=7)


def test_it_knows_the_newest_release_until_the_next_begins() -> None:
    number = releases.newest(_TUESDAY)

    assert releases.newest(_TUESDAY - timedelta(seconds=1)) == number - 1
    assert releases.newest(_TUESDAY + timedelta(days=2, seconds=-1)) == number
    assert releases.newest(_TUESDAY + timedelta(days=6)) == number + 1


def test_it_rolls_out_to_a_few_first_and_to_all_after_three_hours() -> None:
    random = Random(1)
    number = releases.newest(_TUESDAY)

    def share(after: timedelta) -> float:
        return sum(releases.pick(random, _TUESDAY + after) == number for _ in range(2_000)) / 2_000

    assert 0.05 < share(timedelta(minutes=30)) < 0.15
    assert 0.65 < share(timedelta(hours=2, minutes=30)) < 0.85
    assert share(timedelta(hours=3)) == 1.0


def test_it_never_gives_two_releases_one_name() -> None:
    names = [releases.name_of(number) for number in range(400)]

    assert len(set(names)) == 400
