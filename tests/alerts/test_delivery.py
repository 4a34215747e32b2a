"""The outbox, with servers that really answer."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from alerts import delivery
from alerts.acting import handling
from alerts.models import AlertRule, Channel, Notification, NotificationAttempt, Route
from alerts.outbox.telling import remind
from tests.alerts.channels.test_email import Postbox, part
from tests.alerts.channels.test_email import postbox as postbox
from tests.alerts.receivers import Receiver
from tests.alerts.sending import HOUR, due_now, end, fire, make_channel, make_rule, route, slack_bot, told, webhook

pytestmark = pytest.mark.django_db
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
ACCEPTED = {"ok": True, "channel": "C024BE91L", "ts": "1405894322.002768"}


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


def keys(receiver: Receiver) -> list[str]:
    return [got.headers["webhook-id"] for got in receiver.received]


class TestAttempts:
    def test_what_is_due_is_sent_and_the_answer_kept(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        alert = fire(make_rule(), {"name": "db_pool_error"})

        assert delivery.channels_due(now=timezone.now()) == [channel.pk]
        assert delivery.deliver(channel.pk) == 1
        assert delivery.deliver(channel.pk) == 0

        (got,) = receiver.received
        row = Notification.objects.get(alert=alert)
        assert (got.json["type"], got.headers["webhook-id"]) == ("alert.firing", str(row.key))
        attempt = row.attempts.get()
        assert (row.state, row.attempt_count, attempt.is_accepted, attempt.status) == ("sent", 1, True, 200)

    def test_what_is_not_due_waits(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule(group_wait_seconds=60))

        assert delivery.channels_due(now=timezone.now()) == []
        assert delivery.deliver(channel.pk) == 0
        assert delivery.channels_due(now=timezone.now() + timedelta(seconds=61)) == [channel.pk]

    def test_a_failure_is_tried_again_later_with_the_same_key(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        receiver.answers = [(503, {}, b"busy"), (500, {}, b""), (200, {}, b"ok")]

        tries = []
        for _ in range(3):
            due_now()
            began = timezone.now()
            delivery.deliver(channel.pk)
            row = Notification.objects.get()
            tries.append((began, row.due_at, timezone.now()))

        for (began, due_at, ended), least, most in zip(tries, (4, 22), (6, 28), strict=False):
            assert began + timedelta(seconds=least) <= due_at <= ended + timedelta(seconds=most)
        assert (row.state, row.attempt_count) == ("sent", 3)
        assert keys(receiver) == [str(row.key)] * 3
        answers = NotificationAttempt.objects.order_by("pk").values_list("status", "is_accepted", "answer")
        assert list(answers) == [(503, False, "busy"), (500, False, ""), (200, True, "ok")]

    def test_it_waits_as_long_as_the_other_side_asks(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        receiver.answer(429, b"", Retry_After="600")

        began = timezone.now()
        delivery.deliver(channel.pk)

        due_at = Notification.objects.get().due_at
        assert began + timedelta(seconds=600) <= due_at <= timezone.now() + timedelta(seconds=660)

    def test_one_that_failed_holds_the_others_of_its_channel_back(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        for _ in range(3):
            fire(make_rule())
        receiver.answer(500)

        delivery.deliver(channel.pk)

        assert len(receiver.received) == 1

    def test_a_tenth_failure_is_the_last(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        receiver.answer(500)

        for _ in range(11):
            due_now()
            delivery.deliver(channel.pk)

        assert len(receiver.received) == 10
        assert told() == [(channel.name, "firing", "dead")]

    def test_an_error_of_ours_does_not_hold_up_what_waits(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        with monkeypatch.context() as broken:
            broken.setattr("alerts.outbox.wording.message_of", lambda _batch: 1 // 0)
            delivery.deliver(channel.pk)

        row = Notification.objects.get()
        assert (row.state, row.attempt_count) == ("waiting", 1)
        assert row.attempts.get().answer == "Liftmon failed to send it: ZeroDivisionError."

    def test_a_channel_that_is_switched_off_drops(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        Channel.objects.update(is_enabled=False)

        delivery.deliver(channel.pk)

        assert (told(), receiver.received) == ([(channel.name, "firing", "dropped")], [])
        assert Notification.objects.get().reason == "The channel is switched off."

    def test_what_was_acknowledged_meanwhile_is_not_sent(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = webhook(receiver)
        route(channel)
        first, second = fire(make_rule()), fire(make_rule())
        send = delivery.attempt

        def attempt(*arguments: Any) -> Any:
            handling.acknowledge(second.pk, by=None, at=timezone.now())
            return send(*arguments)

        monkeypatch.setattr(delivery, "attempt", attempt)
        delivery.deliver(channel.pk)

        assert told(alert=first) == [(channel.name, "firing", "sent")]
        assert told(alert=second) == [(channel.name, "firing", "dropped")]
        assert len(receiver.received) == 1


class TestGivingUp:
    def test_a_permanent_refusal_is_given_up_and_the_fallback_told_once(
        self, receiver: Receiver, postbox: Postbox, settings: Any
    ) -> None:
        settings.ALERT_FALLBACK_EMAIL = "boss@team.example"
        channel = webhook(receiver, "Hook")
        route(channel)
        fire(make_rule(), summary="Checkout fails.")
        receiver.answer(410, b"gone")

        delivery.deliver(channel.pk)
        assert told() == [("Hook", "firing", "dead")]
        assert delivery.tell_fallback(now=timezone.now()) == 1
        assert delivery.tell_fallback(now=timezone.now()) == 0

        (mail,) = postbox.mails
        assert mail["To"] == "boss@team.example"
        assert "Hook: Fires: Checkout fails. (Given up after 1 attempts: gone)" in part(mail, "plain")

    def test_without_a_fallback_address_nobody_is_told(self, receiver: Receiver, settings: Any) -> None:
        settings.ALERT_FALLBACK_EMAIL = ""

        assert delivery.tell_fallback(now=timezone.now()) == 0

    def test_a_test_shows_the_true_answer_and_is_not_tried_again(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        receiver.answer(500, b"on fire")

        outcome = delivery.send_test(channel, now=timezone.now())

        channel.refresh_from_db()
        assert (outcome.is_accepted, channel.test_answer) == (False, "Failed (500): on fire")
        assert told() == [(channel.name, "test", "dropped")]


class TestStorms:
    def test_500_alerts_are_one_message_and_its_end_comes_when_all_are_over(
        self, receiver: Receiver, settings: Any
    ) -> None:
        channel = make_channel("slack", "Slack", webhook_url=f"{receiver.url}/services/T/B/X")
        route(channel)
        rule = make_rule()
        alerts = [fire(rule, {"name": f"error {place}"}) for place in range(500)]

        assert delivery.deliver(channel.pk) == 500
        (got,) = receiver.received
        assert "500 alerts" in got.json["text"]

        for alert in alerts[:-1]:
            end(alert)
        assert delivery.deliver(channel.pk) == 0
        end(alerts[-1])
        assert delivery.deliver(channel.pk) == 1
        assert delivery.deliver(channel.pk) == 0

        assert len(receiver.received) == 2
        assert "Resolved" in receiver.received[1].json["text"]
        assert "500 alerts: 0 firing, 500 resolved" in json.dumps(receiver.received[1].json["blocks"])

    def test_one_that_failed_is_tried_again_as_one(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        rule = make_rule()
        for place in range(10):
            fire(rule, {"name": f"error {place}"})
        receiver.answers = [(500, {}, b""), (500, {}, b""), (200, {}, b"")]

        for _ in range(3):
            due_now()
            delivery.deliver(channel.pk)

        assert len(receiver.received) == 3
        assert len(set(keys(receiver))) == 1
        assert {state for *_, state in told()} == {"sent"}

    def test_pagerduty_resolves_each_incident_that_it_opened(self, receiver: Receiver) -> None:
        channel = make_channel("pagerduty", routing_key=ROUTING_KEY, url=receiver.url)
        route(channel)
        receiver.answer(202)
        rule = make_rule()
        alerts = []
        for place in range(7):
            alerts.append(fire(rule, {"name": f"error {place}"}))
            delivery.deliver(channel.pk)
        for alert in alerts:
            end(alert)
        delivery.deliver(channel.pk)

        events = [got.json for got in receiver.received]
        opened = [one["dedup_key"] for one in events if one["event_action"] == "trigger"]
        assert [one["dedup_key"] for one in events if one["event_action"] == "resolve"] == opened
        assert len(opened) == 7

    def test_reminders_that_speak_for_others_end_what_they_opened(self, receiver: Receiver) -> None:
        channel = make_channel("pagerduty", routing_key=ROUTING_KEY, url=receiver.url)
        route(channel)
        receiver.answer(202)
        rule = make_rule(repeat_seconds=3600)
        alerts = [fire(rule, {"name": f"error {place}"}) for place in range(8)]
        delivery.deliver(channel.pk)
        handling.acknowledge(alerts[0].pk, by=None, at=timezone.now())
        remind(now=timezone.now() + 2 * HOUR)
        due_now()
        delivery.deliver(channel.pk)
        for alert in alerts:
            alert.refresh_from_db()
            end(alert)
        delivery.deliver(channel.pk)

        events = [got.json for got in receiver.received]
        opened = {one["dedup_key"] for one in events if one["event_action"] == "trigger"}
        assert len(opened) == 2
        assert {one["dedup_key"] for one in events if one["event_action"] == "resolve"} == opened


class TestChanging:
    @pytest.fixture
    def channel(self, receiver: Receiver) -> Channel:
        made = slack_bot(receiver, "Slack")
        route(made)
        receiver.answer(200, json.dumps(ACCEPTED).encode())
        return made

    def test_one_message_follows_the_alert_from_first_to_last(self, channel: Channel, receiver: Receiver) -> None:
        alert = fire(make_rule(repeat_seconds=60))
        delivery.deliver(channel.pk)
        remind(now=timezone.now() + HOUR)
        due_now()
        delivery.deliver(channel.pk)
        handling.acknowledge(alert.pk, by=None, at=timezone.now(), how="By Ada (U1) in Slack.")
        delivery.deliver(channel.pk)
        alert.refresh_from_db()
        end(alert)
        delivery.deliver(channel.pk)

        said = [(got.path.rpartition("/")[2], got.json.get("ts"), got.json["text"]) for got in receiver.received]
        assert [method for method, *_ in said] == [
            "chat.postMessage", "chat.update", "chat.postMessage", "chat.update", "chat.update", "chat.postMessage",
        ]  # fmt: skip
        assert {ts for method, ts, _ in said if method == "chat.update"} == {ACCEPTED["ts"]}
        assert ["Still firing" in said[1][2], "Acknowledged" in said[3][2], "Resolved" in said[4][2]] == [True] * 3
        assert "By Ada (U1) in Slack." in json.dumps(receiver.received[3].json)
        assert {state for *_, state in told()} == {"sent"}

    def test_a_silence_shows_in_the_message(self, channel: Channel, receiver: Receiver) -> None:
        alert = fire(make_rule())
        delivery.deliver(channel.pk)

        handling.silence(alert.pk, by=None, at=timezone.now(), lasts=HOUR, reason="Known")
        delivery.deliver(channel.pk)

        assert receiver.received[-1].path.endswith("chat.update")
        assert "Silenced until" in json.dumps(receiver.received[-1].json["blocks"])

    def test_the_message_of_a_storm_changes_when_all_of_it_is_taken_or_over(
        self, channel: Channel, receiver: Receiver
    ) -> None:
        rule = make_rule()
        alerts = [fire(rule, {"name": f"error {place}"}) for place in range(6)]
        delivery.deliver(channel.pk)
        for alert in alerts[:-1]:
            handling.acknowledge(alert.pk, by=None, at=timezone.now())
        assert delivery.deliver(channel.pk) == 0
        handling.acknowledge(alerts[-1].pk, by=None, at=timezone.now())
        assert delivery.deliver(channel.pk) == 1
        assert "6 alerts" in receiver.received[-1].json["text"]

    def test_seven_ends_at_once_change_seven_messages(self, channel: Channel, receiver: Receiver) -> None:
        rule, alerts = make_rule(), []
        for place in range(7):
            receiver.answer(200, json.dumps({**ACCEPTED, "ts": f"{place}.0"}).encode())
            alerts.append(fire(rule, {"name": f"error {place}"}))
            delivery.deliver(channel.pk)
        for alert in alerts:
            end(alert)
        delivery.deliver(channel.pk)

        changed = [got.json["ts"] for got in receiver.received if got.path.endswith("chat.update")]
        assert changed == [f"{place}.0" for place in range(7)]

    def test_pagerduty_hears_that_somebody_acknowledged(self, receiver: Receiver) -> None:
        channel = make_channel("pagerduty", routing_key=ROUTING_KEY, url=receiver.url)
        route(channel)
        receiver.answer(202)
        alert = fire(make_rule())
        delivery.deliver(channel.pk)

        handling.acknowledge(alert.pk, by=None, at=timezone.now())
        delivery.deliver(channel.pk)

        assert [got.json["event_action"] for got in receiver.received] == ["trigger", "acknowledge"]
        assert len({got.json["dedup_key"] for got in receiver.received}) == 1

    def test_what_cannot_be_changed_hears_nothing(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        alert = fire(make_rule())
        delivery.deliver(channel.pk)

        handling.acknowledge(alert.pk, by=None, at=timezone.now())

        assert told() == [(channel.name, "firing", "sent")]


class TestCrashes:
    def test_a_process_killed_before_it_recorded_sends_once_more_with_the_same_key(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())

        def killed(*_: object, **__: object) -> None:
            raise SystemExit

        with monkeypatch.context() as dying:
            dying.setattr(delivery, "record", killed)
            with pytest.raises(SystemExit):
                delivery.deliver(channel.pk)
        delivery.deliver(channel.pk)
        delivery.deliver(channel.pk)

        assert len(receiver.received) == 2
        assert len(set(keys(receiver))) == 1
        assert told() == [(channel.name, "firing", "sent")]

    def test_a_channel_that_somebody_died_at_is_taken_over_later(self, receiver: Receiver) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        now = timezone.now()
        Channel.objects.update(busy_until=now + timedelta(seconds=60))

        assert delivery.channels_due(now=now) == []
        assert delivery.deliver(channel.pk) == 0
        Channel.objects.update(busy_until=now - timedelta(seconds=1))
        assert delivery.deliver(channel.pk) == 1

    def test_who_was_too_slow_does_not_end_the_turn_of_another(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = webhook(receiver)
        route(channel)
        fire(make_rule())
        fire(make_rule())
        another = timezone.now() + timedelta(seconds=55)
        send = delivery.attempt

        def slow(*arguments: Any) -> Any:
            Channel.objects.filter(pk=channel.pk).update(busy_until=another)
            return send(*arguments)

        monkeypatch.setattr(delivery, "attempt", slow)

        assert delivery.deliver(channel.pk) == 1
        channel.refresh_from_db()
        assert channel.busy_until == another


@pytest.mark.django_db(transaction=True)
def test_two_at_once_send_once(receiver: Receiver) -> None:
    channel = webhook(receiver)
    route(channel)
    fire(make_rule())
    gate, settled = threading.Barrier(2), []

    def deliver() -> None:
        gate.wait()
        settled.append(delivery.deliver(channel.pk))
        connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(settled) == [0, 1]
    assert len(receiver.received) == 1
