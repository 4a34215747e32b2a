"""What people do about an incident, and two of them at once."""

import threading
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from alerts.acting import handling as alert_handling
from alerts.incidents import handling, timeline
from alerts.incidents.following import follow
from alerts.incidents.handling import Role
from alerts.incidents.moving import Moved
from alerts.models import Alert, AlertRule, Channel, Incident, IncidentEntryVersion, Notification, Route
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.alerts.sending import MINUTE, route

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_channel(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="a", kind="email", sealed_settings=""))


@pytest.fixture
def now() -> datetime:
    return timezone.now()


class TestMoving:
    def test_it_goes_its_way_and_says_so(self, now: datetime, admin_user: User) -> None:
        incident = make_incident(at=now)

        for verb in (handling.acknowledge, handling.mitigate, handling.resolve, handling.close):
            assert verb(incident.pk, by=admin_user, at=now + MINUTE).is_done

        incident.refresh_from_db()
        assert incident.state == "closed"
        assert incident.acknowledged_at == incident.resolved_at == incident.ended_at == now + MINUTE
        assert said(incident, "state") == ["Acknowledged.", "Mitigated.", "Resolved.", "Closed."]

    def test_who_comes_second_is_told_who_was_first(self, now: datetime, admin_user: User) -> None:
        incident = make_incident(at=now)
        handling.acknowledge(incident.pk, by=admin_user, at=now)

        second = handling.acknowledge(incident.pk, by=None, at=now + MINUTE)

        assert second == Moved(
            False, f"Nothing changed: the incident is acknowledged already. admin did it at {now:%H:%M} UTC."
        )
        assert len(said(incident, "state")) == 1

    def test_whoever_resolves_it_has_seen_and_mitigated_it(self, now: datetime) -> None:
        incident = make_incident(at=now)

        handling.resolve(incident.pk, by=None, at=now + MINUTE)

        incident.refresh_from_db()
        assert incident.acknowledged_at == incident.mitigated_at == incident.resolved_at == now + MINUTE

    def test_opened_again_it_is_not_over_but_was_seen_when_it_was(self, now: datetime) -> None:
        incident = make_incident(at=now)
        handling.resolve(incident.pk, by=None, at=now + MINUTE)

        assert handling.reopen(incident.pk, by=None, at=now + 2 * MINUTE).is_done

        incident.refresh_from_db()
        assert (incident.state, incident.resolved_at, incident.ended_at) == ("acknowledged", None, None)
        assert incident.acknowledged_at == now + MINUTE

    def test_nobody_closes_what_goes_on(self, now: datetime) -> None:
        assert not handling.close(make_incident(at=now).pk, by=None, at=now).is_done


class TestAlerts:
    def test_acknowledging_it_stops_the_pages_of_its_alerts(self, now: datetime, admin_user: User) -> None:
        alert = fire_grave(at=now)

        handling.acknowledge(Incident.objects.get().pk, by=admin_user, at=now + MINUTE)

        alert.refresh_from_db()
        assert alert.acknowledged_by == admin_user
        assert Notification.objects.get(alert=alert, kind="firing").state == "dropped"

    def test_whoever_has_one_alert_in_hand_leaves_the_others_paging(self, now: datetime, admin_user: User) -> None:
        first, other = (fire_grave({"service": "1", "name": name}, at=now) for name in ("db_pool_error", "lockout"))

        alert_handling.acknowledge(first.pk, by=admin_user, at=now + MINUTE)
        follow(now=now + MINUTE)

        other.refresh_from_db()
        assert Incident.objects.get().state == "acknowledged"
        assert other.acknowledged_at is None

    def test_acknowledging_an_alert_acknowledges_it(self, now: datetime, admin_user: User) -> None:
        alert = fire_grave(at=now)

        alert_handling.acknowledge(alert.pk, by=admin_user, at=now + MINUTE, how="From the mail.")

        incident = Incident.objects.get()
        assert (incident.state, incident.acknowledged_at) == ("acknowledged", now + MINUTE)
        assert said(incident, "state") == ["Acknowledged. From the mail."]


