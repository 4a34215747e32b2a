"""From a subscription to a mail in an inbox, with the real worker and Beat, while parts of it are killed."""

import re
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.receivers import Receiver, serve, stop
from tests.journeys.running import RunningLiftmon, free_port, migrated
from tests.journeys.test_alerting import Inbox, kill, send, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

# Due a moment ago, so that nobody has to wait for an hour to be full.
_SUBSCRIBE = """
from datetime import timedelta
from django.utils import timezone
from dashboards.models import DigestSubscription
now = timezone.now()
DigestSubscription.objects.create(
    email="{email}", kinds=["daily"], hour=now.hour, weekdays=list(range(7)), zone="UTC", environments=[],
    since_at=now - timedelta(hours=1, minutes=30), confirmed_at=now - timedelta(hours=1, minutes=30),
)
"""


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    made = Inbox(free_port())
    yield made
    made.close()


@pytest.fixture(scope="module")
def outside() -> Iterator[Receiver]:
    """Whoever raises the alarm when Liftmon falls silent."""
    receiver = serve()
    yield receiver
    stop(receiver)


@pytest.fixture(scope="module")
def liftmon(inbox: Inbox, outside: Receiver) -> Iterator[RunningLiftmon]:
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as folder:
        running = RunningLiftmon(
            migrated(Path(folder)),
            LIFTMON_EMAIL_URL=f"smtp://127.0.0.1:{inbox.port}",
            LIFTMON_OUTBOUND_ALLOWED_HOSTS="127.0.0.1",
            LIFTMON_HEARTBEAT_URL=f"{outside.url}/ping",
        )
        try:
            running.wait_until_ready(180)
            quicken(running)
            yield running
        finally:
            running.stop()


def quicken(liftmon: RunningLiftmon) -> None:
    """As an operator does in the admin: every two seconds instead of every minute."""
    run(
        liftmon,
        """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
often, _ = IntervalSchedule.objects.get_or_create(every=2, period="seconds")
for task in PeriodicTask.objects.filter(name__in=["Send digests", "Ping the heartbeat address"]):
    task.interval = often
    task.save()
""",
    )


def run(liftmon: RunningLiftmon, code: str) -> None:
    done = liftmon.manage("shell", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr


def subscribe(liftmon: RunningLiftmon, email: str) -> None:
    run(liftmon, _SUBSCRIBE.format(email=email))


def mails_to(inbox: Inbox, email: str) -> list[object]:
    return [mail for _, mail in list(inbox.mails) if mail["To"] == email]


def deliveries(liftmon: RunningLiftmon, email: str) -> list[tuple[object, ...]]:
    return liftmon.query(
        "SELECT delivery.skipped, letter.state FROM dashboards_digestdelivery AS delivery "
        "JOIN dashboards_digestsubscription AS reader ON reader.id = subscription_id "
        f"LEFT JOIN alerts_letter AS letter ON letter.id = letter_id WHERE reader.email = '{email}'"
    )


def test_a_digest_that_is_due_comes_once_is_read_and_ended(liftmon: RunningLiftmon, inbox: Inbox) -> None:
    send(liftmon, "db_pool_error")
    subscribe(liftmon, "ada@users.example")

    wait_for(lambda: mails_to(inbox, "ada@users.example"), 90)
    wait_for(lambda: deliveries(liftmon, "ada@users.example") == [("", "sent")])
    time.sleep(8)  # several rounds of Beat

    (mail,) = [mail for _, mail in inbox.mails if mail["To"] == "ada@users.example"]
    assert mail["Subject"].startswith("Daily")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "/admin/" not in html.get_content()  # a reader without an account
    shown = set(re.findall(r'src="cid:([^"]+)"', html.get_content()))
    brought = {str(one["Content-ID"]).strip("<>") for one in mail.walk() if one.get_content_type() == "image/png"}
    assert shown == brought
    assert deliveries(liftmon, "ada@users.example") == [("", "sent")]
    _read_without_a_login(text.get_content())
    _end_by_one_click(liftmon, str(mail["List-Unsubscribe"]).strip("<>").replace("\r\n ", ""))


def _read_without_a_login(text: str) -> None:
    found = re.search(r"http\S+/digests/read/\S+", text)
    assert found, text

    with urllib.request.urlopen(found[0], timeout=20) as page:
        assert "Daily review" in page.read().decode()


def _end_by_one_click(liftmon: RunningLiftmon, address: str) -> None:
    with urllib.request.urlopen(address) as page:
        assert page.status == 200  # looking changes nothing
    question = "SELECT is_enabled FROM dashboards_digestsubscription WHERE email = 'ada@users.example'"
    assert liftmon.query(question) == [(True,)]

    with urllib.request.urlopen(address, data=b"List-Unsubscribe=One-Click") as page:
        assert page.status == 200
    assert liftmon.query(question) == [(False,)]


def test_whatever_is_killed_it_comes_and_comes_once(liftmon: RunningLiftmon, inbox: Inbox) -> None:
    for number in range(3):
        email = f"reader{number}@users.example"
        subscribe(liftmon, email)
        time.sleep(0.7 * number)
        kill(liftmon, "celery --quiet -A liftmon worker")
        if number == 1:
            kill(liftmon, "celery --quiet -A liftmon beat", signal.SIGKILL)

    for number in range(3):
        wait_for(lambda word=f"reader{number}@users.example": mails_to(inbox, word), 240)  # type: ignore[misc]
        # Who was killed before it wrote down what it sent had claimed it for three minutes: then it is sent again.
        wait_for(lambda word=f"reader{number}@users.example": deliveries(liftmon, word) == [("", "sent")], 240)  # type: ignore[misc]
    time.sleep(8)
    for number in range(3):
        email = f"reader{number}@users.example"
        # At most one more, by whoever was killed between sending and writing it down: under the same Message-ID.
        mails = [mail for _, mail in inbox.mails if mail["To"] == email]
        assert len({mail["Message-ID"] for mail in mails}) == 1
        assert deliveries(liftmon, email) == [("", "sent")]


def test_the_outside_hears_nothing_while_digests_are_late(liftmon: RunningLiftmon, outside: Receiver) -> None:
    outside.received.clear()
    wait_for(lambda: outside.received, 60)
    run(
        liftmon,
        """
from django_celery_beat.models import PeriodicTask
task = PeriodicTask.objects.get(name="Send digests")
task.enabled = False
task.save()
""",
    )
    # What Beat asked for until then is done when it was heard several times more.
    outside.received.clear()
    wait_for(lambda: len(outside.received) >= 3, 60)
    run(
        liftmon,
        """
from datetime import timedelta
from django.utils import timezone
from dashboards.models import DigestSubscription
due = timezone.now() - timedelta(hours=2)
DigestSubscription.objects.create(
    email="late@users.example", kinds=["daily"], hour=due.hour, weekdays=list(range(7)), zone="UTC",
    since_at=due - timedelta(days=1), confirmed_at=due - timedelta(days=1),
)
""",
    )
    try:
        time.sleep(6)
        assert wait_for(lambda: _is_silent(outside, seconds=8), 30)
    finally:
        run(
            liftmon,
            """
from django_celery_beat.models import PeriodicTask
task = PeriodicTask.objects.get(name="Send digests")
task.enabled = True
task.save()
""",
        )
    # It was for the digest and not for another reason.
    outside.received.clear()
    assert wait_for(lambda: outside.received, 120)


def _is_silent(outside: Receiver, *, seconds: float) -> bool:
    outside.received.clear()
    time.sleep(seconds)
    return not outside.received
