"""Routes in order and where an alert would go; the outbox; and what the top of every page says."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from alerts.admin.notices import notices
from alerts.models import Notification, NotificationAttempt, Route
from alerts.outbox.reach import Unreached
from events.models import Service
from tests.alerts.making import make_alert, make_channel, make_notification, make_rule
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
ROUTES = "/admin/alerts/route/"
OUTBOX = "/admin/alerts/notification/"
NOTICES = f"{OUTBOX}notices/"


class TestRoutes:
    def test_they_stand_in_order_each_with_its_sentence(self, admin_client: Client) -> None:
        critical = Route.objects.get(severities=["critical"])
        critical.channels.set([make_channel("Pager"), make_channel("E-mail"), make_channel("Off", is_enabled=False)])
        Route.objects.create(name="First", position=1, labels={"endpoint": "/api/pay*"}, goes_on=True)

        page = admin_client.get(ROUTES).content.decode()

        sentences = [
            "All alerts whose endpoint is /api/pay* stop here and nobody is told",
            "Alerts of severity critical go to E-mail and Pager; nothing else is tried.",
            "Alerts of severity error or warning stop here",
        ]
        places = [page.index(sentence) for sentence in sentences]
        assert places == sorted(places)

    def test_it_warns_when_critical_alerts_go_nowhere(self, admin_client: Client) -> None:
        assert "Critical alerts have nowhere to go." in admin_client.get(ROUTES).content.decode()

        Route.objects.get(severities=["critical"]).channels.add(make_channel())

        assert "have nowhere to go" not in admin_client.get(ROUTES).content.decode()

    def test_labels_are_kept_by_rows(self, admin_client: Client) -> None:
        channel = make_channel()
        sent: dict[str, Any] = {
            "name": "Pay", "position": "5", "is_enabled": "on", "severities": ["critical", "error"], "service": "",
            "channels": [channel.pk], "labels_name": ["endpoint", "", "release"], "labels_value": ["/api/pay*", "", "lift@5*"],
        }  # fmt: skip

        assert admin_client.post(f"{ROUTES}add/", sent).status_code == 302

        route = Route.objects.get(name="Pay")
        assert route.labels == {"endpoint": "/api/pay*", "release": "lift@5*"}
        assert (route.severities, list(route.channels.all())) == (["critical", "error"], [channel])
        page = admin_client.get(f"{ROUTES}{route.pk}/change/").content.decode()
        assert 'value="/api/pay*"' in page
        admin_client.post(f"{ROUTES}{route.pk}/change/", {**sent, "labels_name": [""], "labels_value": [""]})
        route.refresh_from_db()
        assert route.labels == {}

    @pytest.mark.parametrize(
        ("names", "values", "said"),
        [(["endpoint"], [""], "needs a name and a value"), (["a", "a"], ["1", "2"], "is there twice")],
    )
    def test_rows_that_say_nothing_are_refused(
        self, admin_client: Client, names: list[str], values: list[str], said: str
    ) -> None:
        sent = {"name": "Pay", "position": "5", "labels_name": names, "labels_value": values}

        page = admin_client.post(f"{ROUTES}add/", sent)

        assert said in page.content.decode()
        assert not Route.objects.filter(name="Pay").exists()

    def test_a_preview_says_which_route_takes_an_alert(self, admin_client: Client) -> None:
        web = Service.objects.create(name="lift web", slug="web")
        pay = Route.objects.create(name="Pay", position=1, service=web, labels={"endpoint": "/api/pay*"})
        pay.channels.add(make_channel("Pager"))
        asked = {"severity": "warning", "service": web.pk, "label": "endpoint", "value": "/api/pay/1"}

        fragment = admin_client.get(f"{ROUTES}preview/", asked, headers={"HX-Request": "true"}).content.decode()
        other = admin_client.get(f"{ROUTES}preview/", {**asked, "value": "/api/career"}).content.decode()
        nothing = admin_client.get(f"{ROUTES}preview/", {"severity": "info"}).content.decode()

        assert "It would go to" in fragment
        assert "Pager" in fragment
        assert "<html" not in fragment
        assert "It would go nowhere" in other
        assert "Errors and warnings: Slack" in other
        assert "No route takes it" in nothing
        assert "<html" in nothing

    def test_a_reader_asks_and_changes_nothing(self) -> None:
        client = client_of(make_person("eve", "view_route"))

        assert client.get(ROUTES).status_code == 200
        assert client.get(f"{ROUTES}preview/?severity=critical").status_code == 200
        assert client.post(f"{ROUTES}add/", {"name": "x", "position": "1"}).status_code == 403
        assert client_of(make_person("max", "view_channel")).get(f"{ROUTES}preview/").status_code == 403

    @pytest.mark.parametrize("count", [1, 25])
    def test_the_list_costs_the_same_however_long_it_is(
        self, admin_client: Client, count: int, django_assert_max_num_queries: Any
    ) -> None:
        channel = make_channel()
        for number in range(count):
            Route.objects.create(name=f"Route {number}").channels.add(channel)

        with django_assert_max_num_queries(14):
            assert admin_client.get(ROUTES).status_code == 200

    def test_an_empty_list_says_what_to_do(self, admin_client: Client) -> None:
        Route.objects.all().delete()

        assert "Add a route" in admin_client.get(ROUTES).content.decode()


class TestOutbox:
    def test_it_shows_what_was_told_and_each_attempt(self, admin_client: Client) -> None:
        alert = make_alert(make_rule(), summary="<b>db_pool_error</b> of lift api")
        message = make_notification(make_channel(), alert, state="sent", reason="")
        NotificationAttempt.objects.create(
            notification=message, at=timezone.now(), is_accepted=False, status=451, answer="Try later", took_ms=1234
        )

        listed = admin_client.get(OUTBOX).content.decode()
        page = admin_client.get(f"{OUTBOX}{message.pk}/change/").content.decode()

        for shown in (listed, page):
            assert "&lt;b&gt;db_pool_error&lt;/b&gt; of lift api" in shown
            assert f"/admin/alerts/alert/{alert.pk}/change/" in shown
        assert "Try later" in page
        assert "451" in page
        assert "1,234 ms" in page

    def test_nobody_changes_it(self, admin_client: Client) -> None:
        message = make_notification(make_channel())

        assert admin_client.get(f"{OUTBOX}add/").status_code == 403
        assert admin_client.post(f"{OUTBOX}{message.pk}/change/", {"state": "sent"}).status_code == 403
        assert admin_client.post(f"{OUTBOX}{message.pk}/delete/", {"post": "yes"}).status_code == 403
        message.refresh_from_db()
        assert message.state == "dead"

    def test_what_was_given_up_is_sent_again(self, admin_client: Client) -> None:
        dead, sent = make_notification(make_channel("A")), make_notification(make_channel("B"), state="sent")
        assert "Send again" in admin_client.get(f"{OUTBOX}{dead.pk}/change/").content.decode()
        chosen = {"action": "send_dead_again", "index": "0", "_selected_action": [dead.pk, sent.pk]}

        page: Any = admin_client.post(OUTBOX, chosen, follow=True)

        assert "1 message is due again now" in page.content.decode()
        dead.refresh_from_db()
        assert (dead.state, dead.attempt_count) == ("waiting", 0)
        again: Any = admin_client.post(OUTBOX, chosen, follow=True)
        assert "Nothing was sent again" in again.content.decode()

    def test_who_may_not_change_channels_sends_nothing_again(self) -> None:
        dead = make_notification(make_channel())
        client = client_of(make_person("eve", "view_notification"))

        assert "Send again" not in client.get(f"{OUTBOX}{dead.pk}/change/").content.decode()
        client.post(OUTBOX, {"action": "send_dead_again", "index": "0", "_selected_action": [dead.pk]})

        dead.refresh_from_db()
        assert dead.state == "dead"

    @pytest.mark.parametrize("count", [1, 40])
    def test_the_list_costs_the_same_however_long_it_is(
        self, admin_client: Client, count: int, django_assert_max_num_queries: Any
    ) -> None:
        rule, channel = make_rule(), make_channel()
        for _ in range(count):
            make_notification(channel, make_alert(rule))

        with django_assert_max_num_queries(9):
            assert admin_client.get(OUTBOX).status_code == 200

    def test_an_empty_outbox_says_what_it_takes(self, admin_client: Client) -> None:
        assert "Nobody was told anything yet" in admin_client.get(OUTBOX).content.decode()
        make_notification(make_channel())
        assert "No message matches" in admin_client.get(f"{OUTBOX}?state__exact=sent").content.decode()
        assert Notification.objects.count() == 1


class TestNotices:
    def test_every_page_asks_for_them(self, admin_client: Client) -> None:
        for address in ("/admin/", "/admin/events/issue/", ROUTES, "/admin/analytics/"):
            assert f'hx-get="{NOTICES}' in admin_client.get(address).content.decode()
        assert NOTICES not in client_of(make_person("eve", "view_issue")).get("/admin/").content.decode()

    def test_a_good_day_says_nothing(self, admin_client: Client) -> None:
        Route.objects.get(severities=["critical"]).channels.add(make_channel())
        make_notification(make_channel("B"), at=timezone.now() - timedelta(hours=25))

        assert admin_client.get(NOTICES).content.decode().strip() == ""

    def test_both_are_told_with_the_page_that_mends_them(
        self, admin_client: Client, django_assert_max_num_queries: Any
    ) -> None:
        make_notification(make_channel())

        with django_assert_max_num_queries(7):
            page = admin_client.get(NOTICES).content.decode()

        assert "Critical alerts have nowhere to go." in page
        assert f'href="{ROUTES}"' in page
        assert "1 message was given up in the last 24 hours." in page
        assert f'href="{OUTBOX}?state__exact=dead"' in page
        assert "nowhere to go" not in admin_client.get(f"{NOTICES}?on=routes").content.decode()

    def test_each_is_told_to_those_who_may_see_it(self) -> None:
        make_notification(make_channel())

        outbox = client_of(make_person("eve", "view_notification")).get(NOTICES).content.decode()
        routes = client_of(make_person("max", "view_route")).get(NOTICES).content.decode()

        assert ("given up" in outbox, "nowhere" in outbox) == (True, False)
        assert ("given up" in routes, "nowhere" in routes) == (False, True)

    def test_a_stranger_is_told_nothing(self, client: Client) -> None:
        assert client.get(NOTICES).status_code == 302

    def test_services_are_named_and_the_rest_counted(self) -> None:
        services = [Service(name=f"service {number}") for number in range(5)]

        (notice,) = notices(0, Unreached(everything=False, services=services))

        assert notice.headline == "Critical alerts of service 0, service 1, service 2 and 2 more have nowhere to go."
