"""Channels: typed settings, secrets that are written and never shown, the true answer of a test, and what was given up."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.test import Client
from django.utils import timezone

from alerts.admin.channel_form import SETTING_FIELDS, target_of
from alerts.channels.kinds import KINDS
from alerts.models import Channel, ChannelKind, NotificationAttempt, Route
from alerts.sealing import seal, unseal
from tests.alerts.making import SLACK_URL, make_channel, make_notification
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/alerts/channel/"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
WEBHOOK_SECRET = "whsec_" + "QUFB" * 8  # 24 bytes
SETTINGS: dict[str, dict[str, str]] = {
    "email": {"to": "ada@studentlift.org, max@studentlift.org"},
    "slack": {"webhook_url": SLACK_URL},
    "pagerduty": {"routing_key": ROUTING_KEY, "region": "eu"},
    "webhook": {"url": "https://hooks.studentlift.org/in?token=hush-hush", "secret": WEBHOOK_SECRET},
    "alertmanager": {"url": "https://hooks.studentlift.org/am", "bearer_token": "let-me-in-please", "receiver": "lift"},
    "apprise": {"url": "discord://123456/abcdefghijklmnop"},
}


def form(kind: str, name: str = "Pager", settings: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    given = {f"{kind}__{field}": value for field, value in (SETTINGS[kind] if settings is None else settings).items()}
    return {"name": name, "kind": kind, "is_enabled": "on", **given, **fields}


def errors_of(page: Any) -> dict[str, list[str]]:
    return dict(page.context["adminform"].form.errors)


def test_every_kind_has_its_fields() -> None:
    assert set(KINDS) == set(ChannelKind.values) == set(SETTINGS)
    for kind in KINDS.values():
        assert {f"{kind.name}__{field}" for field in kind.fields} <= set(SETTING_FIELDS)


@pytest.mark.parametrize("kind", ChannelKind.values)
def test_settings_are_sealed_and_secrets_never_shown(admin_client: Client, kind: str) -> None:
    page: Any = admin_client.post(f"{LIST}add/", form(kind), follow=True)

    channel = Channel.objects.get()
    assert unseal(channel.sealed_settings) == SETTINGS[kind]
    assert page.redirect_chain[-1][0] == f"{LIST}{channel.pk}/change/"
    shown = page.content.decode() + admin_client.get(LIST).content.decode()
    for field, value in SETTINGS[kind].items():
        if field in ("to", "region", "receiver"):
            continue
        assert value not in shown
        assert value not in channel.sealed_settings
    assert "Send a test" in shown
    assert not any(
        value in str(list(LogEntry.objects.values())) for value in SETTINGS[kind].values() if len(value) > 10
    )


@pytest.mark.parametrize("kind", ChannelKind.values)
def test_an_empty_secret_keeps_the_old_one(admin_client: Client, kind: str) -> None:
    admin_client.post(f"{LIST}add/", form(kind))
    channel = Channel.objects.get()
    open_ones = {field: value for field, value in SETTINGS[kind].items() if field in ("to", "region", "receiver")}

    page = admin_client.post(f"{LIST}{channel.pk}/change/", form(kind, "Renamed", settings=open_ones))

    assert page.status_code == 302, errors_of(page)
    channel.refresh_from_db()
    assert channel.name == "Renamed"
    assert unseal(channel.sealed_settings) == SETTINGS[kind]


def test_a_new_secret_takes_the_place_of_the_old_one_and_the_test_counts_no_more(admin_client: Client) -> None:
    channel = make_channel(
        "Slack", "slack", settings=SETTINGS["slack"], tested_at=timezone.now(), test_answer="Accepted"
    )

    admin_client.post(f"{LIST}{channel.pk}/change/", form("slack", settings={"webhook_url": f"{SLACK_URL}NEW"}))

    channel.refresh_from_db()
    assert unseal(channel.sealed_settings) == {"webhook_url": f"{SLACK_URL}NEW"}
    assert (channel.tested_at, channel.test_answer) == (None, "")


def test_an_optional_secret_can_be_taken_away(admin_client: Client) -> None:
    channel = make_channel("AM", "alertmanager", settings=SETTINGS["alertmanager"])
    address = f"{LIST}{channel.pk}/change/"
    assert "Take the bearer token away" in admin_client.get(address).content.decode()

    admin_client.post(
        address, form("alertmanager", settings={"receiver": "lift"}, alertmanager__bearer_token__remove="on")
    )

    channel.refresh_from_db()
    assert unseal(channel.sealed_settings) == {"url": "https://hooks.studentlift.org/am", "receiver": "lift"}
    assert "Take the bearer token away" not in admin_client.get(address).content.decode()


@pytest.mark.parametrize(
    ("kind", "given", "field", "said"),
    [
        ("email", {}, "email__to", "Enter the address"),
        ("email", {"to": "ada"}, "email__to", "Address 1 is not one"),
        ("slack", {"webhook_url": "https://example.org/x"}, "slack__webhook_url", "not a URL of Slack"),
        ("pagerduty", {"routing_key": "short"}, "pagerduty__routing_key", "32 letters and digits"),
        ("webhook", {"url": "ftp://x", "secret": WEBHOOK_SECRET}, "webhook__url", "http"),
        ("webhook", {"url": "https://hooks.studentlift.org/in", "secret": "hush"}, "webhook__secret", "whsec_"),
        ("apprise", {"url": "file:///etc/passwd"}, "apprise__url", "Services that can be reached"),
    ],
)
def test_what_cannot_work_is_said_at_its_field(
    admin_client: Client, kind: str, given: dict[str, str], field: str, said: str
) -> None:
    page = admin_client.post(f"{LIST}add/", form(kind, settings=given))

    assert said in " ".join(errors_of(page)[field])
    assert not Channel.objects.exists()


def test_a_webhook_gets_a_secret_to_copy(admin_client: Client) -> None:
    first, second = (admin_client.get(f"{LIST}add/").content.decode() for _ in range(2))

    assert 'value="whsec_' in first
    assert first.split('value="whsec_')[1][:40] != second.split('value="whsec_')[1][:40]


def test_the_kind_stays(admin_client: Client) -> None:
    channel = make_channel("Slack", "slack", settings=SETTINGS["slack"])

    admin_client.post(
        f"{LIST}{channel.pk}/change/", {**form("slack", settings={}), "kind": "email", "email__to": "a@b.org"}
    )

    channel.refresh_from_db()
    assert (channel.kind, unseal(channel.sealed_settings)) == ("slack", SETTINGS["slack"])


def test_a_first_channel_is_offered_to_the_routes_that_go_nowhere(admin_client: Client) -> None:
    page = admin_client.get(f"{LIST}add/").content.decode()
    assert "go nowhere yet" in page
    assert page.count("checked") >= Route.objects.count() == 2

    admin_client.post(f"{LIST}add/", form("email", routes=list(Route.objects.values_list("pk", flat=True))))

    assert all(list(route.channels.all()) == [Channel.objects.get()] for route in Route.objects.all())
    assert "go nowhere yet" not in admin_client.get(f"{LIST}add/").content.decode()


def test_routes_of_a_channel_stay_when_somebody_without_the_right_saves_it() -> None:
    channel = make_channel()
    Route.objects.first().channels.add(channel)  # type: ignore[union-attr]
    client = client_of(make_person("max", "view_channel", "change_channel"))

    page = client.post(f"{LIST}{channel.pk}/change/", form("email", "Renamed"))

    assert page.status_code == 302
    assert channel.routes.count() == 1


@pytest.fixture
def mailbox(settings: Any) -> Iterator[list[Any]]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox


def test_a_test_shows_the_true_answer(admin_client: Client, mailbox: list[Any]) -> None:
    channel = make_channel()

    fragment = admin_client.post(f"{LIST}{channel.pk}/test/", headers={"HX-Request": "true"}).content.decode()

    assert [one.to for one in mailbox] == [["ada@studentlift.org"]]
    attempt = NotificationAttempt.objects.get()
    assert "Accepted with status 250" in fragment
    assert f"after {attempt.took_ms:,} ms" in fragment
    assert "<html" not in fragment
    assert "Accepted (250)" in admin_client.get(LIST).content.decode()
    assert "Accepted with status 250" in admin_client.get(f"{LIST}{channel.pk}/change/").content.decode()


def test_a_test_that_nobody_answers_says_so(admin_client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # discard: nobody listens
    channel = make_channel()

    page: Any = admin_client.post(f"{LIST}{channel.pk}/test/", follow=True)

    assert "Not accepted, no status" in page.content.decode()
    assert "could not be reached" in page.content.decode()


def test_settings_that_cannot_be_opened_are_told_and_can_be_entered_again(admin_client: Client) -> None:
    channel = make_channel()
    Channel.objects.update(sealed_settings="gAAAAA-broken")
    channel.refresh_from_db()

    assert "cannot be decrypted" in target_of(channel)
    assert admin_client.get(LIST).status_code == 200
    assert admin_client.get(f"{LIST}{channel.pk}/change/").status_code == 200
    admin_client.post(f"{LIST}{channel.pk}/change/", form("email"))
    channel.refresh_from_db()
    assert unseal(channel.sealed_settings) == SETTINGS["email"]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("email", "a•••@studentlift.org and 1 more"),
        ("slack", "slack ••••mnop"),
        ("pagerduty", "pagerduty ••••cdef (eu)"),
    ],
)
def test_where_it_leads_is_masked(kind: str, shown: str) -> None:
    assert target_of(Channel(kind=kind, sealed_settings=seal(SETTINGS[kind]))) == shown


def test_what_was_given_up_lately_leads_to_its_rows(admin_client: Client) -> None:
    channel, now = make_channel(), timezone.now()
    for days in (1, 6, 8):
        make_notification(channel, at=now - timedelta(days=days))

    page = admin_client.get(LIST).content.decode()

    link = f"/admin/alerts/notification/?channel__id__exact={channel.pk}&amp;state__exact=dead"
    assert f'<a href="{link}">2 messages</a>' in page
    assert admin_client.get(link.replace("&amp;", "&")).status_code == 200
    assert "on none: nothing is sent here" in page


def test_one_that_was_switched_off_says_why(admin_client: Client) -> None:
    channel = make_channel(is_enabled=False, disabled_reason="The webhook is gone.")

    assert "off: The webhook is gone." in admin_client.get(LIST).content.decode()
    assert "It was switched off:" in admin_client.get(f"{LIST}{channel.pk}/change/").content.decode()
    admin_client.post(f"{LIST}{channel.pk}/change/", form("email"))
    channel.refresh_from_db()
    assert (channel.is_enabled, channel.disabled_reason) == (True, "")


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_however_long_it_is(
    admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_notification(make_channel(f"Channel {number}"))

    with django_assert_max_num_queries(9):
        assert admin_client.get(LIST).status_code == 200


def test_channels_need_a_right_of_their_own() -> None:
    channel = make_channel()
    stranger = client_of(make_person("max", "view_alertrule", "change_alertrule", "view_route", "view_notification"))
    reader = client_of(make_person("eve", "view_channel"))

    assert stranger.get(LIST).status_code == 403
    assert stranger.post(f"{LIST}{channel.pk}/test/").status_code == 403
    page = reader.get(f"{LIST}{channel.pk}/change/").content.decode()
    assert "Send a test" not in page
    assert "ada@studentlift.org" not in page
    assert reader.post(f"{LIST}{channel.pk}/test/").status_code == 403
    assert reader.get(f"{LIST}{channel.pk}/test/").status_code == 403


def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "Add your first channel" in admin_client.get(LIST).content.decode()
