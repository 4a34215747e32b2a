"""The list and the page of incidents, and what people do to one."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling, opening, timeline
from alerts.incidents.states import Move
from alerts.models import Incident, IncidentEntry, IncidentSeverity
from events.models import Issue
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")
LIST = "/admin/alerts/incident/"
MINUTE = timedelta(minutes=1)
type Budget = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture
def ada(db: None) -> User:
    """May act."""
    return make_person(
        "ada", "alerts.view_incident", "alerts.change_incident", "alerts.view_alert", "events.view_issue",
    )  # fmt: skip


@pytest.fixture
def eve(db: None) -> User:
    """May look."""
    return make_person("eve", "alerts.view_incident")


def told(html: str) -> str:
    """As text, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def get(person: User, address: str, **headers: str) -> str:
    answer = client_of(person).get(address, headers=headers)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.content.decode()


def page(person: User, incident: Incident) -> str:
    return get(person, f"{LIST}{incident.pk}/change/")


def act(who: User, incident: Incident, verb: str, **fields: Any) -> str:
    """The messages that the next page shows."""
    client = client_of(who)
    answer = client.post(f"{LIST}{incident.pk}/{verb}/", fields)
    assert answer.status_code == 302, (verb, answer.status_code, answer.content[:200])
    next_page: Any = client.get(answer["Location"].partition("#")[0])
    incident.refresh_from_db()
    return " ".join(str(message) for message in next_page.context["messages"])


class TestList:
    def test_what_goes_on_comes_first_and_then_the_newest(self, eve: User) -> None:
        now = timezone.now()
        for title, minutes, state in (("Old", 90, "triggered"), ("Done", 60, "resolved"), ("New", 30, "mitigated")):
            make_incident(title, at=now - minutes * MINUTE, state=state)

        text = told(get(eve, LIST))

        assert text.index("New") < text.index("Old") < text.index("Done")

    def test_a_row_says_what_how_bad_who_and_how_fast(self, ada: User) -> None:
        now = timezone.now()
        incident = make_incident("Nobody can pay", at=now - 60 * MINUTE, severity=1, commander=ada)
        handling.acknowledge(incident.pk, by=ada, at=now - 56 * MINUTE)
        handling.resolve(incident.pk, by=ada, at=now - 8 * MINUTE)

        text = told(get(ada, LIST))

        for words in ("SEV1", "Resolved", "Nobody can pay", "4 minutes", "52 minutes", "ada", "lasted 52 minutes"):
            assert words in text, words

    def test_users_are_counted_behind_the_list(self, ada: User, sender: Sender) -> None:
        now = timezone.now()
        incident = make_incident(at=now - 5 * MINUTE, service=sender.service)
        nothing = make_incident("Nothing named", at=now)
        sender.store(*({"event": "x", "severity": "error", "message": "x", "user_id": user} for user in ("u1", "u2")))
        address = re.search(r'hx-get="([^"]+counted/[^"]+)"', get(ada, LIST))
        assert address is not None

        counted = get(ada, address[1].replace("&amp;", "&"))

        assert re.search(rf'id="lm-hurt-{incident.pk}"[^>]*>2</a>', counted)
        assert re.search(rf'id="lm-hurt-{nothing.pk}"[^>]*>not known</span>', counted)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=ongoing", {"First", "Second"}),
            ("state=resolved", {"Third"}),
            ("severity=1", {"First"}),
            ("service=0", {"First", "Third"}),
            ("opened=24h", {"First", "Second"}),
            ("acknowledged=no", {"First", "Second"}),
            ("resolved=yes", {"Third"}),
            ("q=Seco", {"Second"}),
            ("q=pool", {"First"}),
            ("opened=2001-01-01T00:00Z/2001-01-02T00:00Z", set()),
            ("opened=nonsense&severity=x&state=y", {"First", "Second", "Third"}),
        ],
    )
    def test_it_is_narrowed(self, eve: User, sender: Sender, query: str, found: set[str]) -> None:
        now = timezone.now()
        first = make_incident("First", at=now - 9 * MINUTE, severity=1)
        make_incident("Second", at=now - 8 * MINUTE, service=sender.service)
        third = make_incident("Third", at=now - timedelta(days=3))
        handling.resolve(third.pk, by=None, at=now - timedelta(days=2))
        timeline.note(first.pk, by=None, at=now, text="The pool is empty.")

        titles = set(re.findall(r'<span class="lm-issue-title">(\w+)</span>', get(eve, f"{LIST}?{query}")))

        assert titles == found

    def test_a_span_of_a_link_holds_what_was_opened_in_it(self, eve: User) -> None:
        now = timezone.now().replace(second=0, microsecond=0)
        make_incident("In", at=now - 10 * MINUTE)
        make_incident("Out", at=now - 5 * MINUTE)
        span = f"{now - 10 * MINUTE:%Y-%m-%dT%H:%MZ}/{now - 5 * MINUTE:%Y-%m-%dT%H:%MZ}"

        titles = re.findall(r'<span class="lm-issue-title">(\w+)</span>', get(eve, f"{LIST}?opened={span}"))

        assert titles == ["In"]

    def test_an_empty_list_teaches_what_opens_one(self, ada: User, eve: User) -> None:
        make_rule(opens_incident=True)

        text = get(ada, LIST)

        assert "1 rule opens one when its alert fires" in told(text)
        assert f'href="{LIST}open/"' in text
        assert f'href="{LIST}open/"' not in get(eve, LIST)

    def test_more_rows_cost_no_more_queries(self, eve: User, django_assert_max_num_queries: Budget) -> None:
        for _ in range(12):
            make_incident(commander=eve)
        client = client_of(eve)
        client.get(LIST)
        with django_assert_max_num_queries(11):
            client.get(LIST)


