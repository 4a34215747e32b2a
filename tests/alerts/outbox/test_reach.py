"""Where alerts would go, how much rules bother people, what is sent again, and the channels of a first start."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.channels.first_channels import make_first_channels
from alerts.channels.outcome import SettingsError
from alerts.delivery import channels_due
from alerts.models import AlertEntry, Channel, Route
from alerts.outbox.reach import critical_unreached, given_up_count, reached_by, send_again
from alerts.outbox.telling import channels_of
from alerts.rules.noise import Noise, noise_of
from alerts.sealing import unseal
from events.models import Service
from tests.alerts.making import SLACK_URL, make_alert, make_channel, make_notification, make_rule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_routes(db: None) -> None:
    Route.objects.all().delete()


def make_route(name: str, *channels: Channel, **fields: Any) -> Route:
    route = Route.objects.create(name=name, **{"position": 10 * (Route.objects.count() + 1), **fields})
    route.channels.set(channels)
    return route


def names(things: Any) -> list[str]:
    return [thing.name for thing in things]


class TestReach:
    def test_the_first_route_that_takes_it_is_the_last_that_is_asked(self) -> None:
        pager, mail = make_channel("Pager"), make_channel("Mail")
        make_route("Warnings", mail, severities=["warning"])
        make_route("Critical", pager, severities=["critical"])
        make_route("All", mail)

        found = reached_by(severity="critical", labels={})

        assert (names(found.routes), names(found.channels)) == (["Critical"], ["Pager"])

    def test_a_route_that_goes_on_asks_those_behind_it(self) -> None:
        pager, mail = make_channel("Pager"), make_channel("Mail", is_enabled=False)
        make_route("First", pager, goes_on=True)
        make_route("Second", pager, mail)

        found = reached_by(severity="error", labels={})

        assert (names(found.routes), names(found.channels)) == (["First", "Second"], ["Pager"])

    def test_services_and_labels_narrow(self) -> None:
        web = Service.objects.create(name="lift web", slug="web")
        pager = make_channel()
        make_route("Pay", pager, service=web, labels={"endpoint": "/api/pay*"})

        assert reached_by(severity="error", labels={"endpoint": "/api/pay/1"}, service_id=web.pk).channels
        assert not reached_by(severity="error", labels={"endpoint": "/api/career"}, service_id=web.pk).routes
        assert not reached_by(severity="error", labels={"endpoint": "/api/pay/1"}).routes

    def test_it_is_what_real_alerts_do(self) -> None:
        pager, mail = make_channel("Pager"), make_channel("Mail")
        make_route("Pay", pager, labels={"endpoint": "/api/pay*"}, goes_on=True)
        make_route("Rest", mail, severities=["critical"])
        rule = make_rule()
        for endpoint in ("/api/pay/1", "/api/career"):
            labels = {"endpoint": endpoint}
            alert = make_alert(rule, labels=labels)
            assert channels_of(alert) == list(reached_by(severity="critical", labels=labels).channels)

    def test_critical_alerts_without_a_channel_are_noticed(self) -> None:
        route = make_route("Critical", severities=["critical"])
        assert critical_unreached().everything

        route.channels.add(make_channel("Off", is_enabled=False))
        assert critical_unreached().everything

        route.channels.add(make_channel("On"))
        assert not critical_unreached().is_any

        Route.objects.update(is_enabled=False)
        assert critical_unreached().everything

    def test_services_whose_critical_alerts_stop_at_an_empty_route_are_named(
        self, django_assert_num_queries: Any
    ) -> None:
        services = [Service.objects.create(name=f"service {number}", slug=f"s{number}") for number in range(5)]
        make_route("Swallows", service=services[2])
        make_route("All", make_channel())

        with django_assert_num_queries(3):
            unreached = critical_unreached()

        assert (unreached.everything, list(unreached.services)) == (False, [services[2]])


class TestSendingAgain:
    def test_what_was_given_up_is_due_again_with_what_travelled_with_it(self) -> None:
        channel, now = make_channel(), timezone.now()
        first = make_notification(channel, reason="Given up")
        carried = make_notification(channel, carrier=first)
        sent = make_notification(channel, state="sent")

        assert send_again([first.pk, sent.pk], now=now) == 2

        for one in (first, carried):
            one.refresh_from_db()
            assert (one.state, one.attempt_count, one.due_at, one.settled_at, one.reason) == (
                "waiting",
                0,
                now,
                None,
                "",
            )
        assert channels_due(now=now) == [channel.pk]
        sent.refresh_from_db()
        assert sent.state == "sent"
        assert send_again([first.pk], now=now) == 0

    def test_the_last_24_hours_are_counted(self) -> None:
        channel, now = make_channel(), timezone.now()
        make_notification(channel, at=now - timedelta(hours=23))
        make_notification(channel, at=now - timedelta(hours=25))
        make_notification(channel, state="sent")

        assert given_up_count(now=now) == 1


class TestNoise:
    def test_it_counts_what_fired_and_what_nobody_did_anything_about(self, django_assert_num_queries: Any) -> None:
        now, ada = timezone.now(), User.objects.create_user("ada")
        loud, quiet = make_rule(name="loud"), make_rule(name="quiet")
        make_alert(loud, acknowledged_at=now, acknowledged_by=ada)
        noted = make_alert(loud)
        AlertEntry.objects.create(alert=noted, kind="noted", at=now, actor=ada)
        AlertEntry.objects.create(alert=noted, kind="noted", at=now, actor=ada)
        ignored = make_alert(loud)
        AlertEntry.objects.create(alert=ignored, kind="fired", at=now)
        make_alert(loud, at=now - timedelta(days=31))
        make_alert(loud, fired_at=None)

        with django_assert_num_queries(1):
            found = noise_of([loud.pk, quiet.pk], now=now)

        assert found == {loud.pk: Noise(fired=3, acknowledged=1, ignored=1)}

    @pytest.mark.parametrize(
        ("noise", "is_only_noise"),
        [(Noise(41, 0, 41), True), (Noise(41, 1, 40), False), (Noise(9, 0, 9), False), (Noise(), False)],
    )
    def test_a_hint_needs_many_and_nobody(self, noise: Noise, is_only_noise: bool) -> None:
        assert noise.is_only_noise is is_only_noise


class TestFirstChannels:
    @pytest.fixture(autouse=True)
    def _guide_routes(self, _no_routes: None) -> None:
        make_route("Critical: e-mail", severities=["critical"])
        make_route("Errors and warnings: Slack", severities=["error", "warning"])

    def test_they_are_put_where_the_guide_sends_alerts(self) -> None:
        made = make_first_channels(email="ada@studentlift.org, on-call@studentlift.org", slack_webhook_url=SLACK_URL)

        assert made == ["E-mail", "Slack"]
        assert [names(route.channels.all()) for route in Route.objects.order_by("position")] == [["E-mail"], ["Slack"]]
        assert unseal(Channel.objects.get(kind="email").sealed_settings) == {
            "to": "ada@studentlift.org, on-call@studentlift.org"
        }
        assert not critical_unreached().is_any

    def test_a_second_start_makes_nothing(self) -> None:
        told = {"email": "ada@studentlift.org", "slack_webhook_url": SLACK_URL}
        make_first_channels(**told)
        Channel.objects.filter(kind="email").update(name="Renamed", is_enabled=False)
        Route.objects.get(severities=["critical"]).channels.clear()

        assert make_first_channels(**told) == []

        assert Channel.objects.count() == 2
        assert not Route.objects.get(severities=["critical"]).channels.exists()

    def test_a_route_that_has_a_channel_keeps_it_alone(self) -> None:
        Route.objects.get(severities=["critical"]).channels.add(
            make_channel("Hook", "slack", settings={"webhook_url": SLACK_URL})
        )

        make_first_channels(email="ada@studentlift.org", slack_webhook_url="")

        assert names(Route.objects.get(severities=["critical"]).channels.all()) == ["Hook"]

    def test_a_name_that_is_taken_is_numbered(self) -> None:
        make_channel("E-mail", "slack", settings={"webhook_url": SLACK_URL})

        assert make_first_channels(email="ada@studentlift.org", slack_webhook_url="") == ["E-mail 2"]

    def test_nothing_told_is_nothing_made(self) -> None:
        assert make_first_channels(email=" ", slack_webhook_url="") == []
        assert not Channel.objects.exists()

    @pytest.mark.parametrize(
        ("email", "slack", "field"), [("nobody", "", "to"), ("", "https://example.org/", "webhook_url")]
    )
    def test_what_cannot_work_is_refused(self, email: str, slack: str, field: str) -> None:
        with pytest.raises(SettingsError) as caught:
            make_first_channels(email=email, slack_webhook_url=slack)

        assert caught.value.field == field
        assert not Channel.objects.exists()
