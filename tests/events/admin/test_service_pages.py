from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from events.admin.service import limit_in_words
from events.models import IngestKey, KeyKind, Service
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
LIST = "/admin/events/service/"


def page_of(service: Service) -> str:
    return f"{LIST}{service.pk}/change/"


def everything_stored() -> str:
    """Every row of every table that this could have written to."""
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in ("events_service", "events_ingestkey", "django_admin_log", "django_session", "auth_user"):
            cursor.execute(f"SELECT {table}::text FROM {table}")
            rows += cursor.fetchall()
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return str(rows) + str(sessions)


def test_adding_a_service_shows_its_secret_once_and_keeps_it_nowhere(admin_client: Client) -> None:
    response = admin_client.post(f"{LIST}add/", {"name": "lift web", "owner": ""})

    page = response.content.decode()
    service = Service.objects.get()
    secret = page.split('id="lm-secret-key">')[1].split("<")[0]
    assert IngestKey.objects.get(digest=IngestKey.digest_of(secret)).service == service
    assert "no-store" in response["Cache-Control"]
    assert secret not in everything_stored()
    again = admin_client.get(page_of(service)).content.decode()
    assert secret not in again
    assert IngestKey.objects.get(kind=KeyKind.PUBLIC).visible in again
    assert LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["lift web", "LIFT WEB", "lift-web", "!!!"])
def test_a_name_that_is_taken_or_empty_is_said_in_the_form(admin_client: Client, make_sender: Any, name: str) -> None:
    make_sender("lift web")

    page = admin_client.post(f"{LIST}add/", {"name": name, "owner": ""}).content.decode()

    assert "Choose another name" in page or "needs a name" in page
    assert Service.objects.count() == 1


def test_a_key_is_made_with_its_origins(sender: Sender, admin_client: Client) -> None:
    response = admin_client.post(
        f"{LIST}{sender.service.pk}/keys/",
        {"kind": "public", "label": "web", "allowed_origins": "https://studentlift.org/\n\nhttps://*.studentlift.org"},
    )

    key = IngestKey.objects.latest("id")
    assert (key.kind, key.label) == ("public", "web")
    assert key.allowed_origins == ["https://studentlift.org", "https://*.studentlift.org"]
    assert key.visible in response.content.decode()


@pytest.mark.parametrize(("given", "kept"), [("", None), ("0", 0), ("600", 600)])
def test_a_key_is_made_with_its_limit(sender: Sender, admin_client: Client, given: str, kept: int | None) -> None:
    form = {"kind": "secret", "label": "", "allowed_origins": "", "rate_limit": given}

    admin_client.post(f"{LIST}{sender.service.pk}/keys/", form)

    assert IngestKey.objects.count() == 3
    assert IngestKey.objects.latest("id").rate_limit == kept


@pytest.mark.parametrize("given", ["-1", "many", "9999999999"])
def test_a_limit_that_is_none_is_refused(sender: Sender, admin_client: Client, given: str) -> None:
    form = {"kind": "secret", "label": "", "allowed_origins": "", "rate_limit": given}

    admin_client.post(f"{LIST}{sender.service.pk}/keys/", form)

    assert IngestKey.objects.count() == 2


def test_the_limit_of_a_key_is_changed_and_shown_and_goes_with_it_when_it_is_rotated(
    sender: Sender, admin_client: Client
) -> None:
    key = IngestKey.objects.get(kind=KeyKind.SECRET)
    address = f"{LIST}{sender.service.pk}/keys/{key.pk}/limit/"
    assert "Events a minute" in admin_client.get(address).content.decode()

    page: Any = admin_client.post(address, {"rate_limit": "1200"}, follow=True)

    key.refresh_from_db()
    assert key.rate_limit == 1200
    assert "1,200 a minute" in page.content.decode()
    admin_client.post(f"{LIST}{sender.service.pk}/keys/{key.pk}/rotate/")
    assert IngestKey.objects.latest("id").rate_limit == 1200


def test_a_wrong_limit_is_said_and_nothing_is_changed(sender: Sender, admin_client: Client) -> None:
    key = IngestKey.objects.get(kind=KeyKind.SECRET)

    page = admin_client.post(f"{LIST}{sender.service.pk}/keys/{key.pk}/limit/", {"rate_limit": "-5"})

    assert "greater than or equal to 0" in page.content.decode()
    key.refresh_from_db()
    assert key.rate_limit is None


@pytest.mark.parametrize(
    ("limit", "default", "words"),
    [
        (None, 0, "none (default)"),
        (None, 6_000, "6,000 a minute (default)"),
        (0, 6_000, "none"),
        (60, 0, "60 a minute"),
    ],
)
def test_a_limit_is_told_in_words(settings: Any, limit: int | None, default: int, words: str) -> None:
    settings.KEY_RATE_LIMIT = default

    assert limit_in_words(limit) == words


def test_the_limits_of_a_service_are_set_on_its_page(sender: Sender, admin_client: Client) -> None:
    form = {"name": "lift api", "slug": "lift-api", "owner": "", "rate_limit": "6000"}

    response = admin_client.post(page_of(sender.service), form)

    assert response.status_code == 302
    sender.service.refresh_from_db()
    assert (sender.service.rate_limit, sender.service.has_spike_guard) == (6_000, False)


