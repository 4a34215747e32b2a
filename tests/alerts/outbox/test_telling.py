"""Who is told of an alert, and when; time is passed in."""

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.acting import handling
from alerts.models import Alert, AlertRule, Channel, MaintenanceWindow, Notification, Route, Silence
from alerts.outbox.telling import channels_of, remind
from events.models import Service
from tests.alerts.sending import HOUR, MINUTE, end, fire, make_rule, route, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def channel(name: str, **fields: Any) -> Channel:
    return Channel.objects.create(name=name, kind="email", sealed_settings="", **fields)


class TestRoutes:
    def test_the_first_that_takes_an_alert_is_the_last_that_is_asked(self, now: datetime) -> None:
        route(channel("late"), position=30)
        route(channel("warnings"), position=10, severities=["warning"])
        route(channel("critical"), position=20, severities=["critical"])

        assert [one.name for one in channels_of(fire(make_rule(), at=now))] == ["critical"]
        assert [one.name for one in channels_of(fire(make_rule(severity="warning"), at=now))] == ["warnings"]
        assert [one.name for one in channels_of(fire(make_rule(severity="info"), at=now))] == ["late"]

    def test_one_that_goes_on_asks_those_behind_it_and_each_channel_is_told_once(self, now: datetime) -> None:
        both, last = channel("both"), channel("last")
        route(both, position=1, goes_on=True)
        route(both, last, position=2)
        route(channel("never"), position=3)

        fire(make_rule(), at=now)

        assert told() == [("both", "firing", "waiting"), ("last", "firing", "waiting")]

    def test_it_takes_labels_and_services(self, now: datetime) -> None:
        service = Service.objects.create(name="lift api", slug="lift-api")
        route(channel("pay"), position=1, labels={"endpoint": "/api/pay*"})
        route(channel("api"), position=2, service=service)

        fire(make_rule(), {"endpoint": "/api/payments"}, at=now)
        fire(make_rule(), {"service": str(service.pk), "endpoint": "/api/career"}, at=now)
        fire(make_rule(), {"endpoint": "/api/career"}, at=now)

        assert [name for name, *_ in told()] == ["pay", "api"]

    def test_what_is_switched_off_is_not_asked(self, now: datetime) -> None:
        route(channel("on"), channel("off", is_enabled=False), position=2)
        route(channel("other"), position=1, is_enabled=False)

        fire(make_rule(), at=now)

        assert told() == [("on", "firing", "waiting")]


@pytest.fixture
def everybody() -> tuple[Channel, Channel]:
    found = channel("a"), channel("b")
    route(*found)
    return found


@pytest.mark.usefixtures("everybody")
class TestMuting:
    def test_a_silence_mutes_and_its_end_tells(self, now: datetime) -> None:
        Silence.objects.create(matchers={"endpoint": "/api/*"}, reason="Known", starts_at=now, ends_at=now + HOUR)
        fire(make_rule(), {"endpoint": "/api/pay"}, at=now)
        fire(make_rule(), {"endpoint": "/pay"}, at=now)

        assert [state for *_, state in told()] == ["muted", "muted", "waiting", "waiting"]
        assert "Known" in Notification.objects.order_by("pk")[0].reason
        assert remind(now=now + HOUR - MINUTE) == 0
        assert remind(now=now + HOUR) == 2
        assert remind(now=now + HOUR + MINUTE) == 0
        assert told(kind="repeat") == [("a", "repeat", "waiting"), ("b", "repeat", "waiting")]

    def test_maintenance_mutes_its_service_alone(self, now: datetime) -> None:
        service = Service.objects.create(name="lift api", slug="lift-api")
        MaintenanceWindow.objects.create(name="Upgrade", service=service, starts_at=now, ends_at=now + HOUR)

        fire(make_rule(), {"service": str(service.pk)}, at=now)
        fire(make_rule(), {"service": str(service.pk + 1)}, at=now)
        fire(make_rule(service=service), at=now + HOUR)

        assert [state for *_, state in told()] == ["muted", "muted", "waiting", "waiting", "waiting", "waiting"]

    def test_what_comes_and_goes_is_told_four_times_an_hour_and_again_when_it_stays(self, now: datetime) -> None:
        rule = make_rule(repeat_seconds=0)
        for place in range(5):
            alert = fire(rule, at=now + place * MINUTE)
            if place < 4:
                end(alert, at=now + place * MINUTE)

        assert [state for *_, state in told(channel__name="a", kind="firing")] == ["dropped"] * 4 + ["muted"]
        assert remind(now=now + 13 * MINUTE) == 0
        assert remind(now=now + 14 * MINUTE) == 2
        assert remind(now=now + 15 * MINUTE) == 0

    def test_the_end_of_what_nobody_heard_of_is_not_told(self, now: datetime) -> None:
        Silence.objects.create(matchers={"rule_name": "Rule"}, reason="Known", starts_at=now, ends_at=now + HOUR)
        end(fire(make_rule(), at=now), at=now + MINUTE)

        assert {state for *_, state in told()} == {"muted"}


