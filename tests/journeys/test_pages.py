"""Every page of the admin in a real Chromium: light and dark, wide and phone, no console error, nothing serious for axe."""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.events.ingest.guide_events import BAD_LOG, GUIDE_EVENTS
from tests.journeys.conftest import PASSWORD
from tests.journeys.running import RunningLiftmon

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
pytestmark = [
    pytest.mark.journey,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    # On a continuous-integration machine a missing browser is a failure and not a reason to look away.
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="needs Chromium: apt install chromium"),
]
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Scripts have run when a page is loaded; what they draw is there two frames later.
PAINTED = "new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))"
WIDTHS = {"wide": (1440, 1000), "phone": (390, 844)}
ANALYTICS = [
    "/admin/analytics/",
    "/admin/analytics/feed/",
    "/admin/analytics/endpoints/",
    "/admin/analytics/errors/",
    "/admin/analytics/users/",
    "/admin/analytics/latency/",
    "/admin/analytics/features/",
    "/admin/analytics/trials/",
    "/admin/analytics/ai/",
    "/admin/analytics/security/",
    "/admin/analytics/delivery/",
    "/admin/analytics/cache/",
    "/admin/analytics/query/",
]
STACK = """TypeError: Cannot read properties of undefined (reading 'map')
    at List (webpack://_N_E/./components/List.jsx:12:7)
    at renderWithHooks (webpack://_N_E/./node_modules/react-dom/index.js:1:2)"""


@pytest.fixture(scope="module")
def filled(liftmon: RunningLiftmon) -> RunningLiftmon:
    """With an event of each kind, an issue with a stack, something refused, and limits reached."""
    key = json.loads(liftmon.manage("createservice", "lift api", "--json").stdout)["secret_key"]
    rich = {
        "event": "client_error",
        "data": {"message": "Cannot read properties of undefined (reading 'map')", "stack": STACK, "user_id": "u-1"},
        "tags": {"page": "/dashboard", "plan": "free"},
        "breadcrumbs": [{"timestamp": "2026-11-23T10:00:00Z", "category": "ui.click", "message": "button#save"}],
        "release": "lift@5.1.0",
        "environment": "production",
    }
    documents = [rich, BAD_LOG, *(event.document for event in GUIDE_EVENTS.values()), 3]
    send(liftmon, key, json.dumps(documents).encode())
    # So that the banner is there too; bringing a guard to this would take hundreds of names.
    liftmon.query(
        "INSERT INTO events_guardhit (service_id, guard, day, event_count, sample, first_at, last_at) "
        "SELECT 2, guard, (now() AT TIME ZONE 'UTC')::date, 1204, '/user/4711/photo', now(), now() "
        "FROM unnest(ARRAY['endpoint', 'tag', 'new_issues']) AS guard RETURNING id"
    )
    return liftmon


def send(liftmon: RunningLiftmon, key: str, body: bytes) -> None:
    request = urllib.request.Request(f"{liftmon.url}/api/analytics/track", body, {"X-Ingest-Key": key})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def log_in(browser: Browser, liftmon: RunningLiftmon, *, theme: str, width: str) -> tuple[Page, list[str]]:
    """A signed-in page and the list that its console errors go to."""
    wide, high = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": wide, "height": high},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{liftmon.url}/admin/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_url(f"{liftmon.url}/admin/")
    return page, errors


def addresses(liftmon: RunningLiftmon) -> list[str]:
    """One address of every kind of page."""
    ((event,),) = liftmon.query("SELECT id FROM events_event WHERE name = 'client_error' AND release <> '' LIMIT 1")
    ((issue,),) = liftmon.query("SELECT id FROM events_issue WHERE title LIKE 'TypeError%' LIMIT 1")
    ((key,),) = liftmon.query("SELECT id FROM events_ingestkey WHERE service_id = 2 AND kind = 'secret'")
    ((rejection,),) = liftmon.query("SELECT id FROM events_ingestrejection LIMIT 1")
    ((hit,),) = liftmon.query("SELECT id FROM events_guardhit WHERE guard = 'tag'")
    ((entry,),) = liftmon.query("SELECT id FROM events_eventtype WHERE name = 'ai_failure'")
    ((user,),) = liftmon.query("SELECT user_hash FROM events_event WHERE user_hash <> '' LIMIT 1")
    return [
        "/admin/",
        "/admin/?window=30d",
        *ANALYTICS,
        "/admin/analytics/endpoints/?window=7d",
        "/admin/analytics/endpoints/?environment=nowhere",
        "/admin/analytics/endpoints/?window=custom&from=2026-11-01T00:00Z&to=garbage",
        "/admin/analytics/endpoint/?endpoint=/api/career",
        f"/admin/analytics/user/?user={user}",
        "/admin/events/issue/",
        "/admin/events/issue/?status=resolved",
        f"/admin/events/issue/{issue}/change/",
        "/admin/events/event/",
        "/admin/events/event/?name=nothing_like_it",
        f"/admin/events/event/{event}/change/",
        "/admin/events/service/",
        "/admin/events/service/add/",
        "/admin/events/apitoken/",
        "/admin/events/apitoken/add/",
        "/admin/events/service/1/change/",
        "/admin/events/service/2/change/",
        f"/admin/events/service/2/keys/{key}/rotate/",
        f"/admin/events/service/2/keys/{key}/limit/",
        "/admin/events/ingestrejection/",
        f"/admin/events/ingestrejection/{rejection}/change/",
        "/admin/events/guardhit/",
        f"/admin/events/guardhit/{hit}/change/",
        "/admin/events/eventtype/",
        f"/admin/events/eventtype/{entry}/change/",
        "/admin/django_celery_beat/periodictask/",
        "/admin/django_celery_beat/periodictask/1/change/",
        "/admin/auth/user/",
        "/admin/auth/user/1/change/",
        "/admin/auth/group/",
        "/admin/review/daily/",
        "/admin/review/weekly/?window=30d",
        "/admin/review/preview/?kind=weekly",
        "/admin/dashboards/digest/",
        "/admin/dashboards/digestsubscription/",
        "/admin/dashboards/digestsubscription/add/",
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_renders_without_errors(browser: Browser, filled: RunningLiftmon, theme: str, width: str) -> None:
    """With LIFTMON_SCREENSHOTS, a folder, pictures of all of them are put there to be looked at."""
    page, errors = log_in(browser, filled, theme=theme, width=width)
    shots = os.environ.get("LIFTMON_SCREENSHOTS")
    found: dict[str, Any] = {}
    for number, address in enumerate(addresses(filled)):
        page.goto(filled.url + address)
        page.evaluate(PAINTED)
        if shots:
            page.screenshot(path=Path(shots) / f"{number:02}-{theme}-{width}.png", full_page=True)
        is_dark = page.evaluate("document.documentElement.classList.contains('dark')")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        serious = [
            f"{violation['id']}: {violation['nodes'][0]['html'][:160]}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical") or violation["id"] in ("landmark-one-main", "region")
        ]
        problems = [*errors, *serious, *([f"scrolls sideways by {overflow} px"] if overflow > 0 else [])]
        problems += [] if is_dark == (theme == "dark") else ["not in the theme asked for"]
        if problems:
            found[address] = problems
        errors.clear()
    page.context.close()
    assert found == {}, json.dumps(found, indent=1)


