"""What readers without an account open and press: one digest, confirming, unsubscribing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import signing
from django.test import Client
from django.utils import timezone

from dashboards.digests import links
from dashboards.digests.content import written
from dashboards.models import Digest, DigestDelivery, DigestSubscription
from events.models import Service
from tests.dashboards.digests.contents import rich
from tests.dashboards.digests.pages import parsed

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor() -> Client:
    """Without an account, and without the token that forms of the admin need."""
    return Client(enforce_csrf_checks=True)


def make_reader(**fields: Any) -> DigestSubscription:
    fields = {"kinds": ["daily"], "zone": "Europe/Berlin", "confirmed_at": timezone.now(), **fields}
    if "person" not in fields:
        fields.setdefault("email", "reader@users.example")
    return DigestSubscription.objects.create(**fields)


def make_digest(**fields: Any) -> Digest:
    end = datetime(2026, 11, 27, 7, tzinfo=UTC)
    made = {
        "kind": "daily", "scope": "|production|Europe/Berlin", "start_at": end - timedelta(days=1), "end_at": end,
        "built_at": end, "is_changed": True, "content": written(rich()),
    }  # fmt: skip
    return Digest.objects.create(**{**made, **fields})


def path_of(address: str) -> str:
    return "/digests/" + address.partition("/digests/")[2]


def public(reader: DigestSubscription, digest: Digest) -> str:
    return path_of(links.digest_url(digest.pk, reader.pk))


def test_a_link_shows_one_digest_to_somebody_who_cannot_sign_in(visitor: Client) -> None:
    answer = visitor.get(public(make_reader(), make_digest()))

    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Payment checkout is failing for 31 users." in page
    assert "Thu 26 Nov, 08:00 – Fri 27 Nov 2026, 08:00 (Europe/Berlin)" in page
    assert "All services in production" in page
    assert list(parsed(page).iter("a")) == []
    assert "/admin/" not in page


def test_nobody_keeps_indexes_or_passes_on_the_secret_address(visitor: Client) -> None:
    answer = visitor.get(public(make_reader(), make_digest()))

    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "img-src data:" in policy
    assert answer.cookies == {}


def test_for_a_reader_of_the_staff_what_it_names_leads_into_the_admin(visitor: Client, settings: Any) -> None:
    settings.BASE_URL = "https://mon.example"
    person = get_user_model().objects.create_user("ada", is_staff=True, is_superuser=True)

    page = visitor.get(public(make_reader(person=person), make_digest())).content.decode()

    assert 'href="https://mon.example/admin/alerts/incident/12/change/"' in page


def test_so_it_does_for_whoever_is_signed_in_as_staff(admin_client: Client) -> None:
    assert (
        "/admin/alerts/incident/12/change/" in admin_client.get(public(make_reader(), make_digest())).content.decode()
    )


def test_it_names_the_services_and_says_when_it_came_late(visitor: Client) -> None:
    reader, digest = make_reader(environments=[]), make_digest()
    reader.services.add(Service.objects.create(name="<b>web</b>", slug="web"))
    DigestDelivery.objects.create(
        subscription=reader, kind="daily", day="2026-11-27", end_at=digest.end_at, digest=digest, created_at=digest.end_at,
        is_late=True,
    )  # fmt: skip

    page = visitor.get(public(reader, digest)).content.decode()

    assert "&lt;b&gt;web&lt;/b&gt; in all environments" in page
    assert "Late: it was due on Friday 27 November 2026 at 08:00." in page


def test_a_link_expires(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    path = public(make_reader(), make_digest())
    monkeypatch.setattr(links, "READ_WITHIN", timedelta(seconds=-1))

    answer = visitor.get(path)

    assert answer.status_code == 410
    assert "has expired" in answer.content.decode()


@pytest.mark.parametrize("fields", [{"is_enabled": False}, {"confirmed_at": None}])
def test_a_link_ends_with_the_subscription(visitor: Client, fields: dict[str, Any]) -> None:
    answer = visitor.get(public(make_reader(**fields), make_digest()))

    assert answer.status_code == 410
    assert "Payment" not in answer.content.decode()


def test_a_link_ends_with_the_account_of_its_reader(visitor: Client) -> None:
    person = get_user_model().objects.create_user("ada", is_active=False)

    assert visitor.get(public(make_reader(person=person), make_digest())).status_code == 410


@pytest.mark.parametrize("token", ["x", "WzEsMV0:1:x", "%00", "a" * 5000])
@pytest.mark.parametrize("what", ["read", "confirm", "unsubscribe"])
def test_addresses_that_are_not_ours_show_nothing(visitor: Client, what: str, token: str) -> None:
    for answer in (visitor.get(f"/digests/{what}/{token}/"), visitor.post(f"/digests/{what}/{token}/")):
        assert answer.status_code in (404, 405)


def test_a_link_for_one_thing_does_no_other(visitor: Client) -> None:
    reader = make_reader(confirmed_at=None)
    token = path_of(links.confirm_url(reader)).split("/")[3]

    assert visitor.post(f"/digests/unsubscribe/{token}/").status_code == 404
    assert visitor.get(f"/digests/read/{token}/").status_code == 404
    reader.refresh_from_db()
    assert reader.is_enabled


@pytest.mark.parametrize("value", [["1"], [True], [1, 2, 3], {"a": 1}, 7])
def test_what_is_signed_and_is_no_pair_of_numbers_is_refused(visitor: Client, value: Any) -> None:
    token = signing.dumps(value, salt="dashboards.digests.digest")

    assert visitor.get(f"/digests/read/{token}/").status_code == 404


def test_it_says_so_when_a_digest_is_no_longer_kept(visitor: Client) -> None:
    digest = make_digest()
    path = public(make_reader(), digest)
    digest.delete()

    answer = visitor.get(path)

    assert (answer.status_code, "no longer kept" in answer.content.decode()) == (410, True)


def test_only_the_button_confirms(visitor: Client) -> None:
    reader = make_reader(confirmed_at=None, kinds=["daily", "weekly"])
    path = path_of(links.confirm_url(reader))

    asked = visitor.get(path)
    reader.refresh_from_db()
    assert reader.confirmed_at is None
    assert "Do you want the daily review and the weekly review?" in asked.content.decode()
    parsed(asked.content.decode())

    assert "Thank you" in visitor.post(path).content.decode()
    reader.refresh_from_db()
    first = reader.confirmed_at
    assert first is not None

    assert visitor.post(path).status_code == 200
    reader.refresh_from_db()
    assert reader.confirmed_at == first


def test_a_confirmation_of_another_address_is_worth_nothing(visitor: Client) -> None:
    reader = make_reader(confirmed_at=None)
    path = path_of(links.confirm_url(reader))
    DigestSubscription.objects.update(email="other@users.example", link_number=2)

    assert visitor.post(path).status_code == 410
    reader.refresh_from_db()
    assert reader.confirmed_at is None


def test_a_confirmation_expires(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = make_reader(confirmed_at=None)
    monkeypatch.setattr(links, "CONFIRM_WITHIN", timedelta(seconds=-1))

    assert visitor.post(path_of(links.confirm_url(reader))).status_code == 410


def test_mail_programs_end_a_subscription_with_one_click(visitor: Client) -> None:
    reader = make_reader(kinds=["daily", "weekly"])
    headers = links.list_headers(reader)

    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"].startswith("Liftmon digests <digests.")
    path = path_of(headers["List-Unsubscribe"].strip("<>"))
    answer = visitor.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")

    assert answer.status_code == 200
    reader.refresh_from_db()
    assert not reader.is_enabled
    assert "not subscribed any more" in visitor.get(path).content.decode()
    assert visitor.post(path).status_code == 200


def test_opening_the_link_ends_nothing(visitor: Client) -> None:
    reader = make_reader()

    for method in (visitor.get, visitor.head):
        assert method(path_of(links.unsubscribe_url(reader))).status_code == 200

    reader.refresh_from_db()
    assert reader.is_enabled
    page = visitor.get(path_of(links.unsubscribe_url(reader))).content.decode()
    assert len(list(parsed(page).iter("button"))) == 1


def test_one_kind_of_several_can_be_ended_alone(visitor: Client) -> None:
    reader = make_reader(kinds=["daily", "weekly"])
    path = path_of(links.unsubscribe_url(reader))
    assert "Stop the daily review" in visitor.get(path).content.decode()

    page = visitor.post(path, {"kind": "daily"}).content.decode()

    reader.refresh_from_db()
    assert (reader.kinds, reader.is_enabled) == (["weekly"], True)
    assert "You still get: weekly review, Mon " in page
    visitor.post(path, {"kind": "daily"})
    visitor.post(path, {"kind": "weekly"})
    reader.refresh_from_db()
    assert (reader.kinds, reader.is_enabled) == (["weekly"], False)


def test_it_says_when_the_next_one_comes_as_the_reader_writes_it(visitor: Client) -> None:
    reader = make_reader(formats="de", confirmed_at=None, kinds=["daily", "weekly"])

    page = visitor.post(path_of(links.confirm_url(reader))).content.decode().replace("\u00a0", " ")

    assert re.search(
        r"Next: daily review, (Mo|Di|Mi|Do|Fr)\., \d+\. \w+\.? \d{4}, 08:00 CES?T; weekly review, Mo\., ", page
    )


def test_it_does_not_say_that_one_comes_which_is_switched_off(visitor: Client) -> None:
    reader = make_reader(confirmed_at=None, is_enabled=False)

    page = visitor.post(path_of(links.confirm_url(reader))).content.decode()

    assert "It is switched off for now." in page


def test_a_link_shows_a_digest_in_the_formats_of_its_sentences(visitor: Client) -> None:
    digest = make_digest(scope="|production|de|Europe/Berlin")

    page = visitor.get(public(make_reader(formats="fr"), digest)).content.decode()

    page = page.replace("&nbsp;", " ")
    assert "Do., 26. Nov., 08:00 – Fr., 27. Nov. 2026, 08:00 (Europe/Berlin)" in page
    assert '<html lang="en"' in page


def test_it_costs_few_queries(visitor: Client, django_assert_max_num_queries: Any) -> None:
    path = public(make_reader(), make_digest())

    with django_assert_max_num_queries(5):
        visitor.get(path)


def test_it_says_so_when_the_database_is_away(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away(*_: object) -> None:
        raise OperationalError("no database")

    monkeypatch.setattr("dashboards.digests.opting.shared", away)
    answer = visitor.get(path_of(links.digest_url(1, 1)))

    assert (answer.status_code, "try again" in answer.content.decode()) == (503, True)
