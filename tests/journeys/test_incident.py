"""The guide's “Database pool error” from the first event to the published report, with everything real, on a phone.

The product's database is a PostgreSQL of its own whose pool is truly exhausted, by connections that wait for one that hangs.
LIFTMON_SCREENSHOTS names a folder for a picture of each step.
"""

import json
import os
import re
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pypdfium2
import pytest
from playwright.sync_api import Browser, Page

from tests.alerts.incidents.diagnostics.patient import Patient, patients
from tests.journeys.running import RunningLiftmon, free_port, migrated
from tests.journeys.test_alerting import Inbox, kill, wait_for
from tests.journeys.test_pages import CHROMIUM, PASSWORD, log_in
from tests.journeys.test_pages import browser as browser

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="needs Chromium: apt install chromium"),
]
_ENDPOINTS = ("/api/career", "/api/login", "/api/subscription/checkout", "/api/jobs")
_READER = "reader@users.example"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    made = Inbox(free_port())
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[Patient]:
    with tempfile.TemporaryDirectory(prefix="lm-patient-", ignore_cleanup_errors=True) as folder:
        yield from patients(Path(folder))


@pytest.fixture(scope="module")
def liftmon(inbox: Inbox, patient: Patient) -> Iterator[RunningLiftmon]:
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as folder:
        running = RunningLiftmon(
            migrated(Path(folder)), LIFTMON_EMAIL_URL=f"smtp://127.0.0.1:{inbox.port}", LIFTMON_ADMIN_PASSWORD=PASSWORD
        )
        try:
            running.wait_until_ready(180)
            _set_up(running, patient)
            yield running
        finally:
            running.stop()


