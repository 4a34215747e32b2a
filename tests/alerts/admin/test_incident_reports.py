"""Reports in the admin: who may read and do what, two who write at once, and files of them."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User

from alerts.models import IncidentReport
from tests.alerts.incidents.report_making import make_complete, make_over, person
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/alerts/incidentreport/"


@pytest.fixture
def report(db: None) -> IncidentReport:
    """Complete; Ada and Bob may edit."""
    report = make_complete()
    for name in ("ada", "bob"):
        person(name).user_permissions.set(
            Permission.objects.filter(codename__in=("change_incidentreport", "change_incident"))
        )
    return report


@pytest.fixture
def viewer(db: None) -> User:
    return make_person("eve", "view_incident")


def address(report: IncidentReport) -> str:
    return f"{LIST}{report.pk}/change/"


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the form on the page."""
    sent = {
        name: unescape(text.removeprefix("\n"))
        for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    }
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (name[1] in ("title", "no_follow_ups_reason", "version") or name[1].startswith("initial-")):
            sent[name[1]] = unescape(value[1]) if value else ""
    return sent


def act(who: str, report: IncidentReport, wanted: str, **more: str) -> str:
    version = IncidentReport.objects.get(pk=report.pk).version
    answer = client_of(person(who)).post(
        f"{LIST}{report.pk}/act/", {"act": wanted, "version": version, **more}, follow=True
    )
    return answer.content.decode()


def publish(report: IncidentReport) -> None:
    act("ada", report, "submit")
    act("bob", report, "review")
    act("ada", report, "publish")


