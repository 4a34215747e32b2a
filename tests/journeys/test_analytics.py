"""The analytics pages in a real Chromium, as people use them: live feed, from the overview to whom it hurt, zooming in."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.running import RunningLiftmon
from tests.journeys.test_pages import browser as browser
from tests.journeys.test_pages import log_in, send
from tests.journeys.test_pages import pytestmark as pytestmark

CHECKOUT = "/api/subscription/checkout"
HURT = 31


@pytest.fixture(scope="module")
def key(liftmon: RunningLiftmon) -> str:
    """Of a service whose checkout failed for 31 users half an hour ago, while everything else went well."""
    key = json.loads(liftmon.manage("createservice", "lift api", "--json").stdout)["secret_key"]
    now = datetime.now(UTC)
    documents: list[dict[str, Any]] = []
    for number in range(HURT):
        at = (now - timedelta(minutes=30, seconds=number)).isoformat()
        user = f"u-{number}"
        failure = {"severity": "CRITICAL", "error": "Stripe is away", "endpoint": CHECKOUT, "user_id": user}
        documents.append({"event": "stripe_checkout_error", "data": failure, "timestamp": at})
        for endpoint, status in ((CHECKOUT, 502), ("/api/jobs", 200), ("/api/career", 200)):
            timed = {"endpoint": endpoint, "status": status, "response_time_ms": 180, "user_id": user}
            documents.append({"event": "api_response_time", "data": timed, "timestamp": at})
    send(liftmon, key, json.dumps(documents).encode())
    deadline = time.monotonic() + 60
    while liftmon.query("SELECT count(*) FROM events_fact") != [(0,)]:
        assert time.monotonic() < deadline, "the worker does not count"
        time.sleep(0.5)
    return key


@pytest.fixture
def page(browser: Browser, liftmon: RunningLiftmon) -> Iterator[Page]:
    page, errors = log_in(browser, liftmon, theme="light", width="wide")
    yield page
    assert errors == []
    page.context.close()


def test_the_failing_endpoint_and_the_users_it_hurt_are_two_clicks_away(
    page: Page, liftmon: RunningLiftmon, key: str
) -> None:
    page.goto(f"{liftmon.url}/admin/", wait_until="networkidle")
    assert f"{HURT} users" in page.inner_text(".lm-verdict")

    page.click(f"tr:has-text('{CHECKOUT}') >> th a >> nth=0")
    page.wait_for_url("**/admin/analytics/endpoint/**")
    assert "stripe_checkout_error" in page.inner_text("#content-main")

    page.go_back()
    page.click(f"tr:has-text('{CHECKOUT}') >> a[href*='/analytics/users/']")
    page.wait_for_url("**/admin/analytics/users/**")
    assert f"{HURT} of {HURT}" in page.inner_text("#content-main")


def test_what_arrives_is_shown_within_two_seconds(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    waited = []
    for number in range(3):
        sent_at = time.monotonic()
        fail(liftmon, key, f"arrived {number}")
        page.wait_for_selector(f"#lm-feed >> text=arrived {number}", timeout=10_000)
        waited.append(time.monotonic() - sent_at)

    # On a machine that does other things as well, one of them may be late.
    assert sorted(waited)[1] < 2


def test_a_reader_who_scrolled_is_told_and_not_moved(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.set_viewport_size({"width": 900, "height": 400})
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    page.mouse.move(450, 300)
    page.mouse.wheel(0, 500)
    page.wait_for_function("window.scrollY > 200 || document.getElementById('main')?.scrollTop > 200")

    fail(liftmon, key, "while scrolled")

    page.wait_for_selector("#lm-feed-pill:has-text('1 new')")
    assert page.locator("#lm-feed >> text=while scrolled").count() == 0
    page.click("#lm-feed-pill")
    page.wait_for_selector("#lm-feed >> text=while scrolled")


def test_rows_do_not_move_while_the_reader_is_at_one(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    page.hover("#lm-feed tr >> nth=1")
    top = page.locator("#lm-feed").bounding_box()

    fail(liftmon, key, "while pointed at")

    page.wait_for_selector("#lm-feed-pill:has-text('1 new')")
    assert page.text_content("#lm-feed-told") == "1 new event waits above the list."
    assert page.locator("#lm-feed").bounding_box() == top
    page.mouse.move(2, 2)
    page.wait_for_selector("#lm-feed >> text=while pointed at")

    page.focus("#lm-feed a[data-lm-panel] >> nth=0")
    top = page.locator("#lm-feed").bounding_box()
    fail(liftmon, key, "while focused")
    page.wait_for_selector("#lm-feed-pill:has-text('1 new')")
    assert page.locator("#lm-feed").bounding_box() == top
    page.focus("#lm-feed-pause")
    page.wait_for_selector("#lm-feed >> text=while focused")


def test_what_a_flood_leaves_out_is_told(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/?name=flood", wait_until="networkidle")

    flood = [{"event": "flood", "level": "error", "message": f"drop {number}"} for number in range(60)]
    send(liftmon, key, json.dumps(flood).encode())

    page.wait_for_selector("#lm-feed .lm-feed-gap >> text=older ones are missing here")
    page.wait_for_selector("#lm-feed-state:has-text('more than 50 arrived at once')")
    assert page.locator("#lm-feed tr.lm-feed-row").count() == 50
    page.click("#lm-feed-reload")
    page.wait_for_selector("#lm-feed-state:has-text('Live: what arrives')")


def test_a_reader_who_was_away_for_long_begins_anew(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    long_ago = urlencode({"since": (datetime.now(UTC) - timedelta(minutes=11)).isoformat()})

    with page.expect_event("load"):
        page.route(
            "**/arrivals/**",
            lambda route: route.continue_(url=re.sub(r"since=[^&]+", long_ago, route.request.url)),
            times=1,
        )

    page.wait_for_selector("#lm-feed-state:has-text('Live: what arrives')")


def test_the_heat_map_opens_at_its_newest_column(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{liftmon.url}/admin/analytics/endpoints/?window=24h", wait_until="networkidle")

    is_seen = """cell => {
        const [box, frame] = [cell, cell.closest(".lm-scroll")].map((one) => one.getBoundingClientRect());
        return box.left >= frame.left && box.right <= frame.right + 1;
    }"""
    assert page.locator(".lm-heat thead th:last-child").evaluate(is_seen)
    assert not page.locator(".lm-heat thead th:nth-child(2)").evaluate(is_seen)
    page.wait_for_selector(".lm-edges-left")
    assert page.locator(".lm-edges-left").count() == 1


def test_an_event_opens_beside_the_feed_and_the_keyboard_leads_back(
    page: Page, liftmon: RunningLiftmon, key: str
) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    page.focus("#lm-feed a[data-lm-panel] >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector("#lm-panel:not([hidden]) h2")

    page.keyboard.press("Escape")

    assert page.locator("#lm-panel").is_hidden()
    assert page.evaluate("document.activeElement.hasAttribute('data-lm-panel')")


def test_nothing_is_asked_while_the_tab_is_hidden(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/feed/", wait_until="networkidle")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    page.wait_for_timeout(1_500)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.wait_for_timeout(2_500)
    assert asked == []
    with page.expect_request("**/feed/arrivals/**"):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def test_dragging_over_a_chart_looks_at_that_part_alone(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/endpoints/?window=1h&environment=", wait_until="networkidle")
    box = page.locator("canvas[data-lm-chart]").first.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2

    page.mouse.move(box["x"] + box["width"] * 0.2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    page.mouse.up()

    page.wait_for_url("**window=custom**")
    assert page.locator(".lm-custom[open]").count() == 1
    assert CHECKOUT in page.inner_text("#content-main")


def test_a_choice_of_a_filter_takes_effect_at_once(page: Page, liftmon: RunningLiftmon, key: str) -> None:
    page.goto(f"{liftmon.url}/admin/analytics/endpoints/?window=1h", wait_until="networkidle")

    page.select_option("select[name=service]", label="lift api")

    page.wait_for_url("**service=**")
    assert "window=1h" in page.url
    assert CHECKOUT in page.inner_text("#content-main")


def fail(liftmon: RunningLiftmon, key: str, message: str) -> None:
    document = {"event": "api_error", "data": {"severity": "error", "message": message, "endpoint": "/api/x"}}
    send(liftmon, key, json.dumps(document).encode())
