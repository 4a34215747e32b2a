import pytest
from django.db import IntegrityError

from alerts.incidents import follow_ups
from alerts.incidents.report import publishing
from alerts.incidents.report.publishing import ReportError, StaleError
from alerts.models import IncidentReport
from tests.alerts.incidents.report_making import BEGAN, MINUTE, make_complete, make_report, person

pytestmark = pytest.mark.django_db
NOW = BEGAN + 60 * MINUTE


def fresh(report) -> IncidentReport:
    return IncidentReport.objects.select_related("incident").get(pk=report.pk)


def act(name, report, who="ada", **more):
    getattr(publishing, name)(report.pk, by=person(who), at=NOW, version=fresh(report).version, **more)
    return fresh(report)


def said(report) -> str:
    return report.incident.entries.filter(kind="report").order_by("-pk").first().text


def test_an_edit_counts_the_version_up_and_is_in_the_timeline():
    report = make_report()
    assert publishing.edit(
        report.pk,
        by=person("ada"),
        at=NOW,
        version=1,
        values={"root_cause": " A cause\r\nof two lines ", "title": "Pool"},
    )
    report = fresh(report)
    assert (report.version, report.root_cause, report.edited_by, report.edited_at) == (
        2,
        "A cause\nof two lines",
        person("ada"),
        NOW,
    )
    assert said(report) == "The report was edited: title, root cause."


def test_nothing_new_changes_nothing():
    report = make_report()
    assert not publishing.edit(report.pk, by=person("ada"), at=NOW, version=1, values={"title": report.title})
    assert fresh(report).version == 1


def test_who_saves_over_somebody_else_is_told_who():
    report = make_report()
    publishing.edit(report.pk, by=person("ada"), at=NOW, version=1, values={"root_cause": "Hers"})
    with pytest.raises(StaleError, match="Ada changed the report meanwhile"):
        publishing.edit(report.pk, by=person("bob"), at=NOW, version=1, values={"root_cause": "His"})
    assert fresh(report).root_cause == "Hers"


def test_where_only_one_changed_something_that_is_kept_and_both_are_shown_otherwise():
    report = make_report()
    base = {name: getattr(report, name) for name in publishing.FIELDS}
    publishing.edit(report.pk, by=person("ada"), at=NOW, version=1, values={"root_cause": "Hers", "impact": "Much"})
    mine = {**base, "root_cause": "His", "summary": "Short\r\n"}
    merged = publishing.merge(fresh(report), began_with=base, mine=mine)
    assert (merged.values["root_cause"], merged.values["impact"], merged.values["summary"]) == ("His", "Much", "Short")
    assert merged.theirs == {"root_cause": "Hers"}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"title": " "}, "title"),
        ({"summary": "x" * 20_001}, "Summary has at most 20,000"),
        ({"title": "x" * 201}, "200"),
    ],
)
def test_what_is_empty_or_too_long_is_refused(values, why):
    report = make_report()
    with pytest.raises(ReportError, match=why):
        publishing.edit(report.pk, by=person("ada"), at=NOW, version=1, values=values)


def test_it_is_submitted_reviewed_by_another_and_published():
    report = make_complete()
    assert act("submit", report).state == "in_review"
    with pytest.raises(ReportError, match="Somebody else has to review it"):
        act("review", report)
    assert act("review", report, "bob").reviewed_by == person("bob")
    report = act("publish", report)
    assert (report.state, report.published_by, report.published_at) == ("published", person("ada"), NOW)
    assert said(report) == "The report was published."
    assert report.metrics["follow_ups"] == 1


def test_it_cannot_be_published_without_a_cause_and_follow_ups():
    report = make_report()
    with pytest.raises(ReportError, match=r"root cause is empty: .* no follow-ups: add one, or say why"):
        act("submit", report)
    assert publishing.hindrances(report) == [
        "The root cause is empty: write why it happened.",
        "There are no follow-ups: add one, or say why there are none.",
        "Nobody was asked to review it: submit it for review.",
    ]


def test_a_reason_stands_for_follow_ups():
    report = make_report()
    publishing.edit(
        report.pk, by=person("ada"), at=NOW, version=1,
        values={"root_cause": "A drill.", "no_follow_ups_reason": "It was a drill."},
    )  # fmt: skip
    assert act("submit", report).state == "in_review"


def test_nobody_publishes_what_nobody_reviewed():
    report = make_complete()
    with pytest.raises(ReportError, match="submit it for review"):
        act("publish", report)
    act("submit", report)
    with pytest.raises(ReportError, match="Nobody has reviewed it yet"):
        act("publish", report)


def test_an_edit_after_the_review_needs_another():
    report = make_complete()
    act("submit", report)
    report = act("review", report, "bob")
    publishing.edit(report.pk, by=person("ada"), at=NOW, version=report.version, values={"summary": "Other"})
    report = fresh(report)
    assert (report.state, report.reviewed_at) == ("in_review", None)
    with pytest.raises(ReportError, match="Nobody has reviewed it yet"):
        act("publish", report)


def test_what_was_emptied_after_the_review_is_noticed():
    report = make_complete()
    act("submit", report)
    report = act("review", report, "bob")
    IncidentReport.objects.filter(pk=report.pk).update(root_cause=" ")
    with pytest.raises(ReportError, match="root cause is empty"):
        act("publish", report)


def test_what_is_published_stands_until_it_is_reopened():
    report = make_complete()
    act("submit", report)
    act("review", report, "bob")
    report = act("publish", report)
    with pytest.raises(ReportError, match="reopen it first"):
        publishing.edit(report.pk, by=person("ada"), at=NOW, version=report.version, values={"summary": "x"})
    report = act("return_to_draft", report, why="A number is wrong.")
    assert (report.state, report.published_at, report.reviewed_at) == ("draft", None, None)
    assert said(report) == "The report was reopened. A number is wrong."


def test_a_reviewer_sends_it_back():
    report = make_complete()
    act("submit", report)
    assert act("return_to_draft", report, "bob").state == "draft"
    assert said(report) == "The report was sent back."


@pytest.mark.parametrize("name", ["submit", "review", "publish", "return_to_draft"])
def test_every_act_is_upon_a_version(name):
    report = make_complete()
    with pytest.raises(StaleError):
        getattr(publishing, name)(report.pk, by=person("ada"), at=NOW, version=99)


def test_numbers_that_are_counted_no_more_are_kept():
    report = make_complete()
    IncidentReport.objects.filter(pk=report.pk).update(metrics={"users": 37, "failed_requests": 5})
    act("submit", report)
    act("review", report, "bob")
    publishing.publish(report.pk, by=person("ada"), at=BEGAN + 30 * 24 * 60 * MINUTE, version=fresh(report).version)
    assert fresh(report).metrics["users"] == 37
    assert fresh(report).metrics["mtta_seconds"] == 120


def test_the_table_itself_publishes_nothing_without_a_cause():
    report = make_report()
    with pytest.raises(IntegrityError):
        IncidentReport.objects.filter(pk=report.pk).update(state="published")


def test_follow_ups_that_are_done_count():
    report = make_complete()
    follow_ups.done(report.incident.follow_ups.get().pk, by=None, at=NOW)
    assert publishing.missing(fresh(report)) == []