def _set_up(liftmon: RunningLiftmon, patient: Patient) -> None:
    """Where to page, what may be looked at, what users know it by, and rules that recover in seconds instead of minutes."""
    code = f"""
from django.contrib.auth.models import User
from alerts.channels.kinds import KINDS
from alerts.incidents.diagnostics.connecting import keep_dsn
from alerts.models import AlertRule, Channel, Component, MonitoredDatabase, Route
from alerts.sealing import seal
sealed = seal(KINDS["email"].validated({{"to": "oncall@lift.example"}}))
channel = Channel.objects.create(name="E-mail", kind="email", sealed_settings=sealed)
for route in Route.objects.all():
    route.channels.add(channel)
AlertRule.objects.exclude(key__in=("critical_event", "cascade")).update(is_enabled=False)
AlertRule.objects.update(recover_seconds=10)
cascade = AlertRule.objects.get(key="cascade")
cascade.parameters = cascade.parameters | {{"window_seconds": 60}}
cascade.save()
database = MonitoredDatabase(name="lift production", allows_mitigation=True, pool_limit=10, slow_seconds=2)
keep_dsn(database, "{patient.reader}")
database.save()
Component.objects.create(name="Career advice", description="Ask for advice")
User.objects.create_superuser("grace", password="{PASSWORD}")
"""
    done = liftmon.manage("shell", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr


def _send(liftmon: RunningLiftmon, documents: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(
        f"{liftmon.url}/api/analytics/track",
        json.dumps(documents).encode(),
        {"Authorization": f"Bearer {liftmon.told('Secret key')}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status < 300


def _keep_sending(liftmon: RunningLiftmon, is_well: threading.Event, is_over: threading.Event) -> None:
    """What lift sends while its pool is exhausted, and when it is well again."""
    number = 0
    while not is_over.wait(1):
        documents = []
        for endpoint in _ENDPOINTS:
            for _ in range(4):
                number += 1
                about = {"endpoint": endpoint, "user_id": f"u-{number % 31}", "environment": "production"}
                if is_well.is_set():
                    documents += [
                        {"event": "api_response_time", "data": {**about, "status": 200, "response_time_ms": 80}}
                    ]
                    continue
                documents += [
                    {"event": "api_error", "data": {**about, "severity": "ERROR", "message": "PoolTimeout"}},
                    {"event": "api_response_time", "data": {**about, "status": 500, "response_time_ms": 10_020}},
                ]
        if is_well.is_set():
            _send(liftmon, documents)
            continue
        error = {
            "severity": "CRITICAL", "message": "Pool exhausted", "endpoint": "/api/career", "environment": "production",
            "user_id": "u-1",
        }  # fmt: skip
        _send(liftmon, [*documents, {"event": "db_pool_error", "data": error}])


class _Phone:
    """A signed-in page of a phone's size; each step may leave a picture."""

    def __init__(self, browser: Browser, liftmon: RunningLiftmon) -> None:
        self.page: Page
        self.page, self.errors = log_in(browser, liftmon, theme="light", width="phone")
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.base, self._count = liftmon.url, 0

    def goto(self, path: str) -> Page:
        self.page.goto(f"{self.base}{path}", wait_until="networkidle")
        return self.page

    def text(self) -> str:
        return self.page.inner_text("#content-main")

    def picture(self, name: str) -> None:
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is wider than the phone"
        self._count += 1
        if folder := os.environ.get("LIFTMON_SCREENSHOTS"):
            self.page.screenshot(path=f"{folder}/incident-{self._count:02}-{name}.png", full_page=True)


def test_a_pool_error_is_lived_through_from_the_first_event_to_the_report(
    liftmon: RunningLiftmon, inbox: Inbox, patient: Patient, browser: Browser
) -> None:
    hanging, waiting = _exhaust(patient)
    _subscribe(liftmon, inbox)
    is_well, is_over = threading.Event(), threading.Event()
    sending = threading.Thread(target=_keep_sending, args=(liftmon, is_well, is_over))
    sending.start()
    try:
        # Paged, within seconds.
        page_mail = wait_for(lambda: inbox.about("db_pool_error"), 60)[0][1]
        incident = wait_for(lambda: liftmon.query("SELECT id FROM alerts_incident"), 30)[0][0]

        # Acknowledged by the button of the mail: the incident, too.
        link = re.search(r"Acknowledge: (\S+)", page_mail)
        assert link, page_mail
        with urllib.request.urlopen(link[1], data=b"") as answer:
            assert answer.status == 200
        assert liftmon.query("SELECT state FROM alerts_incident") == [("acknowledged",)]

        # The cascade joins it, and is one more page and no more.
        wait_for(lambda: _joined(liftmon) == {"opener", "cascade"}, 150)
        assert liftmon.query("SELECT count(*) FROM alerts_incident") == [(1,)]

        phone = _Phone(browser, liftmon)
        address = f"/admin/alerts/incident/{incident}/change/"
        phone.goto(address)
        assert "db_pool_error" in phone.text()
        assert int(phone.page.inner_text(f"a[href$='/incident/{incident}/users/']").replace(",", "")) == 31
        phone.page.click("#lm-take-command")
        phone.picture("taken")

        _check_and_mitigate(phone, liftmon, incident, hanging, waiting)
        _post(phone, incident, "investigating")
        assert wait_for(lambda: inbox.about("unsubscribe"), 60)

        patient.rest()
        is_well.set()
        # Over for users: by the rules, when all of its alerts are over.
        wait_for(lambda: liftmon.query("SELECT state FROM alerts_incident") == [("mitigated",)], 420)
    finally:
        is_over.set()
        sending.join()
    phone.goto(address).click("#lm-move-resolve")
    phone.page.wait_for_load_state("networkidle")
    assert liftmon.query("SELECT state FROM alerts_incident") == [("resolved",)]
    phone.picture("resolved")
    _post(phone, incident, "resolved")
    told = wait_for(lambda: inbox.about("We experienced brief downtime, now resolved"), 60)
    assert _READER in {str(mail["to"]) for _, mail in inbox.mails}
    assert told
    with urllib.request.urlopen(f"{liftmon.url}/status/") as public:
        shown = public.read().decode()
    assert "Career advice" in shown
    assert "db_pool_error" not in shown

    _report(phone, browser, liftmon, incident)
    kinds = {row[0] for row in liftmon.query("SELECT DISTINCT kind FROM alerts_incidententry")}
    assert {
        "opened", "alert", "notification", "state", "role", "step", "diagnostic", "mitigation", "status", "follow_up", "report",
    } <= kinds  # fmt: skip
    ((audited,),) = liftmon.query("SELECT count(*) FROM django_admin_log")
    assert audited >= 8
    assert phone.errors == []


def _exhaust(patient: Patient) -> tuple[psycopg.Connection[Any], psycopg.Connection[Any]]:
    """A transaction that hangs, one that waits for it, and as many idle ones as make the pool full."""
    hanging, waiting = patient.app(autocommit=False), patient.app()
    hanging.execute("UPDATE payments SET amount = 0 WHERE id = 1")
    threading.Thread(target=_ignored, args=(waiting,), daemon=True).start()
    for _ in range(12):
        patient.app()
    return hanging, waiting


def _ignored(connection: psycopg.Connection[Any]) -> None:
    try:
        connection.execute("UPDATE payments SET amount = 1 WHERE id = 1")
    except psycopg.Error:
        return


def _subscribe(liftmon: RunningLiftmon, inbox: Inbox) -> None:
    """By the form, and confirmed by the button behind the link of the letter."""
    body = urlencode({"email": _READER, "takes": "all"}).encode()
    with urllib.request.urlopen(f"{liftmon.url}/status/subscribe/", data=body) as answer:
        assert answer.status == 200
    text = wait_for(lambda: inbox.about("/status/confirm/"), 60)[0][1]
    link = re.search(r"http\S+/status/confirm/\S+", text)
    assert link, text
    with urllib.request.urlopen(link[0]) as page:
        assert "Yes, send me updates" in page.read().decode()
    assert liftmon.query("SELECT confirmed_at IS NULL FROM alerts_subscriber") == [(True,)]
    with urllib.request.urlopen(link[0], data=b""):
        pass
    assert liftmon.query("SELECT confirmed_at IS NULL FROM alerts_subscriber") == [(False,)]


def _joined(liftmon: RunningLiftmon) -> set[str]:
    return {row[0] for row in liftmon.query("SELECT bond FROM alerts_incidentalert")} & {"opener", "cascade"}


def _check_and_mitigate(
    phone: _Phone, liftmon: RunningLiftmon, incident: int, hanging: psycopg.Connection[Any], waiting: Any
) -> None:
    """The runbook's first two steps: look, and end what blocks."""
    page = phone.goto(f"/admin/alerts/incident/{incident}/diagnostics/")
    page.click("button:has-text('Run all') >> nth=0")
    page.wait_for_selector("text=The pool is exhausted", timeout=30_000)
    page.wait_for_load_state()
    pid = hanging.info.backend_pid
    assert f"At the root of it is pid {pid}" in phone.text()
    phone.picture("diagnostics")

    page = phone.goto(f"/admin/alerts/incident/{incident}/diagnostics/act/?database=1&pid={pid}")
    assert "1 other" in phone.text()
    phone.picture("confirmation")
    page.click(f"button:has-text('End the connection of pid {pid}')")
    page.wait_for_load_state("networkidle")
    wait_for(lambda: liftmon.query("SELECT is_done FROM alerts_mitigation") == [(True,)], 20)
    with pytest.raises(psycopg.OperationalError):
        hanging.execute("SELECT 1")
    assert waiting.execute("SELECT amount FROM payments WHERE id = 1").fetchone() == (1,)

    page = phone.goto(f"/admin/alerts/incident/{incident}/steps/")
    page.click("button[value='done'] >> nth=0")
    page.wait_for_selector("text=in time", timeout=20_000)
    phone.picture("steps")


def _post(phone: _Phone, incident: int, state: str) -> None:
    page = phone.goto(f"/admin/alerts/incident/{incident}/status/")
    page.check(f"input[name=state][value={state}]")
    page.wait_for_timeout(600)
    if state == "investigating":
        page.fill("input[name=title]", "Career advice is slow")
        page.select_option("label.lm-level:has-text('Career advice') select", label="Partial outage")
    page.click("button[name=post]")
    page.wait_for_selector("text=Posted:")
    phone.picture(f"posted-{state}")


def _report(phone: _Phone, browser: Browser, liftmon: RunningLiftmon, incident: int) -> None:
    """Edited by one, reviewed and published by another, exported."""
    ((report,),) = liftmon.query("SELECT id FROM alerts_incidentreport")
    address = f"/admin/alerts/incidentreport/{report}/change/"
    page = phone.goto(address)
    page.fill("textarea[name=root_cause]", "A migration held a lock on **payments** while it waited for a person.")
    page.click("button:has-text('Save') >> nth=0")
    page.wait_for_selector("text=Saved.")
    page = phone.goto(f"/admin/alerts/incident/{incident}/follow-ups/")
    page.fill("#incident-follow-ups input[name=text]", "Give migrations a lock_timeout")
    page.click("#incident-follow-ups form >> nth=-1 >> button")
    page.wait_for_selector("text=Give migrations a lock_timeout")
    phone.picture("follow-ups")
    page = phone.goto(address)
    page.click("button[value=submit]")
    page.wait_for_selector("text=Submitted for review.")
    phone.picture("report")

    grace = browser.new_context().new_page()
    grace.goto(f"{liftmon.url}/admin/login/")
    grace.fill("input[name=username]", "grace")
    grace.fill("input[name=password]", PASSWORD)
    grace.click("button[type=submit], input[type=submit]")
    grace.goto(f"{liftmon.url}{address}")
    grace.click("button[value=review]")
    grace.wait_for_selector("text=Reviewed.")
    grace.click("button[value=publish]")
    grace.wait_for_selector("text=Published.")
    answer = grace.request.get(f"{liftmon.url}/admin/alerts/incidentreport/{report}/export/pdf/")
    assert answer.status == 200
    document = pypdfium2.PdfDocument(answer.body())
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    assert "A migration held a lock on payments" in re.sub(r"\s+", " ", text)
    assert "Give migrations a lock_timeout" in re.sub(r"\s+", " ", text)
    grace.context.close()


def test_the_public_page_is_there_when_worker_and_broker_are_not(liftmon: RunningLiftmon) -> None:
    kill(liftmon, "celery --quiet -A liftmon worker")
    kill(liftmon, "redis-server")
    kill(liftmon, "valkey-server")
    began = time.monotonic()
    with urllib.request.urlopen(f"{liftmon.url}/status/", timeout=10) as page:
        assert "Career advice" in page.read().decode()

    assert time.monotonic() - began < 5
