"""Steps that are taken at their time, once, until somebody acknowledges."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import delivery
from alerts.acting import handling
from alerts.models import (
    Alert,
    AlertEntry,
    AlertRule,
    EscalationDue,
    EscalationPolicy,
    MaintenanceWindow,
    Notification,
    OnCallShift,
    QuietHours,
    Route,
    Silence,
)
from alerts.on_call import escalating
from alerts.outbox import telling
from tests.alerts.people import (
    MINUTE,
    fire,
    make_channel,
    make_contact,
    make_person,
    make_policy,
    make_route,
    make_schedule,
)

pytestmark = pytest.mark.django_db
# A Monday noon in Berlin, when everybody is awake.
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


def told(alert: Alert, *, kind: str = "firing") -> list[tuple[str, float]]:
    """Who has a message, and how many minutes after it fired it is due."""
    rows = Notification.objects.filter(alert=alert, kind=kind).exclude(state__in=("dropped", "muted"))
    assert alert.fired_at is not None
    return [
        (one.channel.name.split(":")[0], (one.due_at - alert.fired_at) / MINUTE)
        for one in rows.select_related("channel").order_by("due_at", "pk")
    ]


def states(alert: Alert) -> list[str]:
    return list(EscalationDue.objects.filter(alert=alert).order_by("number").values_list("state", flat=True))


class TestSteps:
    def test_they_are_written_when_it_fires_with_their_times(self) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        make_route(make_policy({"person": ada, "wait_minutes": 0}, {"person": ben, "wait_minutes": 5}, repeat_count=1))

        alert = fire(at=NOON)

        dues = EscalationDue.objects.filter(alert=alert).order_by("number")
        assert [(one.due_at - NOON) / MINUTE for one in dues] == [0, 5, 20, 25]
        assert told(alert) == [("ada", 0)]

    def test_a_step_waits_exactly_its_time_though_nobody_was_awake_to_take_it(self) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        make_route(make_policy({"person": ada, "wait_minutes": 5}, {"person": ben, "wait_minutes": 10}))
        alert = fire(at=NOON)

        assert escalating.take_due(now=NOON + 5 * MINUTE - timedelta(seconds=1)) == 0
        # Away from the fourth to the ninth minute: the next step does not move.
        assert escalating.take_due(now=NOON + 9 * MINUTE) == 1
        assert escalating.take_due(now=NOON + 14 * MINUTE) == 0
        assert escalating.take_due(now=NOON + 15 * MINUTE) == 1

        assert told(alert) == [("ada", 5), ("ben", 15)]

    def test_whoever_is_on_call_is_the_one_of_the_moment_at_which_it_is_due(self) -> None:
        ada, ben, cleo = (make_person(name) for name in ("ada", "ben", "cleo"))
        schedule = make_schedule(ada, ben)
        make_route(make_policy({"schedule": schedule, "wait_minutes": 0}, {"schedule": schedule, "wait_minutes": 10}))
        before_hand_over = datetime(2026, 3, 9, 7, 55, tzinfo=UTC)
        alert = fire(at=before_hand_over)
        escalating.take_due(now=before_hand_over + 60 * MINUTE)
        assert told(alert) == [("ada", 0), ("ben", 10)]

        OnCallShift.objects.create(schedule=schedule, person=cleo, starts_at=NOON, ends_at=NOON + 60 * MINUTE)
        assert told(fire(at=NOON)) == [("cleo", 0)]

    def test_channels_that_are_switched_on_are_told(self) -> None:
        on, off = make_channel("Pager"), make_channel("Old", is_enabled=False)
        make_route(make_policy({"wait_minutes": 0}, channels=(on, off)))

        assert told(fire(at=NOON)) == [("Pager", 0)]

    def test_only_contacts_that_were_tested_and_work_are_told(self) -> None:
        ada = make_person("ada", is_reachable=False)
        make_contact(ada, verified_at=None)
        make_route(make_policy({"person": ada, "wait_minutes": 0}))

        alert = fire(at=NOON)

        assert states(alert) == ["nobody"]
        assert AlertEntry.objects.filter(alert=alert, text__contains="Ada has no contact that was tested").exists()

    def test_a_contact_to_which_something_was_given_up_works_no_more(self) -> None:
        ada = make_person("ada")
        contact = ada.contact_points.get()
        Notification.objects.create(
            channel=contact.channel, kind="test", state="dead", created_at=NOON, due_at=NOON,
            settled_at=timezone.now() + MINUTE,
        )  # fmt: skip

        assert escalating.whom(make_policy({"person": ada}).steps.get(), at=NOON).channels == []

    def test_a_step_that_was_taken_out_tells_nobody(self) -> None:
        policy = make_policy({"person": make_person("ada"), "wait_minutes": 5})
        make_route(policy)
        alert = fire(at=NOON)
        policy.steps.all().delete()

        escalating.take_due(now=NOON + 5 * MINUTE)

        assert states(alert) == ["nobody"]

    def test_two_policies_may_tell_the_same_person_at_different_times(self) -> None:
        ada = make_person("ada")
        make_route(make_policy({"person": ada, "wait_minutes": 0}), goes_on=True)
        make_route(make_policy({"person": ada, "wait_minutes": 10}, name="Later"), position=2)
        alert = fire(at=NOON)
        Notification.objects.update(state="sent", attempt_count=1)
        escalating.take_due(now=NOON + 10 * MINUTE)

        assert told(alert) == [("ada", 0), ("ada", 10)]

    def test_who_has_a_message_waiting_gets_no_second(self) -> None:
        ada = make_person("ada")
        make_route(make_policy({"person": ada, "wait_minutes": 0}, {"person": ada, "wait_minutes": 5}))
        alert = fire(at=NOON)
        escalating.take_due(now=NOON + 5 * MINUTE)

        assert states(alert) == ["told", "told"]
        assert list(Notification.objects.order_by("pk").values_list("state", flat=True)) == ["waiting", "dropped"]


class TestStopping:
    @pytest.fixture
    def alert(self) -> Alert:
        ada, ben = make_person("ada"), make_person("ben")
        make_route(make_policy({"person": ada, "wait_minutes": 0}, {"person": ben, "wait_minutes": 5}))
        return fire(at=NOON)

    def test_acknowledging_stops_every_further_step(self, alert: Alert) -> None:
        assert handling.acknowledge(alert.pk, by=None, at=NOON + 4 * MINUTE)

        assert escalating.take_due(now=NOON + 60 * MINUTE) == 0
        assert states(alert) == ["told", "stopped"]
        assert not Notification.objects.filter(state="waiting").exists()

    def test_a_message_that_was_read_to_be_sent_is_not_sent_after_an_acknowledgement(
        self, alert: Alert, mailoutbox: list[Any]
    ) -> None:
        row = Notification.objects.select_related("alert__rule", "channel").get()
        handling.acknowledge(alert.pk, by=None, at=NOON)

        assert delivery._send(row.channel, [row])
        assert mailoutbox == []

    def test_when_it_is_over_no_step_is_taken_and_those_who_were_told_hear_of_it(self, alert: Alert) -> None:
        Notification.objects.update(state="sent", attempt_count=1)
        handling.resolve(alert.pk, by=None, at=NOON + MINUTE)

        assert escalating.take_due(now=NOON + 60 * MINUTE) == 0
        assert states(alert) == ["told", "stopped"]
        assert told(alert, kind="resolved") == [("ada", 1)]

    def test_what_was_acknowledged_while_it_was_pending_does_not_escalate(self) -> None:
        make_route(make_policy({"person": make_person("ada"), "wait_minutes": 0}))

        assert states(fire(at=NOON, acknowledged_at=NOON)) == []

    def test_a_step_puts_off_no_reminder(self) -> None:
        pager, ada = make_channel("Pager"), make_person("ada")
        make_route(make_policy({"person": ada, "wait_minutes": 50}), pager)
        rule = AlertRule.objects.create(name="R", condition="event", severity="critical", repeat_seconds=3600)
        alert = fire(at=NOON, rule=rule)
        Notification.objects.update(state="sent", attempt_count=1)
        escalating.take_due(now=NOON + 50 * MINUTE)

        telling.remind(now=NOON + 60 * MINUTE)

        assert told(alert, kind="repeat") == [("Pager", 60)]


class TestMuting:
    def test_a_silence_holds_the_steps_and_they_go_on_when_it_ends(self) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        make_route(make_policy({"person": ada, "wait_minutes": 0}, {"person": ben, "wait_minutes": 5}))
        Silence.objects.create(
            matchers={"severity": "*"}, reason="Known", starts_at=NOON - MINUTE, ends_at=NOON + 30 * MINUTE
        )
        alert = fire(at=NOON)
        assert told(alert) == []

        escalating.take_due(now=NOON + 29 * MINUTE)
        assert told(alert) == []
        # However late somebody looks.
        escalating.take_due(now=NOON + 90 * MINUTE)
        assert told(alert) == [("ada", 30), ("ben", 35)]

    def test_a_silence_that_is_cut_short_lets_them_go_on_then(self) -> None:
        make_route(make_policy({"person": make_person("ada"), "wait_minutes": 0}))
        window = MaintenanceWindow.objects.create(name="Move", starts_at=NOON, ends_at=NOON + 600 * MINUTE)
        alert = fire(at=NOON)
        escalating.take_due(now=NOON + MINUTE)
        MaintenanceWindow.objects.filter(pk=window.pk).update(ends_at=NOON + 2 * MINUTE)

        escalating.take_due(now=NOON + 3 * MINUTE)

        assert told(alert) == [("ada", 2)]

    def test_what_comes_and_goes_escalates_when_it_stays(self) -> None:
        rule = AlertRule.objects.create(name="R", condition="event", severity="critical", repeat_seconds=0)
        make_route(make_policy({"person": make_person("ada"), "wait_minutes": 0}))
        for number in range(telling.FLAP_LIMIT):
            before = fire(at=NOON - (20 - number) * MINUTE, rule=rule)
            handling.resolve(before.pk, by=None, at=NOON - (20 - number) * MINUTE)
        alert = fire(at=NOON, rule=rule)
        assert told(alert) == []

        escalating.take_due(now=NOON + telling.STAYS)

        assert told(alert) == [("ada", 10)]


class TestQuietHours:
    def night(self, **of: Any) -> None:
        QuietHours.objects.create(
            from_time=time(22), to_time=time(7), weekdays=[*range(7)], time_zone="Europe/Berlin", **of
        )

    def test_what_is_not_critical_waits_until_they_end_and_what_is_does_not(self) -> None:
        ada = make_person("ada")
        self.night(person=ada)
        make_route(make_policy({"person": ada, "wait_minutes": 0}))
        at = datetime(2026, 3, 2, 22, tzinfo=UTC)  # 23:00 in Berlin

        assert told(fire(at=at, severity="warning")) == [("ada", 8 * 60)]
        assert told(fire(at=at, severity="critical")) == [("ada", 0)]

    @pytest.mark.parametrize(("day", "hours"), [(28, 7), (29, 8)])
    def test_the_night_in_which_the_clock_goes_forward_is_an_hour_shorter(self, day: int, hours: int) -> None:
        ada = make_person("ada")
        self.night(person=ada)
        make_route(make_policy({"person": ada, "wait_minutes": 0}))
        # 23:00 in Berlin: winter time on the 28th, summer time on the 29th of March.
        at = datetime(2026, 3, day, 22 if day == 28 else 21, tzinfo=UTC)

        assert told(fire(at=at, severity="error")) == [("ada", hours * 60)]

    def test_a_channel_has_its_own(self) -> None:
        quiet, loud = make_channel("Team"), make_channel("Pager")
        self.night(channel=quiet)
        make_route(None, quiet, loud)

        assert told(fire(at=datetime(2026, 3, 2, 22, tzinfo=UTC), severity="warning")) == [("Pager", 0), ("Team", 480)]

    def test_what_is_over_before_they_end_is_never_told(self) -> None:
        quiet = make_channel("Team")
        self.night(channel=quiet)
        make_route(None, quiet)
        at = datetime(2026, 3, 2, 22, tzinfo=UTC)
        alert = fire(at=at, severity="warning")

        handling.resolve(alert.pk, by=None, at=at + 60 * MINUTE)

        assert told(alert) == []
        assert told(alert, kind="resolved") == []

    def test_reminders_of_a_night_become_one_message(self) -> None:
        quiet = make_channel("Team")
        self.night(channel=quiet)
        make_route(None, quiet)
        at = datetime(2026, 3, 2, 22, tzinfo=UTC)
        rule = AlertRule.objects.create(name="R", condition="event", severity="warning", repeat_seconds=3600)
        alert = fire(at=at, rule=rule, severity="warning")
        for hour in range(1, 8):
            telling.remind(now=at + hour * 60 * MINUTE)

        assert told(alert) == [("Team", 480)]
        assert told(alert, kind="repeat") == []

    def test_a_failed_attempt_is_not_made_again_in_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = timezone.now()
        channel = make_channel("Team")
        make_route(None, channel)
        fire(at=now, severity="warning")
        everything = QuietHours(channel=channel, from_time=time(), to_time=time(), weekdays=[*range(7)])
        everything.save()
        monkeypatch.setattr(
            delivery, "attempt", lambda *_: delivery.Outcome(is_accepted=False, status=503, answer="busy")
        )

        delivery.deliver(channel.pk)

        assert Notification.objects.get().due_at - now > timedelta(days=6)


@pytest.mark.django_db(transaction=True)
def test_two_that_take_steps_at_once_take_each_once() -> None:
    policy = make_policy(*({"person": make_person(f"p{place}"), "wait_minutes": place} for place in range(6)))
    make_route(policy)
    alert = fire(at=NOON)

    def take(_: int) -> int:
        try:
            return escalating.take_due(now=NOON + 60 * MINUTE)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(take, range(8)))

    assert sum(taken) == 5
    assert len(told(alert)) == 6


@pytest.mark.django_db(transaction=True)
def test_who_takes_a_step_and_who_acknowledges_wait_for_each_other() -> None:
    make_route(make_policy({"person": make_person("ada"), "wait_minutes": 5}))
    alert = fire(at=NOON)

    def acknowledge() -> bool:
        try:
            return handling.acknowledge(alert.pk, by=None, at=NOON + 5 * MINUTE)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert escalating.take_due(now=NOON + 5 * MINUTE) == 1
            acknowledging = pool.submit(acknowledge)
            with pytest.raises(TimeoutError):
                acknowledging.result(timeout=0.3)
        assert acknowledging.result(timeout=10)

    # The message that the step wrote meanwhile goes nowhere.
    assert not Notification.objects.filter(state="waiting").exists()


class _CrashError(Exception):
    pass


def _take_and_crash(at: datetime) -> None:
    with transaction.atomic():
        escalating.take_due(now=at)
        raise _CrashError


ACTIONS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(["take", "take", "crash", "acknowledge", "resolve"])), max_size=12
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 12), min_size=1, max_size=4), st.integers(0, 2), ACTIONS)
def test_the_steps_told_are_those_due_before_it_was_stopped(
    waits: list[int], repeats: int, actions: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        alert, due, expected, is_stopped = _play(waits, repeats, sorted(actions, key=lambda one: one[0]))

        found = Notification.objects.filter(alert=alert, kind="firing")
        assert sorted(found.values_list("number", flat=True)) == sorted(expected)
        assert {one.number for one in alert.escalation_dues.filter(state="told")} == expected
        assert is_stopped != alert.escalation_dues.filter(state="waiting").exists() or len(expected) == len(due)
        for one in found:
            assert one.due_at == NOON + due[one.number]
        transaction.set_rollback(True)


def _play(
    waits: list[int], repeats: int, actions: list[tuple[int, str]]
) -> tuple[Alert, dict[int, timedelta], set[int], bool]:
    """The alert, when each step is due after it, the steps that must have been told, and whether somebody stopped it."""
    channels = [make_channel(f"Step {place}") for place in range(len(waits))]
    policy = EscalationPolicy.objects.create(name="Page", repeat_count=repeats, repeat_minutes=3)
    for place, wait in enumerate(waits):
        policy.steps.create(position=place, wait_minutes=wait, tells="channels").channels.set([channels[place]])
    make_route(policy)
    alert = fire(at=NOON)
    due = {one.number: one.after for one in policy.dues()}
    expected = {number for number, after in due.items() if after <= timedelta()}
    is_stopped = False
    for minutes, action in actions:
        # Nothing waits to be sent, so that each step has its message.
        Notification.objects.filter(state="waiting").update(state="sent", attempt_count=1)
        at = NOON + minutes * MINUTE
        if action == "take":
            escalating.take_due(now=at)
            if not is_stopped:
                expected |= {number for number, after in due.items() if after <= at - NOON}
        elif action == "crash":
            with pytest.raises(_CrashError):
                _take_and_crash(at)
        else:
            getattr(handling, action)(alert.pk, by=None, at=at)
            is_stopped = True
    return alert, due, expected, is_stopped
