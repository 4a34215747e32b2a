"""What a person does to one alert: each an act with its author in the history, refused to those who may only look."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.acting import expiry
from alerts.models import AlertEntry, Silence
from tests.alerts.admin.people import make_alert, make_rule
from tests.events.admin.people import client_of

pytestmark = pytest.mark.usefixtures("only_own_rules")
LIST = "/admin/alerts/alert/"
ACTS: dict[str, dict[str, Any]] = {
    "acknowledge": {}, "resolve": {}, "note": {"text": "Pool is full"},
}  # fmt: skip


@pytest.mark.parametrize(("act", "kind"), [("acknowledge", "acknowledged"), ("resolve", "resolved"), ("note", "noted")])
def test_an_act_is_done_and_told_in_the_history_with_its_author(ada: User, act: str, kind: str) -> None:
    alert = make_alert(make_rule())

    answer: Any = client_of(ada).post(f"{LIST}{alert.pk}/{act}/", ACTS[act])

    assert (answer.status_code, answer.url) == (302, f"{LIST}{alert.pk}/change/")
    entry = AlertEntry.objects.get(kind=kind)
    assert (entry.alert, entry.actor) == (alert, ada)


@pytest.mark.parametrize("act", [*ACTS, "silence"])
def test_it_is_refused_to_who_may_only_look(eve: User, act: str) -> None:
    alert = make_alert(make_rule())
    address = f"{LIST}silence/" if act == "silence" else f"{LIST}{alert.pk}/{act}/"

    answer = client_of(eve).post(address, {"alert": alert.pk, "lasts": "1h", "reason": "known", **ACTS.get(act, {})})

    assert answer.status_code == 403
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_at) == ("firing", None)
    assert AlertEntry.objects.count() == 1
    assert not Silence.objects.exists()


@pytest.mark.parametrize("act", ACTS)
def test_a_get_and_a_post_without_the_token_of_the_form_change_nothing(ada: User, act: str) -> None:
    alert = make_alert(make_rule())

    assert client_of(ada).get(f"{LIST}{alert.pk}/{act}/").status_code == 405
    assert client_of(ada, enforce_csrf_checks=True).post(f"{LIST}{alert.pk}/{act}/", ACTS[act]).status_code == 403
    assert AlertEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [("/admin/?window=7d", "/admin/?window=7d"), ("https://evil.example/", ""), ("//evil.example/", ""), ("", "")],
)
def test_it_goes_back_to_where_the_person_was_and_nowhere_else(ada: User, wanted: str, goes_to: str) -> None:
    alert = make_alert(make_rule())

    answer: Any = client_of(ada).post(f"{LIST}{alert.pk}/acknowledge/", {"next": wanted})

    assert answer.url == (goes_to or f"{LIST}{alert.pk}/change/")


def test_an_act_that_comes_too_late_says_so(ada: User) -> None:
    alert = make_alert(make_rule(), state="resolved")

    for act in ("acknowledge", "resolve"):
        page = client_of(ada).post(f"{LIST}{alert.pk}/{act}/", follow=True).content.decode()
        assert "nothing changed" in page
    assert AlertEntry.objects.count() == 1


@pytest.mark.parametrize(("text", "problem"), [("  ", "The note is empty"), ("x" * 501, "at most 500 characters")])
def test_a_note_that_says_nothing_or_too_much_is_refused(ada: User, text: str, problem: str) -> None:
    alert = make_alert(make_rule())

    page = client_of(ada).post(f"{LIST}{alert.pk}/note/", {"text": text}, follow=True).content.decode()

    assert problem in page
    assert not AlertEntry.objects.filter(kind="noted").exists()


def test_an_act_on_an_alert_that_is_gone_is_not_found(ada: User) -> None:
    assert client_of(ada).post(f"{LIST}12345/acknowledge/").status_code == 404


class TestSilencing:
    def test_it_takes_how_long_and_why(self, ada: User) -> None:
        alert = make_alert(make_rule(), labels={"endpoint": "/api/pay"})

        answer: Any = client_of(ada).post(f"{LIST}silence/", {"alert": alert.pk, "lasts": "4h", "reason": "Deploy"})

        assert answer.url == f"{LIST}{alert.pk}/change/"
        made = Silence.objects.get()
        assert made.matchers == {"rule": str(alert.rule_id), "endpoint": "/api/pay"}
        assert (made.author, made.reason, made.ends_at - made.starts_at) == (ada, "Deploy", timedelta(hours=4))
        assert AlertEntry.objects.get(kind="noted").actor == ada

    def test_several_each_get_their_own(self, ada: User) -> None:
        alerts = [make_alert(make_rule("one")), make_alert(make_rule("two"))]

        answer: Any = client_of(ada).post(
            f"{LIST}silence/",
            {"alert": [one.pk for one in alerts], "lasts": "1h", "reason": "Known", "next": f"{LIST}?state=firing"},
        )

        assert answer.url == f"{LIST}?state=firing"
        assert {one.matchers["rule"] for one in Silence.objects.all()} == {str(one.rule_id) for one in alerts}

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"reason": " "}, "Say why"),
            ({"lasts": "9y"}, "Choose for how long."),
            ({"reason": "x" * 301}, "at most 300"),
        ],
    )
    def test_what_is_missing_is_asked_for_and_what_was_typed_stays(
        self, ada: User, changes: dict[str, str], problem: str
    ) -> None:
        alert = make_alert(make_rule())
        asked = {"alert": alert.pk, "lasts": "24h", "reason": "typed", **changes}

        answer = client_of(ada).post(f"{LIST}silence/", asked)

        assert answer.status_code == 422
        page = answer.content.decode()
        assert problem in page
        assert f'value="{asked["reason"]}"' in page
        assert not Silence.objects.exists()

    @pytest.mark.parametrize("query", ["", "?alert=x", "?alert=" + "9" * 30, "?alert=%00"])
    def test_without_an_alert_it_says_so(self, ada: User, query: str) -> None:
        page = client_of(ada).get(f"{LIST}silence/{query}", follow=True).content.decode()

        assert "Choose at least one alert to silence." in page

    def test_its_back_link_leads_to_no_other_place(self, ada: User) -> None:
        alert = make_alert(make_rule())

        evil = quote("javascript:alert(1)")
        page = client_of(ada).get(f"{LIST}silence/?alert={alert.pk}&next={evil}").content.decode()

        assert "javascript:" not in page

    def test_tomorrow_is_that_of_the_reader(self, ada: User) -> None:
        alert = make_alert(make_rule())
        client = client_of(ada)
        client.cookies["lm_tz"] = "Asia/Tokyo"

        client.post(f"{LIST}silence/", {"alert": alert.pk, "lasts": "tomorrow", "reason": "Known"})

        ends_at = Silence.objects.get().ends_at
        assert (ends_at.astimezone(UTC).hour, ends_at.minute) == (0, 0)
        assert timedelta(0) < ends_at - timezone.now() <= timedelta(hours=33)


def test_tomorrow_morning_is_nine_on_the_clock_whatever_the_night_does() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before_the_change = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)

    until = expiry.ends_at("tomorrow", now=before_the_change, zone=berlin)

    assert until.astimezone(UTC) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)  # a night of 23 hours
    assert expiry.ends_at("4h", now=before_the_change, zone=berlin) == before_the_change + timedelta(hours=4)