@pytest.mark.parametrize(
    ("allowance", "has_guard", "words"),
    [
        (None, True, "Not learnt yet"),
        (12_340, True, "12,340 events a minute: 20 times what the service sends in a busy hour"),
        (12_340, False, "It would be 12,340 events a minute, but the spike guard is off"),
    ],
)
def test_the_spike_allowance_is_told_and_cannot_be_set(
    sender: Sender, admin_client: Client, allowance: int | None, has_guard: bool, words: str
) -> None:
    Service.objects.update(spike_allowance=allowance, has_spike_guard=has_guard)

    page = admin_client.get(page_of(sender.service)).content.decode()
    admin_client.post(page_of(sender.service), {"name": "lift api", "slug": "lift-api", "spike_allowance": "1"})

    assert words in page
    sender.service.refresh_from_db()
    assert sender.service.spike_allowance == allowance


@pytest.mark.parametrize("origin", ["studentlift.org", "https://x.org/path", "javascript:alert(1)", "https://"])
def test_what_is_no_origin_is_refused_with_how_to_write_it(sender: Sender, admin_client: Client, origin: str) -> None:
    response = admin_client.post(
        f"{LIST}{sender.service.pk}/keys/", {"kind": "public", "label": "", "allowed_origins": origin}, follow=True
    )

    assert "is not an origin" in response.content.decode()
    assert IngestKey.objects.count() == 2


def test_rotating_asks_first_then_shows_the_new_secret_once(sender: Sender, admin_client: Client) -> None:
    key = IngestKey.objects.get(kind=KeyKind.SECRET)
    address = f"{LIST}{sender.service.pk}/keys/{key.pk}/rotate/"

    asked = admin_client.get(address)
    assert IngestKey.objects.count() == 2
    response = admin_client.post(address)

    assert "another 24 hours" in asked.content.decode()
    secret = response.content.decode().split('id="lm-secret-key">')[1].split("<")[0]
    assert sender.post({"event": "a"}, key=secret).status_code == 200
    assert secret not in everything_stored()
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert key.revoked_at > timezone.now() + timedelta(hours=23)


def test_revoking_asks_first_and_is_at_once(sender: Sender, admin_client: Client) -> None:
    key = IngestKey.objects.get(kind=KeyKind.SECRET)
    address = f"{LIST}{sender.service.pk}/keys/{key.pk}/revoke/"

    admin_client.get(address)
    assert sender.post({"event": "a"}).status_code == 200
    admin_client.post(address)

    assert sender.post({"event": "a"}).status_code == 403


def test_another_services_key_is_not_found(sender: Sender, make_sender: Any, admin_client: Client) -> None:
    other = make_sender("other")
    key = IngestKey.objects.filter(service=other.service).first()
    assert key is not None

    assert admin_client.post(f"{LIST}{sender.service.pk}/keys/{key.pk}/revoke/").status_code == 404


def test_a_reader_sees_the_page_and_changes_nothing(sender: Sender) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_service"))
    client = Client()
    client.force_login(user)
    key = IngestKey.objects.get(kind=KeyKind.SECRET)

    page = client.get(page_of(sender.service))

    assert page.status_code == 200
    assert "Rotate" not in page.content.decode()
    for address in ("keys/", f"keys/{key.pk}/rotate/", f"keys/{key.pk}/revoke/", f"keys/{key.pk}/limit/"):
        assert client.post(f"{LIST}{sender.service.pk}/{address}", {"kind": "secret"}).status_code == 403
    assert IngestKey.objects.count() == 2


def test_changing_keys_needs_the_csrf_token(sender: Sender, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert client.post(f"{LIST}{sender.service.pk}/keys/", {"kind": "secret"}).status_code == 403


def test_it_waits_for_the_first_event_and_then_links_to_it(sender: Sender, admin_client: Client) -> None:
    fragment = f"{LIST}{sender.service.pk}/waiting/"
    assert 'hx-trigger="every 2s"' in admin_client.get(fragment).content.decode()

    sender.post({"event": "api_timeout"})

    arrived = admin_client.get(fragment).content.decode()
    assert "First event received" in arrived
    assert "hx-trigger" not in arrived
    assert "/admin/events/event/" in arrived


def test_a_service_that_has_sent_something_cannot_be_deleted(sender: Sender, admin_client: Client) -> None:
    sender.post({"event": "api_timeout"})

    assert admin_client.post(f"{LIST}{sender.service.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Service.objects.exists()


def test_a_service_that_never_sent_can_be_deleted(sender: Sender, admin_client: Client) -> None:
    admin_client.post(f"{LIST}{sender.service.pk}/delete/", {"post": "yes"})

    assert not Service.objects.exists()


@pytest.mark.parametrize("count", [1, 12])
def test_the_list_costs_the_same_however_long_it_is(
    make_sender: Any, admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_sender(f"service {number}").store({"event": "api_timeout"})

    with django_assert_max_num_queries(14):
        page = admin_client.get(LIST)

    assert page.status_code == 200


def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "Add your first service" in admin_client.get(LIST).content.decode()


def test_an_unknown_service_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(f"{LIST}12345/change/", follow=True).status_code in (200, 404)
    assert admin_client.get(f"{LIST}nonsense/change/", follow=True).status_code in (200, 404)
    assert admin_client.get(f"{LIST}12345/waiting/").status_code == 404
