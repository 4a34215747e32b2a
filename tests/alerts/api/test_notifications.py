"""What people were told, and sending again what was given up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts import delivery
from alerts.channels.webhook import new_secret
from alerts.incidents import opening
from alerts.models import Alert, AlertRule, Channel, Notification, NotificationAttempt, Silence
from alerts.sealing import seal
from events.models import TokenScope
from tests.alerts.api.conftest import fields_at_fault, make_alert, make_notification
from tests.alerts.incidents.making import make_incident
from tests.alerts.receivers import Receiver
from tests.events.api.v1.conftest import Caller, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead(alert: Alert, channel: Channel) -> Notification:
    now = timezone.now()
    made = make_notification(
        channel, alert, state="dead", attempt_count=10, settled_at=now, reason="Given up.", fallback_told_at=now
    )
    NotificationAttempt.objects.create(notification=made, at=now, is_accepted=False, status=500, took_ms=9, answer="no")
    return made


def again(caller: Caller, notification: Notification) -> Any:
    return caller.post(f"notifications/{notification.pk}/send-again")


def test_each_filter_narrows_the_list(dead: Notification, rule: AlertRule, reader: Caller) -> None:
    other = Channel.objects.create(name="Other", kind="email", sealed_settings="")
    muted = make_notification(other, make_alert(rule, provider="b"), state="muted")

    def found(**filters: Any) -> list[int]:
        return [one["id"] for one in reader.get("notifications", **filters).json()["results"]]

    assert found() == [muted.pk, dead.pk]
    assert found(state="dead,sent") == [dead.pk]
    assert found(channel=other.pk) == [muted.pk]
    assert found(alert=dead.alert_id) == [dead.pk]
    assert found(alert=dead.alert_id, state="muted") == []


def test_those_of_an_incident_are_its_own_and_its_alerts(dead: Notification, reader: Caller) -> None:
    incident = make_incident()
    assert dead.alert is not None
    opening.add_alert(incident, dead.alert, by=None, at=timezone.now())
    late = Notification.objects.create(
        incident=incident, channel=dead.channel, kind="late", created_at=timezone.now(), due_at=timezone.now()
    )
    make_notification(dead.channel, make_alert(dead.alert.rule, provider="b"), state="muted")

    found = reader.get("notifications", incident=incident.pk).json()["results"]

    assert [one["id"] for one in found] == [late.pk, dead.pk]
    assert [one["incident"] for one in found] == [incident.pk, None]


def test_what_is_not_there_is_refused(reader: Caller) -> None:
    assert fields_at_fault(reader.get("notifications", channel=9, state="lost")) == ["state"]
    assert fields_at_fault(reader.get("notifications", channel=9)) == ["channel"]
    assert fields_at_fault(reader.get("notifications", alert=9)) == ["alert"]
    assert fields_at_fault(reader.get("notifications", incident=9)) == ["incident"]
    assert reader.get("notifications/9").status_code == 404


def test_one_is_read_with_its_attempts(dead: Notification, reader: Caller) -> None:
    found = reader.get(f"notifications/{dead.pk}").json()

    assert (found["key"], found["state"]) == (str(dead.key), "dead")
    assert [(one["status"], one["answer"]) for one in found["attempts"]] == [(500, "no")]


def test_a_page_costs_the_same_however_many_it_lists(dead: Notification, reader: Caller) -> None:
    reader.get("notifications")
    for number in range(9):
        make_notification(dead.channel, dead.alert, kind="repeat", number=number)
    with queries() as asked:
        assert len(reader.get("notifications").json()["results"]) == 10

    assert len(asked) <= 6, asked


def test_what_was_given_up_arrives_under_the_same_key(
    dead: Notification, channel: Channel, receiver: Receiver, operator: Caller
) -> None:
    settings = {"url": f"{receiver.url}/hook", "secret": new_secret()}
    Channel.objects.filter(pk=channel.pk).update(kind="webhook", sealed_settings=seal(settings))

    found = again(operator, dead).json()
    assert (found["state"], found["settled_at"]) == ("waiting", None)
    delivery.deliver(channel.pk)

    assert [one.headers["webhook-id"] for one in receiver.received] == [str(dead.key)]
    found = operator.get(f"notifications/{dead.pk}").json()
    assert (found["state"], [one["is_accepted"] for one in found["attempts"]]) == ("sent", [False, True])


def test_it_is_tried_as_often_as_a_new_one(
    dead: Notification, channel: Channel, receiver: Receiver, operator: Caller
) -> None:
    settings = {"url": f"{receiver.url}/hook", "secret": new_secret()}
    Channel.objects.filter(pk=channel.pk).update(kind="webhook", sealed_settings=seal(settings))
    receiver.answer(500, b"still ill")

    again(operator, dead)
    delivery.deliver(channel.pk)

    dead.refresh_from_db()
    assert (dead.state, dead.attempt_count, dead.fallback_told_at) == ("waiting", 1, None)


def test_what_travelled_in_its_message_goes_with_it(dead: Notification, rule: AlertRule, operator: Caller) -> None:
    carried = make_notification(dead.channel, make_alert(rule, provider="b"), state="dead", carrier=dead)

    assert carried.carrier_id == dead.pk
    assert again(operator, dead).status_code == 200

    assert set(Notification.objects.values_list("state", flat=True)) == {"waiting"}


def test_only_what_was_given_up_is_sent_again(alert: Alert, channel: Channel, operator: Caller) -> None:
    for number, state in enumerate(("waiting", "sent", "muted", "dropped")):
        made = make_notification(channel, alert, kind="repeat", number=number, state=state)
        response = again(operator, made)
        assert (response.status_code, response.json()["code"]) == (409, "not_sent_again")


def over(dead: Notification) -> None:
    Alert.objects.update(state="resolved", resolved_at=timezone.now())


def acknowledged(dead: Notification) -> None:
    Alert.objects.update(acknowledged_at=timezone.now())


def silenced(dead: Notification) -> None:
    Silence.objects.create(
        matchers={"ai_provider": "*"}, reason="They know.", ends_at=timezone.now() + timedelta(hours=1)
    )


def switched_off(dead: Notification) -> None:
    Channel.objects.update(is_enabled=False)


@pytest.mark.parametrize(
    ("happened", "why"),
    [(over, "over"), (acknowledged, "acknowledged"), (silenced, "They know."), (switched_off, "switched off")],
)
def test_nobody_is_told_of_what_is_told_to_nobody_any_more(
    dead: Notification, operator: Caller, happened: Callable[[Notification], None], why: str
) -> None:
    happened(dead)

    response = again(operator, dead)

    assert response.status_code == 409
    assert why in response.json()["detail"]
    dead.refresh_from_db()
    assert dead.state == "dead"


def test_that_it_is_over_is_told_though_it_is_over(dead: Notification, operator: Caller) -> None:
    Notification.objects.update(kind="resolved")
    over(dead)

    assert again(operator, dead).json()["state"] == "waiting"


def test_sending_again_needs_the_right_to_change_alerts(dead: Notification, make_caller: Callable[..., Caller]) -> None:
    response = again(make_caller("view_notification", scope=TokenScope.ALERTS), dead)

    assert "alerts.change_alert" in response.json()["detail"]
