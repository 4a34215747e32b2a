"""What one post does: the update, the impacts, the timeline, the letters."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from alerts.models import ComponentImpact, Incident, IncidentEntry, Letter, StatusUpdate
from alerts.statuspage.levels import Level
from alerts.statuspage.posting import PostingError, edit_update
from alerts.statuspage.suggesting import suggested_components
from events.models import Service
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.alerts.statuspage.making import HOUR, make_component, make_subscriber, make_window, post

pytestmark = pytest.mark.django_db


def impacts() -> list[tuple[str, int, bool]]:
    rows = ComponentImpact.objects.select_related("component").order_by("pk")
    return [(one.component.name, one.level, one.ended_at is None) for one in rows]


class TestImpacts:
    def test_a_component_is_affected_from_when_users_were_hurt_first(self) -> None:
        now = timezone.now()
        incident = make_incident(at=now, started_at=now - HOUR)
        payments, sign_in = make_component(), make_component("Sign-in")

        post(incident, levels={payments: Level.MAJOR}, at=now)
        post(incident, "identified", levels={payments: Level.PARTIAL, sign_in: Level.DEGRADED}, at=now + HOUR)

        assert impacts() == [("Payments", 4, False), ("Payments", 3, True), ("Sign-in", 2, True)]
        first, second, third = ComponentImpact.objects.order_by("pk")
        assert (first.started_at, first.ended_at) == (now - HOUR, now + HOUR)
        assert (second.started_at, third.started_at) == (now + HOUR, now - HOUR)

    def test_the_same_level_again_changes_nothing(self) -> None:
        incident, payments = make_incident(), make_component()

        post(incident, levels={payments: Level.MAJOR})
        post(incident, "identified", levels={payments: Level.MAJOR})

        assert impacts() == [("Payments", 4, True)]

    def test_resolved_ends_all_of_them_when_it_was_over_for_users(self) -> None:
        now = timezone.now()
        incident, payments = make_incident(at=now - 2 * HOUR), make_component()
        post(incident, levels={payments: Level.MAJOR}, at=now - 2 * HOUR)
        Incident.objects.update(ended_at=now - HOUR)

        post(incident, "resolved", levels={payments: Level.MAJOR}, at=now)

        row = ComponentImpact.objects.get()
        assert row.ended_at == now - HOUR

    def test_it_never_ends_before_it_began(self) -> None:
        now = timezone.now()
        incident, payments = make_incident(at=now - HOUR), make_component()
        post(incident, levels={payments: Level.MAJOR}, at=now - HOUR)
        post(incident, "monitoring", at=now)
        Incident.objects.update(ended_at=now - HOUR / 2)
        post(incident, "identified", levels={payments: Level.PARTIAL}, at=now + HOUR)
        post(incident, "resolved", at=now + 2 * HOUR)

        assert all(one.ended_at and one.ended_at >= one.started_at for one in ComponentImpact.objects.all())


class TestLetters:
    def test_it_mails_confirmed_subscribers_of_what_is_affected(self) -> None:
        payments, search = make_component(), make_component("Search")
        make_subscriber("all@users.example")
        make_subscriber("payments@users.example", payments)
        make_subscriber("search@users.example", search)
        unconfirmed = make_subscriber("asked@users.example")
        unconfirmed.confirmed_at = None
        unconfirmed.save()
        gone = make_subscriber("gone@users.example")
        gone.unsubscribed_at = timezone.now()
        gone.save()

        posted = post(make_incident(), levels={payments: Level.MAJOR})

        assert posted.letter_count == 2
        assert set(Letter.objects.values_list("to", flat=True)) == {"all@users.example", "payments@users.example"}

    def test_whoever_heard_of_it_hears_that_it_is_over(self) -> None:
        payments, incident = make_component(), make_incident()
        make_subscriber("payments@users.example", payments)
        post(incident, levels={payments: Level.MAJOR})
        post(incident, "monitoring")

        assert post(incident, "resolved").letter_count == 1
        assert "- Payments: operational" in Letter.objects.order_by("pk").last().text  # type: ignore[union-attr]

    def test_letters_about_an_incident_are_one_thread_with_addresses_of_their_own(self, settings: object) -> None:
        settings.BASE_URL, settings.STATUS_PAGE_NAME = "https://mon.example", "lift"  # type: ignore[attr-defined]
        settings.DEFAULT_FROM_EMAIL = "liftmon@mon.example"  # type: ignore[attr-defined]
        make_subscriber("a@users.example")
        make_subscriber("b@users.example")
        incident = make_incident()

        post(incident, title="Payments fail", levels={make_component(): Level.MAJOR})
        post(incident, "resolved", title="Payments failed")

        letters = list(Letter.objects.order_by("pk"))
        assert [one.subject for one in letters] == ["Payments fail"] * 2 + ["Re: Payments fail"] * 2
        assert {one.headers["References"] for one in letters} == {f"<status.incident-{incident.pk}@mon.example>"}
        first, second = letters[:2]
        assert first.headers["From-Name"] == "lift status: Investigating"
        assert first.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        address = first.headers["List-Unsubscribe"].strip("<>")
        assert address.startswith("https://mon.example/status/unsubscribe/")
        for body in (first.text, first.html):
            assert address in body
            assert address not in second.text
            assert "liftmon.invalid" not in body
            assert f"https://mon.example/status/incident/{incident.pk}/" in body
        assert "- Payments: major outage" in first.text
        assert 'style="' in first.html

    def test_nothing_is_written_when_the_post_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_subscriber()
        incident, payments = make_incident(), make_component()

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("alerts.statuspage.posting._tell_timeline", broken)
        with pytest.raises(RuntimeError):
            post(incident, levels={payments: Level.MAJOR})

        assert not StatusUpdate.objects.exists()
        assert not Letter.objects.exists()
        assert not ComponentImpact.objects.exists()


class TestTimeline:
    def test_it_says_what_was_posted_and_who_is_mailed(self, admin_user: User) -> None:
        incident = make_incident("db pool exhausted")
        make_subscriber()

        post(incident, levels={make_component(): Level.MAJOR}, by=admin_user)

        entry = IncidentEntry.objects.get(incident=incident, kind="status")
        assert entry.text == (
            "Posted to the status page as investigating: Payments fail for some. Payments: major outage. "
            "1 subscriber is mailed."
        )
        assert entry.actor == admin_user


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"title": " \n"}, "title"), ({"title": "x" * 201}, "title"), ({"text": ""}, "text"), ({"text": "x" * 5001}, "text"),
            ({"state": "planned"}, "state"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_posted_is_said_at_its_field(self, fields: dict[str, str], field: str) -> None:
        with pytest.raises(PostingError) as refused:
            post(make_incident(), **fields)  # type: ignore[arg-type]

        assert refused.value.field == field

    def test_who_did_not_see_the_last_update_is_told(self) -> None:
        incident = make_incident()
        seen = post(incident, seen=0).update.pk
        post(incident, "identified", seen=seen)

        with pytest.raises(PostingError, match="meanwhile"):
            post(incident, "monitoring", seen=seen)

        assert StatusUpdate.objects.count() == 2

    def test_maintenance_that_is_not_announced_has_no_updates(self) -> None:
        with pytest.raises(PostingError, match="announce"):
            post(make_window(is_announced=False), "planned")

    def test_control_characters_are_left_out(self) -> None:
        update = post(make_incident(), title="a\x00b\x0bc", text="one\r\ntwo\x1b\x00").update

        assert (update.title, update.text) == ("abc", "one\ntwo")


class TestMaintenance:
    def test_subscribers_of_its_components_are_mailed(self) -> None:
        payments, search = make_component(), make_component("Search")
        make_subscriber("payments@users.example", payments)
        make_subscriber("search@users.example", search)

        posted = post(make_window("Upgrade", payments), "planned", "Maintenance of payments")

        assert posted.letter_count == 1
        assert "- Payments: under maintenance" in Letter.objects.get().text


class TestCorrections:
    def test_a_correction_says_so_and_mails_nobody(self, admin_user: User) -> None:
        make_subscriber()
        update = post(make_incident(), levels={make_component(): Level.MAJOR}).update
        now = timezone.now()

        assert edit_update(update.pk, title="Payments fail", text="It works.", seen=update.text, by=admin_user, at=now)
        assert not edit_update(
            update.pk, title="Payments fail", text="It works.", seen="It works.", by=admin_user, at=now
        )

        update.refresh_from_db()
        assert (update.title, update.text, update.edited_at) == ("Payments fail", "It works.", now)
        assert Letter.objects.count() == 1
        told = said(Incident.objects.get(), "status")[-1]
        assert "Before, it said: Payments fail for some: We are looking" in told

    def test_what_somebody_else_corrected_is_not_replaced(self, admin_user: User) -> None:
        update = post(make_incident()).update

        with pytest.raises(PostingError, match="meanwhile"):
            edit_update(update.pk, title="x", text="y", seen="older", by=admin_user, at=timezone.now())


class TestSuggestions:
    def test_components_of_failing_endpoints_are_suggested(self) -> None:
        web, other = Service.objects.create(name="web", slug="web"), Service.objects.create(name="jobs", slug="jobs")
        payments = make_component(service=web, endpoints=["/api/pay*"])
        make_component("Search", service=web, endpoints=["/api/search"])
        whole = make_component("Website", service=web)
        make_component("Jobs", service=other)
        alert = fire_grave({"service": str(web.pk), "endpoint": "/api/payments"}, at=timezone.now())

        assert suggested_components(Incident.objects.get(memberships__alert=alert)) == {payments.pk, whole.pk}

    def test_of_a_service_alone_those_are_that_are_all_of_it(self) -> None:
        web = Service.objects.create(name="web", slug="web")
        make_component(service=web, endpoints=["/api/pay*"])
        whole = make_component("Website", service=web)

        assert suggested_components(make_incident(service=web)) == {whole.pk}
        assert suggested_components(make_incident()) == set()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_post_at_once_one_wins_and_the_other_is_told() -> None:
    incident, payments = make_incident(), make_component()
    start, told = threading.Barrier(2), []

    def try_it(number: int) -> None:
        try:
            start.wait(10)
            post(incident, title=f"From {number}", levels={payments: Level.MAJOR}, seen=0)
            told.append("posted")
        except PostingError as error:
            told.append(str(error)[:33])
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timedelta(seconds=20).total_seconds())

    assert sorted(told) == ["Somebody posted an update meanwhi", "posted"]
    assert ComponentImpact.objects.count() == 1
