"""The pages of escalation policies, and what routes and channels say of them."""

from typing import Any

import pytest
from django.test import Client

from alerts.models import (
    EscalationPolicy,
    QuietHours,
    Route,
)
from alerts.outbox.reach import critical_unreached
from tests.alerts.admin.on_call.visiting import page
from tests.alerts.people import make_channel, make_person, make_policy, make_route, make_schedule

pytestmark = pytest.mark.django_db


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
