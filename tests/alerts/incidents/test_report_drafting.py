import pytest
from django.utils import timezone

from alerts.incidents.report.drafting import draft
from alerts.incidents.report.facts import read
from alerts.incidents.report.plain import plain
from alerts.models import IncidentReport, StatusUpdate
from alerts.runbooks import writing
from tests.alerts.incidents.report_making import BEGAN, MINUTE, make_over, make_report
from tests.alerts.making import make_alert, make_rule
from tests.alerts.runbooks.making import make_incident, make_user
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def test_it_says_what_happened_and_leaves_the_cause_to_people():
    report = make_report()
    assert report.state == "draft"
    assert report.title == "Checkout fails"
    assert report.summary.startswith(
        "SEV2, an important part fails for many. "
        "Users were hurt from 03:02:00 UTC on 2026-11-28 until 03:41:00 UTC: 39 minutes."
    )
    assert report.summary.endswith("It was resolved by Bob 38 minutes after it was opened.")
    assert report.root_cause == ""


def test_the_timeline_is_what_happened_in_order():
    text = make_report().timeline
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert lines[0].startswith("- 03:03 **Runbook:** Follows the runbook")
    assert any(line == "- 03:05 **State:** Acknowledged. (Ada)" for line in lines)
    assert (
        "- 03:22 **Runbook:** Mitigate: mend what they share: done after 19 minutes, 4 minutes late: Rolled \\*back\\* (Ada)"
        in lines
    )
    assert text.endswith("that could not be delivered: 1.")
    assert "**2026-11-28**" in text


def test_detection_says_how_and_how_fast():
    text = make_report().detection
    for words in (
        "The rule “Cascade: three endpoints fail within five minutes” noticed it.", "**First failure:** 03:02:00 UTC",
        "**Opened:** 03:03:00 UTC, 1 minute later", "**Acknowledged:** 03:05:00 UTC by Ada, 2 minutes after it was opened",
    ):  # fmt: skip
        assert words in text, text


def test_one_that_was_opened_by_hand_says_who_noticed_it():
    incident = make_incident(at=BEGAN, opened_by=make_user("ada"), resolved_at=BEGAN + MINUTE, state="resolved")
    report = draft(incident, at=BEGAN + MINUTE)
    assert report.detection.startswith("Ada noticed it and opened the incident by hand.")
    assert "**Acknowledged:** by nobody" in report.detection
    assert "Nobody acknowledged it." in report.went_badly
    assert "Nobody counted whom it hurt" in report.impact
    assert report.metrics["users"] is None


def test_what_went_well_and_badly_are_facts():
    report = make_report()
    assert report.went_well.splitlines() == [
        "- A rule noticed it, and no person had to.",
        "- It was acknowledged 2 minutes after it was opened.",
        "- “Check severity: which fell first” was done after 3 minutes, within its 5 minutes.",
    ]
    assert report.went_badly.splitlines() == [
        "- “Mitigate: mend what they share” was done 4 minutes late, after 19 minutes.",
        "- “Notify” was not done, and should have been within 30 minutes.",
        "- Pager could not be told: Given up after 10 attempts: \\<gone\\>",
        "- Nothing was said on the status page.",
    ]


def test_a_word_on_the_status_page_is_said():
    incident = make_over()
    StatusUpdate.objects.create(incident=incident, state="investigating", title="x", text="x")
    report = draft(incident, at=BEGAN + 40 * MINUTE)
    assert "Users were told on the status page: 1 update." in report.went_well
    assert "status page" not in report.went_badly


def test_the_suspects_come_with_their_evidence():
    assert make_report().suspects == [
        {"kind": "release", "value": "lift@2.4.1", "evidence": ["It came 3 minutes before."]}
    ]


@pytest.mark.parametrize("evidence", [{"suspects": "x"}, {"suspects": [1, {"kind": "x"}]}, {}])
def test_evidence_that_is_none_is_left_out(evidence):
    assert make_report(evidence=evidence).suspects == []


def test_metrics_are_of_the_course():
    metrics = make_report().metrics
    assert metrics["mtta_seconds"] == 120
    assert metrics["mttr_seconds"] == 38 * 60
    assert metrics["duration_seconds"] == 39 * 60
    assert metrics["states"]["acknowledged"] == 36 * 60
    assert (metrics["steps_in_time"], metrics["steps_late"], metrics["notifications_failed"]) == (1, 2, 1)


