"""The review as work that is done."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts.models import AlertRule, FollowUp, Incident
from dashboards.digests import building, reviewing
from dashboards.digests.building import Scope
from dashboards.digests.periods import Kind
from dashboards.digests.reviewing import Place
from dashboards.models import Digest, DigestCopy, ReviewMark
from events.models import Issue
from events.rollups import compact
from tests.alerts.incidents.making import make_incident
from tests.dashboards.digests.contents import rich_in
from tests.dashboards.digests.readers import subscribe
from tests.dashboards.pages.reading import shown
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
DAILY, WEEKLY, PREVIEW = "/admin/review/daily/", "/admin/review/weekly/", "/admin/review/preview/"
SCOPE = Scope((), (), "UTC")
MARK, ITEM = "/admin/review/mark/", "/admin/review/item/"


def _today() -> dict[str, Any]:
    now = timezone.now()
    return {"start": now - timedelta(days=1), "end": now, "now": now}


def fail(sender: Sender, name: str, number: int, **more: Any) -> None:
    at = timezone.now() - timedelta(minutes=3)
    sender.store({"event": name, "severity": "critical", "user_id": f"u-{number}", "timestamp": at.isoformat(), **more})


@pytest.fixture
def failing(sender: Sender) -> Sender:
    for number in range(5):
        fail(sender, "ai_failure", number, severity="error", provider="openai", feature="career")
        fail(sender, "burns", number)
    compact()
    return sender


def tokens(html: str) -> dict[str, str]:
    """By what each item says."""
    found = re.findall(r'name="item" value="([^"]+)">.*?lm-spoken">: (.*?)</span>', html, re.DOTALL)
    return {" ".join(unescape(text).split()): token for token, text in found}


def token_of(html: str, word: str) -> str:
    return next(token for text, token in tokens(html).items() if word in text)


class TestPages:
    def test_it_says_what_the_digest_says(self, failing: Sender, admin_client: Client) -> None:
        html = shown(admin_client, DAILY)

        assert "lm-verdict" in html
        assert "burns (critical)" in html
        assert re.search(r"0 of \d+ items seen", html)
        assert len(set(re.findall(r' id="([^"]+)"', html))) == len(re.findall(r' id="([^"]+)"', html))

    @pytest.mark.parametrize(("kinds", "is_enabled"), [(["daily"], True), (["weekly"], True), (["daily"], False)])
    def test_its_numbers_are_written_as_in_one_s_own_digests(
        self, kinds: list[str], is_enabled: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "content", lambda *_, written_for: rich_in(written_for))
        me = make_person("eve", "view_analytics")
        subscribe(me, formats="de", kinds=kinds, is_enabled=is_enabled)

        for page in (DAILY, f"{PREVIEW}?asked=1"):
            assert "9 of 1.204 requests failed" in shown(client_of(me), page)
        assert "9 of 1,204 requests failed" in shown(client_of(make_person("max", "view_analytics")), DAILY)

    def test_a_preview_is_written_as_the_subscription_that_it_is_of(
        self, admin_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(building, "content", lambda *_, written_for: rich_in(written_for))
        one = subscribe(make_person("eve", "view_analytics"), formats="de")

        assert "9 of 1.204 requests failed" in shown(admin_client, f"{PREVIEW}?kind=daily&subscription={one.pk}")

    def test_a_quiet_week_says_so(self, admin_client: Client) -> None:
        assert "Nothing to report" in shown(admin_client, WEEKLY)

    def test_its_filters_and_its_window_are_those_of_the_address(self, failing: Sender, admin_client: Client) -> None:
        other = shown(admin_client, f"{DAILY}?environment=nowhere&window=7d")

        assert "burns (critical)" not in other
        assert "burns (critical)" in shown(admin_client, f"{DAILY}?window=7d")

    @pytest.mark.parametrize("page", [DAILY, WEEKLY])
    def test_it_asks_little_besides_the_reports(
        self, failing: Sender, admin_client: Client, page: str, monkeypatch: pytest.MonkeyPatch,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        html = shown(admin_client, page)
        assert tokens(html)
        kept = building.content(Kind(page.split("/")[3]), building.question_of(SCOPE, **_today()))
        monkeypatch.setattr(building, "content", lambda *_, **__: kept)
        with django_assert_max_num_queries(12):
            assert tokens(shown(admin_client, page))

    def test_only_who_sees_the_analytics_reviews(self, failing: Sender) -> None:
        nobody = client_of(make_person("max", "view_issue"))
        for page in (DAILY, WEEKLY, PREVIEW, f"{ITEM}?item=x"):
            assert nobody.get(page).status_code == 403
        assert nobody.post(MARK, {"item": "x"}).status_code == 403

    def test_incidents_are_for_those_who_may_look_at_them(self) -> None:
        make_incident("Nobody can pay")
        assert "Nobody can pay" in shown(client_of(make_person("ada", "view_analytics", "view_incident")), DAILY)
        assert "Nobody can pay" not in shown(client_of(make_person("eve", "view_analytics")), DAILY)


class TestMarks:
    def test_an_item_is_seen_by_somebody_and_stays_so_for_everybody(
        self, failing: Sender, admin_client: Client
    ) -> None:
        token = token_of(shown(admin_client, DAILY), "burns (critical)")

        answer = admin_client.post(MARK, {"item": token, "act": "seen"}, headers={"HX-Request": "true"})

        assert "Look again" in answer.content.decode()
        mark = ReviewMark.objects.get()
        assert (mark.kind, mark.seen_by and mark.seen_by.username) == ("daily", "admin")
        fail(failing, "burns", 9)
        compact()
        again = shown(client_of(make_person("eve", "view_analytics")), DAILY)
        assert re.search(r"1 of \d+ items seen", again)
        assert "by <bdi>admin</bdi>" in again

    def test_twice_is_once_and_the_first_stays(self, failing: Sender, admin_client: Client) -> None:
        token = token_of(shown(admin_client, DAILY), "burns (critical)")
        admin_client.post(MARK, {"item": token, "act": "seen"})
        client_of(make_person("eve", "view_analytics")).post(MARK, {"item": token, "act": "seen"})

        assert ReviewMark.objects.get().seen_by == User.objects.get(username="admin")

    def test_it_can_be_looked_at_again_and_works_without_scripts(self, failing: Sender, admin_client: Client) -> None:
        token = token_of(shown(admin_client, DAILY), "burns (critical)")
        admin_client.post(MARK, {"item": token, "act": "seen"})

        answer: Any = admin_client.post(MARK, {"item": token, "act": "unseen"})

        assert answer.url.startswith(f"{DAILY}#item-overnight-")
        assert not ReviewMark.objects.exists()

    def test_what_is_no_item_of_ours_is_not_marked(self, admin_client: Client) -> None:
        assert admin_client.post(MARK, {"item": "made-up", "act": "seen"}).status_code == 404
        assert admin_client.get(f"{ITEM}?item=made-up").status_code == 404
        assert admin_client.get(MARK).status_code == 405

    def test_it_takes_the_token_of_the_form(self, failing: Sender, admin_user: User) -> None:
        strict = client_of(admin_user, enforce_csrf_checks=True)
        token = token_of(shown(strict, DAILY), "burns (critical)")

        assert strict.post(MARK, {"item": token, "act": "seen"}).status_code == 403


class TestWork:
    def test_an_item_becomes_an_issue_that_somebody_looks_after(self, failing: Sender, admin_client: Client) -> None:
        eve = make_person("eve")
        token = token_of(shown(admin_client, DAILY), "burns (critical)")
        issue = Issue.objects.get(name="burns")
        assert issue.title in shown(admin_client, f"{ITEM}?item={token}")

        answer: Any = admin_client.post(ITEM, {"item": token, "act": "assign", "issue": issue.pk, "person": eve.pk})

        issue.refresh_from_db()
        assert issue.assignee == eve
        mark = ReviewMark.objects.get()
        assert (mark.outcome, mark.outcome_link) == (
            f"eve looks after {issue.title}", reverse("admin:events_issue_change", args=[issue.pk]),
        )  # fmt: skip
        assert mark.outcome in unescape(shown(admin_client, answer.url))

    def test_it_becomes_a_follow_up(self, failing: Sender, admin_client: Client, admin_user: User) -> None:
        incident = make_incident("Nobody can pay")
        token = token_of(shown(admin_client, DAILY), "burns (critical)")
        form = shown(admin_client, f"{ITEM}?item={token}")
        assert 'value="burns (critical)' in form

        said = {"item": token, "act": "follow_up", "incident": incident.pk, "text": "Mend it", "owner": admin_user.pk}
        admin_client.post(ITEM, {**said, "due_on": "2026-12-05"})

        made = FollowUp.objects.get()
        assert (made.incident, made.text, made.owner) == (incident, "Mend it", admin_user)
        assert ReviewMark.objects.get().outcome == f"Follow-up of incident #{incident.pk}: Mend it"

    def test_an_incident_s_own_item_begins_with_that_incident(self, admin_client: Client) -> None:
        make_incident("Another")
        incident = make_incident("Nobody can pay")
        token = token_of(shown(admin_client, DAILY), f"#{incident.pk}")

        assert f'<option value="{incident.pk}" selected>' in shown(admin_client, f"{ITEM}?item={token}")

    def test_it_becomes_a_rule_whose_form_is_filled(self, failing: Sender, admin_client: Client) -> None:
        token = token_of(shown(admin_client, DAILY), "burns (critical)")
        html = shown(admin_client, f"{ITEM}?item={token}")
        address = unescape(re.findall(r'href="(/admin/alerts/alertrule/add/[^"]+)"', html)[0])

        form = shown(admin_client, address)

        assert 'value="Too many burns"' in form
        assert re.search(r'name="names" value="burns"', form)
        assert '<option value="threshold" selected>' in form

    def test_nothing_is_made_without_the_right(self, failing: Sender) -> None:
        eve = client_of(make_person("eve", "view_analytics"))
        token = token_of(shown(eve, DAILY), "burns (critical)")
        html = shown(eve, f"{ITEM}?item={token}")
        assert "Assign it" not in html
        assert "Add the follow-up" not in html
        assert "alertrule/add" not in html

        for act in ("assign", "follow_up"):
            assert eve.post(ITEM, {"item": token, "act": act}).status_code == 403
        assert not ReviewMark.objects.exists()

    def test_what_is_missing_is_told_and_kept(self, failing: Sender, admin_client: Client) -> None:
        make_incident("Nobody can pay")
        token = token_of(shown(admin_client, DAILY), "burns (critical)")

        answer = admin_client.post(ITEM, {"item": token, "act": "follow_up", "text": "Mend it"})
        assert answer.status_code == 422
        assert "Choose an incident" in answer.content.decode()
        assert 'value="Mend it"' in answer.content.decode()
        assert admin_client.post(ITEM, {"item": token, "act": "assign", "issue": "7"}).status_code == 422

    def test_an_item_without_an_issue_says_so(self, admin_client: Client) -> None:
        place = Place("daily", "2026-11-28", "cache", "Cache", "/admin/analytics/cache/?window=24h")

        assert "No open issue is about this" in shown(admin_client, f"{ITEM}?item={place.token}")

    def test_links_of_endpoints_find_the_issues_there(self, sender: Sender) -> None:
        sender.store({"event": "api_error", "severity": "error", "endpoint": "/api/pay", "message": "no"})
        place = Place("daily", "2026-11-28", "x", "x", "/admin/analytics/endpoint/?endpoint=%2Fapi%2Fpay")

        assert [one.name for one in reviewing.issues_of(place)] == ["api_error"]
        assert "endpoints=%2Fapi%2Fpay" in reviewing.rule_address(place)
        assert AlertRule.objects.count() > 0
        assert Incident.objects.count() == 0


class TestPreview:
    def test_it_shows_the_mail_and_writes_nothing(self, failing: Sender, admin_client: Client) -> None:
        html = shown(admin_client, f"{PREVIEW}?kind=weekly&asked=1")

        assert "srcdoc=" in html
        assert 'sandbox="allow-top-navigation-by-user-activation"' in html
        assert "burns" in html
        assert not Digest.objects.exists()

    def test_words_that_are_none_are_left_out(self, admin_client: Client) -> None:
        html = shown(
            admin_client, f"{PREVIEW}?kind=hourly&service=x&environment=%00&subscription=99999999999999999999&asked=1"
        )

        assert "srcdoc=" in html
        assert 'value="hourly"' not in html

    def test_it_goes_to_who_asks(self, failing: Sender, admin_client: Client, admin_user: User) -> None:
        answer: Any = admin_client.post(f"{PREVIEW}?kind=daily&asked=1", follow=True)

        assert f"It goes to {admin_user.email} within seconds." in answer.content.decode()
        assert DigestCopy.objects.count() == 1

    def test_without_an_address_it_says_so(self) -> None:
        eve = make_person("eve", "view_analytics")
        eve.user_permissions.add(Permission.objects.get(codename="view_analytics"))

        answer: Any = client_of(eve).post(PREVIEW, follow=True)

        assert "has no e-mail address" in answer.content.decode()
        assert not DigestCopy.objects.exists()
