"""Opting in and out, as a stranger's browser and a mail program do it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from alerts.models import Letter, Subscriber
from alerts.statuspage import signed_links, subscribing
from alerts.statuspage.levels import Level
from alerts.statuspage.pace import MOST_AN_HOUR, Pace, client_of
from tests.alerts.incidents.making import make_incident
from tests.alerts.statuspage.making import DAY, HOUR, make_component, make_subscriber, post

pytestmark = pytest.mark.django_db
SENT = "We have sent a letter to that address"


def ask(client: Client, email: str = "reader@users.example", *components: int, **more: Any) -> Any:
    data = {"email": email, "takes": "some" if components else "all", "component": components}
    return client.post("/status/subscribe/", data, **more)


def path_in(letter: Letter, kind: str) -> str:
    found = re.search(rf"https?://[^/]+(/status/{kind}/[^/\s]+/)", letter.text)
    assert found
    return found[1]


def newest() -> Letter:
    return Letter.objects.order_by("-pk")[0]


class TestOptingIn:
    def test_nothing_is_sent_before_the_button_behind_the_letter_is_pressed(self, visitor: Client) -> None:
        payments, search = make_component(), make_component("Search")
        assert SENT in ask(visitor, "reader@users.example", payments.pk).content.decode()
        address = path_in(newest(), "confirm")

        for opened in (visitor.get(address), visitor.head(address)):
            assert opened.status_code == 200
        assert Subscriber.objects.get().confirmed_at is None
        assert post(make_incident(), levels={payments: Level.MAJOR}).letter_count == 0

        assert "You are subscribed" in visitor.post(address).content.decode()
        assert "You are subscribed" in visitor.post(address).content.decode()  # twice is once
        assert post(make_incident(), levels={payments: Level.MAJOR}).letter_count == 1
        assert post(make_incident(), levels={search: Level.MAJOR}).letter_count == 0

    def test_the_letter_asks_and_says_what_happens_otherwise(self, visitor: Client, settings: Any) -> None:
        settings.STATUS_PAGE_NAME = "lift"
        ask(visitor)

        letter = newest()
        assert (letter.to, letter.subject) == ("reader@users.example", "Confirm: updates of lift status")
        for body in (letter.text, letter.html):
            assert "If it was not you, do nothing" in body

    def test_the_answer_is_the_same_whoever_is_subscribed(self, visitor: Client) -> None:
        make_subscriber("known@users.example")

        answers = {ask(visitor, f"{name}@users.example").content for name in ("known", "unknown", "known", "unknown")}

        assert len(answers) == 1
        assert Letter.objects.count() == 2

    def test_somebody_elses_question_changes_nothing_of_a_subscription(self, visitor: Client) -> None:
        payments = make_component()
        make_subscriber("known@users.example", payments)

        ask(visitor, "KNOWN@users.example")

        assert list(Subscriber.objects.get().components.all()) == [payments]
        assert newest().subject.startswith("Your subscription")

    def test_an_old_link_confirms_nothing(self, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        ask(visitor)
        address = path_in(newest(), "confirm")
        monkeypatch.setattr(signed_links, "CONFIRM_WITHIN", timedelta(seconds=-1))

        answer = visitor.post(address)

        assert answer.status_code == 410
        assert "Subscribe again" in answer.content.decode()
        assert Subscriber.objects.get().confirmed_at is None

    def test_a_link_from_before_unsubscribing_confirms_nothing(self, visitor: Client) -> None:
        ask(visitor)
        confirm = path_in(newest(), "confirm")
        visitor.post(confirm)
        subscribing.unsubscribe(Subscriber.objects.get().pk, at=timezone.now())

        assert visitor.post(confirm).status_code == 404
        assert not Subscriber.objects.confirmed().exists()

    def test_who_unsubscribed_can_subscribe_again(self, visitor: Client) -> None:
        subscriber = make_subscriber()
        subscribing.unsubscribe(subscriber.pk, at=timezone.now())

        ask(visitor)
        visitor.post(path_in(newest(), "confirm"))

        assert Subscriber.objects.confirmed().count() == 1


class TestLimits:
    def test_one_address_gets_a_letter_in_a_quarter_of_an_hour(self, visitor: Client) -> None:
        for _ in range(3):
            ask(visitor)
        assert Letter.objects.count() == 1

        Subscriber.objects.update(asked_at=timezone.now() - timedelta(minutes=16))
        ask(visitor)
        assert Letter.objects.count() == 2

    def test_and_three_a_day(self) -> None:
        now = timezone.now()
        for number in range(8):
            subscribing.ask("reader@users.example", [], at=now + number * HOUR)

        assert Letter.objects.count() == 3

    def test_a_client_may_ask_ten_times_an_hour(self, visitor: Client) -> None:
        for number in range(MOST_AN_HOUR):
            assert ask(visitor, f"reader{number}@users.example").status_code == 200

        refused = ask(visitor, "another@users.example")
        assert refused.status_code == 429
        assert "try again in an hour" in refused.content.decode()
        assert ask(visitor, "another@users.example", REMOTE_ADDR="198.51.100.7").status_code == 200

    def test_all_clients_together_two_hundred(self) -> None:
        now = timezone.now()
        Subscriber.objects.bulk_create(
            Subscriber(email=f"r{number}@users.example", asked_at=now) for number in range(200)
        )

        with pytest.raises(subscribing.SubscribingError, match="try again"):
            subscribing.ask("one@users.example", [], at=now)

    @pytest.mark.parametrize(
        "email", ["", "x", "a@b", "a b@users.example", "a\r\nBcc: x@users.example", "x" * 250 + "@users.example"]
    )
    def test_what_is_no_address_is_said(self, visitor: Client, email: str) -> None:
        answer = ask(visitor, email)

        assert answer.status_code == 422
        assert "Write an e-mail address" in answer.content.decode()
        assert not Subscriber.objects.exists()

    def test_components_that_are_not_there_are_left_out(self, visitor: Client) -> None:
        inner = make_component("Kafka", is_public=False)

        ask(visitor, "reader@users.example", inner.pk, 999_999)

        assert Subscriber.objects.get().components.count() == 0

    def test_forms_of_the_admin_need_not_be_there(self, visitor: Client) -> None:
        """No cookie, no token, and nothing that a forged request could use."""
        assert not ask(visitor).cookies

    def test_without_the_database_it_says_so(self, visitor: Client) -> None:
        def refuse(*_: Any) -> None:
            raise OperationalError

        with connection.execute_wrapper(refuse):
            answer = ask(visitor)

        assert answer.status_code == 503


class TestTheClient:
    @pytest.mark.parametrize(
        ("remote", "forwarded", "is_behind_proxy", "client"),
        [
            ("192.0.2.1", "", False, "192.0.2.1"),
            ("192.0.2.1", "203.0.113.9", False, "192.0.2.1"),
            ("127.0.0.1", "6.6.6.6, 203.0.113.9", True, "203.0.113.9"),
            ("2001:db8:1:2:3::4", "", False, "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::9]", "", False, "2001:db8:1:2::/64"),
            ("", "", False, ""),
        ],
    )
    def test_it_is_known_by_what_the_nearest_server_says(
        self, settings: Any, remote: str, forwarded: str, is_behind_proxy: bool, client: str
    ) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if is_behind_proxy else None
        request = HttpRequest()
        request.META = {"REMOTE_ADDR": remote, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {})}

        assert client_of(request) == client

    def test_an_hour_later_it_may_ask_again(self) -> None:
        pace = Pace(most=2)

        assert [pace.takes("a", now=at) for at in (0.0, 1.0, 2.0, 3599.0, 3600.5, 3600.6)] == [
            True,
            True,
            False,
            False,
            True,
            False,
        ]


class TestChoosing:
    def manage(self, subscriber: Subscriber) -> str:
        return f"/status/subscription/{signed_links.subscription_token(subscriber)}/"

    def test_components_are_chosen_by_the_link_of_a_letter(self, visitor: Client) -> None:
        payments, search = make_component(), make_component("Search")
        subscriber = make_subscriber("reader@users.example", payments)
        address = self.manage(subscriber)

        page = visitor.get(address).content.decode()
        assert re.search(rf'value="{payments.pk}" checked', page)
        answer = visitor.post(address, {"takes": "some", "component": [search.pk]}, follow=True)
        assert "It is kept." in answer.content.decode()
        assert list(subscriber.components.all()) == [search]

        visitor.post(address, {"takes": "all"})
        assert not subscriber.components.exists()

    def test_nothing_at_all_is_no_choice(self, visitor: Client) -> None:
        payments = make_component()
        subscriber = make_subscriber("reader@users.example", payments)

        answer = visitor.post(self.manage(subscriber), {"takes": "some"})

        assert answer.status_code == 422
        assert list(subscriber.components.all()) == [payments]

    @pytest.mark.parametrize("kind", ["subscription", "unsubscribe", "confirm"])
    @pytest.mark.parametrize(
        "token",
        ["x", "WzEsMV0:1abcde:forged", signing.dumps([1, 1], salt="another"), signing.dumps("x")],
        ids=["nonsense", "forged", "of-another-kind", "of-nothing"],
    )
    def test_a_forged_link_does_nothing(self, visitor: Client, kind: str, token: str) -> None:
        make_subscriber()

        for method in (visitor.get, visitor.post):
            answer = method(f"/status/{kind}/{token}/")
            assert answer.status_code == 404
            assert "not complete" in answer.content.decode()
        assert Subscriber.objects.confirmed().count() == 1

    def test_the_secret_of_the_address_is_not_handed_on(self, visitor: Client) -> None:
        answer = visitor.get(self.manage(make_subscriber()))

        assert answer["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer["Cache-Control"]


class TestOptingOut:
    def test_a_mail_program_does_it_with_one_post(self, visitor: Client) -> None:
        subscriber = make_subscriber()
        incident, payments = make_incident(), make_component()
        post(incident, levels={payments: Level.MAJOR})
        letter = newest()
        address = letter.headers["List-Unsubscribe"].strip("<>")
        path = "/status/" + address.partition("/status/")[2]

        assert visitor.get(path).status_code == 200
        subscriber.refresh_from_db()
        assert subscriber.unsubscribed_at is None

        answer = visitor.post(path, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.cookies.output()) == (200, "")
        subscriber.refresh_from_db()
        letter.refresh_from_db()
        assert subscriber.unsubscribed_at is not None
        assert (letter.state, letter.reason) == ("dropped", "They unsubscribed.")
        assert post(incident, "resolved").letter_count == 0

        # A second time, from an older letter, and after the address is forgotten.
        assert visitor.post(path).status_code == 200
        Subscriber.objects.all().delete()
        assert visitor.post(path).status_code == 200

    def test_an_old_letter_ends_a_newer_subscription(self, visitor: Client) -> None:
        subscriber = make_subscriber()
        path = f"/status/unsubscribe/{signed_links.subscription_token(subscriber)}/"
        visitor.post(path)
        ask(visitor)
        visitor.post(path_in(newest(), "confirm"))
        assert Subscriber.objects.confirmed().exists()

        visitor.post(path)

        assert not Subscriber.objects.confirmed().exists()


class TestForgetting:
    def test_what_was_not_confirmed_or_given_up_is_forgotten_after_a_week(self) -> None:
        now = timezone.now()
        kept = make_subscriber("kept@users.example")
        for name, fields in {
            "silent": {"created_at": now - 8 * DAY, "asked_at": now - 8 * DAY},
            "asked-again": {"created_at": now - 8 * DAY, "asked_at": now - DAY},
            "new": {"created_at": now - DAY},
            "gone": {"created_at": now - 90 * DAY, "unsubscribed_at": now - 8 * DAY},
            "just-gone": {"created_at": now - 90 * DAY, "unsubscribed_at": now - DAY},
        }.items():
            Subscriber.objects.create(email=f"{name}@users.example", **fields)
        Subscriber.objects.filter(pk=kept.pk).update(created_at=now - 400 * DAY)

        subscribing.forget(now=now)

        left = {one.partition("@")[0] for one in Subscriber.objects.values_list("email", flat=True)}
        assert left == {"kept", "asked-again", "new", "just-gone"}

    def test_old_letters_are_forgotten_and_waiting_ones_are_not(self) -> None:
        now = timezone.now()
        for number, settled in enumerate((now - 91 * DAY, now - DAY, None)):
            Letter.objects.create(
                once=str(number), to="a@users.example", subject="x", text="x", created_at=now - 99 * DAY, due_at=now,
                settled_at=settled,
            )  # fmt: skip

        subscribing.forget(now=now)

        assert set(Letter.objects.values_list("once", flat=True)) == {"1", "2"}
