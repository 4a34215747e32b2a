"""The public page: what is on it, what never is, and what it costs."""

import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from alerts.models import ComponentImpact, Incident
from alerts.statuspage import rendering, views
from alerts.statuspage.addresses import Served
from alerts.statuspage.keeping import Keeper
from alerts.statuspage.levels import Level
from tests.alerts.incidents.making import make_incident
from tests.alerts.statuspage.making import DAY, HOUR, make_component, make_window, post

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"


def text_of(client: Client, address: str = "/status/") -> str:
    views.keeper.forget()
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@contextmanager
def database_away() -> Iterator[None]:
    def refuse(*_: Any) -> None:
        raise OperationalError("connection refused")

    with connection.execute_wrapper(refuse):
        yield


class TestWhatIsPublic:
    def test_an_incident_is_there_by_what_was_posted_alone(self, visitor: Client) -> None:
        incident, payments = make_incident("db-7 pool exhausted by ada"), make_component()
        ComponentImpact.objects.create(incident=incident, component=payments, level=4, started_at=timezone.now())
        before = text_of(visitor)
        unknown = visitor.get(f"/status/incident/{incident.pk}/")

        post(incident, levels={payments: Level.PARTIAL})
        after = text_of(visitor)

        assert "All systems are operational" in before
        assert unknown.status_code == 404
        assert "Partial outage" in after
        assert "Payments fail for some" in after
        assert "We are looking into it." in after
        assert "db-7" not in before + after
        assert visitor.get(f"/status/incident/{incident.pk}/").status_code == 200

    def test_components_that_are_not_listed_stay_inside(self, visitor: Client) -> None:
        inner = make_component("Kafka", is_public=False)
        incident = make_incident()
        post(incident, levels={inner: Level.MAJOR})

        for address in ("/status/", "/status/status.json", "/status/feed.atom", f"/status/incident/{incident.pk}/"):
            assert "Kafka" not in text_of(visitor, address)

    def test_maintenance_is_there_before_during_and_after_by_what_was_announced(self, visitor: Client) -> None:
        payments, now = make_component(), timezone.now()
        window = make_window("Upgrade of db-7", payments)
        make_window("Secret", is_announced=False, announcement="Secret")
        planned = words_of(text_of(visitor))

        type(window).objects.filter(pk=window.pk).update(starts_at=now - HOUR)
        running = words_of(text_of(visitor))
        type(window).objects.filter(pk=window.pk).update(ends_at=now - HOUR / 2)
        over = words_of(text_of(visitor))

        assert "Planned maintenance Maintenance of Payments Maintenance planned" in planned
        assert "All systems are operational" in planned
        assert "Maintenance is under way" in running
        assert "Payments Under maintenance" in running
        assert "All systems are operational" in over
        assert "Maintenance completed" in over
        for page in (planned, running, over):
            assert "Saving is not possible meanwhile." in page
            assert "db-7" not in page
            assert "Secret" not in page

    def test_maintenance_is_over_when_users_are_told_so(self, visitor: Client) -> None:
        now = timezone.now()
        window = make_window("Upgrade", make_component(), starts_at=now - HOUR)
        post(window, "completed", "Maintenance of payments", "It is done.", at=now - HOUR / 2)

        page = words_of(text_of(visitor))

        assert "All systems are operational" in page
        assert "Maintenance completed" in page

    def test_hostile_texts_are_shown_as_text(self, visitor: Client) -> None:
        evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
        payments = make_component(f"Pay{evil[:40]}", f"Group{evil[:40]}", description=evil)
        incident = make_incident()
        post(
            incident,
            title=evil,
            text=f"{evil} [a](javascript:alert(1)) ![b](http://x/y.png)",
            levels={payments: Level.MAJOR},
        )

        for address in ("/status/", f"/status/incident/{incident.pk}/"):
            page = text_of(visitor, address)
            assert "<script>alert" not in page
            assert "<img" not in page
            assert 'href="javascript' not in page
        feed = ET.fromstring(text_of(visitor, "/status/feed.atom"))  # noqa: S314 - ours
        content = feed.find(f"{ATOM}entry/{ATOM}content")
        assert content is not None
        assert "<script" not in (content.text or "")
        assert "<p><b>Investigating</b>" in (content.text or "")


