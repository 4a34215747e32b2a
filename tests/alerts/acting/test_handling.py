"""What people do about an alert."""

from datetime import datetime

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from alerts.acting import handling
from alerts.models import AlertEntry, AlertRule, Channel, Notification, Route, Silence
from tests.alerts.sending import HOUR, MINUTE, fire, make_rule, route, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_channel(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="a", kind="email", sealed_settings=""))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_acknowledging_is_written_down_once_with_who_and_how(now: datetime) -> None:
    ada, alert = User.objects.create(username="ada"), fire(make_rule())

    assert handling.acknowledge(alert.pk, by=ada, at=now, how="By the page.")
    assert not handling.acknowledge(alert.pk, by=ada, at=now + MINUTE)

    entry = AlertEntry.objects.get(alert=alert, kind="acknowledged")
    assert (entry.actor, entry.at, entry.text) == (ada, now, "By the page.")


def test_somebody_unknown_may_act_too(now: datetime) -> None:
    alert = fire(make_rule())

    assert handling.acknowledge(alert.pk, by=AnonymousUser(), at=now)
    alert.refresh_from_db()
    assert (alert.acknowledged_by, alert.acknowledged_at) == (None, now)


def test_what_is_over_cannot_be_acknowledged(now: datetime) -> None:
    alert = fire(make_rule())
    handling.resolve(alert.pk, by=None, at=now)

    assert not handling.acknowledge(alert.pk, by=None, at=now)


def test_resolving_tells_who_was_told_once(now: datetime) -> None:
    alert = fire(make_rule())
    Notification.objects.update(state="sent")

    assert handling.resolve(alert.pk, by=None, at=now)
    assert not handling.resolve(alert.pk, by=None, at=now + MINUTE)

    assert told(kind="resolved") == [("a", "resolved", "waiting")]
    assert AlertEntry.objects.get(alert=alert, kind="resolved").text == "By hand."


def test_a_silence_mutes_what_waits_of_its_rule_and_group_alone(now: datetime) -> None:
    rule = make_rule()
    here, there = fire(rule, {"endpoint": "/a"}), fire(rule, {"endpoint": "/b"})

    made = handling.silence(here.pk, by=None, at=now, lasts=HOUR, reason="Known")

    assert made.matchers == {"rule": str(rule.pk), "endpoint": "/a"}
    assert told(alert=here) == [("a", "firing", "muted")]
    assert told(alert=there) == [("a", "firing", "waiting")]
    assert "Silenced until" in AlertEntry.objects.get(alert=here, kind="noted").text


def test_a_silence_does_not_keep_the_end_back(now: datetime) -> None:
    alert = fire(make_rule())
    Notification.objects.update(state="sent")
    handling.resolve(alert.pk, by=None, at=now)

    handling.silence(alert.pk, by=None, at=now, lasts=HOUR, reason="Known")

    assert told(kind="resolved") == [("a", "resolved", "waiting")]
    assert Silence.objects.count() == 1
