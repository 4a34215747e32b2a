"""Charts and the tables below them: units, roundings, and what is marked when."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string

from dashboards.charts import Dataset, over_time
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease
from dashboards.templatetags.charts import chart_marks, chart_rows, said
from dashboards.window import preset

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def chart(
    *releases: tuple[int, str, float], unit: str = "", value: float | None = 1, hours: str = "24h"
) -> dict[str, Any]:
    question = Question(preset(hours, NOON), ZoneInfo("Asia/Kathmandu"))
    return over_time(
        "lm-some",
        "How long requests took",
        question,
        [Dataset("p50", "info", [value] * len(question.steps))],
        y_label="time",
        unit=unit,
        releases=[
            NewRelease(service, name, NOON - timedelta(hours=ago), "production") for service, name, ago in releases
        ],
    )


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (539.239, "ms", "539 ms"),
        (107.0, "ms", "107 ms"),
        (1_234.5, "ms", "1.2 s"),
        (None, "ms", "–"),
        (0.034, "share", "3.4 %"),
        (0.5, "share", "50 %"),
        (1_331, "", "1,331"),
        (12.34, "", "12.3"),
        (1.0, "", "1"),
        (100.0, "", "100"),
        (1_234.56, "", "1,235"),
        (0, "", "0"),
    ],
)
def test_values_have_their_unit_and_no_needless_digits(value: float | None, unit: str, words: str) -> None:
    assert said(value, unit) == words
    assert {cell for _, _, cells in chart_rows(chart(unit=unit, value=value)) for cell in cells} == {words}


def test_what_is_marked_is_told_with_its_time_on_the_readers_clock() -> None:
    drawn = chart((1, "lift@5.16.0", 3))

    assert chart_marks(drawn) == [("lift@5.16.0", "4 Mar, 14:45")]
    assert "lift@5.16.0</bdi> (4 Mar, 14:45)." in render_to_string("dashboards/_chart.html", {"chart": drawn})


def test_services_that_release_together_are_marked_once() -> None:
    drawn = chart((1, "lift@5.16.0", 3), (2, "lift@5.16.0", 2.9), (2, "lift@5.17.0", 2.9))

    assert [mark["label"] for mark in drawn["marks"]] == ["lift@5.16.0", "lift@5.17.0"]
    assert [label for label, _ in chart_marks(drawn)] == ["lift@5.16.0", "lift@5.17.0"]


def test_a_service_that_releases_the_same_later_is_marked_again_and_named_once() -> None:
    drawn = chart((1, "lift@5.16.0", 20), (2, "lift@5.16.0", 3))

    assert len(drawn["marks"]) == 2
    assert chart_marks(drawn) == [("lift@5.16.0", "3 Mar, 21:45 and 4 Mar, 14:45")]


def test_the_region_of_the_numbers_has_a_name_of_its_own() -> None:
    page = render_to_string("dashboards/_chart.html", {"chart": chart()})

    assert 'aria-label="Numbers: How long requests took"' in page
    assert page.count("-caption") == 2
