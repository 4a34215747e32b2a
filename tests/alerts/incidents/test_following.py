"""How incidents keep up with their alerts; time is passed in."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling
from alerts.incidents.following import STAYS_OVER, follow
from alerts.models import Alert, AlertRule, Channel, Incident, IncidentEntry, Notification, Route
from tests.alerts.incidents.making import end_alert, fire_grave, make_incident, said
from tests.alerts.sending import MINUTE, route

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_channel(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="Pager", kind="email", sealed_settings=""))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_it_is_mitigated_when_all_of_its_alerts_are_over_and_resolved_when_they_stay_so(now: datetime) -> None:
    first, second = (fire_grave({"service": "1"}, at=now) for _ in range(2))
    end_alert(first, at=now + MINUTE)
    assert follow(now=now + 2 * MINUTE) == 0

    end_alert(second, at=now + 3 * MINUTE)
    assert follow(now=now + 4 * MINUTE) == 1

    incident = Incident.objects.get()
    assert incident.state == "mitigated"
    assert incident.mitigated_at == now + 4 * MINUTE
    assert follow(now=now + 4 * MINUTE + STAYS_OVER - timedelta(seconds=1)) == 0
    assert follow(now=now + 4 * MINUTE + STAYS_OVER) == 1
    incident.refresh_from_db()
    assert incident.state == "resolved"
    assert said(incident, "state") == [
        "Mitigated. All of its alerts are over.", "Resolved. None of its alerts fired for 30 minutes.",
    ]  # fmt: skip


def test_users_were_hurt_until_its_alerts_held_last_and_not_until_they_were_over(now: datetime) -> None:
    first, second = (fire_grave({"service": "1"}, at=now) for _ in range(2))
    Alert.objects.filter(pk=first.pk).update(held_at=now + 4 * MINUTE)
    Alert.objects.filter(pk=second.pk).update(held_at=now + 3 * MINUTE)
    end_alert(first, at=now + 20 * MINUTE)
    end_alert(second, at=now + 60 * MINUTE)

    follow(now=now + 61 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.ended_at, incident.mitigated_at) == (now + 4 * MINUTE, now + 61 * MINUTE)


def test_it_goes_on_when_it_fails_again(now: datetime) -> None:
    end_alert(fire_grave({"service": "1"}, at=now), at=now + MINUTE)
    follow(now=now + 2 * MINUTE)
    fire_grave({"service": "1"}, at=now + 5 * MINUTE, summary="Once more")

    assert follow(now=now + 6 * MINUTE) == 1

    incident = Incident.objects.get()
    assert (incident.state, incident.ended_at, incident.mitigated_at) == ("triggered", None, None)
    assert said(incident, "state")[-1] == "Opened again. It fails again: Once more"


def test_what_fails_again_is_still_in_the_hands_of_who_had_it(now: datetime, admin_user: User) -> None:
    alert = fire_grave({"service": "1"}, at=now)
    handling.acknowledge(Incident.objects.get().pk, by=admin_user, at=now)
    end_alert(alert, at=now + MINUTE)
    follow(now=now + 2 * MINUTE)
    fire_grave({"service": "1"}, at=now + 5 * MINUTE)

    follow(now=now + 6 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.state, incident.acknowledged_at) == ("acknowledged", now)
    assert incident.entries.filter(kind="state").latest("at").state == "acknowledged"


def test_what_ends_by_itself_was_acknowledged_by_nobody(now: datetime) -> None:
    end_alert(fire_grave({"service": "1"}, at=now), at=now + MINUTE)
    follow(now=now + 2 * MINUTE)
    follow(now=now + 2 * MINUTE + STAYS_OVER)

    incident = Incident.objects.get()

    assert (incident.state, incident.acknowledged_at) == ("resolved", None)
    assert "- **Acknowledged:** by nobody" in incident.report.detection
    assert "Nobody acknowledged it." in incident.report.went_badly


def test_whoever_opens_again_what_nobody_saw_has_it_in_hand(now: datetime, admin_user: User) -> None:
    end_alert(fire_grave({"service": "1"}, at=now), at=now + MINUTE)
    follow(now=now + 2 * MINUTE)

    handling.reopen(Incident.objects.get().pk, by=admin_user, at=now + 3 * MINUTE)

    incident = Incident.objects.get()
    assert (incident.state, incident.acknowledged_at) == ("acknowledged", now + 3 * MINUTE)


def test_what_a_person_mitigated_stays_so_while_the_alert_goes_on(now: datetime) -> None:
    fire_grave({"service": "1"}, at=now)
    handling.mitigate(Incident.objects.get().pk, by=None, at=now + MINUTE)

    assert follow(now=now + 2 * MINUTE) == 0


def test_one_that_was_opened_by_hand_is_peoples(now: datetime) -> None:
    make_incident(at=now)

    assert follow(now=now + 3 * STAYS_OVER) == 0


def test_the_timeline_says_who_was_told_once(now: datetime) -> None:
    alert = fire_grave({"service": "1"}, at=now, summary="Pool exhausted")
    Notification.objects.update(state="sent", settled_at=now + MINUTE)
    end_alert(alert, at=now + 2 * MINUTE)

    follow(now=now + 3 * MINUTE)
    follow(now=now + 3 * MINUTE)

    incident = Incident.objects.get()
    assert said(incident, "notification") == ["Pager was told: fires."]
    assert said(incident, "alert") == ["Pool exhausted", "Over: Pool exhausted"]
    assert (
        IncidentEntry.objects.exclude(once="").values("once").distinct().count()
        == IncidentEntry.objects.exclude(once="").count()
    )


def test_following_costs_little_when_nothing_is_new(now: datetime, django_assert_max_num_queries: object) -> None:
    for _ in range(10):
        fire_grave({"service": "1"}, at=now)
    follow(now=now)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        follow(now=now + MINUTE)
