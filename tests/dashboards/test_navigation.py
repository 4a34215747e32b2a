"""The navigation: what people may see, where they are, and how many critical issues wait."""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from events.models import Issue
from tests.alerts.admin.people import make_alert, make_rule
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

ISSUES = "/admin/events/issue/"
OF_ISSUES = {"Issues", "Critical, unresolved", "Came back", "Assigned to me"}
OF_EVERYBODY = {"Overview", "API tokens", "My contacts"}
EVERYTHING = OF_ISSUES | OF_EVERYBODY | {
    "Events", "Catalogue", "Services", "Rejections", "Limits reached", "Periodic tasks", "Users", "Groups", "Live feed",
    "Analytics", "Failing endpoints", "Slowest endpoints", "Delivery and consistency", "Cache", "Top errors", "User impact",
    "AI generation", "Auth & abuse", "Query", "Feature adoption", "Trial conversion", "Alerts", "Silences", "Maintenance",
    "On call", "Escalation", "Rules", "Routes", "Channels", "Notifications", "Diagnostics", "Databases", "Addresses",
    "Incident reports", "Follow-ups", "Runbooks", "Incidents", "Incident times", "Updates", "Components", "Subscribers", "Letters",
    "Daily review", "Weekly review", "Digests", "Subscriptions",
}  # fmt: skip


def entries(client: Client, address: str = "/admin/") -> dict[str, tuple[str, bool, str]]:
    """By title: the link, whether it is the current one, and its badge."""
    page: Any = client.get(address)
    assert page.status_code == 200
    found = {}
    for link, look, inside in re.findall(
        r'<a href="([^"]+)" class="(cursor-pointer flex h-\[38px\][^"]*)"[^>]*>(.*?)</a>',
        page.content.decode(),
        re.DOTALL,
    ):
        words = [word.strip() for word in re.sub(r"<[^>]+>", "\n", inside).split("\n") if word.strip()]
        _icon, title, *badge = words
        found[unescape(title)] = unescape(link), look.split()[-1] == "active", "".join(badge)
    return found


def staff(*rights: str) -> Client:
    """Staff with permissions of any app, each written ``app.codename``."""
    person = User.objects.create_user("ada", is_staff=True)
    for right in rights:
        app, codename = right.split(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return client_of(person)


def test_a_superuser_sees_everything_and_each_link_answers(admin_client: Client) -> None:
    shown = entries(admin_client)

    assert set(shown) == EVERYTHING
    for link, _, _ in shown.values():
        assert admin_client.get(link).status_code == 200


@pytest.mark.parametrize(
    ("right", "titles"),
    [
        ("events.view_issue", OF_ISSUES),
        ("events.view_event", {"Events"}),
        ("events.view_eventtype", {"Catalogue"}),
        ("events.view_service", {"Services"}),
        ("events.view_ingestrejection", {"Rejections"}),
        ("events.view_guardhit", {"Limits reached"}),
        ("django_celery_beat.view_periodictask", {"Periodic tasks"}),
        ("auth.view_user", {"Users"}),
        ("auth.view_group", {"Groups"}),
        ("alerts.view_alert", {"Alerts", "Silences", "Maintenance"}),
    ],
)
def test_each_permission_shows_its_own_entries_and_they_answer(db: None, right: str, titles: set[str]) -> None:
    client = staff(right)

    shown = entries(client)

    assert set(shown) == OF_EVERYBODY | titles
    for link, _, _ in shown.values():
        assert client.get(link).status_code == 200


def test_staff_without_permissions_see_what_everybody_sees(db: None) -> None:
    assert set(entries(staff())) == OF_EVERYBODY


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ("/admin/", "Overview"),
        (ISSUES, "Issues"),
        (f"{ISSUES}?status=resolved&severity=error", "Issues"),
        (f"{ISSUES}?severity=critical", "Critical, unresolved"),
        (f"{ISSUES}?regressed=yes&p=1", "Came back"),
        (f"{ISSUES}?assignee=me", "Assigned to me"),
        ("/admin/review/daily/?service=3", "Daily review"),
        ("/admin/review/weekly/", "Weekly review"),
        ("/admin/dashboards/digest/", "Digests"),
        ("/admin/dashboards/digestsubscription/add/", "Subscriptions"),
        ("/admin/events/event/", "Events"),
        ("/admin/events/eventtype/", "Catalogue"),
        ("/admin/events/service/add/", "Services"),
        ("/admin/events/apitoken/add/", "API tokens"),
        ("/admin/events/ingestrejection/", "Rejections"),
        ("/admin/events/guardhit/", "Limits reached"),
        ("/admin/django_celery_beat/periodictask/", "Periodic tasks"),
        ("/admin/auth/user/add/", "Users"),
        ("/admin/auth/group/", "Groups"),
        ("/admin/alerts/alert/?state=firing", "Alerts"),
        ("/admin/alerts/silence/add/", "Silences"),
        ("/admin/alerts/maintenancewindow/", "Maintenance"),
    ],
)
def test_one_entry_is_the_current_one(admin_client: Client, address: str, title: str) -> None:
    current = [name for name, (_, is_active, _) in entries(admin_client, address).items() if is_active]

    assert current == [title]


