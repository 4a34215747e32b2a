"""Silences and windows of maintenance: matchers as rows, a live preview, and an end that is now."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.models import AlertEntry, Channel, MaintenanceWindow, Notification, Silence
from tests.alerts.admin.people import make_alert, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")
SILENCES, WINDOWS = "/admin/alerts/silence/", "/admin/alerts/maintenancewindow/"
HOUR = timedelta(hours=1)


def asked(*rows: tuple[str, str], **more: Any) -> dict[str, Any]:
    labels, values = [row[0] for row in rows], [row[1] for row in rows]
    return {"matchers_label": labels, "matchers_value": values, "reason": "Known", "lasts": "1h", **more}


def make_silence(**fields: Any) -> Silence:
    values = {"matchers": {"rule_name": "Pool"}, "reason": "Known", "ends_at": timezone.now() + HOUR, **fields}
    return Silence.objects.create(**values)


class TestAdding:
    def test_rows_become_matchers_and_names_become_numbers(self, ada: User, sender: Sender) -> None:
        rule = make_rule()
        rows = (("endpoint", "/api/pay*"), ("service", "lift api"), ("rule", "Pool"), ("", ""))

        answer: Any = client_of(ada).post(f"{SILENCES}add/", asked(*rows))

        assert (answer.status_code, answer.url) == (302, SILENCES)
        made = Silence.objects.get()
        assert made.matchers == {"endpoint": "/api/pay*", "service": str(sender.service.pk), "rule": str(rule.pk)}
        assert (made.author, made.reason) == (ada, "Known")
        assert made.ends_at - made.starts_at == HOUR

    def test_what_waits_is_muted_and_the_history_says_by_whom(self, ada: User) -> None:
        alert, other = make_alert(make_rule()), make_alert(make_rule("Other"))
        channel, now = Channel.objects.create(name="E-mail", kind="email", sealed_settings=""), timezone.now()
        for one in (alert, other):
            Notification.objects.create(alert=one, channel=channel, kind="firing", created_at=now, due_at=now)

        page = client_of(ada).post(f"{SILENCES}add/", asked(("rule_name", "Pool")), follow=True).content.decode()

        assert "1 open alert muted." in page
        assert {one.alert_id: one.state for one in Notification.objects.all()} == {
            alert.pk: "muted",
            other.pk: "waiting",
        }
        assert list(AlertEntry.objects.filter(kind="noted").values_list("alert", "actor")) == [(alert.pk, ada.pk)]

    @pytest.mark.parametrize(
        ("rows", "more", "problem"),
        [
            ((), {}, "at least one label and its value"),
            ((("endpoint", ""),), {}, "“endpoint” lacks its value"),
            ((("", "/api"),), {}, "“/api” lacks its label"),
            ((("name", "a"), ("name", "b")), {}, "is there twice"),
            ((("service", "nobody"),), {}, "There is no service named “nobody”."),
            ((("rule", "Twin"),), {}, "Use the label rule_name"),
            ((("name", "x" * 301),), {}, "at most 300 characters"),
            ([(f"l{number}", "x") for number in range(21)], {}, "At most 20 labels."),
            ((("name", "a"),), {"reason": " "}, "This field is required."),
            ((("name", "a"),), {"lasts": "own"}, "Say when it ends"),
            ((("name", "a"),), {"lasts": "own", "own_end": "2020-01-01T10:00"}, "That is over already"),
            ((("name", "a"),), {"lasts": "own", "own_end": "soon"}, "Enter a valid date/time."),
            (
                (("name", "a"),),
                {"lasts": "own", "own_end": "2120-01-01T10:00", "own_start": "2121-01-01T10:00"},
                "before it begins",
            ),
            ((("name", "a"),), {"lasts": "never"}, "Select a valid choice."),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_once_and_what_was_typed_stays(
        self, ada: User, rows: Any, more: dict[str, str], problem: str
    ) -> None:
        make_rule("Twin"), make_rule("Twin")

        answer = client_of(ada).post(f"{SILENCES}add/", asked(*rows, **more))

        page = answer.content.decode()
        assert answer.status_code == 422
        assert page.count(problem) == 1 + page.count(f"<p>{problem}")
        for _, value in rows:
            assert f'value="{value}"' in page
        assert not Silence.objects.exists()

    def test_it_may_begin_later_and_mutes_nothing_until_then(self, ada: User) -> None:
        alert = make_alert(make_rule())
        start = timezone.now().replace(second=0, microsecond=0) + timedelta(days=2)
        times = {"own_start": f"{start:%Y-%m-%dT%H:%M}", "lasts": "4h"}

        client_of(ada).post(f"{SILENCES}add/", asked(("rule_name", "*"), **times))

        made = Silence.objects.get()
        assert (made.starts_at, made.ends_at) == (start, start + 4 * HOUR)
        assert not AlertEntry.objects.filter(alert=alert, kind="noted").exists()

    def test_times_are_typed_on_the_readers_clock(self, ada: User) -> None:
        client = client_of(ada)
        client.cookies["lm_tz"] = "Asia/Tokyo"

        client.post(f"{SILENCES}add/", asked(("name", "a"), lasts="own", own_end="2120-01-02T08:30"))

        assert f"{Silence.objects.get().ends_at:%Y-%m-%d %H:%M}" == "2120-01-01 23:30"

    def test_an_address_may_say_which_alerts(self, ada: User) -> None:
        page = client_of(ada).get(f"{SILENCES}add/?endpoint=/api/pay*&name=%3Cb%3E").content.decode()

        assert 'value="/api/pay*"' in page
        assert 'value="&lt;b&gt;"' in page


class TestThePreview:
    def test_it_counts_the_open_alerts_that_would_be_muted(self, ada: User) -> None:
        rule = make_rule(group_by=["endpoint"])
        for place in ("/api/pay", "/api/pay/7", "/home"):
            make_alert(rule, labels={"endpoint": place})
        make_alert(rule, labels={"endpoint": "/api/pay/old"}, state="resolved")

        page = client_of(ada).post(f"{SILENCES}preview/", asked(("endpoint", "/api/pay*"))).content.decode()

        assert "<strong>2 open alerts</strong> would be muted now" in page
        assert not Silence.objects.exists()

    def test_it_says_what_is_missing_and_when_nothing_matches(self, ada: User) -> None:
        client = client_of(ada)

        assert "“name” lacks its value" in client.post(f"{SILENCES}preview/", asked(("name", ""))).content.decode()
        nothing = client.post(f"{SILENCES}preview/", asked(("name", "a"), reason="", lasts="")).content.decode()
        assert "No open alert matches now" in nothing

    def test_of_maintenance_it_counts_those_of_the_service(self, ada: User, sender: Sender) -> None:
        make_alert(make_rule("theirs", service=sender.service))
        make_alert(make_rule("other"))
        client = client_of(ada)

        of_one = client.post(f"{WINDOWS}preview/", {"service": sender.service.pk}).content.decode()
        of_all = client.post(f"{WINDOWS}preview/", {"service": ""}).content.decode()

        assert "<strong>1 open alert</strong>" in of_one
        assert "<strong>2 open alerts</strong>" in of_all


class TestTheList:
    def test_what_runs_comes_first_and_each_reads_as_words(self, ada: User, sender: Sender) -> None:
        now = timezone.now()
        make_silence(reason="expired", starts_at=now - 3 * HOUR, ends_at=now - HOUR)
        make_silence(reason="to come", starts_at=now + HOUR, ends_at=now + 2 * HOUR)
        make_silence(reason="running", matchers={"service": str(sender.service.pk), "rule": "98765"})

        page = client_of(ada).get(SILENCES).content.decode()

        assert re.findall(r'lm-issue-title">([^<]+)<', page) == ["running", "to come", "expired"]
        assert "rule <code>rule 98765, gone</code>, service <code>lift api</code>" in page
        for query, found in (("running", ["running"]), ("coming", ["to come"]), ("expired", ["expired"])):
            page = client_of(ada).get(f"{SILENCES}?state={query}").content.decode()
            assert re.findall(r'lm-issue-title">([^<]+)<', page) == found

    @pytest.mark.parametrize("address", [SILENCES, WINDOWS])
    def test_an_empty_one_says_what_to_do(self, ada: User, eve: User, address: str) -> None:
        assert f'href="{address}add/">' in client_of(ada).get(address).content.decode()
        assert f'href="{address}add/">' not in client_of(eve).get(address).content.decode()


class TestItsEnd:
    def test_it_ends_now_by_whoever_asked_and_the_history_says_so(self, ada: User) -> None:
        alert, silence = make_alert(make_rule()), make_silence()

        client_of(ada).post(f"{SILENCES}{silence.pk}/end/")

        silence.refresh_from_db()
        assert silence.ends_at <= timezone.now()
        entry = AlertEntry.objects.get(kind="noted")
        assert (entry.alert, entry.actor) == (alert, ada)
        assert "No longer muted" in entry.text
        assert LogEntry.objects.filter(user=ada).count() == 1

    def test_one_that_is_yet_to_begin_is_called_off(self, ada: User) -> None:
        now = timezone.now()
        silence = make_silence(starts_at=now + HOUR, ends_at=now + 2 * HOUR)

        client_of(ada).post(f"{SILENCES}{silence.pk}/end/")

        assert not Silence.objects.exists()
        assert LogEntry.objects.get().object_id == str(silence.pk)

    def test_what_ended_stays_as_it_was(self, ada: User) -> None:
        now = timezone.now()
        silence = make_silence(starts_at=now - 2 * HOUR, ends_at=now - HOUR)

        page = client_of(ada).post(f"{SILENCES}{silence.pk}/end/", follow=True).content.decode()

        assert "It had ended already" in page
        assert Silence.objects.get().ends_at == now - HOUR
        assert client_of(ada).post(f"{SILENCES}{silence.pk}/change/", asked(("name", "a"))).status_code == 403

    def test_several_end_at_once(self, ada: User) -> None:
        silences = [make_silence(), make_silence()]
        data = {"action": "end_now", "_selected_action": [one.pk for one in silences], "index": "0"}

        page = client_of(ada).post(SILENCES, data, follow=True).content.decode()

        assert "2 ended." in page
        assert not Silence.objects.running(at=timezone.now()).exists()


class TestChanging:
    def test_it_can_last_longer_and_keeps_the_rest(self, ada: User) -> None:
        silence = make_silence(starts_at=timezone.now() - HOUR)
        page = client_of(ada).get(f"{SILENCES}{silence.pk}/change/").content.decode()
        start = re.search(r'name="own_start" value="([^"]+)"', page)
        assert start is not None

        client_of(ada).post(
            f"{SILENCES}{silence.pk}/change/",
            asked(("rule_name", "Pool"), lasts="own", own_end="2120-01-01T10:00", own_start=start[1]),
        )

        changed = Silence.objects.get()
        assert (changed.starts_at, changed.ends_at.year) == (silence.starts_at, 2120)
        assert changed.matchers == {"rule_name": "Pool"}


def test_maintenance_is_planned_for_a_service_with_its_author(ada: User, sender: Sender) -> None:
    times = {"lasts": "own", "own_start": "2120-01-01T10:00", "own_end": "2120-01-01T12:00"}

    client_of(ada).post(f"{WINDOWS}add/", {"name": "Upgrade", "service": sender.service.pk, **times})

    made = MaintenanceWindow.objects.get()
    assert (made.name, made.service, made.author, made.ends_at - made.starts_at) == (
        "Upgrade",
        sender.service,
        ada,
        2 * HOUR,
    )
    page = client_of(ada).get(WINDOWS).content.decode()
    assert "<bdi>lift api</bdi>" in page
    assert "Call off" in page


class TestWhoMayOnlyLook:
    def test_sees_both_lists_and_no_button(self, eve: User) -> None:
        silence = make_silence()

        page = client_of(eve).get(SILENCES).content.decode()

        assert "Known" in page
        assert "End now" not in page
        assert "Change</button>" not in client_of(eve).get(f"{SILENCES}{silence.pk}/change/").content.decode()
        assert client_of(eve).get(WINDOWS).status_code == 200

    @pytest.mark.parametrize("path", ["add/", "preview/", "PK/end/", "PK/change/"])
    def test_is_refused(self, eve: User, path: str) -> None:
        silence = make_silence()

        answer = client_of(eve).post(SILENCES + path.replace("PK", str(silence.pk)), asked(("name", "a")))

        assert answer.status_code == 403
        assert Silence.objects.get().ends_at == silence.ends_at


@pytest.mark.parametrize("count", [1, 20])
def test_the_lists_cost_the_same_queries_for_any_number(ada: User, count: int, django_assert_num_queries: Any) -> None:
    for _ in range(count):
        make_silence(author=ada, matchers={"rule": "1", "service": "2"})
        MaintenanceWindow.objects.create(name="x", author=ada, starts_at=timezone.now(), ends_at=timezone.now() + HOUR)
    client = client_of(ada)

    # Session, user, two of permissions, count twice, rows, badge; and of silences the names of rules and services.
    for address, queries in ((SILENCES, 10), (WINDOWS, 8)):
        with django_assert_num_queries(queries):
            client.get(address)
