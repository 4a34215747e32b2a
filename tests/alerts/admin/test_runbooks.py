from typing import Any

import pytest
from django.test import Client

from alerts.models import Runbook
from tests.alerts.runbooks.making import make_runbook
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/alerts/runbook/"


def sent(runbook: Runbook | None = None, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    rows = list(runbook.steps.order_by("position")) if runbook else []
    data: dict[str, Any] = {
        "name": runbook.name if runbook else "Mail", "summary": "", "event_names": "", "is_enabled": "on",
        "steps-TOTAL_FORMS": len(rows) + len(steps), "steps-INITIAL_FORMS": len(rows), "steps-MIN_NUM_FORMS": 0,
        "steps-MAX_NUM_FORMS": 1000,
    }  # fmt: skip
    kept = ("position", "kind", "title", "target_minutes", "text")
    old = ({"id": one.pk, **{name: getattr(one, name) for name in kept}} for one in rows)
    for number, fields in enumerate((*old, *steps)):
        defaults = {"kind": "check", "position": 0, "text": "", "id": "", "runbook": runbook.pk if runbook else ""}
        data |= {f"steps-{number}-{name}": value for name, value in {**defaults, **fields}.items()}
    return data | more


def test_the_list_says_what_each_is_for(admin_client: Client) -> None:
    page = admin_client.get(LIST).content.decode()
    for words in (
        "Database pool error",
        "db_pool_error",
        "everything else",
        "“Cascade: three endpoints fail within five minutes”",
    ):
        assert words in page, words


def test_a_runbook_is_written_with_its_steps_in_order(admin_client: Client) -> None:
    new = ({"title": "Look", "target_minutes": 5}, {"title": "Mend", "target_minutes": 15, "kind": "mitigate"})
    answer = admin_client.post(f"{LIST}add/", sent(None, *new, event_names="mail_bounced, mail_*"))

    assert answer.status_code == 302, answer.content.decode()
    runbook = Runbook.objects.get(name="Mail")
    assert runbook.event_names == ["mail_bounced", "mail_*"]
    assert list(runbook.steps.order_by("position").values_list("title", flat=True)) == ["Look", "Mend"]


def test_only_one_is_for_everything_else(admin_client: Client) -> None:
    page = admin_client.post(f"{LIST}add/", sent(None, is_fallback="on")).content.decode()
    assert "“A critical alert” is the one for everything else: take it off there first." in page
    assert not Runbook.objects.filter(name="Mail").exists()


def test_the_page_shows_how_it_reads(admin_client: Client) -> None:
    runbook = Runbook.objects.get(key="db_pool_error")
    page = admin_client.get(f"{LIST}{runbook.pk}/change/").content.decode()
    assert "As an incident shows it" in page
    assert "<strong>More than 20 connections</strong>" in page


def test_the_preview_is_of_what_is_typed_and_harmless(admin_client: Client) -> None:
    steps = (
        {"title": "Second", "target_minutes": 9, "position": 2, "text": "<script>alert(1)</script> **look**"},
        {"title": "First", "target_minutes": "", "position": 1, "text": "x"},
        {"title": "Gone", "target_minutes": 1, "position": 0, "DELETE": "on"},
    )
    page = admin_client.post(f"{LIST}preview/", sent(None, *steps)).content.decode()
    assert page.index("First") < page.index("Second")
    assert "Gone" not in page
    assert "<strong>look</strong>" in page
    assert "<script>" not in page


def test_the_preview_takes_nonsense(admin_client: Client) -> None:
    for total in ("", "-1", "99999", "x"):
        answer = admin_client.post(f"{LIST}preview/", {"steps-TOTAL_FORMS": total})
        assert "It has no steps yet" in answer.content.decode()
    assert admin_client.get(f"{LIST}preview/").status_code == 405


def test_who_may_look_may_not_change() -> None:
    eve = client_of(make_person("eve", "view_runbook"))
    runbook = make_runbook("Ours", 5)
    assert eve.get(LIST).status_code == 200
    assert eve.get(f"{LIST}{runbook.pk}/change/").status_code == 200
    assert eve.post(f"{LIST}{runbook.pk}/change/", sent(runbook, name="Mine")).status_code == 403
    assert eve.post(f"{LIST}preview/", {}).status_code == 403


def test_an_empty_list_says_what_to_do_next(admin_client: Client) -> None:
    Runbook.objects.all().delete()
    assert "Add a runbook" in admin_client.get(LIST).content.decode()
    make_runbook("Ours", 5)
    assert "take the filters away" in admin_client.get(f"{LIST}?q=nothing-like-it").content.decode()


def test_the_list_asks_as_many_questions_for_many(admin_client: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        make_runbook(f"Runbook {number}", 5, 15)
    with django_assert_max_num_queries(9):
        admin_client.get(LIST)
