"""The page behind the buttons of a message."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from django.utils import timezone

from alerts.acting import signed_links
from alerts.models import Alert, AlertEntry, AlertRule, Channel, Notification, Route, Silence
from tests.alerts.sending import fire, make_rule, route

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(db: None) -> Alert:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    route(Channel.objects.create(name="On call", kind="email", sealed_settings=""))
    return fire(make_rule(name="Checkout fails"))


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def path_of(alert: Alert, action: str = "acknowledge") -> str:
    channel = Channel.objects.get(name="On call")
    return signed_links.address_of(signed_links.Act(alert.pk, action, channel.pk)).removeprefix(settings.BASE_URL)


@pytest.mark.parametrize("action", signed_links.ACTIONS)
def test_opening_it_changes_nothing(client: Client, alert: Alert, action: str) -> None:
    for method in (client.get, client.head):
        answer = method(path_of(alert, action))
        assert answer.status_code == 200

    alert.refresh_from_db()
    assert alert.acknowledged_at is None
    assert not Silence.objects.exists()
    assert Notification.objects.get().state == "waiting"
    assert (answer["Referrer-Policy"], "no-store" in answer["Cache-Control"]) == ("no-referrer", True)


def test_the_button_acknowledges_without_a_session_or_a_cookie(client: Client, alert: Alert) -> None:
    answer = client.post(path_of(alert))

    assert answer.status_code == 200
    assert "Acknowledged. Nobody is told of it again" in answer.content.decode()
    assert AlertEntry.objects.get(kind="acknowledged").text == "By the link in a message to On call."
    assert Notification.objects.get().state == "dropped"
    assert not answer.cookies


def test_who_is_signed_in_is_named(client: Client, alert: Alert, admin_user: Any) -> None:
    client.force_login(admin_user)
    client.post(path_of(alert))

    alert.refresh_from_db()
    assert alert.acknowledged_by == admin_user


def test_acknowledging_twice_changes_nothing(client: Client, alert: Alert) -> None:
    client.post(path_of(alert))
    answer = client.post(path_of(alert))

    assert "nothing changed" in answer.content.decode()
    assert AlertEntry.objects.filter(kind="acknowledged").count() == 1


def test_the_other_button_silences_for_an_hour(client: Client, alert: Alert) -> None:
    answer = client.post(path_of(alert, "silence"))

    silence = Silence.objects.get()
    assert f"Silenced until {silence.ends_at:%H:%M} UTC." in answer.content.decode()
    assert silence.ends_at - silence.starts_at == timedelta(hours=1)
    assert Notification.objects.get().state == "muted"


def test_an_address_that_expired_says_so(client: Client, alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(alert)
    monkeypatch.setattr(signed_links, "VALID_FOR", timedelta(seconds=-1))

    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 410
        assert "expired" in answer.content.decode()
    alert.refresh_from_db()
    assert alert.acknowledged_at is None


@pytest.mark.parametrize(
    "token",
    [
        "x", "WzEsICJhY2tub3dsZWRnZSIsIDFd:1abc:forged", signing.dumps([1, "acknowledge", 1], salt="another"),
        signing.dumps([1, "delete", 1], salt="alerts.acting"), signing.dumps([1], salt="alerts.acting"),
        signing.dumps({"a": 1}, salt="alerts.acting"),
    ],
    ids=["short", "forged", "another salt", "another action", "too few", "no list"],
)  # fmt: skip
def test_an_address_that_is_not_ours_does_nothing(client: Client, alert: Alert, token: str) -> None:
    for answer in (client.get(f"/alerts/act/{token}/"), client.post(f"/alerts/act/{token}/")):
        assert answer.status_code == 404
    alert.refresh_from_db()
    assert alert.acknowledged_at is None


def test_an_alert_that_is_no_longer_kept_is_said(client: Client, alert: Alert) -> None:
    path = path_of(alert)
    alert.delete()

    answer = client.post(path)

    assert answer.status_code == 404
    assert "no longer kept" in answer.content.decode()


def test_other_methods_are_refused(client: Client, alert: Alert) -> None:
    assert client.put(path_of(alert)).status_code == 405


def test_it_says_what_is_the_case_after_the_alert_was_over(client: Client, alert: Alert) -> None:
    alert.state, alert.resolved_at = "resolved", timezone.now()
    alert.save()

    assert "nothing changed" in client.post(path_of(alert)).content.decode()
