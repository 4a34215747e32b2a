"""What people do to an incident, and who may."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import opening, timeline
from alerts.incidents.states import Move
from alerts.models import Incident, IncidentEntry, IncidentSeverity
from events.models import Issue
from tests.alerts.admin.incidents.visiting import LIST, MINUTE, act, get, page, told
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.alerts.incidents.making import make_incident, said
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")


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
