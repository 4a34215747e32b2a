from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from alerts import delivery
from alerts.channels import alertmanager, email, pagerduty, slack_blocks, webhook
from alerts.channels.message import plain_text
from alerts.models import (
    Alert,
    IncidentStepState,
    MaintenanceWindow,
    Notification,
    QuietHours,
    Route,
    Runbook,
    Silence,
)
from alerts.outbox import wording
from alerts.outbox.resending import why_not
from alerts.runbooks import late, steps
from events.models import Service
from tests.alerts import sending
from tests.alerts.making import make_alert, make_channel, make_rule
from tests.alerts.people import make_contact
from tests.alerts.runbooks.making import make_incident, make_runbook, make_user

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture(autouse=True)
def operations(db):
    """The one channel that every alert goes to."""
    Route.objects.all().delete()
    channel = make_channel("Operations")
    Route.objects.create(position=1, name="All").channels.add(channel)
    return channel


def late_incident(now, *alerts: Alert, opened_ago: timedelta = 19 * MINUTE, targets=(15, 60), **fields):
    """With one step that is 4 minutes late, and one that is not."""
    Runbook.objects.all().delete()
    make_runbook("Night", *targets, is_fallback=True)
    incident = make_incident(*alerts, at=now - opened_ago, **fields)
    steps.begin(incident, at=incident.opened_at)
    return incident


def rows(**wanted) -> list[tuple[str, str, str]]:
    found = Notification.objects.filter(**wanted).order_by("channel__name", "pk")
    return [(one.channel.name, one.kind, one.state) for one in found.select_related("channel")]


def test_a_late_step_is_told_of_once(now):
    incident = late_incident(now)
    assert late.tell_late(now=now) == 1
    assert late.tell_late(now=now + MINUTE) == 0
    assert rows() == [("Operations", "late", "waiting")]
    assert incident.entries.filter(once__startswith="late:").get().text == "Step 1 (15 min): late. Told: Operations."


def test_the_commander_is_told_by_contacts_that_were_tested(now):
    ada = make_user("ada")
    contact, _ = make_contact(ada), make_contact(ada, verified_at=None)
    late_incident(now, commander=ada)
    late.tell_late(now=now)
    assert sorted(Notification.objects.values_list("channel__name", flat=True)) == sorted(
        ["Operations", contact.channel.name]
    )


def test_routes_of_the_first_alert_say_who_is_told(now):
    errors = make_channel("Errors")
    Route.objects.update(severities=["critical"])
    Route.objects.create(position=2, name="Errors", severities=["error"]).channels.add(errors)
    alert = make_alert(make_rule(severity="error"))
    late_incident(now, alert, make_alert(make_rule(severity="critical")))
    late.tell_late(now=now)
    assert rows() == [("Errors", "late", "waiting")]


@pytest.mark.parametrize(("severity", "channel"), [(1, "Operations"), (2, "Operations"), (3, "Errors"), (4, "Errors")])
def test_one_that_was_opened_by_hand_goes_by_its_severity(now, severity, channel):
    Route.objects.update(severities=["critical"])
    Route.objects.create(position=2, name="Errors", severities=["error"]).channels.add(make_channel("Errors"))
    late_incident(now, severity=severity)
    late.tell_late(now=now)
    assert rows() == [(channel, "late", "waiting")]


def test_an_acknowledged_incident_has_late_steps_all_the_same(now):
    late_incident(now, state="acknowledged", acknowledged_at=now - 10 * MINUTE)
    assert late.tell_late(now=now) == 1


@pytest.mark.parametrize("state", ["resolved", "closed"])
def test_one_that_is_over_has_none(now, state):
    incident = late_incident(now)
    late.tell_late(now=now)
    incident.steps.update(late_told_at=None)
    incident.state, incident.resolved_at = state, now
    incident.save()
    assert late.tell_late(now=now) == 0
    assert rows() == [("Operations", "late", "dropped")]


def test_a_silence_puts_it_off_until_it_ends(now):
    rule = make_rule(severity="critical")
    incident = late_incident(now, make_alert(rule))
    Silence.objects.create(
        matchers={"rule": str(rule.pk)}, reason="Known", starts_at=now - MINUTE, ends_at=now + MINUTE
    )
    assert late.tell_late(now=now) == 0
    assert late.tell_late(now=now) == 0
    assert rows() == []
    assert "nobody is told yet. Silenced until" in incident.entries.get(once__startswith="late-muted:").text
    assert late.tell_late(now=now + 2 * MINUTE) == 1


def test_maintenance_of_its_service_puts_one_off_that_was_opened_by_hand(now):
    service = Service.objects.create(name="lift web", slug="lift-web")
    late_incident(now, service=service)
    MaintenanceWindow.objects.create(name="Move", service=service, starts_at=now - MINUTE, ends_at=now + MINUTE)
    assert late.tell_late(now=now) == 0


