"""Pages of a list by the key of a row: each row on one page, forwards and back, whatever is equal."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.keyset import Place, read_page
from events.models import Issue, Service

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def fill(minutes: list[int]) -> None:
    Issue.objects.all().delete()
    service, _ = Service.objects.get_or_create(name="lift api", slug="lift-api")
    for minute in minutes:
        at = NOW + timedelta(minutes=minute)
        Issue.objects.create(
            service=service, title="t", name="n", tier="daily", severity="error", first_seen_at=at, last_seen_at=at
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 5), st.sampled_from(["-", ""]))
def test_every_row_is_on_one_page_in_order_forwards_and_back(
    db: None, minutes: list[int], size: int, minus: str
) -> None:
    fill(minutes)
    order = (f"{minus}last_seen_at", f"{minus}id")
    expected = list(Issue.objects.order_by(*order))

    down, place = [], None
    while True:
        page = read_page(Issue.objects.all(), order=order, place=place, size=size)
        down.append(page)
        place = page.following
        if place is None:
            break
    up = [down[-1]]
    while up[-1].preceding is not None:
        up.append(read_page(Issue.objects.all(), order=order, place=up[-1].preceding, size=size))

    assert [row for page in down for row in page.rows] == expected
    assert [row for page in reversed(up) for row in page.rows] == expected
    assert all(len(page.rows) == size for page in down[:-1])


def test_a_place_where_nothing_follows_is_an_empty_page() -> None:
    fill([0])

    page = read_page(Issue.objects.all(), order=("id",), place=Place((1 << 60,)), size=5)

    assert (page.rows, page.following, page.preceding) == ([], None, None)