@pytest.mark.usefixtures("everybody")
class TestReminding:
    def test_it_tells_again_after_the_pause_and_not_before(self, now: datetime) -> None:
        fire(make_rule(repeat_seconds=3600), at=now)

        made = [remind(now=now + minutes * MINUTE) for minutes in (59, 60, 61, 119, 120)]

        assert made == [0, 2, 0, 0, 2]
        assert sorted(Notification.objects.filter(kind="repeat").values_list("number", flat=True)) == [1, 1, 2, 2]

    def test_a_rule_without_a_pause_is_told_once(self, now: datetime) -> None:
        fire(make_rule(repeat_seconds=0), at=now)

        assert remind(now=now + 100 * HOUR) == 0

    def test_acknowledging_stops_every_further_page_to_everybody(self, now: datetime) -> None:
        ada = User.objects.create(username="ada")
        alert = fire(make_rule(repeat_seconds=3600), at=now)
        Notification.objects.filter(channel__name="a").update(state="sent")
        remind(now=now + HOUR)

        assert handling.acknowledge(alert.pk, by=ada, at=now + HOUR)
        assert told() == [
            ("a", "firing", "sent"), ("b", "firing", "dropped"), ("a", "repeat", "dropped"), ("b", "repeat", "dropped"),
        ]  # fmt: skip
        assert remind(now=now + 10 * HOUR) == 0
        assert not handling.acknowledge(alert.pk, by=None, at=now + 2 * HOUR)
        alert.refresh_from_db()
        assert (alert.acknowledged_by, alert.acknowledged_at) == (ada, now + HOUR)

    def test_who_was_told_hears_of_the_end_though_somebody_acknowledged(self, now: datetime) -> None:
        alert = fire(make_rule(), at=now)
        Notification.objects.filter(channel__name="a").update(state="sent")
        handling.acknowledge(alert.pk, by=None, at=now)
        alert.refresh_from_db()

        end(alert, at=now + MINUTE)

        assert told(kind="resolved") == [("a", "resolved", "waiting")]


@pytest.mark.usefixtures("everybody")
class TestGroupWait:
    def test_it_waits_before_it_tells(self, now: datetime) -> None:
        fire(make_rule(group_wait_seconds=60), at=now)

        assert set(Notification.objects.values_list("due_at", flat=True)) == {now + MINUTE}

    def test_what_is_over_by_then_is_not_told(self, now: datetime) -> None:
        end(fire(make_rule(group_wait_seconds=60), at=now), at=now + MINUTE)

        assert told() == [("a", "firing", "dropped"), ("b", "firing", "dropped")]


@pytest.mark.usefixtures("everybody")
class TestEnds:
    def test_what_failed_to_arrive_does_not_arrive_after_its_end(self, now: datetime) -> None:
        alert = fire(make_rule(), at=now)
        Notification.objects.filter(channel__name="a").update(attempt_count=2)

        end(alert, at=now + MINUTE)

        assert told() == [("a", "firing", "dropped"), ("b", "firing", "dropped"), ("a", "resolved", "waiting")]

    def test_who_could_not_be_reached_is_not_told_of_the_end(self, now: datetime) -> None:
        alert = fire(make_rule(), at=now)
        Notification.objects.update(attempt_count=1, state="dead")

        end(alert, at=now + MINUTE)

        assert told(kind="resolved") == []

    def test_a_group_whose_last_two_ended_at_once_is_told_of_its_end_all_the_same(self, now: datetime) -> None:
        alerts = [fire(make_rule(), at=now) for _ in range(3)]
        for name in ("a", "b"):
            rows = list(Notification.objects.filter(channel__name=name).order_by("pk"))
            Notification.objects.filter(pk__in=[one.pk for one in rows]).update(state="sent", attempt_count=1)
            Notification.objects.filter(pk__in=[one.pk for one in rows[1:]]).update(carrier=rows[0])
        end(alerts[0], at=now)
        assert remind(now=now + MINUTE) == 0
        # Two processes, each of which saw that the other one's alert still fired.
        Alert.objects.update(state="resolved", resolved_at=now)

        assert remind(now=now + MINUTE) == 2
        assert told(kind="resolved") == [("a", "resolved", "waiting"), ("b", "resolved", "waiting")]
        assert remind(now=now + 2 * MINUTE) == 0