def test_quiet_hours_put_off_what_is_not_critical(now, operations):
    QuietHours.objects.create(
        channel=operations, from_time=time(0), to_time=time(0), weekdays=list(range(7)), time_zone="UTC"
    )
    late_incident(now, severity=3)
    late.tell_late(now=now)
    assert Notification.objects.get().due_at > now


def test_nobody_to_tell_is_said_in_the_timeline(now):
    Route.objects.all().delete()
    incident = late_incident(now)
    assert late.tell_late(now=now) == 1
    assert "Nobody could be told" in incident.entries.get(once__startswith="late:").text


def test_two_at_once_tell_once(now):
    incident = late_incident(now)
    late.tell_late(now=now)
    # As one would leave it who read before the other wrote.
    incident.steps.update(late_told_at=None)
    late.tell_late(now=now)
    assert len(rows()) == 1


# --- What it says -----------------------------------------------------------------------------------------------------


@pytest.fixture
def message(now):
    service = Service.objects.create(name="lift web", slug="lift-web")
    incident = late_incident(now, commander=make_user("ada"), service=service, environment="production")
    incident.steps.filter(position=0).update(title="Mitigate")
    late.tell_late(now=now)
    row = Notification.objects.select_related("incident__commander", "incident__service").get()
    return wording.message_of([row])


def test_it_says_what_is_late_by_how_much_and_who_commands(message):
    incident = Notification.objects.get().incident
    text = plain_text(message)
    assert text.startswith(
        f"[Late] Mitigate (15 min) of incident #{incident.pk}\n4 min over; commander Ada. Checkout fails\n"
    )
    assert f"Open in Liftmon: http://127.0.0.1:8000/admin/alerts/incident/{incident.pk}/change/" in text
    assert "Where: lift web, production" in text


def test_a_mail_says_it_in_its_subject(message):
    row = Notification.objects.get()
    html = email.html_of(message)
    mail = email.mail_for("ada@example.org", message, html=html, key=row.key)
    assert mail.subject == f"Late: Mitigate (15 min) of incident #{row.incident_id}"
    assert "Late · Critical" in html
    assert "4 min over; commander Ada" in html


def test_slack_shows_it_without_buttons_of_an_alert(message):
    made = slack_blocks.payload(message, has_buttons=True)
    assert "Late: Mitigate (15 min) of incident #" in made["blocks"][0]["text"]["text"]
    buttons = [one for block in made["blocks"] if block["type"] == "actions" for one in block["elements"]]
    assert [one["text"]["text"] for one in buttons] == ["Open in Liftmon"]


def test_pagerduty_has_an_event_of_its_own_for_each_step(message):
    row = Notification.objects.get()
    event = pagerduty.event(message, "trigger", routing_key="k", key=row.key)
    assert event["dedup_key"] == f"liftmon:incident-{row.incident_id}-step-{row.number}"
    assert event["payload"]["summary"].startswith("[Late] Mitigate (15 min) of incident #")
    assert event["payload"]["severity"] == "critical"


def test_webhooks_say_of_which_incident_it_is(message):
    row = Notification.objects.get()
    made = webhook.document(message)
    assert made["type"] == "alert.late"
    assert made["data"]["labels"] == {"incident": str(row.incident_id), "step": "Mitigate"}
    (alert,) = alertmanager.document(message, receiver="x")["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"]["incident"] == str(row.incident_id)


# --- Sent -------------------------------------------------------------------------------------------------------------


def test_it_arrives_and_what_stays_open_elsewhere_is_closed_when_it_is_settled(now, receiver):
    pager = sending.make_channel("pagerduty", "Pager", routing_key="a" * 32, url=receiver.url)
    Route.objects.get().channels.set([pager])
    incident = late_incident(now)
    late.tell_late(now=now)
    assert delivery.deliver(pager.pk) == 1
    step = incident.steps.get(position=0)
    steps.settle(step.pk, by=make_user("ada"), at=now, state=IncidentStepState.DONE)
    assert delivery.deliver(pager.pk) == 1
    assert rows() == [("Pager", "late", "sent"), ("Pager", "resolved", "sent")]
    said = [one.json for one in receiver.received]
    assert [one["event_action"] for one in said] == ["trigger", "resolve"]
    assert len({one["dedup_key"] for one in said}) == 1


def test_many_late_steps_are_messages_of_their_own(now, receiver):
    hook = sending.webhook(receiver)
    Route.objects.get().channels.set([hook])
    late_incident(now, targets=(1, 2, 3, 4, 5, 6, 7))
    assert late.tell_late(now=now) == 7
    assert delivery.deliver(hook.pk) == 7
    assert len(receiver.received) == 7


def test_one_that_is_settled_is_not_sent_again():
    now = datetime.now(UTC)
    incident = late_incident(now)
    late.tell_late(now=now)
    Notification.objects.update(state="dead")
    row = Notification.objects.select_related("channel", "alert").get()
    assert why_not(row, at=now) == ""
    steps.settle(incident.steps.get(position=0).pk, by=None, at=now, state=IncidentStepState.SKIPPED)
    assert why_not(row, at=now) == "The step is settled."
