"""Letters, with a mail server that really answers."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from alerts import delivery
from alerts.models import Letter, LetterAttempt
from alerts.outbox import letters, reach
from events.turns import one_at_a_time
from tests.alerts.channels.test_email import Postbox, part
from tests.alerts.channels.test_email import postbox as postbox

pytestmark = pytest.mark.django_db


def write(number: int = 1, **fields: Any) -> Letter:
    now = timezone.now()
    values = {
        "once": f"test:{number}", "to": f"reader{number}@users.example", "subject": "Payments fail", "text": "We look.",
        "html": "<p>We look.</p>", "created_at": now, "due_at": now, **fields,
    }  # fmt: skip
    return Letter.objects.create(**values)


def due_now() -> None:
    Letter.objects.filter(state="waiting").update(due_at=timezone.now(), busy_until=None)


def test_it_sends_what_is_due_over_one_connection(postbox: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    handle = Postbox.handle_DATA

    async def noted(self: Postbox, server: Any, session: Any, envelope: Any) -> str:
        opened.append(session.peer)
        return await handle(self, server, session, envelope)

    monkeypatch.setattr(Postbox, "handle_DATA", noted)
    for number in range(3):
        write(number, headers={"List-Unsubscribe": f"<https://status.example/{number}/>", "From-Name": "lift status"})
    write(9, due_at=timezone.now() + timedelta(minutes=1))

    assert letters.send_due() == 3

    assert [got["To"] for got in postbox.mails] == [f"reader{number}@users.example" for number in range(3)]
    first = postbox.mails[0]
    letter = Letter.objects.get(once="test:0")
    assert first["Message-ID"] == f"<{letter.key}@mon.example>"
    assert (first["From"], first["List-Unsubscribe"]) == (
        "lift status <liftmon@mon.example>",
        "<https://status.example/0/>",
    )
    assert (part(first, "plain").strip(), part(first, "html").strip()) == ("We look.", "<p>We look.</p>")
    assert (letter.state, letter.attempt_count, letter.busy_until) == ("sent", 1, None)
    assert len(set(opened)) == 1
    attempt = letter.attempts.get()
    assert (attempt.is_accepted, attempt.status, attempt.answer) == (True, 250, "Accepted.")


def test_what_is_refused_for_a_while_is_tried_again_as_the_same_mail(postbox: Postbox) -> None:
    letter = write()
    postbox.refusals = {letter.to: "451 4.7.1 greylisted"}

    began = timezone.now()
    assert letters.send_due() == 0
    ended = timezone.now()
    letter.refresh_from_db()
    is_soon = began + timedelta(seconds=4) <= letter.due_at <= ended + timedelta(seconds=6)
    postbox.refusals = {}
    due_now()

    assert letters.send_due() == 1
    assert is_soon, letter.due_at - ended
    assert postbox.mails[0]["Message-ID"] == f"<{letter.key}@mon.example>"
    answers = LetterAttempt.objects.order_by("pk").values_list("is_accepted", "status", "answer")
    assert list(answers) == [(False, 451, "4.7.1 greylisted"), (True, 250, "Accepted.")]


def test_a_refusal_for_good_ends_it_and_no_other(postbox: Postbox) -> None:
    gone, there = write(1), write(2)
    postbox.refusals = {gone.to: "550 5.1.1 no such user"}

    assert letters.send_due() == 2

    gone.refresh_from_db()
    there.refresh_from_db()
    assert (gone.state, gone.reason, gone.attempt_count) == ("dead", "5.1.1 no such user", 1)
    assert there.state == "sent"


def test_it_gives_up_after_ten_attempts(postbox: Postbox) -> None:
    letter = write()
    postbox.data_answer = "452 full"

    for _ in range(10):
        due_now()
        letters.send_due()

    letter.refresh_from_db()
    assert (letter.state, letter.attempt_count, letter.attempts.count()) == ("dead", 10, 10)
    due_now()
    assert letters.send_due() == 0


def test_a_mail_server_that_is_away_costs_one_attempt_and_half_a_minute(postbox: Postbox, settings: Any) -> None:
    settings.EMAIL_PORT = 1
    for number in range(5):
        write(number)

    began = timezone.now()
    assert letters.send_due() == 0
    ended = timezone.now()
    assert letters.send_due() == 0

    assert LetterAttempt.objects.count() == 1
    assert "could not be reached" in LetterAttempt.objects.get().answer
    half_a_minute = timedelta(seconds=30)
    assert all(began + half_a_minute <= one.due_at <= ended + half_a_minute for one in Letter.objects.all())
    assert not Letter.objects.exclude(busy_until=None).exists()


def test_an_address_that_no_mail_can_carry_is_given_up_at_once(postbox: Postbox) -> None:
    letter = write(subject="Two\nlines")

    assert letters.send_due() == 1

    letter.refresh_from_db()
    assert letter.state == "dead"
    assert letter.reason.startswith("It cannot be written as a mail")


def test_killed_between_sending_and_recording_it_is_sent_once_more(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = write()

    def killed(*_: Any, **__: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(letters, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            letters.send_due()
    assert letters.send_due() == 0  # its claim has not run out

    Letter.objects.update(busy_until=timezone.now() - timedelta(seconds=1))
    assert letters.send_due() == 1
    assert letters.send_due() == 0

    assert [got["Message-ID"] for got in postbox.mails] == [f"<{letter.key}@mon.example>"] * 2
    letter.refresh_from_db()
    assert (letter.state, letter.attempt_count) == ("sent", 2)


def test_a_claim_that_somebody_else_took_over_is_not_sent(postbox: Postbox) -> None:
    write()
    (claimed,) = letters._claim(now=timezone.now())
    Letter.objects.update(busy_until=timezone.now() + timedelta(minutes=9))

    assert not letters._begin(claimed)


@pytest.mark.django_db(transaction=True)
def test_two_who_claim_at_once_claim_different_letters() -> None:
    for number in range(120):
        write(number)
    claimed: list[int] = []
    start = threading.Barrier(2)

    def claim() -> None:
        try:
            start.wait(10)
            claimed.extend(one.pk for one in letters._claim(now=timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)

    assert len(claimed) == len(set(claimed)) == 100


@pytest.mark.django_db(transaction=True)
def test_one_sends_at_a_time(postbox: Postbox) -> None:
    write()
    found: list[int] = []

    def try_too() -> None:
        try:
            found.append(letters.send_due())
        finally:
            connection.close()

    with one_at_a_time("alerts.outbox.letters") as is_ours:
        assert is_ours
        other = threading.Thread(target=try_too)
        other.start()
        other.join(20)

    assert found == [0]
    assert letters.send_due() == 1


def test_what_was_given_up_is_counted_told_once_and_sent_again(postbox: Postbox, settings: Any) -> None:
    letter = write(subject="Payments fail", to="secret@users.example")
    postbox.refusals = {letter.to: "550 no"}
    letters.send_due()
    settings.ALERT_FALLBACK_EMAIL = "ops@team.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox.clear()
    now = timezone.now()

    assert reach.letters_given_up_count(now=now) == 1
    assert (delivery.tell_fallback(now=now), delivery.tell_fallback(now=now)) == (1, 0)
    (told,) = mail.outbox
    assert "1 message could not be delivered" in told.subject
    assert "A letter: Payments fail (no)" in told.body
    assert "/admin/alerts/letter/?state__exact=dead" in told.body
    assert "secret@" not in told.body

    assert reach.send_letters_again([letter.pk], now=now) == 1
    letter.refresh_from_db()
    assert (letter.state, letter.attempt_count, letter.fallback_told_at) == ("waiting", 0, None)
