"""A contact counts once its code was typed."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from alerts.models import Channel, ContactPoint
from alerts.models.contact import CODE_VALID_FOR, MOST_CODE_TRIES
from alerts.on_call import reaching
from tests.alerts.people import make_person

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def contact(db: None) -> ContactPoint:
    person = make_person("ada", is_reachable=False)
    return reaching.add_contact(person, kind="email", address="ada@example.org", at=NOW)


def code_of_last_mail() -> str:
    found = re.search(r"code is (\d{6})", str(mail.outbox[-1].body))
    assert found
    return found[1]


def is_working(contact: ContactPoint) -> bool:
    return ContactPoint.objects.working().filter(pk=contact.pk).exists()


def test_the_code_that_arrived_makes_it_work(contact: ContactPoint) -> None:
    assert not is_working(contact)
    assert reaching.send_code(contact, at=NOW).is_accepted
    assert mail.outbox[-1].to == ["ada@example.org"]

    assert reaching.confirm(contact, f" {code_of_last_mail()} ", at=NOW)

    assert is_working(contact)


def test_a_wrong_code_does_not_and_a_few_of_them_end_it(contact: ContactPoint) -> None:
    reaching.send_code(contact, at=NOW)
    code = code_of_last_mail()
    wrong = "000000" if code != "000000" else "111111"
    for _ in range(MOST_CODE_TRIES):
        assert not reaching.confirm(contact, wrong, at=NOW)

    with pytest.raises(reaching.ContactError, match="send a new one"):
        reaching.confirm(contact, code, at=NOW)
    assert not is_working(contact)


def test_a_code_is_worth_nothing_later_or_a_second_time(contact: ContactPoint) -> None:
    reaching.send_code(contact, at=NOW)
    with pytest.raises(reaching.ContactError):
        reaching.confirm(contact, code_of_last_mail(), at=NOW + CODE_VALID_FOR)

    reaching.confirm(contact, code_of_last_mail(), at=NOW)
    with pytest.raises(reaching.ContactError):
        reaching.confirm(contact, code_of_last_mail(), at=NOW)


def test_codes_are_not_sent_faster_than_people_read(contact: ContactPoint) -> None:
    reaching.send_code(contact, at=NOW)
    with pytest.raises(reaching.ContactError, match="half a minute"):
        reaching.send_code(contact, at=NOW + timedelta(seconds=29))

    reaching.send_code(contact, at=NOW + timedelta(seconds=31))

    assert len(mail.outbox) == 2


def test_what_could_not_be_sent_leaves_no_code(contact: ContactPoint, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert not reaching.send_code(contact, at=NOW).is_accepted

    contact.refresh_from_db()
    assert not contact.has_open_code(at=NOW)
    assert "could not be reached" in contact.channel.test_answer


@pytest.mark.parametrize(
    ("kind", "address", "told"),
    [
        ("email", "nobody", "not one"),
        ("email", "a@example.org, b@example.org", "one address"),
        ("slack", "https://example.org/", "Slack"),
        ("webhook", "https://example.org/", "Choose how"),
    ],
)
def test_an_address_that_cannot_work_is_refused(kind: str, address: str, told: str) -> None:
    with pytest.raises(reaching.ContactError, match=told):
        reaching.add_contact(make_person("ada", is_reachable=False), kind=kind, address=address, at=NOW)
    assert not Channel.objects.exists()


def test_nobody_has_more_than_a_few() -> None:
    person = make_person("ada", is_reachable=False)
    for number in range(reaching.MOST_CONTACTS):
        reaching.add_contact(person, kind="email", address=f"ada{number}@example.org", at=NOW)

    with pytest.raises(reaching.ContactError, match="already"):
        reaching.add_contact(person, kind="email", address="more@example.org", at=NOW)


def test_taking_it_out_takes_its_channel_with_it(contact: ContactPoint) -> None:
    reaching.remove_contact(contact)

    assert not Channel.objects.exists()
    assert not ContactPoint.objects.exists()
