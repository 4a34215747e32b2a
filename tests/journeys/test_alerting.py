"""From a critical event to a mail in an inbox, with everything real, while parts of it are killed."""

import json
import os
import re
import signal
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.alerts.receivers import Receiver, serve, stop
from tests.journeys.running import RunningLiftmon, free_port, migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
_LOAD_A_SECOND = 500


class Inbox:
    """A mail server; what it accepted, and when."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[float, EmailMessage]] = []
        self._controller: Controller | None = None
        self.open()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
        self.mails.append((time.time(), mail))  # type: ignore[arg-type]
        return "250 OK"

    def open(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=60)
        self._controller.start()

    def close(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    def about(self, word: str) -> list[tuple[float, str]]:
        """When mails came that name it, and their texts."""
        found = []
        for at, mail in list(self.mails):
            body = mail.get_body(("plain",))
            text = str(body.get_content()) if body else ""
            if word in f"{mail['subject']} {text}":
                found.append((at, text))
        return found


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    made = Inbox(free_port())
    yield made
    made.close()


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    receiver = serve()
    yield receiver
    stop(receiver)


@pytest.fixture(scope="module")
def liftmon(inbox: Inbox, hook: Receiver) -> Iterator[RunningLiftmon]:
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as folder:
        running = RunningLiftmon(
            migrated(Path(folder)),
            LIFTMON_EMAIL_URL=f"smtp://127.0.0.1:{inbox.port}",
            LIFTMON_OUTBOUND_ALLOWED_HOSTS="127.0.0.1",
        )
        try:
            running.wait_until_ready(180)
            add_channels(running, hook)
            yield running
        finally:
            running.stop()


def add_channels(liftmon: RunningLiftmon, hook: Receiver) -> None:
    """E-mail and Slack, on every route; warnings are told at once."""
    code = f"""
from django.conf import settings
settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
from alerts.channels.kinds import KINDS
from alerts.models import AlertRule, Channel, Route
from alerts.sealing import seal
for name, kind, values in (
    ("E-mail", "email", {{"to": "oncall@lift.example"}}), ("Slack", "slack", {{"webhook_url": "{hook.url}/services/T0/B0/x"}}),
):
    channel = Channel.objects.create(name=name, kind=kind, sealed_settings=seal(KINDS[kind].validated(values)))
    for route in Route.objects.all():
        route.channels.add(channel)
