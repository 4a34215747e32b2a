"""The page of one issue: what it shows, and that it shows it safely and at a constant cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.utils import timezone

from events.merging import merge
from events.models import Event, EventType, Issue
from tests.events.admin.people import client_of, make_person, reader, triager
from tests.events.conftest import Sender, ago

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def failure(name: str = "a_failed", *, user: str = "", **more: Any) -> dict[str, Any]:
    return {"event": name, "message": f"{name} broke", "severity": "error", "user_id": user, **more}


def page_of(issue: Issue, query: str = "") -> str:
    return f"/admin/events/issue/{issue.pk}/change/{query}"


def show(person: User, issue: Issue, query: str = "") -> str:
    response = client_of(person).get(page_of(issue, query))
    assert response.status_code == 200
    return response.content.decode()


def the_issue(name: str = "a_failed") -> Issue:
    return Issue.objects.get(name=name)


def only_text(html: str) -> str:
    """Without tags, one space between words."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def section(html: str, section_id: str) -> str:
    return html.partition(f'id="{section_id}"')[2].partition("</section>")[0]


@pytest.fixture
def ada(db: None) -> User:
    return triager()


# --- What broke, who is hurt, since when, what to do -------------------------------------------------------------


def test_it_tells_what_broke_who_is_hurt_since_when_and_what_to_do(sender: Sender, ada: User) -> None:
    EventType.objects.create(name="a_failed", description="A did not work.", question="How often does A fail?")
    sender.store(
        failure(user="u1", timestamp=ago(hours=3).isoformat(), release="web@1"), failure(user="u2", release="web@2")
    )

    header = only_text(show(ada, the_issue()).partition("<article")[2].partition("</header>")[0])

    for said in (
        "a_failed: a_failed broke",
        "Events 2",
        "Users hurt 2",
        "First seen 3 hours ago",
        "Last seen just now",
    ):
        assert said in header
    assert "Release web@2 and 1 more" in header
    assert "A did not work. To answer: How often does A fail? Daily review" in header
    assert "lift api" in header


def test_it_says_that_the_issue_came_back(sender: Sender, ada: User) -> None:
    sender.store(failure())
    the_issue().resolve(by=ada, at=ago(minutes=5))
    sender.store(failure())

    text = only_text(show(ada, the_issue()))

    assert "Error Came back" in text
    assert re.search(r"Came back just now by Liftmon .*Resolved 5 min ago by ada", text)


def test_it_draws_the_events_of_each_hour(sender: Sender, ada: User) -> None:
    sender.store(failure(timestamp=ago(hours=2).isoformat()), failure(), failure())

    response: Any = client_of(ada).get(page_of(the_issue()))

    chart = response.context["chart"]
    assert sum(chart["datasets"][0]["data"]) == 3
    assert len(chart["labels"]) == 25
    assert chart["caption"] == "3 events in the last 24 hours, by the hour"


@pytest.mark.parametrize(
    ("age", "unit"),
    [
        ({"hours": 23.9}, "24 hours, by the hour"),
        ({"days": 2.9}, "3 days, by the hour"),
        ({"days": 13.9}, "14 days, by the day"),
    ],
)
def test_it_chooses_the_window_that_shows_the_whole_issue(
    sender: Sender, ada: User, age: dict[str, float], unit: str
) -> None:
    sender.store(failure(timestamp=ago(**age).isoformat()))

    response: Any = client_of(ada).get(page_of(the_issue()))

    assert response.context["chart"]["caption"] == f"1 event in the last {unit}"


def test_it_draws_another_window_when_asked(sender: Sender, ada: User) -> None:
    sender.store(failure())

    response: Any = client_of(ada).get(page_of(the_issue(), "?window=30d"))

    assert len(response.context["chart"]["labels"]) == 31


def test_it_explains_the_grouping(sender: Sender, ada: User) -> None:
    sender.store(failure())

    grouping = only_text(section(show(ada, the_issue()), "grouping"))

    assert "Grouped because the event name (a_failed) and the message match." in grouping
    assert "version 1" in grouping
    assert "message a_failed broke yes as sent" in grouping


# --- The event shown ---------------------------------------------------------------------------------------------


def three_events(sender: Sender) -> list[Event]:
    """Oldest first."""
    sender.store(*(failure(user=f"u{age}", timestamp=ago(hours=age).isoformat(), run=age) for age in (3, 2, 1)))
    return list(Event.objects.order_by("id"))


def steps(html: str) -> dict[str, str]:
    """Where the links above the event lead, by their text."""
    links = re.findall(r'href="\?event=([0-9a-f-]{36})[^"]*#event">(Oldest|Older|Newer|Latest)<', html)
    return {label: event_id for event_id, label in links}


