import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from events.admin.sparkline import HEIGHT, WIDTH, sparkline

SVG = "{http://www.w3.org/2000/svg}"


def bars(values: list[int]) -> list[dict[str, str]]:
    return [dict(bar.attrib) for bar in ET.fromstring(sparkline(values, label="x")).iter("rect")]  # noqa: S314


def test_it_draws_the_highest_value_over_the_whole_height() -> None:
    low, high = bars([5, 10])

    assert float(high["height"]) == HEIGHT
    assert float(high["y"]) == 0
    assert float(low["height"]) == HEIGHT / 2


def test_it_leaves_out_empty_hours_and_shows_a_single_event() -> None:
    drawn = bars([0, 1, 0, 10_000])

    assert len(drawn) == 2
    assert float(drawn[0]["height"]) > 1


def test_it_draws_no_bar_when_nothing_happened() -> None:
    assert bars([0, 0]) == []
    assert bars([]) == []


def test_it_escapes_its_label() -> None:
    drawn = sparkline([1], label='"><script>')

    assert "<script>" not in drawn
    assert ET.fromstring(drawn).attrib["aria-label"] == '"><script>'  # noqa: S314


@given(st.lists(st.integers(0, 10**12), max_size=60))
def test_it_stays_inside_its_box(values: list[int]) -> None:
    for bar in bars(values):
        assert 0 <= float(bar["x"]) < WIDTH
        assert -0.1 <= float(bar["y"]) <= HEIGHT
        assert float(bar["y"]) + float(bar["height"]) <= HEIGHT + 0.1
