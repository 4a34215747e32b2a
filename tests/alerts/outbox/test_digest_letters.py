"""Pictures in letters, and digests that go to channels, with servers that really answer."""

import base64
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from alerts import delivery
from alerts.channels import slack_blocks
from alerts.channels.kinds import KINDS
from alerts.channels.written_message import WrittenMessage, read
from alerts.models import Channel, Notification
from alerts.outbox import lateness, letters, resending
from tests.alerts.channels.test_email import Postbox, part
from tests.alerts.channels.test_email import postbox as postbox
from tests.alerts.outbox.test_letters import write
from tests.alerts.receivers import Receiver
from tests.alerts.sending import make_channel, slack_bot, webhook

pytestmark = pytest.mark.django_db
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n rest of it").decode()
CONTENT = {
    "subject": "Daily: one thing to do", "text": "One thing to do.\nMend checkout.", "html": '<p>Mend <img src="cid:line"></p>',
    "images": {"line": PNG}, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Mend checkout*"}}],
    "headers": {"From-Name": "Liftmon daily digest", "List-Id": "Liftmon digests <digests.mon.example>"},
}  # fmt: skip


def pictures(mail: EmailMessage) -> dict[str, bytes]:
    return {str(one["Content-ID"]): one.get_content() for one in mail.walk() if one.get_content_type() == "image/png"}


def tell(channel: Channel, **more: Any) -> Notification:
    now = timezone.now()
    values = {"kind": "digest", "content": CONTENT, "created_at": now, "due_at": now, **more}
    return Notification.objects.create(channel=channel, **values)


def test_pictures_are_one_part_with_the_html_that_shows_them(postbox: Postbox) -> None:
    write(1, html=CONTENT["html"], inline_images={"line": PNG})

    assert letters.send_due() == 1

    (got,) = postbox.mails
    assert [one.get_content_type() for one in got.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    assert pictures(got) == {"<line>": base64.b64decode(PNG)}
    assert "attachment" not in got.as_string()


def test_a_digest_goes_to_a_channel_of_mails_as_it_was_written(postbox: Postbox) -> None:
    channel = make_channel("email", to="one@lift.example, two@lift.example")
    row = tell(channel)

    assert delivery.deliver(channel.pk) == 1

    row.refresh_from_db()
    assert (row.state, row.attempt_count) == ("sent", 1)
    assert [one["To"] for one in postbox.mails] == ["one@lift.example", "two@lift.example"]
    got = postbox.mails[0]
    assert (got["Subject"], got["From"]) == (CONTENT["subject"], "Liftmon daily digest <liftmon@mon.example>")
    assert got["Message-ID"] == f"<{row.key}@mon.example>"
    assert "Mend checkout." in part(got, "plain")
    assert pictures(got) == {"<line>": base64.b64decode(PNG)}


def test_slack_gets_its_blocks_by_a_webhook_and_by_a_bot(receiver: Receiver) -> None:
    receiver.answer(200, b'{"ok": true, "channel": "C1", "ts": "1.2"}')
    hook = make_channel("slack", "Hook", webhook_url=f"{receiver.url}/services/T0/B0/x")
    bot = slack_bot(receiver, "Bot")
    for channel in (hook, bot):
        tell(channel)
        assert delivery.deliver(channel.pk) == 1

    by_hook, by_bot = (one.json for one in receiver.received)
    assert by_hook["blocks"] == by_bot["blocks"] == CONTENT["blocks"]
    assert (by_hook["text"], by_bot["channel"]) == (CONTENT["text"], "C1")
    assert not by_hook["unfurl_links"]


def test_others_get_the_text(receiver: Receiver) -> None:
    channel = webhook(receiver)
    row = tell(channel)

    assert delivery.deliver(channel.pk) == 1

    (got,) = receiver.received
    assert got.headers["webhook-id"] == str(row.key)
    assert got.json["type"] == "digest"
    assert got.json["data"] == {"subject": CONTENT["subject"], "text": CONTENT["text"]}


def test_what_takes_alerts_only_is_not_sent_a_digest() -> None:
    channel = make_channel("pagerduty", routing_key="0123456789abcdef0123456789abcdef")
    row = tell(channel)

    assert delivery.deliver(channel.pk) == 1

    row.refresh_from_db()
    assert row.state == "dead"
    assert "no digests" in row.reason
    assert {kind.name for kind in KINDS.values() if kind.tell is None} == {"pagerduty", "alertmanager"}


def test_no_digest_speaks_for_another_and_each_is_told_by_itself(receiver: Receiver) -> None:
    channel = webhook(receiver)
    for number in range(8):
        tell(channel, number=number)

    assert delivery.deliver(channel.pk) == 8

    assert len(receiver.received) == 8


def test_one_that_is_given_up_is_named_to_the_fallback_address_and_may_be_sent_again(
    receiver: Receiver, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.ALERT_FALLBACK_EMAIL = "fallback@lift.example"
    receiver.answer(410, b"gone")
    row = tell(webhook(receiver))
    delivery.deliver(row.channel_id)

    assert delivery.tell_fallback(now=timezone.now()) == 1

    row.refresh_from_db()
    assert "Digest: Daily: one thing to do" in mailoutbox[0].body
    assert resending.why_not(row, at=timezone.now()) == ""
    assert lateness.severity_of(row) == "info"  # a second attempt wakes nobody


def test_a_digest_without_blocks_is_its_text_and_too_much_is_cut() -> None:
    said = slack_blocks.written_payload(read({"subject": "Daily", "text": "x" * 5000}))
    assert "blocks" not in said
    assert len(said["text"]) == slack_blocks.TEXT
    many = WrittenMessage("Daily", "text", blocks=[{"type": "divider"}] * 60)
    assert len(slack_blocks.written_payload(many)["blocks"]) == slack_blocks.BLOCKS


def test_its_pages_suppose_no_alert(admin_client: Any, receiver: Receiver) -> None:
    row = tell(webhook(receiver), due_at=timezone.now() + timedelta(hours=1))
    letter = write(7, once="digest:1:daily:2026-12-01")
    for page in (
        reverse("admin:alerts_notification_changelist"), reverse("admin:alerts_notification_change", args=[row.pk]),
    ):  # fmt: skip
        assert CONTENT["subject"] in admin_client.get(page).content.decode()
    for page in (reverse("admin:alerts_letter_changelist"), reverse("admin:alerts_letter_change", args=[letter.pk])):
        assert "a digest" in admin_client.get(page).content.decode()