def test_it_shows_the_latest_event_first(sender: Sender, ada: User) -> None:
    oldest, middle, latest = three_events(sender)

    html = show(ada, the_issue())

    assert "Latest event" in html
    assert str(latest.event_id) in html
    assert steps(html) == {"Oldest": str(oldest.pk), "Older": str(middle.pk)}


def test_it_steps_to_newer_and_older_events(sender: Sender, ada: User) -> None:
    oldest, middle, latest = three_events(sender)

    html = show(ada, the_issue(), f"?event={middle.pk}")

    assert str(middle.event_id) in section(html, "event")
    assert steps(html) == {
        "Oldest": str(oldest.pk),
        "Older": str(oldest.pk),
        "Newer": str(latest.pk),
        "Latest": str(latest.pk),
    }


def test_it_steps_through_the_events_of_one_user(sender: Sender, ada: User) -> None:
    sender.store(*(failure(user="u1" if age != 2 else "u2", timestamp=ago(hours=age).isoformat()) for age in (3, 2, 1)))
    first, other, last = Event.objects.order_by("id")

    html = show(ada, the_issue(), f"?user={first.user_hash}")

    assert str(last.event_id) in section(html, "event")
    assert steps(html) == {"Oldest": str(first.pk), "Older": str(first.pk)}
    assert str(other.pk) not in section(html, "events")


def test_it_steps_across_merged_issues(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed", timestamp=ago(hours=2).isoformat()), failure("b_failed"))
    merge(the_issue("a_failed"), the_issue("b_failed"), by=None, at=timezone.now())

    html = show(ada, Issue.objects.visible().get())

    assert steps(html)["Older"] == str(Event.objects.get(name="a_failed").pk)


def test_it_pages_through_the_events(sender: Sender, ada: User) -> None:
    sender.store(*(failure(timestamp=ago(minutes=age).isoformat()) for age in range(1, 14)))
    newest_first = [str(event.pk) for event in Event.objects.order_by("-id")]

    first = section(show(ada, the_issue()), "events")
    second = section(show(ada, the_issue(), f"?before={newest_first[9]}"), "events")

    assert re.findall(r"\?event=([0-9a-f-]+)", first) == newest_first[:10]
    assert re.findall(r"\?event=([0-9a-f-]+)", second) == newest_first[10:]


def test_it_shows_stack_breadcrumbs_tags_data_and_what_was_scrubbed(sender: Sender, ada: User) -> None:
    sender.store(
        failure(
            user="u1",
            stack="TypeError: x is undefined\n    at openDeck (/app/lib/decks.js:64:20)",
            breadcrumbs=[{"message": "clicked save", "category": "ui"}],
            tags={"plan": "campus"},
            data={"deck": "d-7", "password": "hunter2"},
            endpoint="/api/decks",
            duration_ms=1234.5,
        )
    )

    text = only_text(show(ada, the_issue()).partition('id="event"')[2].partition('id="events"')[0])

    for said in (
        "openDeck",
        "clicked save",
        "plan campus",
        "&quot;deck&quot;: &quot;d-7&quot;",
        "/api/decks",
        "1,234.5 ms",
    ):
        assert said in text
    assert "data.password" in text
    assert "hunter2" not in text


def test_it_says_so_when_the_events_are_past_their_retention(sender: Sender, ada: User) -> None:
    sender.store(failure(user="u1"))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event")

    assert "past their retention" in show(ada, the_issue())


@pytest.mark.parametrize("query", ["?event=0197f000-0000-7000-8000-000000000000", "?event=nonsense", "?before=x"])
def test_it_knows_no_event_that_is_not_its_own(sender: Sender, ada: User, query: str) -> None:
    sender.store(failure())

    assert client_of(ada).get(page_of(the_issue(), query)).status_code == 404


def test_it_does_not_show_an_event_of_another_issue(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))
    other = Event.objects.get(name="b_failed")

    assert client_of(ada).get(page_of(the_issue("a_failed"), f"?event={other.pk}")).status_code == 404


# --- What its events have in common, whom they hurt --------------------------------------------------------------


def test_it_counts_what_the_events_carry(sender: Sender, ada: User) -> None:
    chrome = "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36"
    sender.store(
        *(failure(tags={"plan": "free"}, environment="production", userAgent=chrome) for _ in range(3)),
        failure(tags={"plan": "pro"}, environment="staging"),
    )

    response: Any = client_of(ada).get(page_of(the_issue()))

    counted = {
        one.tag: [(share.value, share.count, share.percent) for share in one.shares]
        for one in response.context["sample"].distributions
    }
    assert counted == {
        "environment": [("production", 3, 75.0), ("staging", 1, 25.0)],
        "plan": [("free", 3, 75.0), ("pro", 1, 25.0)],
        "browser": [("Chrome 143", 3, 75.0)],
    }


