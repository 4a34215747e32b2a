"""Alerts that mute others; time is passed in."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from alerts.channels.message import plain_text
from alerts.channels.slack_blocks import blocks
from alerts.models import Alert, AlertRule, Channel, Notification, Route, Silence
from alerts.on_call import escalating
from alerts.outbox import inhibiting, wording
from alerts.outbox.telling import remind
from tests.alerts.people import make_person, make_policy
from tests.alerts.sending import HOUR, MINUTE, end, fire, make_rule, route, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_channel(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="a", kind="email", sealed_settings=""))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def cascade(now: datetime, *endpoints: str, **fields: Any) -> Alert:
    members = [{"service": 1, "endpoint": one, "began_at": now.isoformat()} for one in endpoints]
    rule = make_rule(name="Cascade", condition="cascade", severity=fields.pop("severity", "critical"))
    return fire(rule, at=now, summary="Three endpoints fail together.", evidence={"members": members}, **fields)


def is_muted(alert: Alert) -> bool:
    (row,) = Notification.objects.filter(alert=alert, kind="firing")
    return row.state == "muted"


class TestCascades:
    def test_it_mutes_the_alerts_of_its_members(self, now: datetime) -> None:
        source = cascade(now, "/api/a", "/api/b")
        rule = make_rule(severity="warning")

        by_labels = fire(rule, {"service": "1", "endpoint": "/api/a"}, at=now + MINUTE)
        by_evidence = fire(rule, {"name": "x"}, at=now + MINUTE, evidence={"service": 1, "endpoint": "/api/b"})
        without_service = fire(rule, {"endpoint": "/api/a"}, at=now + MINUTE)

        assert all(map(is_muted, (by_labels, by_evidence, without_service)))
        row = Notification.objects.get(alert=by_labels)
        assert row.reason == (
            f"Part of the cascade “Three endpoints fail together.” (alert {source.pk}), which was told of."
        )
        assert row.inhibited_by == source

    def test_it_mutes_nothing_else(self, now: datetime) -> None:
        cascade(now, "/api/a", severity="error")

        assert not is_muted(fire(make_rule(severity="error"), {"service": "1", "endpoint": "/api/c"}, at=now))
        assert not is_muted(fire(make_rule(severity="error"), {"service": "2", "endpoint": "/api/a"}, at=now))
        assert not is_muted(fire(make_rule(severity="error"), {"service": "1"}, at=now))
        worse = fire(make_rule(severity="critical"), {"service": "1", "endpoint": "/api/a"}, at=now)
        assert not is_muted(worse)
        earlier = make_rule(severity="error"), {"service": "1", "endpoint": "/api/a", "name": "old"}
        assert not is_muted(fire(*earlier, at=now, started_at=now - HOUR))

    def test_what_waits_when_it_fires_is_muted(self, now: datetime) -> None:
        waiting = fire(make_rule(severity="warning", group_wait_seconds=600), {"endpoint": "/api/a"}, at=now - MINUTE)
        tried = fire(make_rule(severity="warning"), {"endpoint": "/api/a"}, at=now - MINUTE)
        Notification.objects.filter(alert=tried).update(attempt_count=1)

        source = cascade(now, "/api/a")

        assert is_muted(waiting)
        assert not is_muted(tried)
        assert not is_muted(source)
        assert inhibiting.muted_by(source) == [waiting]

    def test_one_that_nobody_is_told_of_mutes_nothing(self, now: datetime) -> None:
        Silence.objects.create(matchers={"rule_name": "Cascade"}, reason="Known", starts_at=now, ends_at=now + HOUR)
        cascade(now, "/api/a")

        assert not is_muted(fire(make_rule(severity="warning"), {"endpoint": "/api/a"}, at=now))

    def test_what_still_fires_when_it_is_over_is_told_then(self, now: datetime) -> None:
        source = cascade(now, "/api/a")
        stays = fire(make_rule(severity="warning"), {"endpoint": "/api/a"}, at=now)
        goes = fire(make_rule(severity="warning"), {"endpoint": "/api/a"}, at=now)

        assert remind(now=now + MINUTE) == 0
        end(goes, at=now + MINUTE)
        Notification.objects.filter(alert=source).update(state="sent")
        end(source, at=now + MINUTE)
        assert remind(now=now + 2 * MINUTE) == 1

        assert told(alert=stays) == [("a", "firing", "muted"), ("a", "repeat", "waiting")]
        assert told(alert=goes) == [("a", "firing", "muted")]

    def test_no_step_of_an_escalation_is_taken_meanwhile_and_they_go_on_afterwards(self, now: datetime) -> None:
        source = cascade(now, "/api/a")
        steps = ({"person": make_person("ada"), "wait_minutes": 0}, {"person": make_person("ben"), "wait_minutes": 5})
        Route.objects.update(policy=make_policy(*steps))
        member = fire(make_rule(severity="warning"), {"endpoint": "/api/a"}, at=now)
        escalating.begin(member, at=now)

        assert [escalating.take_due(now=now + minutes * MINUTE) for minutes in (1, 9, 10)] == [0, 0, 0]
        Notification.objects.filter(alert=source).update(state="sent")
        end(source, at=now + 10 * MINUTE)

        assert [escalating.take_due(now=now + minutes * MINUTE) for minutes in (10, 14, 15)] == [1, 0, 1]

    def test_its_own_message_lists_what_it_mutes(self, now: datetime) -> None:
        source = cascade(now, "/api/a")
        fire(make_rule(name="Slow", severity="warning"), {"endpoint": "/api/a"}, at=now)

        message = wording.message_of([Notification.objects.select_related("alert__rule").get(alert=source)])

        assert "Mutes 1 alert that is part of it:\n- Slow – /api/a" in plain_text(message)
        assert any("Mutes 1 alert" in str(block) for block in blocks(message))


class TestSeverities:
    @pytest.fixture
    def critical(self) -> AlertRule:
        return make_rule(name="Pay", severity="critical", inhibits_lower=True)

    def test_the_worse_one_mutes_what_has_its_labels(self, critical: AlertRule, now: datetime) -> None:
        source = fire(critical, {"endpoint": "/api/pay"}, at=now)
        warning = make_rule(severity="warning")

        muted = fire(warning, {"endpoint": "/api/pay", "service": "1"}, at=now)

        assert is_muted(muted)
        assert Notification.objects.get(alert=muted).inhibited_by == source
        assert "Less severe than “It fails.”" in Notification.objects.get(alert=muted).reason
        assert not is_muted(fire(warning, {"endpoint": "/api/a"}, at=now))
        assert not is_muted(fire(make_rule(severity="critical"), {"endpoint": "/api/pay"}, at=now))

    def test_an_alert_without_labels_mutes_nothing(self, critical: AlertRule, now: datetime) -> None:
        fire(critical, at=now)

        assert not is_muted(fire(make_rule(severity="warning"), {"endpoint": "/api/pay"}, at=now))

    def test_a_rule_that_does_not_say_so_mutes_nothing(self, now: datetime) -> None:
        fire(make_rule(severity="critical"), {"endpoint": "/api/pay"}, at=now)

        assert not is_muted(fire(make_rule(severity="warning"), {"endpoint": "/api/pay"}, at=now))

    def test_a_warning_that_waits_is_muted_when_it_becomes_critical(self, critical: AlertRule, now: datetime) -> None:
        waiting = fire(make_rule(severity="warning", group_wait_seconds=60), {"endpoint": "/api/pay"}, at=now)

        fire(critical, {"endpoint": "/api/pay"}, at=now + MINUTE)

        assert is_muted(waiting)