def test_the_page_of_an_issue_belongs_to_issues(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "broke", "severity": "critical"})

    shown = entries(admin_client, reverse("admin:events_issue_change", args=[Issue.objects.get().pk]))

    assert [name for name, (_, is_active, _) in shown.items() if is_active] == ["Issues"]


def test_an_investigation_keeps_its_window_and_filters_from_page_to_page(admin_client: Client) -> None:
    asked = "window=7d&service=3&environment=production&release=lift%402"

    shown = entries(admin_client, f"/admin/analytics/errors/?{asked}&contains=error&format=html")

    for title in ("Overview", "Live feed", "Analytics", "Failing endpoints", "User impact", "Trial conversion"):
        assert shown[title][0].partition("?")[2] == asked
        assert shown[title][1] is False
    assert shown["Top errors"][1] is True
    assert "?" not in shown["Query"][0] + shown["Issues"][0] + shown["Events"][0]
    assert shown["Daily review"][0] == "/admin/review/daily/"


def test_a_window_of_ones_own_is_kept_as_well(admin_client: Client) -> None:
    asked = "window=custom&from=2026-03-01T00%3A00Z&to=2026-03-02T00%3A00Z"

    assert entries(admin_client, f"/admin/?{asked}")["Cache"][0] == f"/admin/analytics/cache/?{asked}"


@pytest.mark.parametrize("address", [f"{ISSUES}?service=lift-api", "/admin/events/event/?window=7d&service=3"])
def test_other_pages_give_analytics_nothing(admin_client: Client, address: str) -> None:
    # Their words mean something else: a service of the issues is a slug.
    assert entries(admin_client, address)["Top errors"][0] == "/admin/analytics/errors/"


def test_what_is_no_filter_is_not_carried(admin_client: Client) -> None:
    shown = entries(admin_client, f"/admin/analytics/?release={'x' * 5000}&window=7d")

    assert shown["Top errors"][0] == "/admin/analytics/errors/?window=7d"


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/analytics/errors/", ISSUES, "/admin/events/service/add/", "/admin/password_change/"]
)
def test_every_page_has_one_main_landmark_and_a_way_to_it(admin_client: Client, address: str) -> None:
    page = admin_client.get(address).content.decode()

    assert len(re.findall(r'role="main"|<main', page)) == 1
    assert page.index('<a class="lm-skip" href="#content">') < page.index("<nav")
    assert page.count('id="content"') == 1


def test_so_has_the_login(db: None) -> None:
    assert Client().get("/admin/login/").content.decode().count('role="main"') == 1


def test_the_links_narrow_the_list_of_issues(sender: Sender, admin_client: Client, admin_user: User) -> None:
    sender.store(
        {"event": "burns", "severity": "critical"}, {"event": "came_back", "severity": "error"},
        {"event": "mine", "severity": "error"}, {"event": "cache_performance", "severity": "error"},
    )  # fmt: skip
    Issue.objects.filter(name="came_back").update(is_regressed=True)
    Issue.objects.filter(name="mine").update(assignee=admin_user)
    shown = entries(admin_client)

    def names(title: str) -> set[str]:
        page: Any = admin_client.get(shown[title][0])
        return {issue.name for issue in page.context["cl"].result_list}

    assert names("Critical, unresolved") == {"burns"}
    assert names("Came back") == {"came_back"}
    assert names("Assigned to me") == {"mine"}


def test_the_badge_counts_unresolved_critical_issues(sender: Sender, admin_client: Client, admin_user: User) -> None:
    assert entries(admin_client)["Issues"][2] == ""
    sender.store(*({"event": name, "severity": "critical"} for name in ("one", "two", "three")))
    sender.store({"event": "four", "severity": "error"})
    Issue.objects.get(name="three").mute(by=admin_user, at=timezone.now())

    assert entries(admin_client)["Issues"][2] == "2"


def test_the_badge_of_alerts_counts_those_that_fire(admin_client: Client) -> None:
    assert entries(admin_client)["Alerts"][2] == ""
    rule = make_rule()
    for place, state in enumerate(("firing", "firing", "pending", "resolved")):
        make_alert(rule, state=state, labels={"endpoint": str(place)})

    assert entries(admin_client)["Alerts"][2] == "2"


def test_only_those_who_may_see_issues_ask_for_the_badge(
    sender: Sender, django_assert_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    sender.store({"event": "one", "severity": "critical"})
    stranger, reader = client_of(make_person("max", "view_event")), client_of(make_person("eve", "view_issue"))

    with django_assert_num_queries(5) as asked:  # session, user, the two of permissions, setup
        stranger.get("/admin/")
    assert not any("events_issue" in query["sql"] for query in asked.captured_queries)

    with django_assert_num_queries(6):
        reader.get("/admin/")


def test_the_settings_are_read_without_the_database() -> None:
    """An unreachable server: reading the navigation and checking the project ask it nothing."""
    program = (
        "import os, django; os.environ['DATABASE_URL'] = 'postgres://nobody@127.0.0.1:1/none'; "
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'liftmon.settings'; django.setup(); "
        "from django.core.checks import run_checks; import liftmon.urls; print(run_checks())"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=180)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
