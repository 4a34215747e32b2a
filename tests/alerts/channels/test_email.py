import email
import email.policy
import re
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller

from alerts.channels import email as channel
from alerts.channels.message import MessageKind
from alerts.channels.outcome import SettingsError
from tests.alerts.messages import a_message, a_storm, resolved

KEY = UUID("01890000-0000-7000-8000-000000000001")


class Postbox:
    """Takes mail, but for the addresses that it has an answer for."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refusals: dict[str, str] = {}
        self.data_answer = "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - the name is aiosmtpd\'s
        if refusal := self.refusals.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the name is aiosmtpd\'s
        if self.data_answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.recipients.append(envelope.rcpt_tos)
        return self.data_answer


@pytest.fixture
def postbox(settings: Any) -> Iterator[Postbox]:
    box = Postbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5
    settings.DEFAULT_FROM_EMAIL = "liftmon@mon.example"
    yield box
    controller.stop()


class Styles(HTMLParser):
    """What stands in the page, and which cells have a style of their own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_it_sends_text_and_html_to_a_real_server(postbox: Postbox) -> None:
    outcome = channel.send(channel.validated({"to": "night@team.example"}), a_message(), key=KEY)

    assert (outcome.is_accepted, outcome.status, outcome.answer) == (True, 250, "Accepted for 1 address.")
    (mail,) = postbox.mails
    assert postbox.recipients == [["night@team.example"]]
    assert mail["Subject"] == "Critical: Checkout fails"
    assert mail["From"] == "Liftmon <liftmon@mon.example>"
    assert mail["To"] == "night@team.example"
    assert mail["List-Id"] == "Liftmon alerts <alerts.mon.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Importance"] == "high"
    assert "Users: 37 users hurt" in part(mail, "plain")
    assert "37 users hurt" in part(mail, "html")


def test_the_messages_of_an_alert_are_one_thread(postbox: Postbox) -> None:
    settings = channel.validated({"to": "night@team.example"})
    for message in (a_message(), a_message(kind=MessageKind.REPEAT), resolved()):
        channel.send(settings, message, key=uuid4())
    channel.send(settings, a_message(alert_id="a-18"), key=uuid4())

    *thread, other = postbox.mails
    assert {mail["References"] for mail in thread} == {"<alert.a-17@mon.example>"}
    assert {mail["In-Reply-To"] for mail in thread} == {"<alert.a-17@mon.example>"}
    assert other["References"] == "<alert.a-18@mon.example>"
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 4
    assert [mail["Subject"] for mail in thread] == ["Critical: Checkout fails", *["Re: Critical: Checkout fails"] * 2]
    assert [mail["From"].addresses[0].display_name for mail in thread] == [
        "Liftmon", "Liftmon (still firing)", "Liftmon (resolved)",
    ]  # fmt: skip
    assert thread[-1]["Importance"] is None


def test_what_is_sent_again_is_the_same_message(postbox: Postbox) -> None:
    settings = channel.validated({"to": "night@team.example"})
    for _ in range(2):
        channel.send(settings, a_message(), key=KEY)

    assert [mail["Message-ID"] for mail in postbox.mails] == [f"<{KEY}@mon.example>"] * 2


def test_a_test_is_no_part_of_a_thread(postbox: Postbox) -> None:
    channel.send({"to": "night@team.example"}, a_message(kind=MessageKind.TEST), key=KEY)

    (mail,) = postbox.mails
    assert mail["Subject"] == "Test: Critical: Checkout fails"
    assert mail["References"] is None


def test_titles_of_others_cannot_write_headers(postbox: Postbox) -> None:
    channel.send({"to": "a@b.example"}, a_message(title="x\r\nBcc: evil@b.example\n\nbody" + "é" * 300), key=KEY)

    (mail,) = postbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Critical: x Bcc: evil@b.example body")
    assert len(mail["Subject"]) <= 150


def test_signs_that_cannot_be_sent_keep_no_mail_back(postbox: Postbox) -> None:
    bad = "a\ud800\x00\x1bb"

    message = a_message(
        title=bad, what=bad, where=bad, growth=bad, newest_example=bad, likely_cause=bad, labels={bad: bad}
    )
    assert channel.send({"to": "a@b.example"}, message, key=KEY).is_accepted

    (mail,) = postbox.mails
    assert mail["Subject"] == "Critical: a b"
    assert "Where: a b" in part(mail, "plain")
    assert "\x1b" not in part(mail, "plain") + part(mail, "html")


def test_each_address_gets_its_own_and_one_that_is_unknown_is_told(postbox: Postbox) -> None:
    postbox.refusals = {"gone@team.example": "550 5.1.1 no such user"}
    settings = channel.validated({"to": "a@team.example; gone@team.example\nb@team.example"})

    outcome = channel.send(settings, a_message(), key=KEY)

    assert postbox.recipients == [["a@team.example"], ["b@team.example"]]
    assert outcome.is_accepted
    assert outcome.answer == "Refused for 1 of 3 addresses: gone@team.example: 550 5.1.1 no such user"


