import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from events.event_search import PAGE_SIZE, EventFilter, find_events
from events.models import Event, Issue
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db
LIST = "/admin/events/event/"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def reader() -> Client:
    """Staff who may look at events and nothing else."""
    user = User.objects.create_user("reader", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_event"))
    client = Client()
    client.force_login(user)
    return client


def test_staff_without_the_permission_see_no_event(sender: Sender) -> None:
    sender.store({"event": "api_timeout"})
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{Event.objects.get().id}/change/").status_code == 403


def test_a_visitor_is_sent_to_the_login() -> None:
    assert Client().get(LIST).status_code == 302


def test_the_list_shows_the_newest_first(sender: Sender, reader: Client) -> None:
    sender.store({"event": "older_one", "timestamp": ago(hours=2).isoformat()}, {"event": "newer_one"})

    page = reader.get(LIST).content.decode()

    assert page.index("newer_one</a>") < page.index("older_one</a>")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"a", "b", "c"}),
        ("?window=1h", {"a", "b"}),
        ("?window=30d", {"a", "b", "c", "d"}),
        ("?severity=error", {"a"}),
        ("?severity=failures", {"a", "c"}),
        ("?name=b", {"b"}),
        ("?endpoint=/api/x", {"a"}),
        ("?endpoint=/api/*", {"a", "c"}),
        ("?environment=staging", {"b"}),
        ("?window=nonsense&severity=nonsense&service=nonsense&before=nonsense&issue=nonsense", {"a", "b", "c"}),
        ("?service=99999999", set()),
        ("?name=%00a", {"a"}),
    ],
)
def test_it_filters(sender: Sender, reader: Client, query: str, found: set[str]) -> None:
    sender.store(
        {"event": "a", "severity": "error", "endpoint": "/api/x"},
        {"event": "b", "environment": "staging"},
        {"event": "c", "severity": "warning", "endpoint": "/api/y", "timestamp": ago(hours=5).isoformat()},
        {"event": "d", "timestamp": ago(days=9).isoformat()},
    )

    response: Any = reader.get(LIST + query)

    assert {event.name for event in response.context["page"].events} == found


def test_it_keeps_to_an_issue_and_to_a_user(sender: Sender, reader: Client) -> None:
    sender.store(
        {"event": "one", "level": "error", "user_id": "u1"}, {"event": "two", "level": "error", "user_id": "u2"}
    )
    event = Event.objects.get(name="two")
    issue = Issue.objects.get(name="two")

    of_issue: Any = reader.get(f"{LIST}?issue={issue.pk}")
    of_user: Any = reader.get(f"{LIST}?user={event.user_hash}")

    assert of_issue.context["page"].events == of_user.context["page"].events == [event]