AlertRule.objects.exclude(key="critical_event").update(is_enabled=False)
"""
    done = liftmon.manage("shell", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr


def send(liftmon: RunningLiftmon, name: str, severity: str = "CRITICAL") -> float:
    key = liftmon.told("Secret key")
    data = {"severity": severity, "message": f"{name} happened", "endpoint": "/api/career", "user_id": "u-1"}
    request = urllib.request.Request(
        f"{liftmon.url}/api/analytics/track",
        json.dumps({"event": name, "data": data}).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status < 300
    return time.time()


def wait_for[Value](what: Callable[[], Value], seconds: float = 60) -> Value:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def kill(liftmon: RunningLiftmon, word: str, number: signal.Signals = signal.SIGKILL) -> int:
    """Every process of that command line; how many."""
    found = [pid for pid, command in liftmon.processes() if word in command]
    for pid in found:
        with suppress(ProcessLookupError):  # it ended with its parent
            os.kill(pid, number)
    return len(found)


def transitions(liftmon: RunningLiftmon) -> list[tuple[object, ...]]:
    return liftmon.query(
        "SELECT alert.labels ->> 'name', channel.kind, told.kind, told.state, count(*) FROM alerts_notification AS told "
        "JOIN alerts_alert AS alert ON alert.id = alert_id JOIN alerts_channel AS channel ON channel.id = channel_id "
        "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3"
    )


def test_a_critical_event_is_a_mail_within_seconds_while_hundreds_a_second_come_in(
    liftmon: RunningLiftmon, inbox: Inbox, hook: Receiver
) -> None:
    is_over = threading.Event()
    load = [threading.Thread(target=_keep_sending, args=(liftmon, is_over, _LOAD_A_SECOND / 8)) for _ in range(8)]
    for thread in load:
        thread.start()
    try:
        sent = {}
        for number in range(20):
            sent[f"critical_{number:02} happened"] = send(liftmon, f"critical_{number:02}")
            time.sleep(1.1)
        took = [wait_for(lambda word=word: inbox.about(word))[0][0] - at for word, at in sent.items()]  # type: ignore[misc]
    finally:
        is_over.set()
        for thread in load:
            thread.join()

    # Beat asks every two seconds; on a machine that does other things as well, some come later.
    assert statistics.median(took) <= 5, took
    assert max(took) <= 20, took
    for word in sent:
        wait_for(lambda word=word: _posts(hook, word))  # type: ignore[misc]
    assert all(len(inbox.about(word)) == len(_posts(hook, word)) == 1 for word in sent)


def test_a_mail_is_acknowledged_by_its_button_and_not_by_who_only_looks(
    liftmon: RunningLiftmon, inbox: Inbox, hook: Receiver
) -> None:
    send(liftmon, "db_pool_error")
    text = wait_for(lambda: inbox.about("db_pool_error"))[0][1]
    link = re.search(r"Acknowledge: (\S+)", text)
    assert link, text

    with urllib.request.urlopen(link[1]) as page:
        assert "Acknowledge" in page.read().decode()
    question = "SELECT acknowledged_at IS NULL FROM alerts_alert WHERE labels ->> 'name' = 'db_pool_error'"
    assert liftmon.query(question) == [(True,)]

    with urllib.request.urlopen(link[1], data=b"") as page:
        assert "Nobody is told of it again" in page.read().decode()
    assert liftmon.query(question) == [(False,)]


def test_nothing_is_lost_or_told_twice_while_parts_are_killed(
    liftmon: RunningLiftmon, inbox: Inbox, hook: Receiver
) -> None:
    names: list[str] = []

    def happens(name: str) -> None:
        names.append(name)
        send(liftmon, name)

    happens("before")
    wait_for(lambda: inbox.about("before happened"))

    # The mail server is away: it is tried again. The broker is away: it comes later.
    inbox.close()
    happens("mail_away")
    wait_for(lambda: liftmon.query("SELECT 1 FROM alerts_notificationattempt WHERE NOT is_accepted"))
    inbox.open()
    assert kill(liftmon, "redis-server") + kill(liftmon, "valkey-server")
    happens("broker_away")
    time.sleep(2)

    # The worker is killed in the middle, again and again.
    for number in range(3):
        happens(f"worker_killed_{number}")
        time.sleep(0.4 + 0.5 * number)
        wait_for(lambda: kill(liftmon, "celery --quiet -A liftmon worker"))
        time.sleep(1)
    postgres = liftmon.layout.root / "postgres" / "postmaster.pid"
    happens("database_killed")
    if postgres.exists():
        psutil.Process(int(postgres.read_text().split()[0])).kill()
    time.sleep(2)

    for name in names:
        wait_for(lambda word=f"{name} happened": inbox.about(word), 240)  # type: ignore[misc]
        wait_for(lambda word=f"{name} happened": _posts(hook, word), 240)  # type: ignore[misc]
    # What was sent by one that was killed before it wrote that down is sent again when its minute is over.
    wait_for(lambda: _are_settled(liftmon, names), 240)
    time.sleep(5)
    for name in names:
        # At most one more, by whoever was killed between sending and writing it down.
        assert 1 <= len(inbox.about(f"{name} happened")) <= 2
        assert 1 <= len(_posts(hook, f"{name} happened")) <= 2
    told = [one for one in transitions(liftmon) if one[0] in names]
    assert {(name, kind) for name, kind, *_ in told} == {(name, kind) for name in names for kind in ("email", "slack")}
    assert all(one[2:] == ("firing", "sent", 1) for one in told), told


def _are_settled(liftmon: RunningLiftmon, names: list[str]) -> bool:
    try:
        told = [one for one in transitions(liftmon) if one[0] in names]
    except psycopg.OperationalError:  # PostgreSQL recovers
        return False
    return len(told) == 2 * len(names) and all(state == "sent" for _, _, _, state, _ in told)


def _posts(hook: Receiver, word: str) -> list[Any]:
    return [one for one in list(hook.received) if word in one.body.decode()]


def _keep_sending(liftmon: RunningLiftmon, is_over: threading.Event, a_second: float) -> None:
    import http.client

    key = liftmon.told("Secret key")
    connection = http.client.HTTPConnection("127.0.0.1", liftmon.port, timeout=30)
    body = json.dumps(
        {
            "event": "api_response_time",
            "data": {"endpoint": "/api/jobs", "status": 200, "duration_ms": 81, "user_id": "u-2"},
        }
    )
    due = time.monotonic()
    while not is_over.is_set():
        connection.request(
            "POST", "/api/analytics/track", body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 300
        due += 1 / a_second
        time.sleep(max(due - time.monotonic(), 0))
    connection.close()