class TestPage:
    def test_it_says_what_whom_since_when_and_who_decides(self, ada: User, sender: Sender) -> None:
        now = timezone.now()
        alert = fire_grave(
            {"service": str(sender.service.pk), "name": "db_pool_error"}, at=now - 10 * MINUTE, summary="Pool exhausted"
        )
        sender.store(
            *(
                {"event": "db_pool_error", "severity": "CRITICAL", "message": "x", "user_id": user}
                for user in ("u1", "u2")
            )
        )
        incident = Incident.objects.get()

        text = told(page(ada, incident))

        for words in (
            "SEV2", "Triggered", "lift api", "Users hurt 2", "Nobody decides", "Opened 10 min ago by Rule 0", "By nobody yet",
            "Pool exhausted", "Opened it", f"Opened as SEV2: {incident.title}", "Take command", "No component is named",
        ):  # fmt: skip
            assert words in text, words
        assert f"/admin/alerts/alert/{alert.pk}/change/" in page(ada, incident)

    def test_the_number_of_users_leads_to_them(self, ada: User, sender: Sender) -> None:
        incident = make_incident(at=timezone.now() - 5 * MINUTE, service=sender.service)
        sender.store(*({"event": "x", "severity": "error", "message": "x", "user_id": user} for user in ("u1", "u2")))

        assert f'<a href="{LIST}{incident.pk}/users/">2</a>' in page(ada, incident)
        listed = get(ada, f"{LIST}{incident.pk}/users/")
        assert len(re.findall(r"<li><code>[0-9a-f]{32}</code></li>", listed)) == 2

    def test_each_user_leads_to_what_they_met_for_who_may_see_it(self, admin_user: User, sender: Sender) -> None:
        incident = make_incident(at=timezone.now() - 5 * MINUTE, service=sender.service)
        sender.store({"event": "x", "severity": "error", "message": "x", "user_id": "u1"})

        [link] = re.findall(r'<li><a href="([^"]+)"', get(admin_user, f"{LIST}{incident.pk}/users/"))

        assert "x" in told(get(admin_user, link.replace("&amp;", "&")))

    def test_why_each_alert_joined_is_said(self, ada: User) -> None:
        now = timezone.now()
        for _ in range(2):
            fire_grave({"service": "1"}, at=now)

        assert "It is of the same service, at the same time, as" in told(page(ada, Incident.objects.get()))

    def test_notes_are_markdown_and_can_do_no_harm(self, ada: User) -> None:
        incident = make_incident()
        timeline.note(incident.pk, by=ada, at=timezone.now(), text="**Rolled back** <script>alert(1)</script>")

        shown = page(ada, incident)

        assert "<strong>Rolled back</strong>" in shown
        assert "<script>alert(1)" not in shown

    def test_the_timeline_shows_notes_alone_when_asked(self, ada: User) -> None:
        incident = make_incident("Payments fail")
        timeline.note(incident.pk, by=ada, at=timezone.now(), text="Looking.")
        address = f"{LIST}{incident.pk}/timeline/"

        notes, everything = get(ada, f"{address}?show=notes"), get(ada, address, HX_Request="true")

        assert "Looking." in notes
        assert "Opened as SEV2" not in notes
        assert "Opened as SEV2" in everything
        assert "<html" not in everything

    def test_a_long_timeline_goes_on_on_a_further_page(self, ada: User) -> None:
        now = timezone.now()
        incident = make_incident(at=now)
        for number in range(120):
            timeline.note(incident.pk, by=ada, at=now + number * MINUTE, text=f"note {number:03}")

        older = re.search(r'<a href="([^"]+)">Older entries</a>', page(ada, incident))
        assert older is not None
        rest = get(ada, older[1].replace("&amp;", "&"))

        assert "note 119" in page(ada, incident)
        assert "note 019" in rest
        assert "note 020" not in rest
        assert "Opened as SEV2" in rest

    def test_the_head_is_asked_for_anew_while_it_goes_on(self, ada: User) -> None:
        incident = make_incident()
        handling.acknowledge(incident.pk, by=None, at=timezone.now())

        live = get(ada, f"{LIST}{incident.pk}/live/", HX_Request="true")

        assert "Acknowledged" in live
        assert "<html" not in live
        assert f'hx-get="{LIST}{incident.pk}/live/"' in live
        handling.resolve(incident.pk, by=None, at=timezone.now())
        assert "hx-get" not in get(ada, f"{LIST}{incident.pk}/live/", HX_Request="true")

    def test_parts_with_an_address_of_their_own_are_asked_for_by_who_may_see_them(
        self, eve: User, admin_user: User
    ) -> None:
        incident = make_incident()
        address = f'hx-get="{LIST}{incident.pk}/diagnostics/"'

        assert address in page(admin_user, incident)
        assert address not in page(eve, incident)

    def test_more_alerts_and_entries_cost_no_more_queries(
        self, ada: User, sender: Sender, django_assert_max_num_queries: Budget
    ) -> None:
        now = timezone.now()
        for number in range(8):
            fire_grave({"service": str(sender.service.pk), "name": f"n{number}"}, at=now)
        incident = Incident.objects.get()
        for _ in range(10):
            timeline.note(incident.pk, by=ada, at=now, text="x")
        client = client_of(ada)
        client.get(f"{LIST}{incident.pk}/change/")
        with django_assert_max_num_queries(30):
            client.get(f"{LIST}{incident.pk}/change/")
        with django_assert_max_num_queries(16):
            client.get(f"{LIST}{incident.pk}/live/", headers={"HX-Request": "true"})

    @pytest.mark.parametrize("number", ["0", "x", "99999999999999999999"])
    def test_there_is_no_page_of_no_incident(self, ada: User, number: str) -> None:
        assert client_of(ada).get(f"{LIST}{number}/change/").status_code == 404