class TestFront:
    def test_components_are_grouped_with_bars_that_can_be_read_aloud(self, visitor: Client) -> None:
        payments = make_component("Payments", "Website", description="Buying things")
        make_component("API")
        now = timezone.now()
        incident = make_incident(at=now - 3 * DAY)
        post(incident, levels={payments: Level.MAJOR}, at=now - 3 * DAY)
        post(incident, "resolved", at=now - 3 * DAY + HOUR)

        page = text_of(visitor)

        assert page.index("Website") < page.index("Payments") < page.index("API")
        assert re.search(
            r'role="img" aria-label="Uptime of Payments over 90 days: 99\.9\d %, [12] days? with problems"', page
        )
        assert "major outage for" in page
        assert page.count('<i class="st-') == 180
        assert "100 %" in page

    def test_updates_are_the_newest_first_and_say_when_they_were_corrected(self, visitor: Client) -> None:
        incident = make_incident()
        post(incident, text="First words", at=timezone.now() - HOUR)
        update = post(incident, "identified", text="Second words").update
        update.edited_at = timezone.now()
        update.save()

        page = text_of(visitor)

        assert page.index("Second words") < page.index("First words")
        assert page.count(", corrected <time") == 1

    def test_what_is_over_stays_for_a_week(self, visitor: Client) -> None:
        now = timezone.now()
        old, recent = make_incident(), make_incident()
        for incident, days, title in ((old, 9, "Old trouble"), (recent, 3, "Recent trouble")):
            post(incident, title=title, at=now - days * DAY)
            post(incident, "resolved", title=title, at=now - days * DAY + HOUR)

        page = text_of(visitor)

        assert "Recent trouble" in page
        assert "Old trouble" not in page

    def test_times_are_of_utc_whatever_the_readers_zone(self, visitor: Client) -> None:
        visitor.cookies["lm_tz"] = "Asia/Tokyo"
        post(make_incident(), at=timezone.now().replace(hour=0, minute=5, second=7, microsecond=0))

        assert re.search(
            r'<time datetime="\d{4}-\d\d-\d\dT00:05:07Z">\d+ \w{3} \d{4}, 00:05 UTC</time>', text_of(visitor)
        )

    def test_an_empty_page_says_so(self, visitor: Client) -> None:
        page = words_of(text_of(visitor))

        assert "All systems are operational" in page
        assert "No component is listed yet." in page
        assert "Nothing was wrong." in page


class TestHistory:
    def test_an_incident_is_in_the_month_in_which_users_were_told_first(self, visitor: Client) -> None:
        now = timezone.now()
        last_month = now.replace(day=1) - timedelta(days=1)
        incident = make_incident()
        post(incident, title="Across the months", at=last_month)
        post(incident, "resolved", title="Across the months", at=now)

        there = text_of(visitor, f"/status/history/{last_month:%Y-%m}/")
        here = text_of(visitor, f"/status/history/{now:%Y-%m}/")

        assert "Across the months" in there
        assert f'href="/status/history/{now:%Y-%m}/"' in there
        assert "Across the months" not in here
        assert f'href="/status/history/{last_month:%Y-%m}/"' in here

    @pytest.mark.parametrize("month", ["2026-13", "1999-01", "2999-01", "2026-1", "x", "20260101"])
    def test_there_is_no_page_of_other_months(self, visitor: Client, month: str) -> None:
        assert visitor.get(f"/status/history/{month}/").status_code == 404


class TestFeeds:
    def test_atom_tells_each_incident_once_with_all_its_updates(self, visitor: Client, settings: Any) -> None:
        settings.BASE_URL = "https://mon.example"
        incident = make_incident()
        post(incident, text="First & foremost")
        post(incident, "resolved", text="Over")

        feed = ET.fromstring(text_of(visitor, "/status/feed.atom"))  # noqa: S314 - ours

        (entry,) = feed.findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}title") == "Resolved: Payments fail for some"
        assert entry.findtext(f"{ATOM}id") == f"https://mon.example/status/incident/{incident.pk}/"
        assert "First &amp; foremost" in (entry.findtext(f"{ATOM}content") or "")
        assert visitor.get("/status/feed.atom")["Content-Type"].startswith("application/atom+xml")

    def test_an_empty_feed_is_one(self, visitor: Client) -> None:
        assert not ET.fromstring(text_of(visitor, "/status/feed.atom")).findall(f"{ATOM}entry")  # noqa: S314

    def test_json_says_the_same(self, visitor: Client) -> None:
        incident = make_incident()
        post(incident, levels={make_component("Payments", "Website"): Level.MAJOR})

        found = json.loads(text_of(visitor, "/status/status.json"))

        assert found["status"] == {"level": "major_outage", "description": "Major outage"}
        assert found["components"][0] | {"uptime_90_days": 1, "id": 0} == {
            "id": 0, "name": "Payments", "group": "Website", "level": "major_outage", "uptime_90_days": 1,
        }  # fmt: skip
        (told,) = found["incidents"]
        assert (told["kind"], told["state"], told["ends_at"]) == ("incident", "investigating", None)
        assert told["updates"][0]["text"] == "We are looking into it."
        assert visitor.get("/status/status.json")["Access-Control-Allow-Origin"] == "*"


