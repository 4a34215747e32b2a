"""The page of one alert: every answer that somebody needs at three in the morning, and the evidence for it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.acting import handling
from alerts.evaluation import judge_news
from alerts.models import Alert, Channel, MaintenanceWindow, Notification, NotificationAttempt, Silence
from alerts.runbooks.writing import as_html
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")
LIST = "/admin/alerts/alert/"


def page_of(person: User, alert: Alert) -> str:
    answer = client_of(person).get(f"{LIST}{alert.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def told(html: str) -> str:
    """As text, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def fired(sender: Sender, **fields: Any) -> Alert:
    """An alert that came in through the front door."""
    make_rule(severities=["critical"], group_by=["service", "name"], runbook="1. Look\n2. Mend", **fields)
    event = {"event": "db_pool_error", "severity": "CRITICAL", "message": "pool exhausted"}
    sender.store(*({**event, "user_id": user} for user in ("u1", "u2", "u2")))
    judge_news(now=timezone.now())
    return Alert.objects.get()


class TestWhatItSays:
    def test_it_answers_what_where_who_since_when_and_shows_an_example(self, sender: Sender, ada: User) -> None:
        alert = fired(sender, owner=ada)

        page = page_of(ada, alert)

        text = told(page)
        for words in (
            "db_pool_error", "Rule Pool", "db_pool_error of lift api: pool exhausted", "Where lift api", "Users hurt 2",
            "Events in the last hour 3", "Events that brought it 3", "Owner of the rule ada", "Newest example: pool exhausted",
            "New: 3 in the last 5 minutes", "Nobody was told: no channel on any route takes it.",
        ):  # fmt: skip
            assert words in text, words
        assert f"/admin/events/event/{alert.evidence['event_id']}/change/" in page

    def test_users_who_were_hurt_before_it_was_noticed_count(self, sender: Sender, ada: User) -> None:
        make_rule(severities=["critical"], group_by=["service", "name"])
        event = {"event": "db_pool_error", "severity": "CRITICAL", "message": "pool exhausted"}
        for number, ago in enumerate((300, 150)):
            at = timezone.now() - timedelta(seconds=ago)
            sender.store({**event, "user_id": f"u{number}", "timestamp": at.isoformat()})
            judge_news(now=timezone.now())

        assert "Users hurt 2" in told(page_of(ada, Alert.objects.get()))

    def test_every_number_links_to_its_rows(self, sender: Sender, admin_user: User) -> None:
        alert = fired(sender)
        page = page_of(admin_user, alert).replace("&amp;", "&")

        for label in ("Events that brought it", "Events in the last hour"):
            address = re.search(rf'<dt>{label}</dt><dd><a href="([^"]+)">3</a>', page)
            assert address is not None, label
            events: Any = client_of(admin_user).get(address[1])
            assert len(events.context_data["page"].events) == 3
        users = re.search(r'<dt>Users hurt</dt><dd><a href="([^"]+)">2</a>', page)
        assert users is not None
        assert "Pool" not in users[1]
        assert client_of(admin_user).get(users[1]).status_code == 200

    def test_it_leads_to_the_issue_behind_it(self, sender: Sender, ada: User) -> None:
        page = page_of(ada, fired(sender))

        assert re.search(r'<a href="/admin/events/issue/\d+/change/">#\d+ db_pool_error: pool exhausted</a>', page)

    def test_who_may_see_alerts_alone_gets_no_link_that_refuses_them(self, sender: Sender, eve: User) -> None:
        page = page_of(eve, fired(sender))

        content = page.split('<article id="content-main"')[1].split("</article>")[0]
        assert "/admin/events/" not in content
        assert "/admin/analytics/" not in content

    def test_of_a_cascade_it_lists_the_endpoints_as_they_fell_and_the_suspects(self, sender: Sender, ada: User) -> None:
        members = [
            {
                "service": sender.service.pk, "endpoint": f"/api/{number}", "began_at": timezone.now().isoformat(),
                "failures": 7, "requests": 20, "expected": 0.1,
            } for number in range(3)
        ]  # fmt: skip
        suspects = [{"kind": "release", "value": "lift@5", "score": 0.9, "evidence": ["It came 2 minutes before."]}]
        alert = make_alert(make_rule(), evidence={"members": members, "suspects": suspects})

        page = page_of(ada, alert)

        text = told(page)
        assert [text.index(f"/api/{number} lift api") for number in range(3)] == sorted(
            text.index(f"/api/{number} lift api") for number in range(3)
        )
        assert "release lift@5 It came 2 minutes before." in text
        assert f"?service={sender.service.pk}&amp;endpoint=%2Fapi%2F0&amp;severity=errors&amp;window=24h" in page

    def test_of_an_issue_it_counts_what_it_links_to(self, sender: Sender, admin_user: User) -> None:
        make_rule("New issue", condition="new_issue", severities=["error"])
        sender.store({"event": "mine", "message": "broke", "severity": "error", "user_id": "u1"})
        judge_news(now=timezone.now())
        sender.store(*({"event": "other", "message": "broke too", "severity": "error"} for _ in range(5)))
        alert = Alert.objects.get(summary="New issue: mine: broke")

        page = page_of(admin_user, alert).replace("&amp;", "&")

        for label in ("Events that brought it", "Events in the last hour"):
            address = re.search(rf'<dt>{label}</dt><dd><a href="([^"]+)">1</a>', page)
            assert address is not None, label
            events: Any = client_of(admin_user).get(address[1])
            assert [event.name for event in events.context_data["page"].events] == ["mine"]
        assert "Where lift api" in told(page)

    def test_a_likely_cause_is_told(self, sender: Sender, ada: User) -> None:
        alert = fired(sender)
        alert.evidence = {**alert.evidence, "likely_cause": "Release 5.17 came 4 minutes before."}
        alert.save()

        assert "Likely cause: Release 5.17 came 4 minutes before." in told(page_of(ada, alert))

    def test_the_timeline_tells_every_act_with_its_author(self, sender: Sender, ada: User) -> None:
        alert = fired(sender)
        handling.acknowledge(alert.pk, by=ada, at=timezone.now(), how="By the link in a message to E-mail.")
        handling.note(alert.pk, by=ada, at=timezone.now(), text="Pool is <b>full</b>")
        handling.resolve(alert.pk, by=ada, at=timezone.now())

        page = page_of(ada, alert)

        timeline = told(page.split('id="timeline"')[1].split("</section>")[0])
        assert re.findall(r"(Resolved|Note|Acknowledged|Fires|Condition holds) by (\w+)", timeline) == [
            ("Resolved", "ada"), ("Note", "ada"), ("Acknowledged", "ada"), ("Fires", "Liftmon"), ("Condition holds", "Liftmon"),
        ]  # fmt: skip
        assert "Pool is &lt;b&gt;full&lt;/b&gt;" in timeline

    def test_times_are_those_of_the_reader(self, ada: User) -> None:
        alert = make_alert(make_rule(), at=timezone.now().replace(hour=0, minute=30) - timedelta(days=1))
        client = client_of(ada)
        client.cookies["lm_tz"] = "Asia/Kathmandu"

        assert ", 06:15:" in client.get(f"{LIST}{alert.pk}/change/").content.decode()

    def test_hostile_words_are_shown_as_words(self, ada: User) -> None:
        rule = make_rule("<script>alert(1)</script>", runbook="<script>alert(2)</script>")
        page = page_of(ada, make_alert(rule, summary="<img src=x>", labels={"name": "<svg onload=alert(3)>"}))

        for hostile in ("<script>alert(", "<img src=x", "<svg onload"):
            assert hostile not in page