class TestActing:
    def test_the_buttons_are_the_moves_that_are_there(self, ada: User) -> None:
        incident = make_incident()

        for move in (Move.ACKNOWLEDGE, Move.MITIGATE, Move.RESOLVE, Move.CLOSE, Move.REOPEN):
            assert f'formaction="{LIST}{incident.pk}/move/{move}/"' in page(ada, incident), move
            assert "The incident is" in act(ada, incident, f"move/{move}")

        assert incident.state == "acknowledged"
        assert LogEntry.objects.filter(object_id=str(incident.pk), user=ada).count() == 5

    def test_who_comes_second_is_told_who_was_first_and_nothing_is_logged(self, ada: User) -> None:
        incident, first = make_incident(), make_person("bob", "alerts.change_incident")
        act(first, incident, "move/acknowledge")

        said_so = act(ada, incident, "move/acknowledge")

        assert "Nothing changed: the incident is acknowledged already. bob did it at" in said_so
        assert not LogEntry.objects.filter(user=ada).exists()

    def test_somebody_takes_command(self, ada: User) -> None:
        incident = make_incident()

        act(ada, incident, "command")

        assert incident.commander == ada
        assert "nothing changed" in act(ada, incident, "command")
        assert said(incident, "role") == ["ada commands."]
        assert "Take command" not in told(page(ada, incident))

    def test_roles_are_given_to_people_who_may_sign_in(self, ada: User) -> None:
        incident, stranger = make_incident(), User.objects.create_user("mallory")

        assert "ada tells users." in act(ada, incident, "role/communications_lead", person=ada.pk)
        assert "Choose somebody" in act(ada, incident, "role/commander", person=stranger.pk)
        assert "Nobody tells users." in act(ada, incident, "role/communications_lead", person="")

        assert (incident.commander, incident.communications_lead) == (None, None)

    def test_severity_is_changed_with_a_reason(self, ada: User) -> None:
        incident = make_incident()

        act(ada, incident, "severity", severity="1", why="All campuses")

        assert incident.severity == IncidentSeverity.SEV1
        assert said(incident, "severity")[-1].endswith("All campuses")
        assert "already" in act(ada, incident, "severity", severity="1")
        assert "Choose how severe" in act(ada, incident, "severity", severity="x")

    def test_times_are_typed_on_the_readers_clock_and_keep_their_seconds_untouched(self, ada: User) -> None:
        at = timezone.now().replace(second=42, microsecond=0) - timedelta(hours=2)
        incident = make_incident(at=at)
        client = client_of(ada)
        client.cookies["lm_tz"] = "Asia/Tokyo"
        local = at + timedelta(hours=9)
        values = {"title": "Payments fail", "started_at": f"{local:%Y-%m-%dT%H:%M}"}

        client.post(f"{LIST}{incident.pk}/describe/", {**values, "ended_at": f"{local + 30 * MINUTE:%Y-%m-%dT%H:%M}"})

        incident.refresh_from_db()
        assert incident.started_at == at
        assert incident.ended_at == (at + 30 * MINUTE).replace(second=0)

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"started_at": ""}, "Say when users were hurt first."),
            ({"started_at": "soon"}, "soon is no time"),
            ({"started_at": "2026-99-99T00:00"}, "is no time"),
            ({"title": " "}, "Give the incident a title"),
            ({"ended_at": "2001-01-01T00:00"}, "It cannot be over before it began"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_reason(self, ada: User, fields: dict[str, str], problem: str) -> None:
        incident = make_incident()
        kept = f"{timezone.localtime(incident.started_at):%Y-%m-%dT%H:%M}"

        assert problem in act(ada, incident, "describe", **{"title": "x", "started_at": kept, **fields})

        assert incident.title == "Payments fail"

    def test_a_note_is_written_edited_and_what_it_said_is_shown(self, ada: User) -> None:
        incident = make_incident()
        act(ada, incident, "note", text="First words")
        entry = IncidentEntry.objects.get(kind="note")

        act(ada, incident, f"note/{entry.pk}", text="Better words", seen="First words")

        shown = told(get(ada, f"{LIST}{incident.pk}/note/{entry.pk}/"))
        assert "Better words" in shown
        assert "What it said before" in shown
        assert "First words" in shown
        assert "1 earlier version" in told(page(ada, incident))

    def test_who_edits_what_somebody_edited_meanwhile_keeps_their_words_and_sees_the_others(self, ada: User) -> None:
        incident = make_incident()
        act(ada, incident, "note", text="First words")
        entry = IncidentEntry.objects.get(kind="note")
        act(ada, incident, f"note/{entry.pk}", text="Theirs", seen="First words")

        answer = client_of(ada).post(f"{LIST}{incident.pk}/note/{entry.pk}/", {"text": "Mine", "seen": "First words"})

        assert answer.status_code == 409
        text = answer.content.decode()
        assert "Somebody edited the note meanwhile" in text
        assert "Mine</textarea>" in text
        assert "<p>Theirs</p>" in text

    def test_only_notes_are_edited(self, ada: User) -> None:
        incident = make_incident()
        entry = IncidentEntry.objects.get(kind="opened")

        assert client_of(ada).get(f"{LIST}{incident.pk}/note/{entry.pk}/").status_code == 404

    def test_an_empty_note_is_refused(self, ada: User) -> None:
        assert "The note is empty" in act(ada, make_incident(), "note", text=" ")

    def test_alerts_are_added_moved_out_and_taken_out(self, ada: User) -> None:
        incident = make_incident()
        first, second = (make_alert(make_rule(f"Rule {number}")) for number in range(2))

        assert "Added" in act(ada, incident, "alert", alert=first.pk)
        assert "already" in act(ada, incident, "alert", number=first.pk)
        assert "only alert" in act(ada, incident, f"alert/{first.pk}/apart")
        assert "Added" in act(ada, incident, "alert", number=second.pk)
        assert "It goes on as incident #" in act(ada, incident, f"alert/{second.pk}/apart")
        assert "Taken out" in act(ada, incident, f"alert/{first.pk}/remove")
        assert "Nothing changed" in act(ada, incident, f"alert/{first.pk}/remove")
        assert "Choose an alert" in act(ada, incident, "alert", number="4711")

        assert not incident.memberships.exists()
        assert Incident.objects.exclude(pk=incident.pk).get().memberships.get().alert == second

    def test_issues_are_added_and_taken_out(self, ada: User, sender: Sender) -> None:
        sender.store({"event": "broke", "severity": "error", "message": "x"})
        incident, issue = make_incident(), Issue.objects.get()

        assert "Added" in act(ada, incident, "issue", number=issue.pk)
        assert f"/admin/events/issue/{issue.pk}/change/" in page(ada, incident)
        assert "already" in act(ada, incident, "issue", number=issue.pk)
        assert "Taken out" in act(ada, incident, f"issue/{issue.pk}/remove")
        assert "Nothing changed" in act(ada, incident, f"issue/{issue.pk}/remove")
        assert "Write the number" in act(ada, incident, "issue", number="4711")


class TestOpening:
    def test_somebody_opens_one_by_hand(self, ada: User, sender: Sender) -> None:
        client = client_of(ada)
        fields = {"title": "Nobody can pay", "severity": "1", "service": sender.service.pk, "environment": "production"}

        answer = client.post(f"{LIST}open/", fields)

        incident = Incident.objects.get()
        assert answer["Location"] == f"{LIST}{incident.pk}/change/"
        assert (incident.title, incident.severity, incident.opened_by) == ("Nobody can pay", 1, ada)
        assert (incident.service, incident.environment) == (sender.service, "production")
        assert LogEntry.objects.get().get_change_message() == "Opened as SEV1: Nobody can pay"

    @pytest.mark.parametrize("fields", [{"title": "", "severity": "1"}, {"title": "x", "severity": "9"}, {}])
    def test_one_that_says_too_little_is_asked_for_the_rest(self, ada: User, fields: dict[str, str]) -> None:
        answer = client_of(ada).post(f"{LIST}open/", fields or {"title": "\x00", "severity": "1"})

        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert not Incident.objects.exists()

    def test_from_an_alert_it_has_the_alert_and_a_second_one_is_not_opened(self, ada: User) -> None:
        alert = make_alert(make_rule("Pool"))
        client = client_of(ada)

        first, second = (client.post(f"{LIST}open/alert/{alert.pk}/") for _ in range(2))

        incident = Incident.objects.get()
        assert first["Location"] == second["Location"] == f"{LIST}{incident.pk}/change/"
        assert incident.memberships.get().alert == alert
        assert LogEntry.objects.count() == 1
        shown: Any = client.get(second["Location"])
        assert "There is an incident about it already" in " ".join(map(str, shown.context["messages"]))

    def test_from_an_issue_it_has_the_issue(self, ada: User, sender: Sender) -> None:
        sender.store({"event": "broke", "severity": "error", "message": "x"})
        issue = Issue.objects.get()

        client_of(ada).post(f"{LIST}open/issue/{issue.pk}/")

        assert Incident.objects.get().issues.get() == issue

    @pytest.mark.parametrize("what", ["alert", "issue"])
    def test_from_what_is_gone_none_is_opened(self, ada: User, what: str) -> None:
        assert client_of(ada).post(f"{LIST}open/{what}/4711/")["Location"] == LIST
        assert not Incident.objects.exists()


ACTS = (
    "move/acknowledge", "move/resolve", "command", "role/commander", "severity", "describe", "note", "alert", "alert/1/remove",
    "alert/1/apart", "issue", "issue/1/remove",
)  # fmt: skip


class TestWhoMayDoWhat:
    @pytest.mark.parametrize("verb", ACTS)
    def test_who_may_look_changes_nothing(self, eve: User, verb: str) -> None:
        incident = make_incident()
        before = list(IncidentEntry.objects.values_list("text"))

        assert client_of(eve).post(f"{LIST}{incident.pk}/{verb}/", {"text": "x", "severity": "1"}).status_code == 403

        incident.refresh_from_db()
        assert (incident.state, incident.severity, incident.commander) == ("triggered", 2, None)
        assert list(IncidentEntry.objects.values_list("text")) == before

    def test_who_may_look_sees_no_buttons(self, eve: User) -> None:
        incident = make_incident()
        opening.add_alert(incident, make_alert(make_rule()), by=None, at=timezone.now())

        shown = page(eve, incident).partition('id="content-main"')[2].partition("</article>")[0]

        assert "<form" not in shown
        assert "<button" not in shown

    def test_who_may_look_edits_and_opens_nothing(self, eve: User, ada: User) -> None:
        incident = make_incident()
        timeline.note(incident.pk, by=ada, at=timezone.now(), text="x")
        entry, client = IncidentEntry.objects.get(kind="note"), client_of(eve)

        assert client.get(f"{LIST}{incident.pk}/note/{entry.pk}/").status_code == 200
        for address in (f"{incident.pk}/note/{entry.pk}/", "open/", "open/alert/1/", "open/issue/1/"):
            assert client.post(f"{LIST}{address}", {"text": "y", "seen": "x"}).status_code == 403, address
        entry.refresh_from_db()
        assert entry.text == "x"

    @pytest.mark.parametrize("address", ["", "counted/", "open/", "1/change/", "1/live/", "1/timeline/", "1/users/"])
    def test_who_may_not_look_sees_nothing(self, db: None, address: str) -> None:
        assert client_of(make_person("mallory")).get(f"{LIST}{address}").status_code == 403

    @pytest.mark.parametrize("verb", ACTS)
    def test_a_link_that_is_followed_changes_nothing(self, ada: User, verb: str) -> None:
        incident = make_incident()
        assert client_of(ada).get(f"{LIST}{incident.pk}/{verb}/").status_code == 405

    def test_it_asks_for_a_token_against_forged_forms(self, ada: User) -> None:
        incident = make_incident()
        client = client_of(ada, enforce_csrf_checks=True)

        assert client.post(f"{LIST}{incident.pk}/move/resolve/").status_code == 403
        assert client.post(f"{LIST}open/alert/1/").status_code == 403

    def test_a_button_leads_to_no_strange_page(self, ada: User) -> None:
        incident = make_incident()

        answer = client_of(ada).post(f"{LIST}{incident.pk}/command/", {"next": "https://evil.example/"})

        assert answer["Location"] == f"{LIST}{incident.pk}/change/"

    def test_there_is_no_move_but_those(self, ada: User) -> None:
        incident = make_incident()

        for verb in ("move/explode", "role/king"):
            assert client_of(ada).post(f"{LIST}{incident.pk}/{verb}/").status_code == 404
