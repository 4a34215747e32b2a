"""Opting in, being told and opting out, through a mail server that really takes mail."""

import re
from email.message import EmailMessage

import pytest
from django.test import Client

from alerts.models import Letter, Subscriber
from alerts.outbox import letters
from alerts.statuspage.levels import Level
from tests.alerts.channels.test_email import Postbox, part
from tests.alerts.channels.test_email import postbox as postbox
from tests.alerts.incidents.making import make_incident
from tests.alerts.statuspage.making import make_component, post

pytestmark = pytest.mark.django_db


def path_of(address: str) -> str:
    return "/status/" + address.partition("/status/")[2]


def link_in(mail: EmailMessage, kind: str, of: str = "plain") -> str:
    found = re.search(rf"https?://[^/\s\"]+/status/{kind}/[^/\s\"]+/", part(mail, of))
    assert found
    return found[0]


def test_from_the_form_to_the_one_click_that_ends_it(postbox: Postbox, visitor: Client) -> None:
    payments, search = make_component(), make_component("Search")
    data = {"email": "reader@users.example", "takes": "some", "component": [payments.pk]}

    # Somebody subscribes, and confirms by the button behind the link of the letter.
    visitor.post("/status/subscribe/", data)
    assert letters.send_due() == 1
    (question,) = postbox.mails
    assert question["To"] == "reader@users.example"
    assert question["List-Unsubscribe"] is None
    assert link_in(question, "confirm") == link_in(question, "confirm", "html")
    visitor.post(path_of(link_in(question, "confirm")))

    # Two updates about what they chose, and one about something else.
    incident = make_incident("db-7 pool exhausted")
    post(incident, levels={payments: Level.MAJOR}, text="We **look** into it.\n\n- saving fails")
    post(make_incident("db-8"), title="Search fails", levels={search: Level.MAJOR})
    post(incident, "resolved", text="We experienced brief downtime, now resolved.")
    assert letters.send_due() == 2

    _, first, last = postbox.mails
    assert (first["Subject"], last["Subject"]) == ("Payments fail for some", "Re: Payments fail for some")
    assert first["References"] == last["References"] == last["In-Reply-To"]
    assert first["From"].addresses[0].display_name == "Status: Investigating"
    assert "We **look** into it." in part(first, "plain")
    assert "<strong>look</strong>" in part(first, "html")
    assert "Payments: major outage" in part(first, "plain")
    assert "Payments: operational" in part(last, "plain")
    assert "db-7" not in part(first, "plain") + part(first, "html")
    assert visitor.get(path_of(link_in(first, "subscription"))).status_code == 200

    # A mail program posts what RFC 8058 says to the address in the header.
    assert last["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = path_of(last["List-Unsubscribe"].strip("<>"))
    answer = visitor.post(address, "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert not Subscriber.objects.confirmed().exists()
    post(incident, "investigating", levels={payments: Level.MAJOR})
    assert letters.send_due() == 0
    assert len(postbox.mails) == 3


def test_hostile_words_write_no_header_and_no_markup(postbox: Postbox) -> None:
    Subscriber.objects.create(email="reader@users.example", confirmed_at="2026-01-01T00:00Z")
    evil = "<script>alert(1)</script>"

    post(
        make_incident(),
        title=f"x\r\nBcc: evil@users.example {evil}",
        text=evil,
        levels={make_component(evil): Level.MAJOR},
    )
    letters.send_due()

    (mail,) = postbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("x Bcc: evil@users.example <script>")
    assert "<script" not in part(mail, "html")
    assert Letter.objects.get().state == "sent"