class TestTheRunbook:
    def test_it_is_shown_as_markdown_at_its_anchor(self, sender: Sender, ada: User) -> None:
        page = page_of(ada, fired(sender))

        runbook = page.split('id="runbook"')[1].split("</section>")[0]
        assert re.search(r"<ol>\s*<li>Look</li>\s*<li>Mend</li>", runbook)

    def test_an_address_is_a_link(self, ada: User) -> None:
        page = page_of(ada, make_alert(make_rule(runbook="https://wiki.example/pool")))

        assert '<a href="https://wiki.example/pool" rel="noopener noreferrer">' in page

    def test_without_one_it_says_what_to_do(self, ada: User) -> None:
        assert "has no runbook. Write down there" in page_of(ada, make_alert(make_rule()))

    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>", "[a](javascript:alert(1))", "[a](  JaVaScRiPt:alert(1))", "![a](https://evil.example/x.png)",
            "[a](data:text/html;base64,PHNjcmlwdD4=)", '<a href="#" onclick="alert(1)">a</a>', "[a](vbscript:x)",
            "[a](&#106;avascript:alert(1))", '[a](https://x.example "\\" onclick=\\"alert(1)")',
        ],
    )  # fmt: skip
    def test_nothing_of_it_can_act(self, text: str) -> None:
        html = as_html(text)

        assert not re.search(r"<(script|img|svg|iframe)", html)
        assert not re.search(r'href="\s*(?!https?://)', html)
        assert not re.search(r'<[^>]* onclick="', html)

    def test_its_headings_stand_below_those_of_the_page(self) -> None:
        assert as_html("# First\n\n## Then\n\n[docs](https://wiki.example)") == (
            '<h4>First</h4>\n<h4>Then</h4>\n<p><a href="https://wiki.example" rel="noopener noreferrer">docs</a></p>\n'
        )