def test_it_is_edited_and_the_log_knows(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    sent = fields(client.get(address(report)).content.decode())
    answer = client.post(address(report), {**sent, "root_cause": "A pool of 5."})
    assert answer.status_code == 302
    report.refresh_from_db()
    assert (report.root_cause, report.edited_by, report.version) == ("A pool of 5.", person("ada"), 2)
    assert report.timeline == IncidentReport.objects.get().timeline
    assert LogEntry.objects.get(user=person("ada")).change_message == "Edited the report."


def test_saving_what_is_there_changes_nothing(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    client.post(address(report), fields(client.get(address(report)).content.decode()))
    report.refresh_from_db()
    assert report.version == 1


def test_who_is_second_sees_both_and_loses_nothing(report: IncidentReport) -> None:
    ada, bob = client_of(person("ada")), client_of(person("bob"))
    hers, his = (fields(one.get(address(report)).content.decode()) for one in (ada, bob))
    ada.post(address(report), {**hers, "root_cause": "Her cause", "impact": "Her impact"})

    answer = bob.post(address(report), {**his, "root_cause": "His cause", "summary": "His summary"})

    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Ada changed the report meanwhile" in page
    again = fields(page)
    assert (again["root_cause"], again["summary"], again["impact"]) == ("His cause", "His summary", "Her impact")
    assert ">Her cause</pre>" in page
    assert ">Her impact</pre>" not in page
    assert bob.post(address(report), again).status_code == 302
    report.refresh_from_db()
    assert (report.root_cause, report.impact, report.summary) == ("His cause", "Her impact", "His summary")


def test_what_is_too_long_is_said_and_not_lost(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    sent = fields(client.get(address(report)).content.decode())
    answer = client.post(address(report), {**sent, "summary": "x" * 20_001})
    assert answer.status_code == 409
    assert "Summary has at most 20,000 characters" in answer.content.decode()
    assert fields(answer.content.decode())["summary"] == "x" * 20_001


def test_it_is_submitted_reviewed_by_another_and_published(report: IncidentReport) -> None:
    assert "Submitted for review." in act("ada", report, "submit")
    page = client_of(person("ada")).get(address(report)).content.decode()
    assert "somebody else has to review it" in page
    assert "I reviewed it" not in page
    assert "Somebody else has to review it" in act("ada", report, "review")
    assert "Reviewed." in act("bob", report, "review")
    assert "Nothing is missing" in client_of(person("bob")).get(address(report)).content.decode()
    page = act("ada", report, "publish")
    assert "Published. It stands as it is" in page
    assert "<textarea" not in page
    assert [one.change_message for one in LogEntry.objects.order_by("pk")] == [
        "Submitted for review.", "Reviewed.", "Published. It stands as it is until somebody reopens it.",
    ]  # fmt: skip


def test_what_is_missing_is_said(report: IncidentReport) -> None:
    IncidentReport.objects.update(root_cause="")
    report.incident.follow_ups.all().delete()
    page = client_of(person("ada")).get(address(report)).content.decode()
    for words in ("The root cause is empty", "There are no follow-ups", "Nobody was asked to review it"):
        assert words in page
    assert "The root cause is empty" in act("ada", report, "publish")
    report.refresh_from_db()
    assert report.state == "draft"


def test_a_published_report_is_read_only_until_it_is_reopened(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    sent = fields(client.get(address(report)).content.decode())
    publish(report)
    answer = client.post(address(report), {**sent, "summary": "x", "version": IncidentReport.objects.get().version})
    assert answer.status_code == 409
    assert "The report was reopened" not in answer.content.decode()
    act("bob", report, "return", why="A number is wrong.")
    assert IncidentReport.objects.get().state == "draft"


def test_who_may_look_at_incidents_reads_what_is_published_and_nothing_else(
    report: IncidentReport, viewer: User
) -> None:
    client = client_of(viewer)
    places = [address(report), *(f"{LIST}{report.pk}/export/{ending}/" for ending in ("md", "html", "pdf"))]
    assert [client.get(one).status_code for one in places] == [403] * 4
    assert report.title not in client.get(LIST).content.decode()

    publish(report)

    assert [client.get(one).status_code for one in places] == [200] * 4
    assert report.title in client.get(LIST).content.decode()
    page = client.get(address(report)).content.decode()
    assert "What comes next" not in page
    assert 'name="act"' not in page
    assert client.post(address(report), {"title": "x"}).status_code == 403
    assert client.post(f"{LIST}{report.pk}/act/", {"act": "return", "version": 4}).status_code == 403


def test_who_may_look_at_reports_reads_drafts(report: IncidentReport) -> None:
    client = client_of(make_person("kim", "view_incidentreport"))
    page = client.get(address(report)).content.decode()
    assert "<strong>statement</strong>" in page
    assert client.post(address(report), {"title": "x"}).status_code == 403


def test_others_see_nothing(report: IncidentReport) -> None:
    client = client_of(make_person("mallory", "view_alert"))
    assert [client.get(one).status_code for one in (LIST, address(report), f"{LIST}{report.pk}/export/pdf/")] == [
        403
    ] * 3


_FILES = [("md", "text/markdown", b"# "), ("html", "text/html", b"<!doctype"), ("pdf", "application/pdf", b"%PDF")]


@pytest.mark.parametrize(("ending", "kind", "begins"), _FILES)
def test_it_is_saved_as_a_file(report: IncidentReport, ending: str, kind: str, begins: bytes) -> None:
    answer = client_of(person("ada")).get(f"{LIST}{report.pk}/export/{ending}/")
    assert answer["Content-Type"].startswith(kind)
    assert (
        answer["Content-Disposition"] == f'attachment; filename="incident-{report.incident_id}-checkout-fails.{ending}"'
    )
    assert answer.content.startswith(begins)


def test_unknown_places_are_not_found(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    assert client.get(f"{LIST}{report.pk}/export/docx/").status_code == 404
    assert client.get(f"{LIST}404/change/").status_code == 404
    assert client.post(f"{LIST}{report.pk}/act/", {"act": "burn", "version": 1}).status_code == 404
    assert client.get(f"{LIST}{report.pk}/act/").status_code == 405


@pytest.mark.parametrize(
    ("term", "is_found"),
    [
        ("statements timeouts", True), ("pg_terminate", True), ("Checkout", True), ('"without a timeout"', True),
        ("giraffe", False), ("timeout -statement", False), ("#{incident}", True), ("#999999", False), ("%", False),
        ("'; --", False),
    ],
)  # fmt: skip
def test_the_list_is_searched_over_all_sections(report: IncidentReport, term: str, is_found: bool) -> None:
    IncidentReport.objects.update(went_badly="We called pg_terminate_backend too late.")
    page = client_of(person("ada")).get(LIST, {"q": term.format(incident=report.incident_id)}).content.decode()
    assert (f"{LIST}{report.pk}/change/" in page) is is_found


def test_the_list_is_narrowed(report: IncidentReport) -> None:
    client = client_of(person("ada"))
    for query, is_found in (
        ("state=draft", True),
        ("state=published", False),
        ("severity=2", True),
        ("severity=1", False),
    ):
        assert (f"{LIST}{report.pk}/change/" in client.get(f"{LIST}?{query}").content.decode()) is is_found, query


def test_an_empty_list_says_where_reports_come_from(viewer: User) -> None:
    assert "its report drafts itself" in client_of(viewer).get(LIST).content.decode()


def test_hostile_text_is_shown_as_text(report: IncidentReport) -> None:
    IncidentReport.objects.update(root_cause="<script>alert(1)</script>", title="<script>x</script>")
    publish(report)
    page = client_of(person("ada")).get(address(report)).content.decode()
    assert "<script>alert(1)" not in page
    assert "<script>x" not in page


def test_it_asks_few_questions(report: IncidentReport, django_assert_max_num_queries: Any) -> None:
    client = client_of(person("ada"))
    client.get(LIST)
    with django_assert_max_num_queries(10):
        client.get(LIST)
    with django_assert_max_num_queries(13):
        client.get(address(report))


def test_a_resolved_incident_has_its_draft_by_itself(db: None) -> None:
    incident = make_over()
    assert IncidentReport.objects.get(incident=incident).state == "draft"
