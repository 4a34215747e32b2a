"""Questions in SQL that staff save, change, delete and restore."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboards.models import SavedQuery
from dashboards.queries.guide import GUIDE
from tests.dashboards.pages.query.asking import EDITING, QUERY, address, form_of, run
from tests.events.admin.people import client_of, make_person


def test_a_question_is_saved_with_its_parameters_and_chart(editor: Client) -> None:
    answer: Any = editor.post(
        QUERY,
        {
            "action": "save_as", "name": " Ours ", "description": "What.", "statement": "SELECT :days AS x,\r\n 2 AS y",
            "type-days": "integer", "value-days": "30", "chart_kind": "line", "chart_x": "x", "chart_y": "y, y,",
        },
    )  # fmt: skip

    made = SavedQuery.objects.get(name="Ours")
    assert answer["Location"] == address(made)
    assert made.statement == "SELECT :days AS x,\n 2 AS y"
    assert made.parameters == [{"name": "days", "type": "integer", "default": "30"}]
    assert (made.chart_kind, made.chart_x, made.chart_y) == ("line", "x", ["y"])
    assert made.owner is not None
    assert made.owner.username == "ada"
    assert not made.is_from_guide


def test_a_question_is_changed(editor: Client, saved: SavedQuery) -> None:
    answer: Any = editor.post(address(saved), form_of(saved, statement="SELECT 2", name="Better"))

    saved.refresh_from_db()
    assert answer["Location"] == address(saved)
    assert (saved.name, saved.statement, saved.parameters) == ("Better", "SELECT 2", [])


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(editor: Client, saved: SavedQuery) -> None:
    form = form_of(saved, statement="SELECT 2")
    saved.change(by=User.objects.create_user("max"), at=timezone.now(), seen_at=saved.updated_at, statement="SELECT 3")

    page = editor.post(address(saved), form).content.decode()

    saved.refresh_from_db()
    assert saved.statement == "SELECT 3"
    assert "max saved this question since you opened it" in page
    assert "SELECT 2</textarea>" in page


@pytest.mark.parametrize("action", ["save", "save_as"])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Give the question a name"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"statement": " "}, "no statement to save"),
        ({"statement": "S" * 20_001}, "at most 20,000"),
        ({"description": "x" * 1001}, "at most 1,000"),
        ({"name": "a\x00b"}, "NUL"),
        ({"chart_y": ",".join("abcdefg")}, "at most 6 columns"),
        ({"value-days": "soon"}, "whole number"),
        ({"statement": f"SELECT :{'x' * 64}"}, "at most 63 letters"),
        ({"statement": f"SELECT {', '.join(f':p{number}' for number in range(21))}"}, "at most 20 parameters"),
        ({"name": GUIDE[0].name.upper()}, "named “FIND ALL ERRORS"),
    ],
)
def test_what_cannot_be_saved_is_told_and_kept_in_the_form(
    editor: Client, saved: SavedQuery, action: str, changes: dict[str, str], words: str
) -> None:
    before = SavedQuery.objects.count()

    page = editor.post(address(saved), form_of(saved, action=action, **changes)).content.decode()

    assert words in page
    assert SavedQuery.objects.count() == before
    assert SavedQuery.objects.get(pk=saved.pk).updated_at == saved.updated_at


@pytest.mark.parametrize(
    "parameters",
    [[{"name": "x" * 64, "type": "text", "default": ""}], [{"name": "days", "type": "integer", "default": "x"}], {}],
)
def test_one_that_cannot_be_read_is_opened_with_its_problem_and_can_be_deleted(
    editor: Client, saved: SavedQuery, parameters: Any
) -> None:
    SavedQuery.objects.filter(pk=saved.pk).update(parameters=parameters, chart_y=7)

    page = editor.get(address(saved)).content.decode()
    asked = run(editor, saved.statement, path=address(saved))
    editor.post(address(saved), form_of(saved, action="delete"))

    assert "cannot be read" in page
    assert "SELECT :days + 1 AS answer</textarea>" in page
    assert 'name="value-days"' in asked
    assert not SavedQuery.objects.filter(pk=saved.pk).exists()


def test_a_question_is_deleted(editor: Client, saved: SavedQuery) -> None:
    answer: Any = editor.post(address(saved), form_of(saved, action="delete"))

    assert answer["Location"] == QUERY
    assert not SavedQuery.objects.filter(pk=saved.pk).exists()


@pytest.mark.parametrize(
    ("action", "right"), [("save", "change_savedquery"), ("save_as", "add_savedquery"), ("delete", "delete_savedquery")]
)
def test_each_change_needs_its_own_right(db: None, saved: SavedQuery, action: str, right: str) -> None:
    others = [name for name in EDITING if name != right]
    client = client_of(make_person("max", *others))

    page = client.get(address(saved)).content.decode()
    answer = client.post(address(saved), form_of(saved, action=action, name="Other"))

    assert f'value="{action}"' not in page
    assert answer.status_code == 403
    saved.refresh_from_db()
    assert saved.name == "Mine"


def test_the_original_of_a_question_that_liftmon_brought_is_restored(editor: Client) -> None:
    adoption = SavedQuery.objects.get(name=GUIDE[1].name)
    unchanged = editor.get(address(adoption)).content.decode()
    editor.post(address(adoption), form_of(adoption, statement="SELECT 1", description="Ours."))
    adoption.refresh_from_db()
    changed = editor.get(address(adoption)).content.decode()

    answer: Any = editor.post(address(adoption), form_of(adoption, action="restore"))

    adoption.refresh_from_db()
    assert answer["Location"] == address(adoption)
    assert (adoption.statement, adoption.description) == (GUIDE[1].statement, GUIDE[1].description)
    assert (adoption.is_from_guide, adoption.chart_y) == (True, list(GUIDE[1].chart_y))
    assert "Restore the original" in changed
    assert "Restore the original" not in unchanged


def test_restoring_does_not_overwrite_what_was_not_seen(editor: Client) -> None:
    adoption = SavedQuery.objects.get(name=GUIDE[1].name)
    form = form_of(adoption, action="restore")
    adoption.change(
        by=User.objects.create_user("max"), at=timezone.now(), seen_at=adoption.updated_at, statement="SELECT 3"
    )

    page = editor.post(address(adoption), form).content.decode()

    adoption.refresh_from_db()
    assert adoption.statement == "SELECT 3"
    assert "max saved this question since you opened it" in page


def test_deleted_questions_that_liftmon_brought_are_brought_back(editor: Client, saved: SavedQuery) -> None:
    before = editor.get(QUERY).content.decode()
    SavedQuery.objects.filter(name__in=[GUIDE[0].name, GUIDE[2].name]).delete()
    SavedQuery.objects.filter(name=GUIDE[1].name).update(statement="SELECT 1")
    page = editor.get(QUERY).content.decode()

    answer: Any = editor.post(QUERY, {"action": "bring_back"})

    assert answer["Location"] == QUERY
    assert "No longer here" not in before
    assert f'<li class="lm-muted">{GUIDE[0].name}</li><li class="lm-muted">{GUIDE[2].name}</li>' in page
    assert "Bring them back" in page
    assert SavedQuery.objects.get(name=GUIDE[0].name).is_from_guide
    assert SavedQuery.objects.get(name=GUIDE[1].name).statement == "SELECT 1"


def test_restoring_needs_the_rights(eve: Client) -> None:
    adoption = SavedQuery.objects.get(name=GUIDE[1].name)
    SavedQuery.objects.filter(pk=adoption.pk).update(statement="SELECT 1")
    SavedQuery.objects.filter(name=GUIDE[0].name).delete()

    page = eve.get(address(adoption)).content.decode()

    assert "Restore the original" not in page
    assert "No longer here" not in page
    assert eve.post(address(adoption), form_of(adoption, action="restore")).status_code == 403
    assert eve.post(QUERY, {"action": "bring_back"}).status_code == 403


def test_one_of_ones_own_has_no_original(editor: Client, saved: SavedQuery) -> None:
    assert "Restore the original" not in editor.get(address(saved)).content.decode()


def test_the_line_above_the_statement_tells_of_parameters_where_there_are_none(eve: Client, saved: SavedQuery) -> None:
    tip = "A word such as <code>:days</code>"

    assert tip in eve.get(QUERY).content.decode()
    assert tip not in eve.get(address(saved)).content.decode()


def test_an_unknown_action_is_not_found(editor: Client, saved: SavedQuery) -> None:
    assert editor.post(QUERY, {"action": "delete"}).status_code == 404
    assert editor.post(address(saved), form_of(saved, action="explode")).status_code == 404
    assert editor.post(address(saved), form_of(saved, seen_at="then")).status_code == 404
