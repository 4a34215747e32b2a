import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from alerts.models import IncidentStepState, Runbook
from alerts.runbooks import steps
from alerts.runbooks.steps import StepError
from tests.alerts.making import make_channel, make_notification
from tests.alerts.runbooks.making import make_incident, make_runbook, make_user

pytestmark = pytest.mark.django_db

OPENED = datetime(2026, 11, 28, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DONE, SKIPPED = IncidentStepState.DONE, IncidentStepState.SKIPPED


@pytest.fixture
def incident():
    incident = make_incident(at=OPENED)
    steps.begin(incident, at=OPENED)
    return incident


def said(incident) -> list[str]:
    return list(incident.entries.filter(kind="step").order_by("pk").values_list("text", flat=True))


def first(incident):
    return incident.steps.order_by("position").first()


def test_an_incident_takes_the_steps_over_with_their_clocks(incident):
    rows = list(incident.steps.order_by("position").values_list("kind", "due_at", "state"))
    assert rows == [
        ("check", OPENED + 5 * MINUTE, "open"),
        ("mitigate", OPENED + 15 * MINUTE, "open"),
        ("investigate", OPENED + 60 * MINUTE, "open"),
        ("notify", OPENED + 30 * MINUTE, "open"),
    ]
    assert said(incident) == ["Follows the runbook “A critical alert”: 4 steps."]


def test_it_begins_once(incident):
    assert steps.begin(incident, at=OPENED + MINUTE) is None
    assert incident.steps.count() == 4
    assert len(said(incident)) == 1


def test_later_changes_of_the_runbook_leave_it_alone(incident):
    Runbook.objects.get(is_fallback=True).delete()
    assert incident.steps.count() == 4


def test_a_step_that_is_done_says_by_whom_and_after_how_long(incident):
    ada = make_user()
    steps.settle(first(incident).pk, by=ada, at=OPENED + 2 * MINUTE, state=DONE, outcome=" 37 users,\n growing ")
    step = first(incident)
    assert (step.state, step.settled_by, step.outcome) == ("done", ada, "37 users, growing")
    assert said(incident)[-1] == "Check severity: done after 2 minutes, in time: 37 users, growing"


def test_one_that_is_done_late_says_by_how_much(incident):
    steps.settle(first(incident).pk, by=None, at=OPENED + 9 * MINUTE, state=DONE)
    assert said(incident)[-1] == "Check severity: done after 9 minutes, 4 minutes late."


def test_one_that_is_not_needed_says_why(incident):
    steps.settle(first(incident).pk, by=make_user(), at=OPENED, state=SKIPPED, outcome="A drill.")
    assert said(incident)[-1] == "Check severity: not needed: A drill."


def test_who_comes_second_is_told_who_was_first(incident):
    steps.settle(first(incident).pk, by=make_user("ada"), at=OPENED, state=DONE, outcome="Rolled back.")
    with pytest.raises(StepError, match="Ada settled it before you: done: Rolled back"):
        steps.settle(first(incident).pk, by=make_user("bob"), at=OPENED, state=SKIPPED)
    assert first(incident).settled_by.username == "ada"
    assert len(said(incident)) == 2


def test_what_waits_to_say_that_it_is_late_is_dropped(incident):
    step = first(incident)
    waiting = make_notification(make_channel(), incident=incident, kind="late", number=step.pk, state="waiting")
    steps.settle(step.pk, by=make_user(), at=OPENED + 6 * MINUTE, state=DONE)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("dropped", "The step was settled.")


def test_a_step_can_be_opened_again(incident):
    step = first(incident)
    steps.settle(step.pk, by=make_user(), at=OPENED, state=DONE, outcome="x")
    steps.reopen(step.pk, by=None, at=OPENED + MINUTE)
    step.refresh_from_db()
    assert (step.state, step.settled_at, step.settled_by, step.outcome) == ("open", None, None, "")
    assert said(incident)[-1] == "Check severity: open again."
    with pytest.raises(StepError, match="open already"):
        steps.reopen(step.pk, by=None, at=OPENED)


def test_who_did_not_hear_that_it_is_late_hears_it_when_it_is_opened_again(incident):
    step = first(incident)
    incident.steps.filter(pk=step.pk).update(late_told_at=OPENED + 5 * MINUTE)
    make_notification(make_channel(), incident=incident, kind="late", number=step.pk, state="waiting", attempt_count=0)
    steps.settle(step.pk, by=None, at=OPENED + 6 * MINUTE, state=DONE)
    steps.reopen(step.pk, by=None, at=OPENED + 7 * MINUTE)
    step.refresh_from_db()
    assert step.late_told_at is None
    assert not incident.notifications.exists()


def test_another_runbook_keeps_what_is_settled(incident):
    steps.settle(first(incident).pk, by=None, at=OPENED, state=DONE)
    other = make_runbook("Checkout", 10, 90)
    steps.switch(incident, other, by=make_user(), at=OPENED + 20 * MINUTE)
    rows = list(incident.steps.order_by("position").values_list("title", "state", "due_at", "late_told_at"))
    assert rows == [
        ("Check severity", "done", OPENED + 5 * MINUTE, None),
        # Late already, and whoever switched sees it.
        ("Step 1", "open", OPENED + 10 * MINUTE, OPENED + 20 * MINUTE),
        ("Step 2", "open", OPENED + 90 * MINUTE, None),
    ]
    assert said(incident)[-1] == "Follows the runbook “Checkout” instead of “A critical alert”: 2 steps."
    with pytest.raises(StepError, match="already"):
        steps.switch(incident, other, by=None, at=OPENED)


def test_a_closed_incident_stays_as_it_is(incident):
    incident.state = "closed"
    incident.save()
    with pytest.raises(StepError, match="closed"):
        steps.settle(first(incident).pk, by=None, at=OPENED, state=DONE)
    with pytest.raises(StepError, match="closed"):
        steps.reopen(first(incident).pk, by=None, at=OPENED)
    with pytest.raises(StepError, match="closed"):
        steps.switch(incident, make_runbook("Other", 5), by=None, at=OPENED)


def test_an_outcome_that_is_too_long_is_not_cut(incident):
    with pytest.raises(StepError, match="500"):
        steps.settle(first(incident).pk, by=None, at=OPENED, state=DONE, outcome="x" * 501)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins():
    incident = make_incident(at=OPENED)
    steps.begin(incident, at=OPENED)
    step, people = first(incident), [make_user("ada"), make_user("bob")]
    meet = threading.Barrier(2)

    def try_it(person) -> str:
        try:
            meet.wait(timeout=10)
            steps.settle(step.pk, by=person, at=OPENED, state=DONE)
        except StepError as error:
            return str(error)
        else:
            return ""
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(try_it, people))
    winner = first(incident).settled_by
    assert answers == ["", f"{winner.first_name} settled it before you: done."]
    assert len(said(incident)) == 2