def test_paging_meets_every_event_once_in_both_directions_even_within_one_millisecond(sender: Sender) -> None:
    at = (timezone.now() - timedelta(minutes=1)).isoformat()
    sender.store(*({"event": "same_moment", "timestamp": at} for _ in range(PAGE_SIZE * 2 + 7)))
    everything = list(Event.objects.order_by("-id").values_list("id", flat=True))
    now = timezone.now()

    down = [find_events(EventFilter(), now=now)]
    while (older := down[-1].older) is not None:
        down.append(find_events(EventFilter(older_than=older), now=now))
    up = [down[-1]]
    while (newer := up[-1].newer) is not None:
        up.append(find_events(EventFilter(newer_than=newer), now=now))

    assert [event.id for page in down for event in page.events] == everything
    assert [len(page.events) for page in down] == [PAGE_SIZE, PAGE_SIZE, 7]
    assert down[0].newer is None
    assert [event.id for page in reversed(up) for event in page.events] == everything
    assert up[-1].newer is None


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_costs_the_same_however_long_it_is(
    sender: Sender, reader: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    sender.store(*({"event": "api_timeout", "user_id": f"u{number}"} for number in range(count)))

    with django_assert_max_num_queries(14) as queries:
        reader.get(LIST)

    assert not any("COUNT" in query["sql"] and "events_event" in query["sql"] for query in queries.captured_queries)


def test_a_list_of_several_pages_counts_no_further_than_its_limit(
    sender: Sender, reader: Client, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    sender.store(*({"event": "api_timeout"} for _ in range(PAGE_SIZE + 5)))

    # The patience with the count is set, used and let go of.
    with django_assert_max_num_queries(18) as queries:
        page: Any = reader.get(LIST)

    (counting,) = (one["sql"] for one in queries.captured_queries if "COUNT(*)" in one["sql"])
    assert "LIMIT 10001" in counting
    assert f"{PAGE_SIZE + 5} events</strong>, newest first" in page.content.decode()
    assert f"{PAGE_SIZE} shown of {PAGE_SIZE + 5}" in page.content.decode()
    second: Any = reader.get(LIST + page.context_data["older"])
    assert f"5 shown of {PAGE_SIZE + 5}" in second.content.decode()
    monkeypatch.setattr("events.event_total.MOST", PAGE_SIZE + 1)
    assert f"More than {PAGE_SIZE + 1} events</strong>" in reader.get(LIST).content.decode()


def test_a_count_that_takes_too_long_says_what_is_known(
    sender: Sender, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.store(*({"event": "api_timeout"} for _ in range(PAGE_SIZE + 5)))
    slow = Event.objects.extra(where=["pg_sleep(0.1) IS NOT NULL"])
    monkeypatch.setattr("events.event_total._PATIENCE", timedelta(milliseconds=50))
    monkeypatch.setattr("events.event_total.matching_events", lambda *_: slow)

    assert f"More than {PAGE_SIZE} events</strong>" in reader.get(LIST).content.decode()


def test_one_event_is_one(sender: Sender, reader: Client) -> None:
    sender.store({"event": "api_timeout"})

    assert "1 event</strong>, newest first" in reader.get(LIST).content.decode()


def test_a_window_of_ones_own_is_kept_by_clear_and_by_the_filters(sender: Sender, reader: Client) -> None:
    sender.store({"event": "a", "severity": "error", "timestamp": ago(hours=50).isoformat()})
    start, end = (f"{ago(hours=hours):%Y-%m-%dT%H:%MZ}" for hours in (51, 49))
    address = f"{LIST}?{urlencode({'window': 'custom', 'from': start, 'to': end, 'severity': 'error', 'name': 'a'})}"

    page: Any = reader.get(address)

    text = page.content.decode()
    assert re.search(r'<summary class="lm-button" aria-current="true">Custom</summary>', text)
    (clear,) = re.findall(r'<a href="([^"]+)">Clear</a>', text)
    cleared: Any = reader.get(LIST + unescape(clear))
    wanted, whole = page.context_data["wanted"], cleared.context_data["wanted"]
    assert (whole.window, whole.start, whole.end) == ("custom", wanted.start, wanted.end)
    assert (whole.severity, whole.name) == ("", "")
    (form,) = re.findall(r'<details class="lm-custom".*?</details>', text, re.DOTALL)
    sent = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    again: Any = reader.get(f"{LIST}?{urlencode(sent)}")
    assert again.context_data["wanted"] == wanted


@pytest.mark.parametrize("query", ["from=yesterday&to=today", "", "from=2026-03-02T00:00Z&to=2026-03-01T00:00Z"])
def test_a_window_that_cannot_be_read_is_told(sender: Sender, reader: Client, query: str) -> None:
    assert "These are the last 24 hours instead" in reader.get(f"{LIST}?window=custom&{query}").content.decode()
    assert "These are the last 24 hours instead" not in reader.get(f"{LIST}?window=7d").content.decode()


def test_a_search_that_takes_too_long_says_so(sender: Sender, reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    monkeypatch.setattr("events.patience.PATIENCE", timedelta(milliseconds=1))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION dawdle(text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT $1 FROM pg_sleep(1) $$;"
        )
    sender.store({"event": "api_timeout"})
    slow = Event.objects.extra(where=["dawdle(name) = 'api_timeout'"])
    monkeypatch.setattr("events.event_search.matching_events", lambda *_: slow)

    assert "takes too long" in reader.get(LIST).content.decode()


def test_an_event_page_shows_everything_about_it_and_escapes_all_of_it(sender: Sender, reader: Client) -> None:
    sender.store(
        {
            "event": HOSTILE,
            "level": "error",
            "message": HOSTILE,
            "endpoint": HOSTILE,
            "environment": HOSTILE,
            "release": HOSTILE,
            "session_id": HOSTILE,
            "user_id": "u1",
            "tags": {HOSTILE: HOSTILE},
            "breadcrumbs": [{"category": HOSTILE, "message": HOSTILE, "data": {HOSTILE: HOSTILE}}],
            "exception": {
                "type": HOSTILE,
                "value": HOSTILE,
                "stacktrace": {
                    "frames": [
                        {
                            "function": HOSTILE,
                            "filename": HOSTILE,
                            "lineno": 3,
                            "in_app": True,
                            "context_line": HOSTILE,
                            "pre_context": [HOSTILE],
                            "vars": {HOSTILE: HOSTILE},
                        },
                        {"function": "plain"},
                    ]
                },
            },
            "data": {HOSTILE: [HOSTILE]},
            "password": "hunter2",
        }
    )
    event = Event.objects.get()

    page = reader.get(f"{LIST}{event.id}/change/").content.decode()
    listed = reader.get(LIST).content.decode()

    assert "<script>alert" not in page + listed
    assert "<img src=x" not in page + listed
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 10
    assert "<code>data.password</code> Password" in page
    assert event.user_hash in page


def test_it_steps_to_the_neighbours_of_the_same_issue(sender: Sender, reader: Client) -> None:
    for minutes in (3, 2, 1):
        sender.store({"event": "api_timeout", "timestamp": ago(minutes=minutes).isoformat()})
        sender.store({"event": "another", "level": "error", "timestamp": ago(minutes=minutes).isoformat()})
    first, middle, last = Event.objects.filter(name="api_timeout").order_by("id")

    response: Any = reader.get(f"{LIST}{middle.id}/change/")

    assert (response.context["older"], response.context["newer"]) == (first.id, last.id)


UNKNOWN = ["5f0c7f1e-0d5b-4d0e-9c68-1f6f6f0f8a11", "01a208e3-d144-77d0-ab69-585d6a025b18", "1", "nonsense"]


@pytest.mark.parametrize("object_id", UNKNOWN)
def test_an_unknown_event_is_404(reader: Client, object_id: str) -> None:
    assert reader.get(f"{LIST}{object_id}/change/").status_code == 404


def test_nobody_changes_an_event(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "api_timeout"})

    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(f"{LIST}{Event.objects.get().id}/delete/", {"post": "yes"}).status_code == 403
    assert Event.objects.exists()


def test_times_are_shown_in_the_readers_zone(sender: Sender, reader: Client) -> None:
    sender.store({"event": "api_timeout", "timestamp": ago(hours=1).isoformat()})
    reader.cookies["lm_tz"] = "Asia/Kolkata"

    page = reader.get(LIST).content.decode()

    assert "IST" in page


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "\x00"])
def test_a_zone_that_does_not_exist_is_ignored(sender: Sender, reader: Client, zone: str) -> None:
    sender.store({"event": "api_timeout"})
    reader.cookies["lm_tz"] = zone

    assert reader.get(LIST).status_code == 200
