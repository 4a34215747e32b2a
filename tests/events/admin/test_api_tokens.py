"""Set up → API tokens: made, shown once, revoked."""

import html
import re
import shlex
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from events.models import ApiToken, TokenScope
from tests.events.admin.people import client_of, make_person, reader

pytestmark = pytest.mark.django_db
LIST = "/admin/events/apitoken/"
ADD = f"{LIST}add/"


@pytest.fixture
def eve() -> User:
    return reader()


def shown_in(page: Any) -> str:
    """The token that a page shows."""
    found = re.search(r'id="lm-token">(lmt_[0-9a-f]{64})<', page.content.decode())
    assert found, page.content.decode()
    return found[1]


def make(client: Client, **values: str) -> Any:
    return client.post(ADD, {"name": "release script", "scope": "read", "lifetime": "90", **values})


def test_it_is_shown_once_and_only_its_digest_is_kept(eve: User) -> None:
    client = client_of(eve)

    page = make(client)

    text = shown_in(page)
    token = ApiToken.objects.get()
    assert "no-store" in page["Cache-Control"]
    assert (token.user, token.name, token.scope) == (eve, "release script", TokenScope.READ)
    assert token.digest == ApiToken.digest_of(text)
    assert str(token) == f"{text[:10]}…"
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)  # type: ignore[operator]
    assert text not in client.get(LIST).content.decode()
    assert not LogEntry.objects.filter(change_message__contains=text).exists()


def test_its_curl_line_asks_what_its_person_may_read(eve: User) -> None:
    page = make(client_of(eve))

    line = html.unescape(re.search(r'id="lm-curl"[^>]*>([^<]+)<', page.content.decode())[1])  # type: ignore[index]
    _, _, address, _, header = shlex.split(line)
    answer = Client().get(address[address.index("/api") :], headers=dict([header.split(": ", 1)]))
    assert answer.status_code == 200
    assert urlsplit(address).path == "/api/v1/issues"


@pytest.mark.parametrize(("right", "noun"), [("view_event", "events"), ("view_service", "services")])
def test_its_curl_line_asks_for_something_else_where_issues_are_not_for_them(right: str, noun: str) -> None:
    page = make(client_of(make_person("ada", right)))

    assert f"/api/v1/{noun}" in page.content.decode()


def test_it_may_live_for_ever_and_change_things(eve: User) -> None:
    make(client_of(eve), lifetime="", scope="write")

    token = ApiToken.objects.get()
    assert token.expires_at is None
    assert token.may_change("write")


@pytest.mark.parametrize(
    "values", [{"name": ""}, {"name": "  "}, {"name": "x" * 61}, {"scope": "all"}, {"lifetime": "7000"}]
)
def test_it_refuses_what_it_does_not_know(eve: User, values: dict[str, str]) -> None:
    page = make(client_of(eve), **values)

    assert page.status_code == 200
    assert not ApiToken.objects.exists()


def test_staff_see_their_own_and_superusers_all(eve: User, admin_client: Client) -> None:
    ApiToken.issue(eve, name="one of eve")
    ApiToken.issue(make_person("ada"), name="one of ada")

    own, everybodys = client_of(eve).get(LIST).content.decode(), admin_client.get(LIST).content.decode()

    assert "one of eve" in own
    assert "one of ada" not in own
    assert "one of eve" in everybodys
    assert "one of ada" in everybodys


def test_it_is_revoked_after_asking(eve: User) -> None:
    token, text = ApiToken.issue(eve, name="script")
    client = client_of(eve)
    address = f"{LIST}{token.pk}/revoke/"

    assert "Revoke script?" in client.get(address).content.decode()
    assert ApiToken.find(text).is_usable(at=timezone.now())  # type: ignore[union-attr]
    assert client.post(address, follow=True).status_code == 200

    assert not ApiToken.find(text).is_usable(at=timezone.now())  # type: ignore[union-attr]
    assert "revoked" in client.get(LIST).content.decode()
    assert "already" in client.get(address).content.decode()
    assert LogEntry.objects.filter(change_message__contains=str(token)).count() == 1


def test_revoking_again_keeps_the_first_time(eve: User) -> None:
    token, _ = ApiToken.issue(eve, name="script")
    first = timezone.now()

    assert token.revoke(at=first)
    assert not token.revoke(at=first + timedelta(hours=1))
    assert token.revoked_at == first


def test_nobody_revokes_what_is_somebody_elses(eve: User, admin_client: Client) -> None:
    token, _ = ApiToken.issue(make_person("ada"), name="script")

    assert client_of(eve).post(f"{LIST}{token.pk}/revoke/").status_code == 404
    assert admin_client.post(f"{LIST}{token.pk}/revoke/").status_code == 302

    token.refresh_from_db()
    assert token.revoked_at is not None


def test_visitors_are_sent_to_the_login_and_forms_need_the_csrf_token(eve: User) -> None:
    token, _ = ApiToken.issue(eve, name="script")
    strict = client_of(eve, enforce_csrf_checks=True)

    for address in (LIST, ADD, f"{LIST}{token.pk}/revoke/"):
        assert Client().get(address).status_code == 302
    assert make(strict).status_code == 403
    assert strict.post(f"{LIST}{token.pk}/revoke/").status_code == 403


def test_a_token_is_never_changed_or_deleted_here(admin_client: Client, eve: User) -> None:
    token, _ = ApiToken.issue(eve, name="script")

    assert admin_client.get(f"{LIST}{token.pk}/change/").url == LIST  # type: ignore[attr-defined]
    assert admin_client.post(f"{LIST}{token.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_says_how_each_stands(eve: User) -> None:
    now = timezone.now()
    ApiToken.issue(eve, name="young", expires_at=now + timedelta(days=5, minutes=1))
    ApiToken.issue(eve, name="old", expires_at=now - timedelta(days=2))
    ApiToken.issue(eve, name="lasting")

    page = re.sub(r"<[^>]+>", "", client_of(eve).get(LIST).content.decode())

    assert f"until {date_format(now + timedelta(days=5, minutes=1), 'j M Y')}" in page
    assert "expired 2 days ago" in page
    assert "for ever" in page


def test_names_are_escaped(eve: User) -> None:
    name = "<script>alert(1)</script>"
    client = client_of(eve)
    made = make(client, name=name).content.decode()
    pages = [
        made,
        client.get(LIST).content.decode(),
        client.get(f"{LIST}{ApiToken.objects.get().pk}/revoke/").content.decode(),
    ]

    assert not any(name in page for page in pages)


def test_an_empty_list_says_what_tokens_are_for(eve: User) -> None:
    assert "No token yet" in client_of(eve).get(LIST).content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_costs_the_same_however_long_it_is(
    admin_client: Client, eve: User, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        ApiToken.issue(eve, name=f"script {number}")

    with django_assert_max_num_queries(12):
        assert admin_client.get(LIST).status_code == 200


def test_the_database_keeps_no_text_of_a_token(eve: User) -> None:
    _, text = ApiToken.issue(eve, name="script")

    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(digest=text[:64])
