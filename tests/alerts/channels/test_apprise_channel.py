import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest

from alerts.channels import apprise_channel
from alerts.channels.outcome import SettingsError
from tests.alerts.messages import a_message, resolved
from tests.alerts.receivers import Receiver

URL = "discord://123456789012/abcdefghijklmnop-secret"


@pytest.fixture
def discord(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Discord's API, at this address."""
    # What Apprise and its plugins warn of while they are loaded is theirs to mend.
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from apprise.plugins.discord import NotifyDiscord

        monkeypatch.setattr(NotifyDiscord, "notify_url", f"{receiver.url}/api/webhooks")
        yield receiver


def test_it_sends_by_apprise(discord: Receiver) -> None:
    discord.answer(204)

    outcome = apprise_channel.send(apprise_channel.validated({"url": URL}), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.answer) == (True, "Accepted.")
    (got,) = discord.received
    assert got.path.startswith("/api/webhooks/123456789012/abcdefghijklmnop-secret")
    assert "Firing: Critical: Checkout fails" in got.body.decode()


def test_a_refusal_is_told_without_the_secret(discord: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    discord.answer(404, b'{"message": "Unknown Webhook abcdefghijklmnop-secret"}')

    with caplog.at_level(logging.DEBUG):
        outcome = apprise_channel.send({"url": URL}, resolved(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, False, 404)
    assert "404" in outcome.answer
    assert "secret" not in outcome.answer


def test_it_follows_no_redirect(discord: Receiver) -> None:
    discord.answer(307, b"", Location=f"{discord.url}/elsewhere")

    assert not apprise_channel.send({"url": URL}, a_message(), key=uuid4()).is_accepted
    assert all("/elsewhere" not in got.path for got in discord.received)


def test_a_url_that_apprise_cannot_read_is_for_good() -> None:
    outcome = apprise_channel.send({"url": "discord://"}, a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent) == (False, True)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}?thread=12",
        "tgram://123456789:ABCdef_ghi/-100200",
        "pover://user@token?priority=high&sound=siren",
        "opsgenie://key?region=eu",
        "twilio://AC123:token@15551234567/15557654321",
        "workflows://prod-1.westeurope.logic.azure.com:443/643e69f83c8944438d68119179a10a64/sig-nature_1/?ver=2024-10-01",
    ],
)
def test_services_with_a_host_of_their_own_are_taken(url: str) -> None:
    assert apprise_channel.validated({"url": f" {url} "}) == {"url": url}


@pytest.mark.parametrize(
    "url",
    [
        "", "discord", "discord://", "json://127.0.0.1/", "jsons://a.example", "xml://a.example", "form://a.example",
        "file:///etc/passwd", "exec://ls", "syslog://", "dbus://", "windows://", "gotify://10.0.0.1/token",
        "ntfy://10.0.0.1/topic", "matrix://u:p@10.0.0.1/#room", "mailto://u:p@10.0.0.1", "apprise://10.0.0.1/token",
        "https://discord.com/api/webhooks/1/2", "DISCORD://1/2",
        f"{URL}?template=/etc/passwd", f"{URL}?thread=1&template=/etc/passwd", f"{URL}?thread=1;template=/etc/passwd",
        f"{URL}#?template=/etc/passwd", f"{URL}?thread=1?template=/x", f"{URL}?%74emplate=/x", f"{URL}?verify=no",
        f"{URL}?redirect=yes", f"{URL}?+X-Header=1", f"{URL} x", f"{URL}\nx",
        "workflows://10.0.0.1/wid/sig", "workflows://a.logic.azure.com.evil.example/w/s",
        "workflows://a.logic.azure.com:8080/w/s", "workflows://evil.example/@a.logic.azure.com/w/s",
        "workflows://evil.example\\@a.logic.azure.com/w/s", "workflows://u@a.logic.azure.com/w/s",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_or_reads_files_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        apprise_channel.validated({"url": url})

    assert caught.value.field == "url"
    assert "secret" not in str(caught.value)


def test_every_schema_that_is_let_in_is_one_of_apprise(discord: Receiver) -> None:
    import apprise

    known: set[str] = set()
    for service in apprise.Apprise().details()["schemas"]:
        known |= {*(service["protocols"] or ()), *(service["secure_protocols"] or ())}

    assert known >= apprise_channel.SCHEMAS
