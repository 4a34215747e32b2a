"""A person's own contacts and quiet hours."""

import re

import pytest
from django.core import mail
from django.test import Client

from alerts.models import (
    Channel,
    ContactPoint,
    QuietHours,
)
from alerts.sealing import seal
from tests.alerts.admin.on_call.visiting import CONTACTS, page
from tests.alerts.people import make_contact, make_person
from tests.events.admin.people import client_of

pytestmark = pytest.mark.django_db


class TestMyContacts:
    def test_everybody_adds_and_tests_their_own(self) -> None:
        ada = make_person("ada", is_reachable=False)
        client = client_of(ada)
        assert "Liftmon cannot reach you" in page(client, CONTACTS)

        client.post(CONTACTS, {"action": "add", "kind": "email", "address": "ada@example.org"})
        contact = ContactPoint.objects.get(person=ada)
        found = re.search(r"code is (\d{6})", str(mail.outbox[-1].body))
        assert found
        assert "Not tested" in page(client, CONTACTS)
        client.post(CONTACTS, {"action": "confirm", "contact": contact.pk, "code": found[1]})

        shown = page(client, CONTACTS)
        assert "ada@example.org" in shown
        assert "Works; tested" in shown

    def test_an_address_that_cannot_work_is_refused_with_the_fix(self) -> None:
        answer = client_of(make_person("ada")).post(CONTACTS, {"action": "add", "kind": "email", "address": "ada"})

        assert answer.status_code == 422
        assert "write name@host" in answer.content.decode()

    @pytest.mark.parametrize("action", ["send_code", "confirm", "remove"])
    def test_nobody_reaches_what_is_another_persons(self, action: str) -> None:
        of_ada = make_person("ada").contact_points.get()

        answer = client_of(make_person("eve")).post(CONTACTS, {"action": action, "contact": of_ada.pk, "code": "1"})

        assert answer.status_code == 404
        assert ContactPoint.objects.filter(pk=of_ada.pk).exists()
        assert "ada@example.org" not in page(client_of(make_person("max")), CONTACTS)
        assert mail.outbox == []

    def test_a_secret_address_is_shown_by_its_end_alone(self) -> None:
        ada = make_person("ada", is_reachable=False)
        address = "https://hooks.slack.com/services/T000/B000/abcdefghijkl"
        channel = make_contact(ada).channel
        Channel.objects.filter(pk=channel.pk).update(kind="slack", sealed_settings=seal({"webhook_url": address}))

        shown = page(client_of(ada), CONTACTS)

        assert "••••ijkl" in shown
        assert "abcdefgh" not in shown

    def test_quiet_hours_are_added_and_taken_out(self) -> None:
        ada = make_person("ada")
        client = client_of(ada)
        values = {
            "action": "add_quiet", "from_time": "22:00", "to_time": "07:00", "weekdays": ["0", "4"],
            "time_zone": "Europe/Berlin",
        }  # fmt: skip

        client.post(CONTACTS, values)

        quiet = QuietHours.objects.get(person=ada)
        assert "22:00 to 07:00 on Monday and Friday (Europe/Berlin)" in page(client, CONTACTS)
        stranger = client_of(make_person("eve"))
        assert stranger.post(CONTACTS, {"action": "remove_quiet", "quiet": quiet.pk}).status_code == 404
        client.post(CONTACTS, {"action": "remove_quiet", "quiet": quiet.pk})
        assert not QuietHours.objects.exists()

    def test_quiet_hours_without_a_day_are_refused(self) -> None:
        values = {"action": "add_quiet", "from_time": "22:00", "to_time": "07:00", "time_zone": "Europe/Berlin"}

        assert client_of(make_person("ada")).post(CONTACTS, values).status_code == 422

    def test_only_staff_come_here(self) -> None:
        assert Client().get(CONTACTS).status_code == 302
