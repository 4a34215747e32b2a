"""The page of questions in SQL: who may see, ask, save and delete, and what it shows."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from html import unescape
from typing import Any

import pytest
import structlog
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from dashboards.models import SavedQuery
from dashboards.pages import query as page_module
from dashboards.queries import running
from dashboards.queries.guide import GUIDE, load_questions
from dashboards.queries.role import UnavailableError
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender
from tests.events.conftest import committed as committed

QUERY = "/admin/analytics/query/"
SEEING = ("view_analytics", "view_event", "view_issue", "view_service", "view_eventtype")
EDITING = (*SEEING, "add_savedquery", "change_savedquery", "delete_savedquery")


@pytest.fixture(autouse=True)
def _questions(db: None) -> None:
    """What the migration loaded; the flush after a transactional test takes it away."""
    load_questions(SavedQuery)


@pytest.fixture
def eve(db: None) -> Client:
    return client_of(make_person("eve", *SEEING))


@pytest.fixture
def editor(db: None) -> Client:
    return client_of(make_person("ada", *EDITING))


@pytest.fixture
def saved(db: None) -> SavedQuery:
    return SavedQuery.objects.create(
        name="Mine",
        statement="SELECT :days + 1 AS answer",
        parameters=[{"name": "days", "type": "integer", "default": "7"}],
    )


def address(saved: SavedQuery) -> str:
    return f"{QUERY}{saved.pk}/"


def run(client: Client, statement: str, *, path: str = QUERY, **fields: str) -> str:
    """The page after the question was asked."""
    answer: Any = client.post(path, {"statement": statement, "action": "run", **fields})
    assert answer.status_code == 200
    return str(answer.content.decode())


def form_of(saved: SavedQuery, **changes: str) -> dict[str, str]:
    """The form as the page fills it."""
    return {
        "action": "save",
        "seen_at": saved.updated_at.isoformat(),
        "name": saved.name,
        "description": saved.description,
        "statement": saved.statement,
        "chart_kind": "",
        "chart_x": "",
        "chart_y": "",
        **changes,
    }


def cells(page: str) -> list[list[str]]:
    """The table of the answer."""
    table = page.split('aria-label="The answer"')[1].split("</table>")[0]
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    ]


# --- seeing -----------------------------------------------------------------------------------------------------------


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


# --- asking -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_a_table(eve: Client) -> None:
    page = run(eve, "SELECT 'a' AS word, 1 AS number, NULL AS nothing, 909.1999999999989::float8 AS fraction")

    assert cells(page) == [["word", "number", "nothing", "fraction"], ["a", "1", "null", "909.2"]]
    assert "1 row in " in page


def test_what_was_put_right_is_told(eve: Client) -> None:
    page = run(eve, "SELECT INTERVAL 24 HOURS AS a")

    assert "<code>INTERVAL 24 HOURS</code> was read as <code>INTERVAL &#x27;24 HOURS&#x27;</code>" in page
    assert cells(page)[1] == ["24:00:00"]


def test_htmx_gets_the_answer_and_the_parameters_alone(eve: Client) -> None:
    answer: Any = eve.post(QUERY, {"statement": "SELECT :days"}, headers={"HX-Request": "true"})

    page = answer.content.decode()
    assert "<html" not in page
    assert page.count('id="lm-answer"') == 1
    assert 'hx-swap-oob="true"' in page
    assert 'name="value-days"' in page


def test_a_new_parameter_is_asked_for_and_then_bound(eve: Client) -> None:
    statement = "SELECT :days + 1 AS next, :who AS who"

    first = run(eve, statement)
    second = run(
        eve, statement, **{"type-days": "integer", "value-days": "7", "type-who": "text", "value-who": "o'x; --"}
    )

    assert "New here: :days, :who." in unescape(first)
    assert 'name="value-days"' in first
    assert cells(second)[1] == ["8", "o'x; --"]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT now() - :x * interval '1 day'", "number"),
        ("SELECT now() - INTERVAL :x DAYS", "integer"),
        ("SELECT event FROM events LIMIT :x", "integer"),
        ("SELECT :x + 1", "integer"),
        ("SELECT event FROM events WHERE timestamp > :x", "timestamp"),
        ("SELECT first_day FROM users WHERE first_day >= :x", "date"),
        ("SELECT event FROM counts_by_day WHERE event_count > :x", "integer"),
        ("SELECT event FROM events WHERE duration_ms > :x", "number"),
        ("SELECT is_regressed FROM issues WHERE is_regressed = :x", "boolean"),
        ("SELECT event FROM events WHERE event = :x", "text"),
        ("SELECT :x", "text"),
        ("SELECT concat(:x)", "text"),
        ("SELECT wrong + :x", "text"),
    ],
)
def test_what_a_new_parameter_is_is_told_from_its_place(eve: Client, statement: str, kind: str) -> None:
    page = run(eve, statement)

    assert "New here: :x." in unescape(page)
    assert re.search(rf'name="type-x".*<option value="{kind}" selected>', page)


def test_a_new_parameter_that_is_saved_at_once_has_its_type(editor: Client) -> None:
    editor.post(QUERY, {"action": "save_as", "name": "N", "statement": "SELECT now() - :days * interval '1 day'"})

    assert SavedQuery.objects.get(name="N").parameters == [{"name": "days", "type": "number", "default": ""}]


def test_a_text_where_a_number_belongs_is_told_with_what_to_do(eve: Client) -> None:
    page = run(eve, "SELECT :days * interval '1 day'", **{"type-days": "text", "value-days": "7"})

    assert "operator does not exist: text * interval" in page
    assert ":days is Text: say beside the value if it is a number or a date." in page


def test_a_value_of_the_wrong_type_is_told(eve: Client) -> None:
    page = run(eve, "SELECT :days + 1", **{"type-days": "integer", "value-days": "many"})

    assert ":days is a whole number such as 24, not “many”." in page


def test_times_are_on_the_readers_clock(eve: Client) -> None:
    eve.cookies["lm_tz"] = "Europe/Berlin"

    assert cells(run(eve, "SELECT timestamptz '2026-07-01T12:00Z' AS at"))[1] == ["2026-07-01 14:00:00+02"]


def test_an_error_is_marked_where_it_is(eve: Client) -> None:
    page = run(eve, "SELECT event,\n  wrong -- no\nFROM events")

    assert "column &quot;wrong&quot; does not exist" in page
    assert '<span class="lm-muted">2</span>    <mark>wrong</mark> -- no</code>' in page
    assert "The columns of each view are listed beside." in page
    assert "wrong -- no\nFROM events</textarea>" in page


@pytest.mark.parametrize(
    "statement", ["", "DELETE FROM events", "SELECT 1; SELECT 2", "SELECT pg_sleep(1)", "SELECT 1 +"]
)
def test_what_cannot_be_asked_is_told(eve: Client, statement: str) -> None:
    page = run(eve, statement)

    assert 'role="alert"' in page
    assert 'aria-label="The answer"' not in page


def test_it_tells_when_time_was_up(eve: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 1)

    assert "It took longer than 1 seconds" in run(eve, "SELECT count(*) FROM generate_series(1, 1000000000000)")


def test_it_tells_when_there_is_more(eve: Client) -> None:
    page = run(eve, "SELECT generate_series(1, 5000) AS n")

    assert "1,000 rows in " in page
    assert "There are more: the first 1,000 are shown, and up to 10,000 are in the files." in page
    assert len(cells(page)) == 1001


def test_without_its_role_it_asks_nothing_and_says_what_to_run(eve: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnavailableError("Have an operator make it.", "CREATE ROLE liftmon_query LOGIN;")

    monkeypatch.setattr(page_module, "ask", refuse)

    page = run(eve, "SELECT 1")

    assert "Have an operator make it." in page
    assert "<code>CREATE ROLE liftmon_query LOGIN;</code>" in page


def test_texts_are_never_markup(committed: None, sender: Sender, eve: Client, editor: Client) -> None:
    evil = "<script>alert(1)</script>"
    sender.store({"event": evil, "severity": "error", "message": evil, "user_id": evil})
    statement = f"SELECT event, message, '{evil}' AS \"{evil}\", 1 AS n FROM events"

    pages = [
        run(eve, statement, name=evil, chart_kind="bar", chart_x="event", chart_y="n"),
        run(eve, f"SELECT {evil}"),
        run(eve, f"SELECT :{evil}", name=evil, chart_kind=evil, chart_x=evil, chart_y=evil),
    ]
    editor.post(QUERY, {"action": "save_as", "name": evil, "description": evil, "statement": statement})
    pages.append(eve.get(QUERY).content.decode())

    for page in pages:
        assert evil in unescape(page)
        assert evil not in page


def test_what_a_cell_names_is_linked_to_its_events(committed: None, sender: Sender, eve: Client) -> None:
    sender.store(
        {"event": "api_error", "severity": "error", "endpoint": "/api/jobs", "user_id": "u"},
        {"event": "api_error", "severity": "error", "endpoint": "/api/career"},
    )

    page = run(eve, "SELECT event, endpoint, user_id, issue_id FROM events WHERE endpoint = '/api/jobs'")

    links = [unescape(link) for link in re.findall(r'<td[^>]*><a href="([^"]+)"', page)]
    assert len(links) == 4
    for link, rows in zip(links, (2, 1, 1, 1), strict=True):
        listed = eve.get(link).content.decode()
        assert len(set(re.findall(r"/admin/events/event/[0-9a-f-]{36}/", listed))) == rows


def test_a_chart_is_drawn_from_the_answer(eve: Client) -> None:
    page = run(
        eve,
        "SELECT * FROM (VALUES ('a', 1, 2.5), (NULL, 3, 'NaN'), ('', NULL, 4)) AS v (word, one, two)",
        chart_kind="bar",
        chart_x="word",
        chart_y="one, two",
    )

    chart = json.loads(re.findall(r'id="lm-answer-chart" type="application/json">(.*?)</script>', page)[0])
    assert chart["labels"] == ["a", "–", "(empty)"]
    assert [(one["label"], one["data"]) for one in chart["datasets"]] == [
        ("one", [1, 3, None]), ("two", [2.5, None, 4]),
    ]  # fmt: skip
    assert '<th scope="row">–</th><td>3</td><td>–</td>' in page


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ("word", "gone", "no column “gone”"),
        ("gone", "number", "no column “gone”"),
        ("word", "", "no columns named for it"),
        ("number", "word", "“word” is not a column of numbers"),
    ],
)
def test_it_says_why_there_is_no_chart(eve: Client, x: str, y: str, words: str) -> None:
    page = run(eve, "SELECT 'a' AS word, 1 AS number", chart_kind="line", chart_x=x, chart_y=y)

    assert words in page
    assert len(cells(page)) == 2


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_csv_has_everything_and_no_formula(eve: Client) -> None:
    statement = "SELECT n, -n AS negative, '=cmd()' AS text, NULL AS nothing FROM generate_series(1, 5000) AS n"

    answer: Any = eve.post(QUERY, {"action": "csv", "statement": statement, "name": "My numbers"})

    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert re.search(r'attachment; filename="my-numbers-\d{8}-\d{4}\.csv"', answer["Content-Disposition"])
    assert rows[:2] == [["n", "negative", "text", "nothing"], ["1", "-1", "'=cmd()", ""]]
    assert len(rows) == 5001


def test_the_json_has_types(eve: Client) -> None:
    statement = (
        "SELECT 1 AS a, 0.5 AS b, 'NaN'::float8 AS c, true AS d, '{\"e\": [1]}'::jsonb AS f, NULL::int AS g, 'h' AS i "
        "FROM generate_series(1, 10001)"
    )

    answer: Any = eve.post(QUERY, {"action": "json", "statement": statement})

    found = json.loads(answer.content)
    assert answer["Content-Type"] == "application/json"
    assert found["columns"][0] == {"name": "a", "type": "int4"}
    assert found["rows"][0] == [1, 0.5, None, True, {"e": [1]}, None, "h"]
    assert (len(found["rows"]), found["is_cut"]) == (10_000, True)


def test_the_json_has_numbers_of_any_size(eve: Client) -> None:
    statement = (
        "SELECT 1e20::float8, sum(1e19::numeric), 'Infinity'::numeric, '-Infinity'::float8 FROM generate_series(1, 5)"
    )

    answer: Any = eve.post(QUERY, {"action": "json", "statement": statement})

    assert answer.status_code == 200
    assert json.loads(answer.content)["rows"] == [[1e20, 5 * 10**19, None, None]]


def test_a_file_of_a_wrong_question_is_a_page_that_says_so(eve: Client) -> None:
    answer: Any = eve.post(QUERY, {"action": "csv", "statement": "SELECT wrong"})

    assert "Content-Disposition" not in answer.headers
    assert "does not exist" in answer.content.decode()


# --- saving -----------------------------------------------------------------------------------------------------------


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


# --- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    monkeypatch.setattr(page_module, "logger", structlog.get_logger())
    with structlog.testing.capture_logs() as entries:
        yield entries


def test_every_run_is_logged_without_what_was_asked(
    eve: Client, saved: SavedQuery, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(eve, "SELECT 'anna@example.com' FROM generate_series(1, 3)", path=address(saved))
    run(eve, "SELECT anna FROM events")
    run(eve, "DROP TABLE anna")
    eve.post(QUERY, {"action": "csv", "statement": "SELECT 'anna'"})

    told = [entry for entry in log if entry["event"] == "question asked"]
    assert [entry["outcome"] for entry in told] == ["answered", "failed", "refused", "answered"]
    assert [entry["rows"] for entry in told] == [3, 0, 0, 1]
    assert [entry["question"] for entry in told] == [saved.pk, None, None, None]
    assert {entry["user"] for entry in told} == {User.objects.get(username="eve").pk}
    assert all(isinstance(entry["took_ms"], int) for entry in told)
    assert "anna" not in str(log)