class TestWhoWasTold:
    def notify(self, alert: Alert, channel: Channel, **fields: Any) -> Notification:
        now = timezone.now()
        values = {"kind": "firing", "state": "sent", "created_at": now, "due_at": now, **fields}
        return Notification.objects.create(alert=alert, channel=channel, **values)

    def test_it_lists_each_notification_with_each_attempt(self, ada: User) -> None:
        alert = make_alert(make_rule())
        channel = Channel.objects.create(name="E-mail", kind="email", sealed_settings="")
        sent = self.notify(alert, channel, attempt_count=2)
        now = timezone.now()
        for status, answer, is_accepted in ((451, "Try again later", False), (250, "queued as 3F1", True)):
            NotificationAttempt.objects.create(
                notification=sent, at=now, is_accepted=is_accepted, status=status, answer=answer, took_ms=1200
            )

        text = told(page_of(ada, alert).split('id="notifications"')[1])

        assert "Fires E-mail Sent" in text
        assert "refused (451) after 1.2 s: Try again later" in text
        assert "accepted (250) after 1.2 s: queued as 3F1" in text

    def test_it_shows_which_alerts_the_same_message_told_of(self, ada: User) -> None:
        channel = Channel.objects.create(name="E-mail", kind="email", sealed_settings="")
        first, second, third = (make_alert(make_rule(name)) for name in ("one", "two", "three"))
        carrier = self.notify(first, channel)
        NotificationAttempt.objects.create(
            notification=carrier, at=timezone.now(), is_accepted=True, status=250, took_ms=3
        )
        for alert in (second, third):
            self.notify(alert, channel, carrier=carrier)

        for alert, others in ((first, (second, third)), (second, (first, third))):
            messages = page_of(ada, alert).split('id="notifications"')[1]
            assert "The message told of 2 other alerts too" in messages
            assert "accepted" in messages
            for other in others:
                assert f'href="{LIST}{other.pk}/change/"' in messages

    def test_it_shows_what_mutes_it(self, ada: User) -> None:
        alert = make_alert(make_rule())
        now = timezone.now()
        silence = Silence.objects.create(
            matchers={"rule_name": "Po*"}, reason="Known", ends_at=now + timedelta(hours=1)
        )
        Silence.objects.create(matchers={"rule_name": "other"}, reason="Not this", ends_at=now + timedelta(hours=1))
        window = MaintenanceWindow.objects.create(
            name="Upgrade", starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
        )

        page = page_of(ada, alert)

        assert f'<a href="/admin/alerts/silence/{silence.pk}/change/">Known</a>' in page
        assert f'<a href="/admin/alerts/maintenancewindow/{window.pk}/change/">Upgrade</a>' in page
        assert "Not this" not in page


class TestWhoMayDoWhat:
    def test_who_may_act_has_the_buttons(self, ada: User) -> None:
        alert = make_alert(make_rule())

        page = page_of(ada, alert)

        for act in ("acknowledge", "resolve", "note"):
            assert f'action="{LIST}{alert.pk}/{act}/"' in page
        assert f'action="{LIST}silence/"' in page

    def test_who_may_only_look_has_none(self, eve: User) -> None:
        page = page_of(eve, make_alert(make_rule()))

        assert "What you can do" not in page
        assert "<button class" not in page.split('<article id="content-main"')[1].split("</article>")[0]

    def test_of_what_is_over_only_a_note_is_left(self, ada: User) -> None:
        page = page_of(ada, make_alert(make_rule(), state="resolved"))

        assert "/note/" in page
        assert "/acknowledge/" not in page
        assert "/resolve/" not in page

    def test_who_may_not_look_is_refused(self, db: None) -> None:
        alert = make_alert(make_rule())

        assert client_of(make_person("max", "events.view_event")).get(f"{LIST}{alert.pk}/change/").status_code == 403

    @pytest.mark.parametrize("number", ["12345", "9" * 30, "x", "%00"])
    def test_what_there_is_not_is_not_found(self, ada: User, number: str) -> None:
        assert client_of(ada).get(f"{LIST}{number}/change/").status_code == 404


@pytest.mark.parametrize("count", [1, 12])
def test_it_costs_the_same_queries_for_any_number_of_messages(
    ada: User, count: int, django_assert_num_queries: Any
) -> None:
    alert = make_alert(make_rule())
    for number in range(count):
        channel = Channel.objects.create(name=f"E-mail {number}", kind="email", sealed_settings="")
        carrier = TestWhoWasTold().notify(make_alert(make_rule(f"other {number}")), channel)
        TestWhoWasTold().notify(alert, channel, carrier=carrier)
        handling.note(alert.pk, by=ada, at=timezone.now(), text="Looking")
    client = client_of(ada)

    with django_assert_num_queries(20):
        client.get(f"{LIST}{alert.pk}/change/")
