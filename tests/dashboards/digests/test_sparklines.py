from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dashboards.digests.sparklines import HEIGHT, MOST_STEPS, WIDTH, png, resampled, words


def opened(picture: bytes) -> Image.Image:
    return Image.open(BytesIO(picture)).convert("RGBA")


def test_it_has_two_pixels_for_each_of_the_screen_and_nothing_behind() -> None:
    picture = opened(png([1, 5, 2]))

    assert picture.size == (2 * WIDTH, 2 * HEIGHT)
    assert [picture.getpixel(corner)[3] for corner in ((0, 0), (2 * WIDTH - 1, 0))] == [0, 0]  # type: ignore[index]


def test_the_highest_is_at_the_top_and_nothing_at_the_bottom() -> None:
    picture = opened(png([0, 10]))

    alpha = picture.getchannel("A")
    left, right = alpha.crop((8, 0, 12, 2 * HEIGHT)), alpha.crop((2 * WIDTH - 10, 0, 2 * WIDTH - 6, 2 * HEIGHT))
    assert (left.getbbox() or ())[1] > 1.5 * HEIGHT
    assert (right.getbbox() or ())[1] < 0.5 * HEIGHT


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_it_draws_whatever_it_gets(steps: list[float]) -> None:
    assert png(steps).startswith(b"\x89PNG")
    assert words(steps)


@pytest.mark.parametrize("steps", [[1.0], [0.0, 0.0], [1e300, 1], range(10_000)])
def test_odd_ones_are_drawn_small(steps: list[float]) -> None:
    assert len(png(steps)) < 6000


def test_of_many_steps_the_highest_of_each_stretch_stays() -> None:
    steps = [0.0] * 5000
    steps[1234] = 7

    assert len(resampled(steps)) == MOST_STEPS
    assert max(resampled(steps)) == 7
    assert words(steps) == "none at first and at the end, 7 at most"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([3, 52, 0, 12], "3 at first, 12 at the end, 52 at most, none at times"),
        ([3, 52, 2, 12], "3 at first, 12 at the end, 52 at most, 2 at least"),
        ([1, 7, 1], "1 at first and at the end, 7 at most"),
        ([52, 20, 0], "52 at first, none at the end"),
        ([4, 4], "4 throughout"),
        ([0, 0], "none throughout"),
        ([2.5, 1204], "2.5 at first, 1,204 at the end"),
    ],
)
def test_it_says_what_it_shows_as_a_person_would(steps: list[float], said: str) -> None:
    assert words(steps) == said


def test_there_is_no_picture_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        png([])
    assert words([]) == ""
