"""Who is on call, and the schedules that say so."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.models import (
    OnCallSchedule,
    OnCallShift,
    QuietHours,
)
from tests.alerts.admin.on_call.visiting import BERLIN, ON_CALL, in_berlin, page
from tests.alerts.people import make_channel, make_contact, make_person, make_policy, make_route, make_schedule
from tests.events.admin.people import client_of

pytestmark = pytest.mark.django_db


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
