"""Subscribing, and the archive."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import Letter, LetterAttempt
from dashboards.digests import links, sending, subscribing
from dashboards.digests.due import due_now
from dashboards.models import Digest, DigestSubscription
from tests.alerts.sending import make_channel
from tests.dashboards.digests.readers import person, sign_in_one_second, subscribe
from tests.dashboards.pages.reading import shown
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
LIST, ADD = "/admin/dashboards/digestsubscription/", "/admin/dashboards/digestsubscription/add/"
ARCHIVE = "/admin/dashboards/digest/"
EIGHT, HOUR = datetime(2026, 12, 1, 7, 0, tzinfo=UTC), timedelta(hours=1)
SAID: dict[str, Any] = {
    "kinds": ["daily", "weekly"], "hour": "8", "weekdays": ["0", "1", "2"], "zone": "Europe/Berlin", "formats": "de",
    "environments": "production",
    "least": "always", "is_enabled": "on",
}  # fmt: skip


def page_of(one: DigestSubscription) -> str:
    return reverse("admin:dashboards_digestsubscription_change", args=[one.pk])


@pytest.fixture
def eve(db: None) -> User:
    """Sees the analytics, and no more."""
    found = make_person("eve", "view_analytics")
    User.objects.filter(pk=found.pk).update(email="eve@lift.example")
    return found


class TestOnesOwn:
    def test_everybody_with_the_analytics_subscribes_for_themselves(self, eve: User) -> None:
        client = client_of(eve)
        form = shown(client, ADD)
        assert 'name="email"' not in form
        assert 'name="person"' not in form
        # What most people want is filled in.
        assert re.search(r'<option value="8" selected>\s*08:00', form)
        assert re.search(r'name="environments" value="production"', form)

        answer = client.post(ADD, {**SAID, "person": "1", "email": "victim@example.org"})

        assert answer.status_code == 302, answer.content.decode()[:500]
        one = DigestSubscription.objects.get()
        assert (one.person, one.email, one.kinds, one.hour, one.weekdays) == (
            eve,
            "",
            ["daily", "weekly"],
            8,
            [0, 1, 2],
        )
        assert Letter.objects.count() == 0

    def test_nobody_sees_or_changes_another_s(self, eve: User) -> None:
        others = subscribe(person("ada"))
        client = client_of(eve)

        assert "ada@" not in shown(client, LIST)
        assert client.get(page_of(others)).status_code == 302  # as if there were none
        assert client.post(page_of(others), SAID).status_code == 302
        assert client.post(reverse("admin:dashboards_digestsubscription_ask", args=[others.pk])).status_code == 403
        others.refresh_from_db()
        assert others.kinds == ["daily"]

    def test_the_page_says_when_the_next_one_comes_on_its_own_clock(self, eve: User) -> None:
        one = subscribe(eve, zone="Asia/Tokyo", hour=6)

        html = shown(client_of(eve), page_of(one))

        assert re.search(r"<strong>Daily</strong> \w+ \d+ \w+ \d+, 06:00 JST", html)
        assert re.search(r"Daily: \w+ \d+ \w+ \d+, 06:00 JST", shown(client_of(eve), LIST))

    @pytest.mark.parametrize(
        ("asked", "chosen"),
        [
            ("de-LU,de;q=0.9,en;q=0.8", "de"),
            ("ja,fr;q=0.5", "fr"),
            ("de;q=0,sv", "sv"),
            ("", "en-GB"),
            ("x" * 9000, "en-GB"),
        ],
    )
    def test_numbers_and_dates_are_first_those_of_the_browser(self, eve: User, asked: str, chosen: str) -> None:
        form = client_of(eve).get(ADD, headers={"Accept-Language": asked}).content.decode()

        (option,) = re.findall(r'<option value="([^"]+)" selected>[^<]*18[:.]30', form)
        assert option == chosen
        assert "German: 1.204,5 and Fr., 27. Nov. 2026, 18:30" in unescape(form).replace("\u00a0", " ")

    def test_the_next_one_is_told_as_its_reader_writes_it(self, eve: User) -> None:
        one = subscribe(eve, formats="en-US", hour=18)

        html = shown(client_of(eve), page_of(one))

        assert re.search(r"<strong>Daily</strong> \w+,\s\w+\s\d+,\s\d+,\s6:00\sPM CES?T", unescape(html))

    def test_a_format_that_is_not_offered_is_refused(self, eve: User) -> None:
        answer = client_of(eve).post(ADD, {**SAID, "formats": "ar"})

        assert answer.status_code == 200
        assert not DigestSubscription.objects.exists()

    def test_it_can_be_ended(self, eve: User) -> None:
        one = subscribe(eve)
        client_of(eve).post(reverse("admin:dashboards_digestsubscription_delete", args=[one.pk]), {"post": "yes"})

        assert not DigestSubscription.objects.exists()

    def test_another_hour_sends_nothing_of_before(self, eve: User) -> None:
        one = subscribe(eve)
        client_of(eve).post(
            page_of(one), {**SAID, "hour": "3", "kinds": ["daily", "monthly"], "weekdays": list("0123456")}
        )
        one.refresh_from_db()

        assert one.hour == 3
        assert timezone.now() - one.since_at < timedelta(minutes=1)
        assert due_now(now=timezone.now()) == []

    def test_what_decides_nothing_leaves_it_as_it_is(self, eve: User) -> None:
        one = subscribe(eve, environments=["production"], kinds=["daily", "weekly"], weekdays=[0, 1, 2])
        client_of(eve).post(page_of(one), {**SAID, "least": "changed"})
        before = one.since_at
        one.refresh_from_db()

        assert (one.least, one.since_at) == ("changed", before)

    def test_without_the_right_there_is_nothing(self) -> None:
        nobody = client_of(make_person("max", "view_issue"))

        for page in (LIST, ADD, ARCHIVE):
            assert nobody.get(page).status_code == 403


class TestEverybodys:
    def test_an_address_is_asked_whether_it_was_they(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_in_one_second(monkeypatch)
        answer: Any = admin_client.post(ADD, {**SAID, "email": "mo@users.example"}, follow=True)

        one = DigestSubscription.objects.get()
        letter = Letter.objects.get()
        assert (one.confirmed_at, letter.to, letter.is_digest) == (None, "mo@users.example", True)
        assert links.confirm_url(one) in letter.text.replace("\n", "")
        assert "A letter to mo@users.example asks" in answer.content.decode()
        assert "waits for the address to be confirmed" in shown(admin_client, LIST)

    def test_another_address_is_asked_anew_and_the_old_link_is_worthless(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sign_in_one_second(monkeypatch)
        one = subscribe(email="mo@users.example")
        old = links.confirm_url(one)

        admin_client.post(page_of(one), {**SAID, "email": "jo@users.example"})

        one.refresh_from_db()
        assert one.confirmed_at is None
        assert links.confirm_url(one) != old
        assert Letter.objects.get().to == "jo@users.example"

    def test_it_is_asked_again_by_a_button_but_not_without_end(self, admin_client: Client) -> None:
        one = subscribe(email="mo@users.example", confirmed_at=None)
        again = reverse("admin:dashboards_digestsubscription_ask", args=[one.pk])
        assert "Send the letter again" in shown(admin_client, page_of(one))
        assert admin_client.get(again).status_code == 405

        admin_client.post(again)
        answer: Any = admin_client.post(again, follow=True)

        assert Letter.objects.count() == 1
        assert "within the last 15 minutes" in answer.content.decode()
        for hours in (1, 2):
            subscribing.ask_to_confirm(one, at=timezone.now() + hours * HOUR)
        with pytest.raises(subscribing.SubscribingError, match="three times today"):
            subscribing.ask_to_confirm(one, at=timezone.now() + 3 * HOUR)

    def test_one_reader_is_chosen_and_no_more(self, admin_client: Client, admin_user: User) -> None:
        both = {**SAID, "email": "mo@users.example", "person": str(admin_user.pk)}
        for said in (both, SAID):
            answer = admin_client.post(ADD, said)
            assert "Choose a person, an e-mail address or a channel, and only one of them." in unescape(
                answer.content.decode()
            )
        assert not DigestSubscription.objects.exists()

    def test_channels_that_take_alerts_only_are_not_offered(self, admin_client: Client) -> None:
        make_channel("pagerduty", "Pager", routing_key="0123456789abcdef0123456789abcdef")
        make_channel("email", "Team", to="team@lift.example")
        form = shown(admin_client, ADD)

        assert "Team" in form
        assert ">Pager<" not in form

    def test_the_list_asks_few_questions(self, admin_client: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(20):
            subscribe(person(f"p{number}"))
        admin_client.get(LIST)
        with django_assert_max_num_queries(16):
            admin_client.get(LIST)


class TestArchive:
    @pytest.fixture
    def sent(self) -> Digest:
        subscribe(person("ada"), since_at=EIGHT - HOUR)
        subscribe(email="mo@users.example", since_at=EIGHT - HOUR)
        subscribe(person("max", email=""), since_at=EIGHT - HOUR)
        sending.send_due(now=EIGHT)
        letter = Letter.objects.get(to="ada@lift.example")
        LetterAttempt.objects.create(
            letter=letter, at=EIGHT, is_accepted=True, status=250, answer="Accepted.", took_ms=3
        )
        Letter.objects.filter(pk=letter.pk).update(state="sent", attempt_count=1, settled_at=EIGHT)
        return Digest.objects.get()

    def test_it_shows_what_was_sent_and_who_got_it(self, sent: Digest, admin_client: Client) -> None:
        html = shown(admin_client, reverse("admin:dashboards_digest_change", args=[sent.pk]))

        assert "srcdoc=" in html
        assert "It went out in 2 forms" in html
        for said in ("ada", "mo@users.example", "Accepted.", "max has no e-mail address."):
            assert said in html
        assert "liftmon.invalid" not in html
        assert "/digests/" not in html
        assert "2 readers" in shown(admin_client, ARCHIVE)

    def test_the_other_form_has_no_links_into_the_admin(self, sent: Digest, admin_client: Client) -> None:
        outside = sent.copies.get(has_links=False)
        html = shown(admin_client, f"{reverse('admin:dashboards_digest_change', args=[sent.pk])}?copy={outside.pk}")
        frame = unescape(re.findall(r'srcdoc="([^"]*)"', html)[0])

        assert "/admin/" not in frame

    def test_others_than_oneself_are_for_those_with_the_right(self, sent: Digest, eve: User) -> None:
        html = shown(client_of(eve), reverse("admin:dashboards_digest_change", args=[sent.pk]))

        assert "mo@users.example" not in html
        assert "Nobody whom you may see." in html

    def test_it_goes_to_who_asks_for_it(self, sent: Digest, eve: User) -> None:
        client, send = client_of(eve), reverse("admin:dashboards_digest_send", args=[sent.pk])
        assert client.get(send).status_code == 405

        answer: Any = client.post(send, follow=True)

        assert "It goes to eve@lift.example" in answer.content.decode()
        assert "eve@lift.example, who asked for it" in answer.content.decode()
        assert Letter.objects.filter(to="eve@lift.example").count() == 1

    def test_nobody_changes_it(self, sent: Digest, admin_client: Client) -> None:
        assert admin_client.get(f"{ARCHIVE}add/").status_code == 403
        assert admin_client.post(reverse("admin:dashboards_digest_delete", args=[sent.pk])).status_code == 403

    def test_its_page_asks_as_much_for_many_readers(
        self, admin_client: Client, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(30):
            subscribe(person(f"p{number}"), since_at=EIGHT - HOUR)
        sending.send_due(now=EIGHT)
        page = reverse("admin:dashboards_digest_change", args=[Digest.objects.get().pk])
        admin_client.get(page)
        with django_assert_max_num_queries(24):
            admin_client.get(page)
