"""The pages about who is told: on call, schedules, policies, contacts and quiet hours."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.models import (
    Channel,
    ContactPoint,
    EscalationPolicy,
    OnCallSchedule,
    OnCallShift,
    QuietHours,
    Route,
)
from alerts.outbox.reach import critical_unreached
from alerts.sealing import seal
from tests.alerts.people import make_channel, make_contact, make_person, make_policy, make_route, make_schedule
from tests.events.admin.people import client_of

pytestmark = pytest.mark.django_db
ON_CALL, CONTACTS = "/admin/on-call/", "/admin/my-contacts/"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def _no_routes(db: None) -> None:
    Route.objects.all().delete()


def page(client: Client, address: str = ON_CALL) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def in_berlin(client: Client) -> Client:
    client.cookies["lm_tz"] = "Europe/Berlin"
    return client


class TestOnCall:
    def test_without_a_schedule_it_says_what_to_do(self) -> None:
        assert "Add a schedule" in page(client_of(make_person("eve", "view_oncallschedule", "add_oncallschedule")))
        assert "Ask somebody who may" in page(client_of(make_person("max", "view_oncallschedule")))

    def test_it_says_who_is_on_call_until_when_and_who_is_next(self) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        now = timezone.now()
        schedule = make_schedule(ada)
        OnCallShift.objects.create(schedule=schedule, person=ben, starts_at=now, ends_at=now + timedelta(hours=2))

        answer: Any = in_berlin(client_of(make_person("eve", "view_oncallschedule"))).get(ON_CALL)

        (shown,) = answer.context["schedules"]
        assert (shown["who"], shown["is_override"], shown["next"]) == ("Ben", True, "Ada")
        assert len(answer.context["days"]) == 14
        assert "Times in Europe/Berlin" in answer.content.decode()

    def test_each_day_is_tiled_in_the_readers_zone(self) -> None:
        make_schedule(make_person("ada"), make_person("ben"), turns="daily")

        answer: Any = in_berlin(client_of(make_person("eve", "view_oncallschedule"))).get(ON_CALL)

        for day in answer.context["days"]:
            lines = day.lines
            assert [line.starts_at.astimezone(BERLIN).hour for line in lines] == [0, 9]
            assert lines[0].ends_at == lines[1].starts_at

    def test_what_is_to_mend_is_said_with_links(self) -> None:
        schedule = make_schedule(make_person("ada", is_reachable=False))

        shown = page(client_of(make_person("eve", "view_oncallschedule")))

        assert "1 thing to mend before it matters" in shown
        assert f"/admin/alerts/oncallschedule/{schedule.pk}/change/" in shown

    def test_a_reader_who_cannot_be_reached_is_told_so(self) -> None:
        person = make_person("eve", "view_oncallschedule", is_reachable=False)
        assert "Liftmon cannot reach you yet" in page(client_of(person))

        make_contact(person)
        assert "Liftmon cannot reach you yet" not in page(client_of(person))

    def test_it_says_who_would_be_told_of_what_fires_now(self) -> None:
        ada = make_person("ada")
        policy = make_policy({"schedule": make_schedule(ada), "wait_minutes": 5})
        make_route(policy, make_channel("Pager"), severities=["critical"])
        eve = client_of(make_person("eve", "view_oncallschedule"))

        critical, warning = page(eve), page(eve, f"{ON_CALL}?severity=warning")

        assert "<strong>At once</strong> Pager" in critical
        assert "<strong>After 5 minutes</strong> Ada (E-mail)" in critical
        assert "Nobody would be told" in warning

    def test_who_has_quiet_hours_is_shown_to_wait_for_what_is_not_critical(self) -> None:
        channel = make_channel("Team")
        QuietHours.objects.create(channel=channel, from_time="00:00", to_time="00:00", weekdays=[*range(7)])
        make_route(None, channel)
        eve = client_of(make_person("eve", "view_oncallschedule"))

        assert "Team has quiet hours until" in page(eve, f"{ON_CALL}?severity=warning")
        assert "Team has quiet hours until" not in page(eve)

    def test_somebody_stands_in_by_the_form_in_the_readers_zone(self) -> None:
        schedule, ben = make_schedule(make_person("ada")), make_person("ben")
        eve = make_person("eve", "view_oncallschedule", "add_oncallshift")
        year = timezone.now().year + 1
        values = {
            "action": "cover", "schedule": schedule.pk, "person": ben.pk, "starts_at": f"{year}-01-10T18:00",
            "ends_at": f"{year}-01-11T08:00", "note": "Theatre",
        }  # fmt: skip

        assert in_berlin(client_of(eve)).post(ON_CALL, values).status_code == 302

        shift = OnCallShift.objects.get()
        assert (shift.person, shift.author) == (ben, eve)
        assert shift.starts_at.astimezone(BERLIN).hour == 18

    def test_a_shift_that_ends_before_it_begins_is_refused_with_the_fix(self) -> None:
        schedule = make_schedule(make_person("ada"))
        eve = make_person("eve", "view_oncallschedule", "add_oncallshift")
        values = {
            "action": "cover", "schedule": schedule.pk, "person": eve.pk, "starts_at": "2027-01-10T18:00",
            "ends_at": "2027-01-10T17:00",
        }  # fmt: skip

        answer = client_of(eve).post(ON_CALL, values)

        assert answer.status_code == 422
        assert "It must end after it begins." in answer.content.decode()
        assert not OnCallShift.objects.exists()

    def test_a_link_of_the_calendar_fills_the_form(self) -> None:
        schedule = make_schedule(make_person("ada"))
        eve = client_of(make_person("eve", "view_oncallschedule", "add_oncallshift"))

        shown = page(eve, f"{ON_CALL}?schedule={schedule.pk}&from=2027-01-10T18:00&until=2027-01-11T09:00")

        assert 'value="2027-01-10T18:00"' in shown
        assert f'<option value="{schedule.pk}" selected>' in shown

    @pytest.mark.parametrize("query", ["?from=x&until=2027-13-45T99:99&schedule=x", "?severity=%00&service=999999999"])
    def test_nonsense_in_the_address_is_ignored(self, query: str) -> None:
        make_schedule(make_person("ada"))
        eve = client_of(make_person("eve", "view_oncallschedule", "add_oncallshift"))

        shown = page(eve, ON_CALL + query)

        assert "Ada" in shown
        assert "2027-13-45" not in shown
        assert "\x00" not in shown

    def test_a_new_address_makes_the_old_one_worthless(self) -> None:
        schedule = make_schedule(make_person("ada"))
        ada = client_of(make_person("eve", "view_oncallschedule", "change_oncallschedule"))

        ada.post(ON_CALL, {"action": "new_address", "schedule": schedule.pk})

        assert OnCallSchedule.objects.get().feed_number == 2

    @pytest.mark.parametrize("action", ["cover", "remove", "new_address"])
    def test_whoever_may_only_look_changes_nothing(self, action: str) -> None:
        schedule, eve = make_schedule(make_person("ada")), make_person("eve", "view_oncallschedule")
        shift = OnCallShift.objects.create(
            schedule=schedule, person=eve, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1)
        )

        answer = client_of(eve).post(ON_CALL, {"action": action, "shift": shift.pk, "schedule": schedule.pk})

        assert answer.status_code == 403
        assert OnCallShift.objects.count() == 1
        shown = page(client_of(eve))
        assert "Take away" not in shown
        assert "New address" not in shown

    def test_others_do_not_see_it(self) -> None:
        assert client_of(make_person("eve")).get(ON_CALL).status_code in (302, 403)
        assert Client().get(ON_CALL).status_code == 302

    def test_it_asks_the_database_no_more_for_more_people(self, django_assert_max_num_queries: Any) -> None:
        eve = client_of(make_person("eve", "view_oncallschedule", "add_oncallshift"))
        for place in range(3):
            make_schedule(*(make_person(f"p{place}{number}") for number in range(4)), name=f"S{place}")
        with django_assert_max_num_queries(32):
            page(eve)


class TestSchedules:
    def test_the_list_says_what_each_does_and_who_is_on_call(self, admin_client: Client) -> None:
        make_schedule(make_person("ada"), make_person("ben", is_reachable=False))

        shown = page(admin_client, "/admin/alerts/oncallschedule/")

        assert "Ada, then Ben take turns every week, handed over on Monday at 09:00 (Europe/Berlin)." in shown
        assert "Ben (Primary) cannot be told" in shown

    def test_adding_one_with_people(self, admin_client: Client) -> None:
        ada = make_person("ada")
        values = {
            "name": "Primary", "time_zone": "Europe/Berlin", "turns": "weekly", "hand_over_weekday": "0",
            "hand_over_time": "09:00", "starts_on": "2026-03-02", "members-TOTAL_FORMS": "1", "members-INITIAL_FORMS": "0",
            "members-0-person": ada.pk, "members-0-position": "0",
        }  # fmt: skip

        answer = admin_client.post("/admin/alerts/oncallschedule/add/", values)

        assert answer.status_code == 302
        assert OnCallSchedule.objects.get().members.get().person == ada

    def test_people_added_without_a_position_come_last_in_the_order_of_the_page(self, admin_client: Client) -> None:
        ada, ben, cleo = (make_person(name) for name in ("ada", "ben", "cleo"))
        schedule = make_schedule(ada)
        schedule.members.update(position=5)
        values = {
            "name": "Primary", "time_zone": "Europe/Berlin", "turns": "weekly", "hand_over_weekday": "0",
            "hand_over_time": "09:00", "starts_on": "2026-03-02", "members-TOTAL_FORMS": "3", "members-INITIAL_FORMS": "1",
            "members-0-id": schedule.members.get().pk, "members-0-schedule": schedule.pk, "members-0-person": ada.pk,
            "members-0-position": "5", "members-1-person": cleo.pk, "members-1-position": "0",
            "members-2-person": ben.pk, "members-2-position": "0",
        }  # fmt: skip

        admin_client.post(f"/admin/alerts/oncallschedule/{schedule.pk}/change/", values)

        assert OnCallSchedule.objects.get().rotation().people == (ada.pk, cleo.pk, ben.pk)

    def test_its_page_says_what_it_does_and_what_to_mend(self, admin_client: Client) -> None:
        schedule = make_schedule(make_person("ada", is_reachable=False))

        shown = page(admin_client, f"/admin/alerts/oncallschedule/{schedule.pk}/change/")

        assert "Ada alone is on call." in shown
        assert "Ada (Primary) cannot be told" in shown

    def test_a_change_that_moves_who_is_on_call_now_is_said_at_once(self, admin_client: Client) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        schedule = make_schedule(ada)
        member = schedule.members.get()
        values = {
            "name": "Primary", "time_zone": "Europe/Berlin", "turns": "weekly", "hand_over_weekday": "0",
            "hand_over_time": "09:00", "starts_on": "2026-03-02", "members-TOTAL_FORMS": "1", "members-INITIAL_FORMS": "1",
            "members-0-id": member.pk, "members-0-schedule": schedule.pk, "members-0-person": ben.pk,
            "members-0-position": "0",
        }  # fmt: skip

        answer = admin_client.post(f"/admin/alerts/oncallschedule/{schedule.pk}/change/", values, follow=True)

        assert "On call on Primary is now Ben; it was Ada." in answer.content.decode()

    def test_a_zone_that_does_not_exist_is_refused(self, admin_client: Client) -> None:
        answer = admin_client.post(
            "/admin/alerts/oncallschedule/add/",
            {"name": "P", "time_zone": "Mars/Base", "members-TOTAL_FORMS": "0", "members-INITIAL_FORMS": "0"},
        )

        assert answer.status_code == 200
        assert not OnCallSchedule.objects.exists()

    def test_the_list_asks_no_more_for_more(self, admin_client: Client, django_assert_max_num_queries: Any) -> None:
        for place in range(5):
            make_schedule(*(make_person(f"p{place}{number}") for number in range(3)), name=f"S{place}")
        with django_assert_max_num_queries(20):
            page(admin_client, "/admin/alerts/oncallschedule/")

    def test_shifts_are_listed(self, admin_client: Client) -> None:
        schedule, ben = make_schedule(make_person("ada")), make_person("ben")
        now = timezone.now()
        OnCallShift.objects.create(schedule=schedule, person=ben, starts_at=now, ends_at=now + timedelta(hours=5))

        assert "Ben" in page(admin_client, "/admin/alerts/oncallshift/")


class TestPolicies:
    LIST = "/admin/alerts/escalationpolicy/"

    def test_the_list_says_in_a_sentence_what_each_does(self, admin_client: Client) -> None:
        ada, ben = make_person("ada"), make_person("ben")
        policy = make_policy(
            {"schedule": make_schedule(ada), "wait_minutes": 0}, {"person": ben, "wait_minutes": 5}, {"wait_minutes": 10},
            channels=(make_channel("Pager"),), repeat_count=2,
        )  # fmt: skip
        make_route(policy, name="Night route")

        shown = page(admin_client, self.LIST)

        assert (
            "At once tell whoever is on call on Primary (now Ada); 5 minutes later tell Ben; 10 minutes later tell Pager. "
            "All of it is repeated twice, 15 minutes after the last step."
        ) in shown
        assert "Night route" in shown

    def test_an_empty_list_says_what_to_do(self, admin_client: Client) -> None:
        assert "No escalation policy yet" in page(admin_client, self.LIST)

    def test_adding_one_with_steps_and_routes(self, admin_client: Client) -> None:
        ada, route = make_person("ada"), make_route()
        pager = make_channel("Pager")
        values = {
            "name": "Page", "repeat_count": "1", "repeat_minutes": "10", "routes": [route.pk],
            "steps-TOTAL_FORMS": "2", "steps-INITIAL_FORMS": "0",
            "steps-0-position": "0", "steps-0-wait_minutes": "0", "steps-0-tells": "person", "steps-0-person": ada.pk,
            # What was chosen for another kind of step is let go.
            "steps-0-channels": [pager.pk],
            "steps-1-position": "1", "steps-1-wait_minutes": "5", "steps-1-tells": "channels",
            "steps-1-person": ada.pk, "steps-1-channels": [pager.pk],
        }  # fmt: skip

        answer = admin_client.post(f"{self.LIST}add/", values)

        assert answer.status_code == 302, answer.context["errors"]
        first, second = EscalationPolicy.objects.get().ordered_steps()
        assert (first.person, list(first.channels.all())) == (ada, [])
        assert (second.person, list(second.channels.all())) == (None, [pager])
        assert Route.objects.get().policy == EscalationPolicy.objects.get()

    @pytest.mark.parametrize(
        ("tells", "fix"),
        [
            ("person", "Choose the person"),
            ("on_call", "Choose the schedule"),
            ("channels", "Choose at least one channel"),
        ],
    )
    def test_a_step_that_would_tell_nobody_is_refused_with_the_fix(
        self, admin_client: Client, tells: str, fix: str
    ) -> None:
        values = {
            "name": "Page", "repeat_count": "0", "repeat_minutes": "10", "steps-TOTAL_FORMS": "1",
            "steps-INITIAL_FORMS": "0", "steps-0-position": "0", "steps-0-wait_minutes": "0", "steps-0-tells": tells,
        }  # fmt: skip

        answer = admin_client.post(f"{self.LIST}add/", values)

        assert fix in answer.content.decode()
        assert not EscalationPolicy.objects.exists()

    def test_one_that_a_route_names_stays(self, admin_client: Client) -> None:
        policy = make_policy({"person": make_person("ada")})
        route = make_route(policy)
        assert admin_client.post(f"{self.LIST}{policy.pk}/delete/", {"post": "yes"}).status_code == 403

        route.delete()
        assert admin_client.post(f"{self.LIST}{policy.pk}/delete/", {"post": "yes"}).status_code == 302

    def test_its_page_shows_what_it_does_and_what_to_mend(self, admin_client: Client) -> None:
        policy = make_policy({"person": make_person("ada", is_reachable=False), "wait_minutes": 0})

        shown = page(admin_client, f"{self.LIST}{policy.pk}/change/")

        assert "At once tell Ada." in shown
        assert "Ada (Page) cannot be told" in shown

    def test_the_list_asks_no_more_for_more(self, admin_client: Client, django_assert_max_num_queries: Any) -> None:
        for place in range(5):
            person = make_person(f"p{place}")
            make_policy({"person": person}, {"schedule": make_schedule(person, name=f"S{place}")}, name=f"P{place}")
        with django_assert_max_num_queries(26):
            page(admin_client, self.LIST)


class TestMyContacts:
    def test_everybody_adds_and_tests_their_own(self) -> None:
        ada = make_person("ada", is_reachable=False)
        client = client_of(ada)
        assert "Liftmon cannot reach you" in page(client, CONTACTS)

        client.post(CONTACTS, {"action": "add", "kind": "email", "address": "ada@example.org"})
        contact = ContactPoint.objects.get(person=ada)
        found = re.search(r"code is (\d{6})", str(mail.outbox[-1].body))
        assert found
        assert "Not tested" in page(client, CONTACTS)
        client.post(CONTACTS, {"action": "confirm", "contact": contact.pk, "code": found[1]})

        shown = page(client, CONTACTS)
        assert "ada@example.org" in shown
        assert "Works; tested" in shown

    def test_an_address_that_cannot_work_is_refused_with_the_fix(self) -> None:
        answer = client_of(make_person("ada")).post(CONTACTS, {"action": "add", "kind": "email", "address": "ada"})

        assert answer.status_code == 422
        assert "write name@host" in answer.content.decode()

    @pytest.mark.parametrize("action", ["send_code", "confirm", "remove"])
    def test_nobody_reaches_what_is_another_persons(self, action: str) -> None:
        of_ada = make_person("ada").contact_points.get()

        answer = client_of(make_person("eve")).post(CONTACTS, {"action": action, "contact": of_ada.pk, "code": "1"})

        assert answer.status_code == 404
        assert ContactPoint.objects.filter(pk=of_ada.pk).exists()
        assert "ada@example.org" not in page(client_of(make_person("max")), CONTACTS)
        assert mail.outbox == []

    def test_a_secret_address_is_shown_by_its_end_alone(self) -> None:
        ada = make_person("ada", is_reachable=False)
        address = "https://hooks.slack.com/services/T000/B000/abcdefghijkl"
        channel = make_contact(ada).channel
        Channel.objects.filter(pk=channel.pk).update(kind="slack", sealed_settings=seal({"webhook_url": address}))

        shown = page(client_of(ada), CONTACTS)

        assert "••••ijkl" in shown
        assert "abcdefgh" not in shown

    def test_quiet_hours_are_added_and_taken_out(self) -> None:
        ada = make_person("ada")
        client = client_of(ada)
        values = {
            "action": "add_quiet", "from_time": "22:00", "to_time": "07:00", "weekdays": ["0", "4"],
            "time_zone": "Europe/Berlin",
        }  # fmt: skip

        client.post(CONTACTS, values)

        quiet = QuietHours.objects.get(person=ada)
        assert "22:00 to 07:00 on Monday and Friday (Europe/Berlin)" in page(client, CONTACTS)
        stranger = client_of(make_person("eve"))
        assert stranger.post(CONTACTS, {"action": "remove_quiet", "quiet": quiet.pk}).status_code == 404
        client.post(CONTACTS, {"action": "remove_quiet", "quiet": quiet.pk})
        assert not QuietHours.objects.exists()

    def test_quiet_hours_without_a_day_are_refused(self) -> None:
        values = {"action": "add_quiet", "from_time": "22:00", "to_time": "07:00", "time_zone": "Europe/Berlin"}

        assert client_of(make_person("ada")).post(CONTACTS, values).status_code == 422

    def test_only_staff_come_here(self) -> None:
        assert Client().get(CONTACTS).status_code == 302


class TestRoutesAndChannels:
    def test_a_route_names_its_policy_and_says_so(self, admin_client: Client) -> None:
        policy, route = make_policy({"person": make_person("ada")}, name="Night"), make_route()
        address = f"/admin/alerts/route/{route.pk}/change/"
        values = {"name": "All", "position": "1", "is_enabled": "on", "policy": policy.pk}

        answer = admin_client.post(address, values)

        assert answer.status_code == 302
        assert Route.objects.get().policy == policy
        assert "All alerts are escalated by policy Night" in page(admin_client, "/admin/alerts/route/")
        assert "Escalated by" in page(admin_client, "/admin/alerts/route/preview/?severity=critical")

    def test_critical_alerts_that_a_policy_escalates_have_somewhere_to_go(self) -> None:
        policy = make_policy(name="Empty")
        make_route(policy)
        assert critical_unreached().everything

        policy.steps.create(tells="person", person=make_person("ada"))
        assert not critical_unreached().everything

    def test_peoples_contacts_are_theirs_alone(self, admin_client: Client) -> None:
        contact, route = make_person("ada").contact_points.get(), make_route()

        assert admin_client.get(f"/admin/alerts/channel/{contact.channel_id}/change/").status_code == 302
        assert contact.channel.name not in page(admin_client, "/admin/alerts/channel/")
        assert contact.channel.name not in page(admin_client, f"/admin/alerts/route/{route.pk}/change/")


class TestQuietHoursOfChannels:
    def test_a_channel_gets_its_own_and_those_of_people_are_not_listed(self, admin_client: Client) -> None:
        ada, channel = make_person("ada"), make_channel("Team")
        QuietHours.objects.create(person=ada, from_time="01:00", to_time="02:00", weekdays=[0])
        values = {
            "channel": channel.pk, "from_time": "20:00", "to_time": "08:00", "weekdays": ["5", "6"],
            "time_zone": "Europe/Berlin",
        }  # fmt: skip

        assert admin_client.post("/admin/alerts/quiethours/add/", values).status_code == 302

        shown = page(admin_client, "/admin/alerts/quiethours/")
        assert "20:00 to 08:00 at weekends (Europe/Berlin)" in shown
        assert "01:00 to 02:00" not in shown