def test_drafting_twice_makes_one_and_a_draft_that_nobody_touched_is_brought_up_to_date():
    report = make_report()
    StatusUpdate.objects.create(incident=report.incident, state="resolved", title="x", text="x")
    again = draft(report.incident, at=BEGAN + 50 * MINUTE)
    assert again.pk == report.pk
    assert "status page: 1 update" in again.went_well
    assert report.incident.entries.filter(kind="report").count() == 1


@pytest.mark.parametrize("changes", [{"edited_at": BEGAN}, {"state": "in_review"}])
def test_what_people_touched_stays(changes):
    report = make_report()
    IncidentReport.objects.filter(pk=report.pk).update(summary="Mine", **changes)
    assert draft(report.incident, at=BEGAN + 50 * MINUTE).summary == "Mine"


def test_what_others_wrote_stays_words():
    incident = make_incident(at=BEGAN)
    hostile = "# <b>x</b> [a](javascript:alert(1)) | *y*\nz"
    incident.entries.create(kind="note", at=BEGAN, text=hostile)
    html = writing.as_html(draft(incident, at=BEGAN).timeline)
    assert "<b>" not in html
    assert "<em>" not in html
    assert "<a" not in html
    assert "# &lt;b&gt;x&lt;/b&gt;" in html


@pytest.mark.parametrize(
    "text",
    [
        "# x",
        "1. x",
        "- x",
        "+ x",
        "> x",
        "`x`",
        "*x*",
        "_x_",
        "__x__",
        "[x](http://y)",
        "<b>",
        "~~x~~",
        "a|b",
        "&amp;",
        "a_b_c",
        "=== x",
        "\\*",
    ],
)
def test_plain_words_are_shown_as_they_are(text):
    html = writing.as_html(plain(text)).strip()
    shown = html.removeprefix("<p>").removesuffix("</p>")
    for sign, escape in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        shown = shown.replace(sign, escape)
    assert shown == text


def test_a_long_course_is_cut_at_a_line():
    incident = make_over()
    incident.entries.bulk_create(
        type(incident.entries.first())(incident=incident, kind="note", at=BEGAN, text="x" * 290) for _ in range(250)
    )
    report = draft(incident, at=BEGAN + 50 * MINUTE)
    assert len(report.timeline) <= 50_000
    assert report.timeline.endswith("(It goes on in the incident.)")


# --- Whom it hurt -----------------------------------------------------------------------------------------------------


def _failing(sender: Sender, *users: str, name: str = "db_pool_error", **more: object) -> None:
    for user in users:
        sender.store({"event": name, "severity": "CRITICAL", "message": "pool exhausted", "user_id": user, **more})


def test_users_are_told_apart_and_failures_counted(sender: Sender):
    _failing(sender, "u1", "u2", "u2", endpoint="/api/pay", feature="checkout")
    _failing(sender, "u9", name="stripe_checkout_error")
    now = timezone.now()
    rule = make_rule(group_by=["name"])
    alert = make_alert(rule, at=now - MINUTE, labels={"name": "db_pool_error"}, state="firing")
    incident = make_incident(alert, at=now - MINUTE)
    impact = read(incident, at=now).impact
    assert (impact.users_count, impact.failed_count) == (2, 3)
    assert impact.endpoints == (("/api/pay", 3),)
    text = draft(incident, at=now).impact
    assert "**Users:** 2, told apart by their hashes" in text
    assert "**Failed requests:** 3" in text
    assert "**Endpoints:** /api/pay (3)" in text


def test_a_cascade_hurts_at_its_endpoints_alone(sender: Sender):
    _failing(sender, "u1", endpoint="/api/pay")
    _failing(sender, "u2", endpoint="/api/other")
    now = timezone.now()
    members = [
        {
            "service": str(sender.service.pk),
            "endpoint": "/api/pay",
            "began_at": now.isoformat(),
            "failures": 1,
            "requests": 1,
        }
    ]
    rule = make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300})
    alert = make_alert(rule, at=now - MINUTE, evidence={"members": members}, state="firing")
    impact = read(make_incident(alert, at=now - MINUTE), at=now).impact
    assert (impact.users_count, impact.failed_count) == (1, 1)
