"""What people do to an issue from its page, and who may."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from events.merging import merge
from events.models import Issue, IssueTransition
from tests.events.admin.people import client_of, make_person, reader, triager
from tests.events.conftest import Sender

VERBS = ["resolve", "mute", "reopen", "assign", "unmerge"]


def failures(sender: Sender, *names: str) -> list[Issue]:
    sender.store(*({"event": name, "message": f"{name} broke", "severity": "error", "user_id": name} for name in names))
    return [Issue.objects.get(name=name) for name in names]


def path_to(issue: Issue, verb: str) -> str:
    return f"/admin/events/issue/{issue.pk}/{verb}/"


@pytest.fixture
def ada(db: None) -> User:
    return triager()


@pytest.mark.parametrize(
    ("verb", "before", "after", "kind"),
    [
        ("resolve", "unresolved", "resolved", "resolved"),
        ("mute", "unresolved", "muted", "muted"),
        ("reopen", "muted", "unresolved", "reopened"),
    ],
)
def test_it_changes_the_status_and_tells_who_did(
    sender: Sender, ada: User, verb: str, before: str, after: str, kind: str
) -> None:
    (issue,) = failures(sender, "a_failed")
    Issue.objects.update(status=before)

    response: Any = client_of(ada).post(path_to(issue, verb), follow=True)

    issue.refresh_from_db()
    assert issue.status == after
    assert response.redirect_chain == [(f"/admin/events/issue/{issue.pk}/change/", 302)]
    assert IssueTransition.objects.filter(issue=issue, kind=kind, actor=ada).count() == 1


@pytest.mark.parametrize("verb", ["resolve", "mute", "reopen"])
def test_it_writes_one_transition_when_pressed_twice(sender: Sender, ada: User, verb: str) -> None:
    (issue,) = failures(sender, "a_failed")
    Issue.objects.update(status="muted" if verb == "reopen" else "unresolved")
    client = client_of(ada)

    for _ in range(2):
        response: Any = client.post(path_to(issue, verb), follow=True)

    assert "already" in response.content.decode()
    assert IssueTransition.objects.filter(issue=issue, actor=ada).count() == 1


def test_it_assigns_to_me_to_a_person_and_to_nobody(sender: Sender, ada: User) -> None:
    (issue,) = failures(sender, "a_failed")
    bob, client = make_person("bob"), client_of(ada)

    seen = []
    for wanted in ("me", str(bob.pk), ""):
        client.post(path_to(issue, "assign"), {"assignee": wanted})
        issue.refresh_from_db()
        seen.append(issue.assignee)

    assert seen == [ada, bob, None]
    told = IssueTransition.objects.filter(kind="assigned").order_by("id").values_list("detail", flat=True)
    assert list(told) == ["ada", "bob", "nobody"]


@pytest.mark.parametrize("who", ["customer", "gone", "nonsense"])
def test_it_assigns_to_active_staff_only(sender: Sender, ada: User, who: str) -> None:
    (issue,) = failures(sender, "a_failed")
    User.objects.create_user("customer")
    User.objects.create_user("gone", is_staff=True, is_active=False)
    wanted = User.objects.filter(username=who).first()

    response: Any = client_of(ada).post(
        path_to(issue, "assign"), {"assignee": wanted.pk if wanted else "nonsense"}, follow=True
    )

    issue.refresh_from_db()
    assert issue.assignee is None
    assert "Choose another one" in response.content.decode()


def test_it_merges_after_a_confirmation(sender: Sender, ada: User) -> None:
    a, b = failures(sender, "a_failed", "b_failed")
    client = client_of(ada)
    address = f"/admin/events/issue/merge/?issue={a.pk}&issue={b.pk}&stays={a.pk}"
    assert f'name="stays" value="{a.pk}" checked' in client.get(address).content.decode()

    response: Any = client.post("/admin/events/issue/merge/", {"issue": [a.pk, b.pk], "stays": a.pk}, follow=True)

    a.refresh_from_db()
    b.refresh_from_db()
    assert (b.merged_into, a.event_count, a.user_count) == (a, 2, 2)
    assert response.redirect_chain == [(f"/admin/events/issue/{a.pk}/change/", 302)]
    assert "Merged into this one" in response.content.decode()


def test_it_asks_again_when_the_one_that_stays_is_not_among_them(sender: Sender, ada: User) -> None:
    a, b, c = failures(sender, "a_failed", "b_failed", "c_failed")

    response = client_of(ada).post("/admin/events/issue/merge/", {"issue": [a.pk, b.pk], "stays": c.pk})

    assert "Which one stays?" in response.content.decode()
    assert Issue.objects.visible().count() == 3


@pytest.mark.parametrize("asked", [[], ["x", "-1", "9" * 40], ["0"]])
def test_it_refuses_to_merge_what_is_not_there(ada: User, asked: list[str]) -> None:
    response: Any = client_of(ada).post("/admin/events/issue/merge/", {"issue": asked}, follow=True)

    assert "at least two issues" in response.content.decode()


def test_it_refuses_to_merge_too_many(sender: Sender, ada: User) -> None:
    issues = failures(sender, *(f"failed_{chr(97 + one // 26)}{chr(97 + one % 26)}" for one in range(51)))

    response: Any = client_of(ada).post(
        "/admin/events/issue/merge/", {"issue": [issue.pk for issue in issues], "stays": issues[0].pk}, follow=True
    )

    assert "At most 50" in response.content.decode()
    assert Issue.objects.visible().count() == 51


def test_it_unmerges_and_shows_what_was_taken_out(sender: Sender, ada: User) -> None:
    a, b = failures(sender, "a_failed", "b_failed")
    merge(a, b, by=None, at=timezone.now())

    response: Any = client_of(ada).post(path_to(a, "unmerge"), follow=True)

    a.refresh_from_db()
    assert (a.merged_into, a.event_count) == (None, 1)
    assert response.redirect_chain == [(f"/admin/events/issue/{a.pk}/change/", 302)]


def test_it_says_why_it_cannot_unmerge(sender: Sender, ada: User) -> None:
    (issue,) = failures(sender, "a_failed")

    response: Any = client_of(ada).post(path_to(issue, "unmerge"), follow=True)

    assert "is not merged into another issue" in response.content.decode()


def test_it_finds_issues_of_the_same_service_to_merge_with(
    sender: Sender, make_sender: Callable[[str], Sender], ada: User
) -> None:
    a, b, c = failures(sender, "a_failed", "b_failed", "c_failed")
    (other,) = failures(make_sender("other"), "b_other")
    merge(c, a, by=None, at=timezone.now())

    page = client_of(ada).get(path_to(a, "merge") + "?q=b_").content.decode()

    assert f"issue={a.pk}&amp;issue={b.pk}&amp;stays={a.pk}" in page
    assert "b_other" not in page
    assert f"issue={other.pk}" not in page
    assert "c_failed" not in page


def test_it_says_when_no_issue_matches(sender: Sender, ada: User) -> None:
    (issue,) = failures(sender, "a_failed")

    page = client_of(ada).get(path_to(issue, "merge") + "?q=<script>").content.decode()

    assert "matches “&lt;script&gt;”" in page


# --- Who may -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_it_needs_the_right_to_triage(sender: Sender, verb: str) -> None:
    (issue,) = failures(sender, "a_failed")

    assert client_of(reader()).post(path_to(issue, verb), {"assignee": "me"}).status_code == 403

    issue.refresh_from_db()
    assert (issue.status, issue.assignee) == ("unresolved", None)


@pytest.mark.parametrize("path", ["/admin/events/issue/merge/", "{}merge/"])
def test_it_needs_the_right_to_triage_to_merge(sender: Sender, path: str) -> None:
    a, b = failures(sender, "a_failed", "b_failed")
    address = path.format(f"/admin/events/issue/{a.pk}/")

    assert client_of(reader()).post(address, {"issue": [a.pk, b.pk], "stays": a.pk}).status_code == 403
    assert Issue.objects.visible().count() == 2


@pytest.mark.parametrize("verb", VERBS)
def test_it_changes_nothing_by_get(sender: Sender, ada: User, verb: str) -> None:
    (issue,) = failures(sender, "a_failed")

    assert client_of(ada).get(path_to(issue, verb)).status_code == 405


@pytest.mark.parametrize("verb", VERBS)
def test_it_wants_the_token_of_the_form(sender: Sender, ada: User, verb: str) -> None:
    (issue,) = failures(sender, "a_failed")

    assert client_of(ada, enforce_csrf_checks=True).post(path_to(issue, verb)).status_code == 403


@pytest.mark.parametrize("verb", VERBS)
def test_it_answers_404_for_an_unknown_issue(ada: User, verb: str) -> None:
    assert client_of(ada).post(f"/admin/events/issue/999999/{verb}/").status_code == 404