def test_one_that_shall_be_tried_later_is_tried_later(postbox: Postbox) -> None:
    postbox.refusals = {"slow@team.example": "451 4.7.1 greylisted", "gone@team.example": "550 no such user"}

    outcome = channel.send({"to": "slow@team.example, gone@team.example, a@team.example"}, a_message(), key=KEY)

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, False, 451)
    assert "greylisted" in outcome.answer


def test_when_nobody_is_known_it_is_for_good(postbox: Postbox) -> None:
    postbox.refusals = {"gone@team.example": "550 no such user"}

    outcome = channel.send({"to": "gone@team.example"}, a_message(), key=KEY)

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, True, 550)


@pytest.mark.parametrize(("answer", "is_permanent"), [("452 full", False), ("554 refused", True)])
def test_a_refusal_of_the_whole_message_is_told(postbox: Postbox, answer: str, is_permanent: bool) -> None:
    postbox.data_answer = answer

    outcome = channel.send({"to": "a@team.example"}, a_message(), key=KEY)

    assert (outcome.is_accepted, outcome.is_permanent) == (False, is_permanent)
    assert answer[4:] in outcome.answer


def test_a_server_that_is_away_is_an_outcome(postbox: Postbox, settings: Any) -> None:
    settings.EMAIL_PORT = 1
    settings.EMAIL_HOST_PASSWORD = "connection-refused-is-my-password"

    outcome = channel.send({"to": "a@team.example"}, a_message(), key=KEY)

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, False, None)
    assert "could not be reached: Connection refused. Is LIFTMON_EMAIL_URL right?" in outcome.answer


def test_a_server_that_says_nothing_is_late(postbox: Postbox, settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = silent.getsockname()[1], 0.3

        outcome = channel.send({"to": "a@team.example"}, a_message(), key=KEY)

    assert outcome.answer == "The mail server did not answer within 0.3 s."


def test_the_html_has_its_styles_inlined_and_knows_dark_screens() -> None:
    html = channel.html_of(a_message())
    tags = Styles(html).tags

    assert "prefers-color-scheme: dark" in html
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags
    assert all(attrs.get("style") for tag, attrs in tags if "class" in attrs and tag != "tr")
    assert not {"script", "img", "link", "iframe", "form"} & {tag for tag, _ in tags}
    buttons = [attrs["href"] for tag, attrs in tags if tag == "a" and "button" in (attrs.get("class") or "")]
    assert buttons == [
        "https://liftmon.example/alerts/17", "https://runbooks.example/checkout",
        "https://liftmon.example/a/ack?token=1&x=2",
    ]  # fmt: skip


def test_what_others_wrote_is_text_in_the_html() -> None:
    evil = '<script>alert(1)</script><a href="javascript:x">'
    html = channel.html_of(
        a_message(title=evil, what=evil, where=evil, newest_example=evil, likely_cause=evil, labels={evil: evil})
    )
    tags = Styles(html).tags

    assert "<script" not in html
    assert not any((attrs.get("href") or "").startswith("javascript") for _, attrs in tags)


@pytest.mark.parametrize("text", ["x" * 100_000, "é" * 100_000, "<&>" * 50_000, "😀" * 50_000])
def test_it_is_never_so_long_that_it_is_cut(text: str) -> None:
    storm = a_storm()
    message = a_message(
        title=text, what=text, where=text, growth=text, newest_example=text, likely_cause=text, url=f"https://a/{text}",
        labels={f"{number}{text}": text for number in range(50)}, alerts=storm.alerts, alerts_count=500,
    )  # fmt: skip

    assert len(channel.html_of(message).encode()) < 100_000


def test_a_storm_lists_fifty_and_counts_the_rest() -> None:
    html = channel.html_of(a_storm())

    assert len(re.findall(r"Endpoint \d+ fails", html)) == 50
    assert "and 450 more" in html
    assert "500 alerts: 480 firing, 20 resolved" in html


@pytest.mark.parametrize(
    "to", ["", " , ", "nobody", "a@b.example, c@", "a@b.example\r\nBcc: c@d.example", ",".join(["a@b.example"] * 21)]
)
def test_addresses_that_are_none_are_refused(to: str) -> None:
    with pytest.raises(SettingsError) as caught:
        channel.validated({"to": to})

    assert caught.value.field == "to"


def test_addresses_are_taken_once_however_they_are_parted() -> None:
    assert channel.validated({"to": "a@b.example;\n c@b.example ,a@b.example"}) == {"to": "a@b.example, c@b.example"}
