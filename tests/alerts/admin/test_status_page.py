"""What staff do about the status page: posting, correcting, components, subscribers, letters, the audience."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from alerts.channels.webhook import new_secret
from alerts.models import Component, Incident, Letter, MaintenanceWindow, StatusUpdate, Subscriber
from alerts.statuspage.levels import Level
from events.models import Service
from tests.alerts.admin.people import make_person
from tests.alerts.incidents.making import make_incident, said
from tests.alerts.receivers import Receiver
from tests.alerts.sending import make_channel
from tests.alerts.statuspage.making import HOUR, make_component, make_subscriber, make_window, post
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def teller(db: None) -> Client:
    """May tell users."""
    rights = ("add_statusupdate", "view_statusupdate", "change_statusupdate", "view_incident")
    return client_of(make_person("tess", *(f"alerts.{one}" for one in rights)))


@pytest.fixture
def viewer(db: None) -> Client:
    return client_of(
        make_person("vic", "alerts.view_statusupdate", "alerts.view_incident", "alerts.view_maintenancewindow")
    )


def page_of(incident: Incident) -> str:
    return f"/admin/alerts/incident/{incident.pk}/status/"


def sent(client: Client, incident: Incident, button: str = "post", **fields: Any) -> Any:
    data = {"state": "investigating", "title": "Payments fail", "text": "We look.", "seen": "0", button: "", **fields}
    return client.post(page_of(incident), data, follow=True)


class TestPosting:
    def test_the_form_begins_with_what_is_likely(self, teller: Client) -> None:
        web = Service.objects.create(name="web", slug="web")
        payments = make_component(service=web)
        make_component("Search")
        make_subscriber()
        incident = make_incident("db-7", service=web)

        page = teller.get(page_of(incident)).content.decode()

        assert "Problems with Payments" in page
        assert "We are experiencing problems with Payments and are looking into it." in page
        assert re.search(rf'name="component_{payments.pk}".*?<option value="3" selected>', page, re.DOTALL)
        assert "1 subscriber will be mailed" in page
        offered = json.loads(re.search(r'id="lm-offered"[^>]*>(.*?)</script>', page)[1])  # type: ignore[index]
        assert offered["resolved"] == "We experienced brief downtime, now resolved."

    def test_a_post_is_made_told_and_logged(self, teller: Client) -> None:
        payments, incident = make_component(), make_incident("db-7")
        make_subscriber()

        answer = sent(teller, incident, **{f"component_{payments.pk}": "4"})

        assert "1 subscriber is mailed." in answer.content.decode()
        update = StatusUpdate.objects.get()
        assert (update.title, update.author.username) == ("Payments fail", "tess")  # type: ignore[union-attr]
        assert incident.impacts.get().level == Level.MAJOR
        assert LogEntry.objects.get().user.username == "tess"
        assert said(incident, "status")

    def test_a_preview_posts_nothing(self, teller: Client) -> None:
        payments, incident = make_component(), make_incident()
        make_subscriber("all@users.example")
        make_subscriber("search@users.example", make_component("Search"))

        whole = sent(teller, incident, "preview", text="It is **slow**", **{f"component_{payments.pk}": "2"})
        part = teller.post(
            page_of(incident), {"state": "resolved", "title": EVIL, "text": EVIL}, headers={"HX-Request": "true"}
        )

        assert "It is <strong>slow</strong>" in whole.content.decode()
        assert "Payments: degraded" in whole.content.decode()
        assert "1 subscriber will be mailed" in whole.content.decode()
        assert "<html" not in part.content.decode()
        assert EVIL not in part.content.decode()
        assert not StatusUpdate.objects.exists()
        assert not Letter.objects.exists()

    def test_words_are_offered_without_scripts(self, teller: Client) -> None:
        answer = sent(teller, make_incident(), "offer", state="resolved", text="My own")

        assert "We experienced brief downtime, now resolved." in answer.content.decode()
        assert not StatusUpdate.objects.exists()

    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, teller: Client) -> None:
        answer = sent(teller, make_incident(), title="", text="Typed with care")

        assert answer.status_code == 422
        assert "Say in a few words what users notice." in answer.content.decode()
        assert "Typed with care" in answer.content.decode()

    def test_who_did_not_see_the_last_update_is_told(self, teller: Client) -> None:
        incident = make_incident()
        post(incident)

        answer = sent(teller, incident)

        assert answer.status_code == 422
        assert "Somebody posted an update meanwhile" in answer.content.decode()

    def test_a_viewer_reads_and_posts_nothing(self, viewer: Client) -> None:
        incident = make_incident()
        post(incident)

        page = viewer.get(page_of(incident))

        assert page.status_code == 200
        assert "lm-status-form" not in page.content.decode()
        for button in ("post", "preview", "offer"):
            assert sent(viewer, incident, button).status_code == 403
        assert StatusUpdate.objects.count() == 1

    def test_strangers_see_nothing(self, client: Client) -> None:
        incident = make_incident()

        assert client.get(page_of(incident)).status_code == 302
        nobody = client_of(make_person("nobody"))
        for address in (page_of(incident), f"/admin/alerts/incident/{incident.pk}/audience/"):
            assert nobody.get(address).status_code == 403

    def test_one_that_is_gone_is_not_found(self, teller: Client) -> None:
        assert teller.get("/admin/alerts/incident/999999/status/").status_code == 404

    def test_its_part_of_the_incidents_page_says_what_users_know(self, teller: Client) -> None:
        incident = make_incident()
        untold = teller.get(page_of(incident), headers={"HX-Request": "true"}).content.decode()
        post(incident)
        Incident.objects.update(state="resolved")
        told = teller.get(page_of(incident), headers={"HX-Request": "true"}).content.decode()

        assert "Users were told nothing" in untold
        assert "users still read that something is wrong" in told
        assert "<html" not in told

    def test_a_page_costs_few_queries(self, teller: Client, django_assert_max_num_queries: Any) -> None:
        components = [make_component(f"Component {number}") for number in range(20)]
        incident = make_incident()
        for number in range(5):
            post(incident, levels={components[number]: Level.PARTIAL}, seen=None)

        with django_assert_max_num_queries(45):
            assert teller.get(page_of(incident)).status_code == 200


class TestMaintenance:
    def test_it_is_announced_on_its_form(self, admin_client: Client) -> None:
        payments = make_component()
        data = {
            "name": "pg upgrade", "lasts": "1h", "is_announced": "on", "announcement": "We upgrade.",
            "components": [payments.pk],
        }  # fmt: skip

        refused = admin_client.post("/admin/alerts/maintenancewindow/add/", {**data, "announcement": " "})
        kept = admin_client.post("/admin/alerts/maintenancewindow/add/", data)

        assert refused.status_code == 422
        assert "Write what users are to know" in refused.content.decode()
        assert kept.status_code == 302
        window = MaintenanceWindow.objects.get()
        assert (window.is_announced, list(window.components.all())) == (True, [payments])

    def test_subscribers_are_told_with_the_words_of_the_announcement(self, teller: Client) -> None:
        window = make_window("pg upgrade", make_component())
        address = f"/admin/alerts/maintenancewindow/{window.pk}/status/"
        make_subscriber()

        page = teller.get(address).content.decode()
        teller.post(
            address, {"state": "planned", "title": "Maintenance", "text": "We upgrade.", "seen": "0", "post": ""}
        )

        assert "Saving is **not** possible meanwhile." in page
        assert "Maintenance of Payments" in page
        assert Letter.objects.get().subject == "Maintenance"


class TestCorrecting:
    def test_a_correction_is_marked_logged_and_mails_nobody(self, teller: Client) -> None:
        incident = make_incident()
        make_subscriber()
        update = post(incident).update
        address = f"/admin/alerts/statusupdate/{update.pk}/change/"

        answer = teller.post(address, {"title": "Better", "text": "Clearer", "seen": update.text}, follow=True)
        stale = teller.post(address, {"title": "x", "text": "y", "seen": update.text})

        assert "Corrected. The page says so" in answer.content.decode()
        assert stale.status_code == 422
        update.refresh_from_db()
        assert (update.text, update.edited_at is not None, Letter.objects.count()) == ("Clearer", True, 1)
        assert LogEntry.objects.count() == 1

    def test_a_viewer_corrects_nothing(self, viewer: Client) -> None:
        update = post(make_incident()).update
        address = f"/admin/alerts/statusupdate/{update.pk}/change/"

        assert viewer.get(address).status_code == 200
        assert viewer.post(address, {"title": "x", "text": "y", "seen": update.text}).status_code == 403


class TestLists:
    @pytest.mark.parametrize("kind", ["component", "componentgroup", "subscriber", "letter", "statusupdate"])
    def test_an_empty_one_says_what_to_do(self, admin_client: Client, kind: str) -> None:
        answer = admin_client.get(f"/admin/alerts/{kind}/")

        assert answer.status_code == 200
        assert "lm-empty" in answer.content.decode()

    def test_they_show_rows_and_run_nothing(self, admin_client: Client, django_assert_max_num_queries: Any) -> None:
        for number in range(10):
            component = make_component(f"{EVIL[:20]}{number}", f"Group {number}")
            make_subscriber(f"reader{number}@users.example", component)
            incident = make_incident()
            post(incident, title=EVIL, levels={component: Level.MAJOR})

        for kind in ("component", "componentgroup", "subscriber", "letter", "statusupdate"):
            with django_assert_max_num_queries(14):
                page = admin_client.get(f"/admin/alerts/{kind}/").content.decode()
            assert "<script>alert" not in page
        assert "Major outage" in admin_client.get("/admin/alerts/component/").content.decode()
        for kind, row in (("letter", Letter), ("subscriber", Subscriber), ("component", Component)):
            address = f"/admin/alerts/{kind}/{row.objects.order_by('pk')[0].pk}/change/"
            assert admin_client.get(address).status_code == 200

    def test_a_component_is_made_of_endpoints_with_commas_between_them(self, admin_client: Client) -> None:
        data = {"name": "Payments", "endpoints": "/api/pay*, /api/checkout", "position": "100", "is_public": "on"}

        admin_client.post("/admin/alerts/component/add/", data)

        assert Component.objects.get().endpoints == ["/api/pay*", "/api/checkout"]

    def test_letters_that_were_given_up_are_sent_again(self, admin_client: Client) -> None:
        make_subscriber()
        post(make_incident())
        Letter.objects.update(state="dead", settled_at=timezone.now(), attempt_count=10)
        letter = Letter.objects.get()

        notice = admin_client.get("/admin/alerts/notification/notices/").content.decode()
        admin_client.post(
            "/admin/alerts/letter/", {"action": "send_dead_again", "_selected_action": [letter.pk], "index": 0}
        )

        assert "1 letter was given up" in notice
        letter.refresh_from_db()
        assert (letter.state, letter.attempt_count) == ("waiting", 0)

    def test_links_that_act_stay_out_of_the_page_of_a_letter(self, admin_client: Client) -> None:
        make_subscriber()
        post(make_incident())
        letter = Letter.objects.get()

        page = admin_client.get(f"/admin/alerts/letter/{letter.pk}/change/").content.decode()

        assert "We are looking into it." in page
        assert "/status/unsubscribe/" not in page


class TestAudience:
    @pytest.fixture
    def hurt(self, sender: Sender) -> Incident:
        data = {"severity": "ERROR", "endpoint": "/api/pay", "user_id": "u-1"}
        sender.store({"event": "api_timeout", "data": data})
        return make_incident(service=sender.service, at=timezone.now() - timedelta(minutes=1))

    def test_it_is_fetched_as_a_file_and_noted(self, teller: Client, hurt: Incident) -> None:
        address = f"/admin/alerts/incident/{hurt.pk}/audience/"

        page = teller.get(address).content.decode()
        csv = b"".join(teller.post(address, {"as": "csv"}))
        found = json.loads(teller.post(address, {"as": "json"}).content)

        assert "<strong>1 user</strong>" in page
        assert csv.decode().split() == ["user_hash", *found["user_hashes"]]
        assert len(found["user_hashes"][0]) == 32
        assert said(hurt, "status") == ["The hashes of 1 user were downloaded, to tell them."] * 2
        assert LogEntry.objects.count() == 2

    def test_it_is_handed_to_a_webhook(self, teller: Client, hurt: Incident, receiver: Receiver) -> None:
        channel = make_channel("webhook", "Mailing tool", url=receiver.url, secret=new_secret())
        address = f"/admin/alerts/incident/{hurt.pk}/audience/"

        answer = teller.post(address, {"as": "webhook", "channel": channel.pk}, follow=True)
        nobody = teller.post(address, {"as": "webhook", "channel": "999"}, follow=True)

        assert "were handed to Mailing tool" in answer.content.decode()
        assert "Choose the webhook" in nobody.content.decode()
        assert len(receiver.received) == 1

    def test_viewers_get_none_of_it(self, viewer: Client, hurt: Incident) -> None:
        address = f"/admin/alerts/incident/{hurt.pk}/audience/"

        for answer in (
            viewer.get(address),
            *(viewer.post(address, {"as": kind}) for kind in ("csv", "json", "webhook")),
        ):
            assert answer.status_code == 403
        assert not said(hurt, "status")


def test_everybody_can_be_looked_at_by_a_superuser(admin_client: Client, admin_user: User) -> None:
    incident = make_incident()
    make_window("pg upgrade", make_component(), starts_at=timezone.now() - HOUR)
    post(incident)

    for address in (
        f"/admin/alerts/incident/{incident.pk}/change/", "/admin/alerts/maintenancewindow/",
        f"/admin/alerts/incident/{incident.pk}/audience/",
    ):  # fmt: skip
        assert admin_client.get(address).status_code == 200
