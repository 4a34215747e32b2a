"""The list of issues: what it shows, what it narrows to, what can be done to several."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.merging import merge
from events.models import Issue, IssueTransition, Service
from tests.events.admin.people import client_of, make_person, reader, triager
from tests.events.conftest import Sender, ago

LIST = "/admin/events/issue/"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def failure(name: str, *, severity: str = "error", user: str = "", **more: Any) -> dict[str, Any]:
    return {"event": name, "message": f"{name} broke", "severity": severity, "user_id": user, **more}


def titles(response: HttpResponse) -> list[str]:
    """The titles in the order of the rows."""
    return re.findall(r'<span class="lm-issue-title">([^<]*)</span>', response.content.decode())


def issue_of(name: str) -> Issue:
    return Issue.objects.get(name=name)


def run(client: Client, action: str, *issues: Issue) -> HttpResponse:
    data = {"action": action, "_selected_action": [issue.pk for issue in issues], "index": "0"}
    response: Any = client.post(LIST + "?status=all", data, follow=True)
    return response  # type: ignore[no-any-return]


@pytest.fixture
def ada(db: None) -> User:
    return triager()


def test_a_name_that_turns_the_direction_of_writing_turns_no_other_word(sender: Sender, ada: User) -> None:
    sender.store(failure("\u202eturned"))

    page = client_of(ada).get(LIST).content.decode()

    assert "<bdi>lift api</bdi> · <bdi>\u202eturned</bdi>" in page


def test_it_shows_the_worst_and_then_the_latest_first(sender: Sender, ada: User) -> None:
    sender.store(
        failure("warned", severity="warning"),
        failure("older", timestamp=ago(hours=2).isoformat()),
        failure("newer", timestamp=ago(hours=1).isoformat()),
        failure("burning", severity="critical", timestamp=ago(days=2).isoformat()),
    )

    page: Any = client_of(ada).get(LIST)

    assert titles(page) == [f"{name}: {name} broke" for name in ("burning", "newer", "older", "warned")]


def test_it_shows_counts_users_service_and_a_sparkline(sender: Sender, ada: User) -> None:
    sender.store(*(failure("a_failed", user=user) for user in ("u1", "u2", "u2")))

    text = client_of(ada).get(LIST).content.decode()

    assert '<span class="lm-issue-number">3</span>' in text
    assert '<span class="lm-issue-number">2</span>' in text
    assert "<bdi>lift api</bdi> · <bdi>a_failed</bdi>" in text
    assert 'aria-label="Last 24 hours: 3 events"' in text
    assert 'aria-label="Last 14 days: 3 events"' in text
    assert re.search(r'<time datetime="[^"]+" title="[^"]+UTC">just now</time>', text)


@pytest.mark.parametrize("count", [2, 24])
def test_it_costs_the_same_queries_for_any_number_of_issues(
    sender: Sender, ada: User, count: int, django_assert_max_num_queries: Any
) -> None:
    sender.store(*(failure(f"failed_{chr(97 + number)}") for number in range(count)))
    Issue.objects.update(assignee=ada)
    client = client_of(ada)

    # Session, user, two of permissions, services to filter by, count twice, rows with service and assignee, sparklines;
    # and what the navigation counts.
    with django_assert_max_num_queries(11):
        response: Any = client.get(LIST)

    assert len(titles(response)) == count


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a_failed"}),
        ("?status=resolved", {"b_failed"}),
        ("?status=muted", {"c_failed"}),
        ("?status=all", {"a_failed", "b_failed", "c_failed", "d_failed"}),
        ("?status=all&severity=critical", {"b_failed"}),
        ("?status=all&service=other", {"d_failed"}),
        ("?status=all&assignee=me", {"b_failed"}),
        ("?status=all&assignee=nobody", {"c_failed", "d_failed"}),
        ("?status=all&assignee=anyone", {"a_failed", "b_failed"}),
        ("?status=all&regressed=yes", {"d_failed"}),
        ("?status=all&regressed=no", {"a_failed", "b_failed", "c_failed"}),
        ("?status=all&seen=1h", {"a_failed", "b_failed", "d_failed"}),
        ("?status=all&seen=quiet", {"c_failed"}),
        ("?status=all&tier=immediate", {"b_failed"}),
        ("?status=all&q=c_failed", {"c_failed"}),
        ("?status=all&q=b_failed broke", {"b_failed"}),
    ],
)
def test_it_narrows(
    sender: Sender, make_sender: Callable[[str], Sender], ada: User, query: str, expected: set[str]
) -> None:
    sender.store(
        failure("a_failed"),
        failure("b_failed", severity="critical"),
        failure("c_failed", timestamp=ago(days=8).isoformat()),
    )
    make_sender("other").store(failure("d_failed"))
    now = timezone.now()
    issue_of("a_failed").assign(User.objects.create_user("bob"), by=None, at=now)
    issue_of("b_failed").assign(ada, by=None, at=now)
    issue_of("b_failed").resolve(by=None, at=now)
    issue_of("c_failed").mute(by=None, at=now)
    Issue.objects.filter(name="b_failed").update(tier="immediate")
    Issue.objects.filter(name="d_failed").update(is_regressed=True)
    if not query:
        Issue.objects.filter(name="d_failed").update(status="resolved")

    page: Any = client_of(ada).get(LIST + query)

    assert {title.partition(":")[0] for title in titles(page)} == expected


def test_it_hides_merged_issues(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))
    merge(issue_of("a_failed"), issue_of("b_failed"), by=None, at=timezone.now())

    page: Any = client_of(ada).get(LIST + "?status=all")

    assert len(titles(page)) == 1


def test_it_sorts_by_events(sender: Sender, ada: User) -> None:
    sender.store(failure("once", severity="critical"), *(failure("twice") for _ in range(2)))

    page: Any = client_of(ada).get(LIST + "?o=-4")

    assert titles(page) == ["twice: twice broke", "once: once broke"]


def test_it_says_that_an_issue_came_back(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"))
    issue_of("a_failed").resolve(by=None, at=ago(minutes=5))
    sender.store(failure("a_failed"))

    assert "Came back" in client_of(ada).get(LIST).content.decode()


def test_it_says_what_to_do_when_there_is_nothing(ada: User, sender: Sender) -> None:
    client = client_of(ada)
    assert "No issues yet" in client.get(LIST).content.decode()
    sender.store(failure("a_failed"))
    assert "No issue matches" in client.get(LIST + "?q=nowhere").content.decode()
    issue_of("a_failed").resolve(by=None, at=timezone.now())
    assert "Nothing is unresolved" in client.get(LIST).content.decode()


def test_it_escapes_what_clients_send(sender: Sender, ada: User) -> None:
    Service.objects.filter(pk=sender.service.pk).update(name=HOSTILE)
    sender.store({"event": HOSTILE, "message": HOSTILE, "severity": "error", "endpoint": HOSTILE})
    Issue.objects.update(culprit=HOSTILE)

    text = client_of(ada).get(LIST).content.decode()

    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_it_is_closed_to_staff_without_the_right(sender: Sender) -> None:
    assert client_of(make_person("mallory")).get(LIST).status_code == 403
    assert Client().get(LIST).status_code == 302


# --- Several at once ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "before", "status", "kind"),
    [
        ("resolve_issues", "unresolved", "resolved", "resolved"),
        ("mute_issues", "unresolved", "muted", "muted"),
        ("reopen_issues", "resolved", "unresolved", "reopened"),
    ],
)
def test_it_changes_the_status_of_several(
    sender: Sender, ada: User, action: str, before: str, status: str, kind: str
) -> None:
    sender.store(failure("a_failed"), failure("b_failed"), failure("c_failed"))
    Issue.objects.update(status=before)

    run(client_of(ada), action, issue_of("a_failed"), issue_of("b_failed"))

    assert dict(Issue.objects.values_list("name", "status")) == {
        "a_failed": status,
        "b_failed": status,
        "c_failed": before,
    }
    told = IssueTransition.objects.filter(kind=kind, actor=ada).values_list("issue__name", flat=True)
    assert sorted(told) == ["a_failed", "b_failed"]


def test_it_assigns_several_to_me(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))

    run(client_of(ada), "assign_issues_to_me", issue_of("a_failed"))

    assert (issue_of("a_failed").assignee, issue_of("b_failed").assignee) == (ada, None)


def test_it_says_how_many_needed_no_change(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))
    issue_of("a_failed").resolve(by=None, at=timezone.now() - timedelta(minutes=1))

    page = run(client_of(ada), "resolve_issues", issue_of("a_failed"), issue_of("b_failed"))

    assert "1 issue changed. 1 needed no change." in page.content.decode()


def test_it_asks_which_issue_stays_before_it_merges(sender: Sender, ada: User) -> None:
    sender.store(failure("a_failed"), failure("b_failed"), failure("b_failed"))
    a, b = issue_of("a_failed"), issue_of("b_failed")

    page = run(client_of(ada), "merge_issues", a, b)

    text = page.content.decode()
    assert "Which one stays?" in text
    assert re.search(rf'name="stays" value="{b.pk}" checked', text)
    assert Issue.objects.visible().count() == 2


@pytest.mark.parametrize("names", [("a_failed",), ("a_failed", "d_failed")])
def test_it_refuses_to_merge_one_or_those_of_two_services(
    sender: Sender, make_sender: Callable[[str], Sender], ada: User, names: tuple[str, ...]
) -> None:
    sender.store(failure("a_failed"))
    make_sender("other").store(failure("d_failed"))

    page: Any = run(client_of(ada), "merge_issues", *(issue_of(name) for name in names))

    assert page.redirect_chain[-1][0] == reverse("admin:events_issue_changelist")
    assert re.search("at least two issues|of one service", page.content.decode())


@pytest.mark.parametrize(
    "action",
    ["resolve_issues", "mute_issues", "reopen_issues", "assign_issues_to_me", "merge_issues", "delete_selected"],
)
def test_it_offers_nothing_to_those_who_may_only_look(sender: Sender, action: str) -> None:
    sender.store(failure("a_failed"), failure("b_failed"))
    client = client_of(reader())

    assert action not in client.get(LIST).content.decode()
    page = run(client, action, issue_of("a_failed"), issue_of("b_failed"))

    assert "Which one stays?" not in page.content.decode()
    assert set(Issue.objects.values_list("status", "assignee")) == {("unresolved", None)}


def test_an_address_may_ask_for_one_event_name(sender: Sender, ada: User) -> None:
    sender.store(failure("api_error"), failure("api_timeout"))
    client = client_of(ada)

    narrowed: Any = client.get(f"{LIST}?name=api_error&status=all")
    whole: Any = client.get(f"{LIST}?status=all")

    assert titles(narrowed) == ["api_error: api_error broke"]
    assert len(titles(whole)) == 2
    offered = [{spec.title for spec in page.context["cl"].filter_specs} for page in (narrowed, whole)]
    assert offered[0] - offered[1] == {"event name"}
