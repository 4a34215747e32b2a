"""Who may see the page of questions in SQL, and what it shows."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.test import Client

from dashboards.models import SavedQuery
from dashboards.queries.guide import GUIDE
from tests.dashboards.pages.query.asking import EDITING, QUERY, SEEING, address, form_of, run
from tests.events.admin.people import client_of, make_person


def test_it_lists_the_questions_and_documents_the_views(eve: Client) -> None:
    page = eve.get(QUERY).content.decode()

    for entry in GUIDE:
        assert entry.name in page
    assert "The guide’s own" in page
    assert "<code>analytics_logs</code>" in page
    assert "Every event, as the tracking guide&#x27;s own queries read them." in page


def test_a_saved_question_is_shown_as_it_was_saved(eve: Client, saved: SavedQuery) -> None:
    page = eve.get(address(saved)).content.decode()

    assert "SELECT :days + 1 AS answer</textarea>" in page
    assert re.search(r'name="value-days" value="7"', page)
    assert re.search(r'<option value="integer" selected>Whole number</option>', page)


def test_one_that_is_gone_is_not_found(eve: Client) -> None:
    assert eve.get(f"{QUERY}999999/").status_code == 404
    assert eve.post(f"{QUERY}999999/", {"statement": "SELECT 1"}).status_code == 404


@pytest.mark.parametrize("missing", SEEING)
def test_it_needs_the_right_to_everything_that_its_views_show(db: None, saved: SavedQuery, missing: str) -> None:
    client = client_of(make_person("max", *(right for right in EDITING if right != missing)))

    for path in (QUERY, address(saved)):
        assert client.get(path).status_code == 403
        assert client.post(path, {"statement": "SELECT issue FROM issues"}).status_code == 403
    assert QUERY not in client.get("/admin/").content.decode()


def test_it_stands_in_the_navigation_for_who_may_ask(eve: Client) -> None:
    assert QUERY in eve.get("/admin/").content.decode()


def test_nobody_asks_without_signing_in(db: None) -> None:
    assert Client().post(QUERY, {"statement": "SELECT 1"}).status_code == 302


def test_another_site_cannot_ask(db: None, saved: SavedQuery) -> None:
    client = client_of(make_person("ada", *EDITING), enforce_csrf_checks=True)

    for action in ("run", "csv", "save", "delete"):
        assert client.post(address(saved), form_of(saved, action=action)).status_code == 403
    assert SavedQuery.objects.filter(pk=saved.pk).exists()


@pytest.mark.parametrize("questions", [0, 60])
def test_it_asks_the_same_however_many_are_saved(
    eve: Client,
    saved: SavedQuery,
    questions: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    SavedQuery.objects.bulk_create(SavedQuery(name=f"no {number}", statement="SELECT 1") for number in range(questions))

    with django_assert_max_num_queries(14):
        eve.get(address(saved))
    with django_assert_max_num_queries(14):
        run(eve, "SELECT 1", path=address(saved))
