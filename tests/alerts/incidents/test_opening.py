"""Which incident an alert that fires becomes part of; time is passed in."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.evaluation import judge_news
from alerts.incidents import opening
from alerts.models import Alert, AlertRule, Bond, Channel, Incident, IncidentAlert, IncidentState, Notification, Route
from events.models import Service
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.alerts.sending import HOUR, MINUTE, fire, make_rule, route
from tests.alerts.test_evaluation import pool_error
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_channel(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="a", kind="email", sealed_settings=""))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def lift(db: None) -> Service:
    return Service.objects.create(name="lift", slug="lift-incidents")


def members(*endpoints: str, service: int = 1) -> dict[str, object]:
    return {"members": [{"service": service, "endpoint": one} for one in endpoints]}


def of(alert: Alert) -> IncidentAlert:
    return IncidentAlert.objects.get(alert=alert)


class TestOpening:
    def test_an_alert_of_a_grave_rule_opens_one(self, now: datetime, lift: Service) -> None:
        alert = fire_grave(
            {"service": str(lift.pk), "environment": "production", "name": "db_pool_error"},
            at=now,
            summary="Pool exhausted",
        )

        incident = Incident.objects.get()
        assert (incident.title, incident.state, incident.severity) == ("db_pool_error", "triggered", 2)
        assert (incident.service, incident.environment, incident.rule) == (lift, "production", alert.rule)
        assert incident.started_at == alert.started_at
        assert (of(alert).bond, of(alert).why) == (Bond.OPENER, "")
        assert said(incident)[:2] == ["Opened as SEV2: db_pool_error", "Pool exhausted"]
        assert said(incident, "step") == ["Follows the runbook “Database pool error”: 4 steps."]

    def test_another_rule_opens_none(self, now: datetime) -> None:
        opening.take(fire(make_rule(), at=now), at=now)

        assert not Incident.objects.exists()

    def test_a_cascade_of_many_endpoints_is_the_gravest(self, now: datetime) -> None:
        rule = make_rule(condition="cascade", opens_incident=True)
        fire_grave(at=now, rule=rule, evidence=members(*"abcde"), summary="5 endpoints fail together: a, b. Likely x.")

        incident = Incident.objects.get()
        assert (incident.severity, incident.title) == (1, "5 endpoints fail together: a, b")

    def test_taken_twice_it_is_one(self, now: datetime) -> None:
        alert = fire_grave(at=now)

        assert opening.take(alert, at=now) == Incident.objects.get()

    def test_the_evaluation_opens_it_in_the_transaction_that_fires(self, sender: Sender) -> None:
        make_rule(severities=["critical"], group_by=["service", "name"], opens_incident=True)
        sender.store(pool_error(), pool_error())

        judge_news(now=timezone.now())

        assert of(Alert.objects.get()).incident == Incident.objects.get()
        assert Notification.objects.get().state == "waiting"

    def test_it_began_when_the_first_failure_happened_however_late_that_was_sent(self, sender: Sender) -> None:
        make_rule(severities=["critical"], group_by=["service", "name"], opens_incident=True)
        now = timezone.now().replace(microsecond=0)
        for minutes in (5, 40):
            sender.store(pool_error(timestamp=(now - timedelta(minutes=minutes)).isoformat()))

        judge_news(now=now + timedelta(seconds=1))

        assert Incident.objects.get().started_at == now - timedelta(minutes=40)

    def test_it_began_when_the_first_endpoint_of_its_cascade_fell(self, now: datetime) -> None:
        began_at = now - timedelta(minutes=3)
        fallen = {"service": 1, "endpoint": "/a", "began_at": began_at.isoformat()}
        fire_grave(at=now, evidence={"members": [fallen, {"service": 1, "endpoint": "/b"}]})

        assert Incident.objects.get().started_at == began_at


class TestJoining:
    def test_members_of_the_cascade_join_and_are_not_told(self, now: datetime) -> None:
        cascade = make_rule(condition="cascade", opens_incident=True)
        first = fire_grave(at=now, rule=cascade, evidence=members("/api/a", "/api/b"))
        member = fire_grave({"service": "1", "endpoint": "/api/b"}, at=now + MINUTE)

        assert of(member).incident == of(first).incident
        assert of(member).bond == Bond.CASCADE
        assert of(member).why.startswith("It is part of the same cascade as ")
        assert Notification.objects.get(alert=member).state == "muted"

    def test_a_cascade_that_joins_is_told(self, now: datetime) -> None:
        first = fire_grave({"service": "1", "endpoint": "/api/b"}, at=now)
        cascade = make_rule(condition="cascade", opens_incident=True)
        joined = fire_grave(at=now + MINUTE, rule=cascade, evidence=members("/api/a", "/api/b"))

        assert of(joined).incident == of(first).incident
        assert Notification.objects.get(alert=joined).state == "waiting"

    def test_what_has_the_same_origin_joins_and_is_told_by_the_first(self, now: datetime) -> None:
        suspects = {"suspects": [{"kind": "release", "value": "2.4.1", "score": 0.9}]}
        first = fire_grave({"service": "1"}, at=now, evidence=suspects)
        second = fire_grave({"service": "2"}, at=now + MINUTE, evidence=suspects)

        assert of(second).incident == of(first).incident
        row = Notification.objects.get(alert=second)
        assert row.state == "muted"
        assert row.reason.startswith("Part of the same incident as ")

    def test_what_is_worse_is_told(self, now: datetime) -> None:
        suspects = {"suspects": [{"kind": "release", "value": "2.4.1", "score": 0.9}]}
        fire_grave({"service": "1"}, at=now, evidence=suspects, severity="error")
        worse = fire_grave({"service": "2"}, at=now + MINUTE, evidence=suspects, severity="critical")

        assert Notification.objects.get(alert=worse).state == "waiting"

    def test_something_else_of_the_service_joins_and_is_told_all_the_same(self, now: datetime) -> None:
        first = fire_grave({"service": "1", "name": "db_pool_error"}, at=now)
        lockout = fire_grave({"service": "1", "name": "security_incident_lockout"}, at=now + MINUTE)

        assert of(lockout).incident == of(first).incident
        assert of(lockout).bond == Bond.SERVICE
        assert Notification.objects.get(alert=lockout).state == "waiting"

    def test_what_is_not_grave_joins_only_for_the_failure_itself(self, now: datetime) -> None:
        fire_grave({"service": "1", "endpoint": "/api/a"}, at=now)
        same = fire(make_rule(severity="warning"), {"service": "1", "endpoint": "/api/a"}, at=now)
        other = fire(make_rule(severity="warning"), {"service": "1", "endpoint": "/api/b"}, at=now)

        assert opening.take(same, at=now) == Incident.objects.get()
        assert opening.take(other, at=now) is None

    def test_after_a_while_it_is_another_incident(self, now: datetime) -> None:
        fire_grave({"service": "1"}, at=now - HOUR)
        fire_grave({"service": "1"}, at=now)

        assert Incident.objects.count() == 2

    def test_nothing_joins_what_is_resolved(self, now: datetime) -> None:
        fire_grave({"service": "1"}, at=now)
        Incident.objects.update(state=IncidentState.RESOLVED)
        fire_grave({"service": "1"}, at=now)

        assert Incident.objects.count() == 2

    def test_the_first_over_the_others_are_told(self, now: datetime) -> None:
        from alerts.outbox.telling import remind

        suspects = {"suspects": [{"kind": "release", "value": "2.4.1", "score": 0.9}]}
        first = fire_grave({"service": "1"}, at=now, evidence=suspects)
        second = fire_grave({"service": "2"}, at=now + MINUTE, evidence=suspects)
        Alert.objects.filter(pk=first.pk).update(state="resolved", resolved_at=now + 15 * MINUTE)

        remind(now=now + 20 * MINUTE)

        assert Notification.objects.filter(alert=second, state="waiting").exists()


class TestPeople:
    def test_somebody_opens_one_from_an_alert_once(self, now: datetime, admin_user: User) -> None:
        alert = fire(make_rule(severity="error"), at=now)

        first = opening.open_from_alert(alert.pk, by=admin_user, at=now)

        assert opening.open_from_alert(alert.pk, by=admin_user, at=now) == first
        assert (first.opened_by, first.severity) == (admin_user, 3)

    def test_a_title_must_say_something(self, now: datetime) -> None:
        with pytest.raises(opening.OpeningError, match="title"):
            opening.open_by_hand(title=" \x00 ", severity=2, service=None, by=None, at=now)

    def test_an_alert_that_is_added_leaves_the_one_before(self, now: datetime, admin_user: User) -> None:
        alert = fire_grave({"service": "1"}, at=now)
        before, other = Incident.objects.get(), make_incident(at=now)

        assert opening.add_alert(other, alert, by=admin_user, at=now)
        assert not opening.add_alert(other, alert, by=admin_user, at=now)

        assert of(alert).incident == other
        assert said(before)[-1].endswith(f"was moved to incident #{other.pk}.")


def test_it_asks_the_database_a_fixed_number_of_times(now: datetime, django_assert_max_num_queries: object) -> None:
    for number in range(20):
        fire_grave({"service": str(number)}, at=now)
    alert = fire(make_rule(opens_incident=True), {"service": "7"}, at=now)

    with django_assert_max_num_queries(16):  # type: ignore[operator]
        opening.take(alert, at=now + timedelta(seconds=1))