def test_it_says_how_many_events_carry_other_values(sender: Sender, ada: User) -> None:
    sender.store(*(failure(tags={"host": f"web-{number}"}) for number in range(8)))

    response: Any = client_of(ada).get(page_of(the_issue()))

    (host,) = response.context["sample"].distributions
    assert (host.tag, len(host.shares), host.other_count) == ("host", 5, 3)


def test_it_lists_the_users_it_hurt_most(sender: Sender, ada: User) -> None:
    sender.store(*(failure(user=user) for user in ("u1", "u2", "u2", "u2", "u3", "u3")))

    response: Any = client_of(ada).get(page_of(the_issue()))

    assert [user.event_total for user in response.context["users"]] == [3, 2, 1]
    assert "u2" not in only_text(section(response.content.decode(), "users"))


def test_it_adds_up_a_user_over_merged_issues(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed", user="u1"), failure("b_failed", user="u1"), failure("b_failed", user="u1"))
    merge(the_issue("a_failed"), the_issue("b_failed"), by=None, at=timezone.now())

    response: Any = client_of(ada).get(page_of(Issue.objects.visible().get()))

    assert [user.event_total for user in response.context["users"]] == [3]


# --- Who may see it, what it costs, that it is safe --------------------------------------------------------------


def test_it_is_closed_to_staff_without_the_right(sender: Sender) -> None:
    sender.store(failure())

    assert client_of(make_person("mallory")).get(page_of(the_issue())).status_code == 403


@pytest.mark.parametrize("number", ["999999", "0", "x", "9" * 30, "١"])
def test_it_answers_404_for_an_unknown_issue(ada: User, number: str) -> None:
    assert client_of(ada).get(f"/admin/events/issue/{number}/change/").status_code == 404


def test_it_leads_from_a_merged_issue_to_the_one_that_stands_for_it(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"), failure("c_failed"))
    a, b, c = the_issue("a_failed"), the_issue("b_failed"), the_issue("c_failed")
    merge(a, b, by=None, at=timezone.now())
    merge(b, c, by=None, at=timezone.now())

    response: Any = client_of(ada).get(page_of(a))

    assert (response.status_code, response.url) == (302, page_of(c))


def test_it_shows_no_buttons_to_those_who_may_only_look(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))
    merge(the_issue("a_failed"), the_issue("b_failed"), by=None, at=timezone.now())
    issue = Issue.objects.visible().get()

    theirs, ours = (show(person, issue).partition("<article")[2] for person in (reader(), ada))

    assert ours.count('method="post"') == 5
    assert "Merge with…" in ours
    assert 'method="post"' not in theirs
    assert "Merge with…" not in theirs


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_queries_for_any_number_of_events(
    sender: Sender, ada: User, count: int, django_assert_max_num_queries: Any
) -> None:
    sender.store(
        *(
            failure(
                user=f"u{number}",
                tags={f"t{number}": "x"},
                timestamp=(timezone.now() - timedelta(hours=number)).isoformat(),
            )
            for number in range(count)
        )
    )
    issue, client = the_issue(), client_of(ada)
    issue.resolve(by=ada, at=timezone.now())

    # Session, user, two of permissions; issue, fingerprints, latest id and event, people, catalogue, timeline, list of
    # events, four neighbours, sample, users, merged issues, history; and what the navigation counts.
    with django_assert_max_num_queries(22):
        client.get(page_of(issue))


def test_it_escapes_whatever_a_client_sends(sender: Sender, ada: User) -> None:
    sender.store(
        {
            "event": HOSTILE,
            "message": HOSTILE,
            "severity": "error",
            "user_id": HOSTILE,
            "session_id": HOSTILE,
            "endpoint": HOSTILE,
            "release": HOSTILE,
            "environment": HOSTILE,
            "fingerprint": [HOSTILE],
            "tags": {HOSTILE: HOSTILE},
            "breadcrumbs": [{"message": HOSTILE, "category": HOSTILE, "data": {HOSTILE: HOSTILE}}],
            "exception": [
                {
                    "type": HOSTILE,
                    "value": HOSTILE,
                    "frames": [
                        {"filename": HOSTILE, "function": HOSTILE, "context_line": HOSTILE, "in_app": True,
                         "vars": {HOSTILE: HOSTILE}, "pre_context": [HOSTILE], "post_context": [HOSTILE]}
                    ],
                }
            ],
            HOSTILE: {"</script>": HOSTILE, "password": "x"},
        }
    )  # fmt: skip
    EventType.objects.update(description=HOSTILE, question=HOSTILE)
    User.objects.filter(pk=ada.pk).update(username=HOSTILE[:150])
    issue = Issue.objects.get()
    Issue.objects.filter(pk=issue.pk).update(culprit=HOSTILE)

    response: HttpResponse = client_of(ada).get(page_of(issue))

    html = response.content.decode()
    assert response.status_code == 200
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("&lt;script&gt;alert(1)") > 10
