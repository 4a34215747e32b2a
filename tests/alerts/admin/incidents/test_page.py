"""The page of an incident."""

import re

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling, timeline
from alerts.models import Incident
from tests.alerts.admin.incidents.visiting import LIST, MINUTE, Budget, get, page, told
from tests.alerts.incidents.making import fire_grave, make_incident
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")


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