class TestDescribing:
    def test_roles_and_severity_are_told(self, now: datetime, admin_user: User) -> None:
        incident = make_incident(at=now)

        assert handling.set_role(incident.pk, Role.COMMANDER, admin_user, by=None, at=now)
        assert not handling.set_role(incident.pk, Role.COMMANDER, admin_user, by=None, at=now)
        assert handling.set_severity(incident.pk, 1, by=None, at=now, why="Nobody can pay.")
        assert not handling.set_severity(incident.pk, 1, by=None, at=now)
        with pytest.raises(handling.HandlingError):
            handling.set_severity(incident.pk, 9, by=None, at=now)

        assert said(incident, "role") == ["admin commands."]
        assert handling.set_role(incident.pk, Role.COMMUNICATIONS_LEAD, admin_user, by=None, at=now)
        assert handling.set_role(incident.pk, Role.COMMANDER, None, by=None, at=now)
        assert said(incident, "role")[1:] == ["admin tells users.", "Nobody commands any more."]
        assert said(incident, "severity") == ["It is SEV1: users cannot use the product. Nobody can pay."]

    @pytest.mark.parametrize(
        ("title", "began", "ended", "problem"),
        [
            (" ", 0, None, "title"),
            ("x" * 201, 0, None, "200 characters"),
            ("x", 0, -1, "before it began"),
            ("x", 5, None, "future"),
            ("x", 0, 5, "future"),
        ],
    )
    def test_it_refuses_what_cannot_be(
        self, now: datetime, title: str, began: int, ended: int | None, problem: str
    ) -> None:
        incident = make_incident(at=now)
        ended_at = None if ended is None else now + ended * MINUTE

        with pytest.raises(handling.HandlingError, match=problem):
            handling.describe(
                incident.pk, title=title, started_at=now + began * MINUTE, ended_at=ended_at, by=None, at=now
            )

    def test_the_impact_is_what_people_say(self, now: datetime) -> None:
        incident = make_incident(at=now)
        values = {"title": "Checkout fails", "started_at": now - 9 * MINUTE, "ended_at": now - MINUTE}

        assert handling.describe(incident.pk, **values, by=None, at=now)  # type: ignore[arg-type]
        assert not handling.describe(incident.pk, **values, by=None, at=now)  # type: ignore[arg-type]

        incident.refresh_from_db()
        assert (incident.title, incident.started_at, incident.ended_at) == tuple(values.values())


class TestNotes:
    def test_an_edited_note_keeps_what_it_said(self, now: datetime, admin_user: User) -> None:
        incident = make_incident(at=now)
        timeline.note(incident.pk, by=admin_user, at=now, text="It is **Stripe**.\r\nI think.")
        note = incident.entries.get(kind="note")

        timeline.edit_note(
            note.pk, by=admin_user, at=now + MINUTE, text="It is us.", seen="It is **Stripe**.\r\nI think."
        )

        note.refresh_from_db()
        assert (note.text, note.edited_at) == ("It is us.", now + MINUTE)
        assert IncidentEntryVersion.objects.get().text == "It is **Stripe**.\nI think."

    def test_nobody_writes_over_what_somebody_else_wrote(self, now: datetime) -> None:
        incident = make_incident(at=now)
        timeline.note(incident.pk, by=None, at=now, text="One")
        note = incident.entries.get(kind="note")

        with pytest.raises(timeline.TimelineError, match="meanwhile"):
            timeline.edit_note(note.pk, by=None, at=now, text="Three", seen="Two")

    def test_what_happened_cannot_be_edited(self, now: datetime) -> None:
        entry = make_incident(at=now).entries.get(kind="opened")

        with pytest.raises(timeline.TimelineError, match="Only notes"):
            timeline.edit_note(entry.pk, by=None, at=now, text="x", seen=entry.text)

    @pytest.mark.parametrize("text", ["", " \x00\n", "x" * 10_001])
    def test_it_refuses_notes_of_nothing_or_of_books(self, now: datetime, text: str) -> None:
        with pytest.raises(timeline.TimelineError):
            timeline.note(make_incident(at=now).pk, by=None, at=now, text=text)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_wins_and_the_other_is_told(now: datetime) -> None:
    incident = make_incident(at=now)
    both, answers = threading.Barrier(2), []

    def acknowledge() -> None:
        both.wait()
        answers.append(handling.acknowledge(incident.pk, by=None, at=now))
        connection.close()

    people = [threading.Thread(target=acknowledge) for _ in range(2)]
    for one in people:
        one.start()
    for one in people:
        one.join()

    assert sorted(one.is_done for one in answers) == [False, True]
    assert len(said(incident, "state")) == 1


@pytest.mark.django_db(transaction=True)
def test_alerts_that_fire_at_once_are_one_incident(now: datetime) -> None:
    from alerts.incidents import opening
    from tests.alerts.sending import fire, make_rule

    alerts = [fire(make_rule(opens_incident=True), {"service": "1"}, at=now, is_told=False) for _ in range(4)]
    together = threading.Barrier(4)

    def take(alert: Alert) -> None:
        together.wait()
        opening.take(alert, at=now)
        connection.close()

    takers = [threading.Thread(target=take, args=(one,)) for one in alerts]
    for one in takers:
        one.start()
    for one in takers:
        one.join()

    assert Incident.objects.get().memberships.count() == 4