def test_a_person_adds_a_service_sends_and_sees_the_issue(browser: Browser, filled: RunningLiftmon) -> None:
    page, errors = log_in(browser, filled, theme="light", width="wide")
    page.goto(f"{filled.url}/admin/events/service/add/")
    page.fill("input[name=name]", "lift worker")
    page.click("button[name=_save], input[name=_save]")
    page.wait_for_load_state()
    secret = page.inner_text("#lm-secret-key")
    assert len(secret) == 32
    assert "Waiting for the first event" in page.inner_text("#lm-waiting")

    curl = page.inner_text("#lm-curl")
    assert secret in curl
    subprocess.run(["bash", "-c", curl], check=True, capture_output=True)
    page.wait_for_selector("text=First event received")
    page.click("#lm-waiting a")
    page.wait_for_url("**/admin/events/event/**")
    assert "api_timeout" in page.inner_text("#content-main h2")

    page.click("text=Part of issue >> a")
    page.click("button:has-text('Resolve')")
    page.wait_for_selector("text=Resolved")
    subprocess.run(["bash", "-c", curl], check=True, capture_output=True)
    page.reload()
    assert "Came back" in page.inner_text("#content-main")
    assert errors == []


def test_pages_need_no_mouse_and_times_are_the_readers(browser: Browser, filled: RunningLiftmon) -> None:
    page, _ = log_in(browser, filled, theme="light", width="wide")
    page.goto(f"{filled.url}/admin/events/event/", wait_until="networkidle")
    title = page.locator("#result_list time").first.get_attribute("title") or ""
    assert title.endswith(("CET", "CEST"))

    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim()"))
    assert {"24 hours", "Filter", "Catalogue"} <= {text.split("\n")[-1].strip() for text in reached}


def test_after_a_journey_the_first_page_tells_the_new_zone(browser: Browser, filled: RunningLiftmon) -> None:
    page, errors = log_in(browser, filled, theme="light", width="wide")
    page.context.add_cookies([{"name": "lm_tz", "value": "Asia/Kathmandu", "url": filled.url}])
    page.goto(f"{filled.url}/admin/events/event/", wait_until="networkidle")

    page.wait_for_function(
        "[...document.querySelectorAll('#result_list time')].some((one) => /CES?T$/.test(one.title))"
    )
    assert errors == []


def test_where_cookies_do_not_stay_nothing_is_loaded_twice(browser: Browser, filled: RunningLiftmon) -> None:
    page, _ = log_in(browser, filled, theme="light", width="wide")
    page.add_init_script(
        "Object.defineProperty(Document.prototype, 'cookie', { get: () => 'lm_tz=Asia/Kathmandu', set: () => {} })"
    )
    loaded: list[str] = []
    page.on("framenavigated", lambda frame: loaded.append(frame.url))
    page.goto(f"{filled.url}/admin/", wait_until="networkidle")
    page.wait_for_timeout(500)

    assert len(loaded) == 1


def test_a_keyboard_skips_the_navigation(browser: Browser, filled: RunningLiftmon) -> None:
    page, _ = log_in(browser, filled, theme="light", width="wide")
    page.goto(f"{filled.url}/admin/analytics/endpoints/", wait_until="networkidle")

    page.keyboard.press("Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    box = skip.bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.closest('#content') !== null")


def test_a_chart_is_drawn_and_its_numbers_are_a_table(browser: Browser, filled: RunningLiftmon) -> None:
    page, errors = log_in(browser, filled, theme="light", width="wide")
    page.goto(f"{filled.url}/admin/", wait_until="networkidle")

    page.wait_for_function(
        """() => {
            const canvas = document.querySelector('canvas[data-lm-chart]');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.some((value) => value !== 0);
        }"""
    )
    page.click("text=The same numbers as a table")
    cells = page.locator(".lm-chart-numbers tbody td").all_inner_texts()

    assert sum(int(cell) for cell in cells) > 0
    assert errors == []