class TestCost:
    def test_a_page_costs_few_queries_and_the_next_visitors_none(
        self, visitor: Client, django_assert_max_num_queries: Any, django_assert_num_queries: Any
    ) -> None:
        components = [make_component(f"Component {number}", f"Group {number % 3}") for number in range(12)]
        now = timezone.now()
        for number in range(6):
            incident = make_incident()
            post(incident, levels={components[number]: Level.MAJOR}, at=now - number * DAY)
            if number:
                post(incident, "resolved", at=now - number * DAY + HOUR)
            make_window(f"Window {number}", components[number], starts_at=now - HOUR * number)
        one = Incident.objects.order_by("pk")[0].pk

        with django_assert_max_num_queries(16):  # three of them are the transaction and its patience
            visitor.get("/status/")
        for address in (
            "/status/feed.atom",
            "/status/status.json",
            f"/status/incident/{one}/",
            f"/status/history/{now:%Y-%m}/",
        ):
            with django_assert_max_num_queries(24):
                assert visitor.get(address).status_code == 200
        with django_assert_num_queries(0):
            for address in ("/status/", "/status/feed.atom", "/status/status.json", f"/status/incident/{one}/"):
                answer = visitor.get(address)
                assert answer.status_code == 200
                assert not answer.cookies
            assert visitor.get("/status/incident/999999/").status_code == 404

    def test_nothing_is_sent_twice(self, visitor: Client) -> None:
        post(make_incident(), levels={make_component(): Level.MAJOR})
        first = visitor.get("/status/", headers={"Accept-Encoding": "gzip"})
        again = visitor.get("/status/", headers={"If-None-Match": first["ETag"]})

        assert first["Content-Encoding"] == "gzip"
        assert "Payments fail" in gzip.decompress(first.content).decode()
        assert (again.status_code, again.content) == (304, b"")
        assert "max-age=5" in first["Cache-Control"]
        assert "Cookie" not in first["Vary"]

    def test_the_same_content_is_the_same_bytes(self, visitor: Client) -> None:
        post(make_incident(), levels={make_component(): Level.DEGRADED})
        views.keeper.forget()
        first = visitor.get("/status/")
        views.keeper.forget()

        assert visitor.get("/status/")["ETag"] == first["ETag"]

    def test_the_policy_lets_nothing_in_but_our_own_files(self, visitor: Client) -> None:
        policy = visitor.get("/status/")["Content-Security-Policy"]

        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "style=" not in text_of(visitor)


class TestDatabaseAway:
    def test_the_last_known_page_is_served_and_says_so(self, visitor: Client) -> None:
        post(make_incident(), levels={make_component(): Level.MAJOR})
        text_of(visitor)
        with database_away():
            views.keeper.forget()
            answer = visitor.get("/status/")
            again = visitor.get("/status/feed.atom")

        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Payments fail for some" in page
        assert "could not be brought up to date. It is as of <time datetime=" in page
        assert answer["Cache-Control"] == "no-cache"
        assert again.status_code == 503  # nobody had asked for it, and the worker has not kept it

    def test_it_is_served_by_a_process_that_never_saw_the_database(
        self, visitor: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        incident = make_incident()
        post(incident, levels={make_component(): Level.MAJOR})

        assert views.keep_pages(now=timezone.now()) == 6
        monkeypatch.setattr(views, "keeper", Keeper(views.keeper.folder))
        with database_away():
            found = {
                address: visitor.get(address)
                for address in (
                    "/status/", "/status/feed.atom", "/status/status.json", f"/status/incident/{incident.pk}/",
                    f"/status/history/{timezone.now():%Y-%m}/",
                )
            }  # fmt: skip

        assert {one.status_code for one in found.values()} == {200}
        assert "Payments fail for some" in found["/status/"].content.decode()

    def test_with_nothing_to_show_it_says_so_and_is_no_error(self, visitor: Client) -> None:
        with database_away():
            answer = visitor.get("/status/")

        assert (answer.status_code, answer["Retry-After"]) == (503, "30")
        assert "cannot be shown just now" in answer.content.decode()

    def test_it_is_up_to_date_again_when_the_database_is(self, visitor: Client) -> None:
        text_of(visitor)
        with database_away():
            views.keeper.forget()
            visitor.get("/status/")
        post(make_incident())

        page = text_of(visitor)

        assert "could not be brought up to date" not in page
        assert "Payments fail for some" in page

    def test_a_database_that_is_away_is_left_alone_for_a_while(self, visitor: Client) -> None:
        text_of(visitor)
        asked = []

        def refuse(*_: Any) -> None:
            asked.append(1)
            raise OperationalError

        views.keeper.forget()
        with connection.execute_wrapper(refuse):
            for _ in range(5):
                visitor.get("/status/")

        assert len(asked) == 1

    def test_a_folder_that_cannot_be_written_stops_nobody(
        self, visitor: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = views.keeper.folder
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("in the way")

        assert visitor.get("/status/").status_code == 200


def test_what_is_on_the_page_is_right_for_every_state_of_an_incident() -> None:
    payments = make_component()
    incident = make_incident()
    now = timezone.now()
    for state in ("investigating", "identified", "monitoring", "resolved"):
        post(incident, state, levels={payments: Level.PARTIAL}, at=now)
        page = rendering.front(Served(), now=now + HOUR).decode()
        assert ("All systems are operational" in page) == (state == "resolved")
