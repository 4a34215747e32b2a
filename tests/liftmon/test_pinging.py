"""That somebody outside hears of us, and hears nothing when we stopped."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from liftmon import heartbeats, pinging
from liftmon.tasks import ping
from tests.alerts.conftest import receiver as receiver
from tests.alerts.conftest import stranger as stranger
from tests.alerts.receivers import Receiver
from tests.dashboards.digests.readers import subscribe
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
NOTICE = "/admin/own-health/notice/"


@pytest.fixture(autouse=True)
def _everybody_lives() -> None:
    for who in ("worker", "beat"):
        heartbeats.stamp(who)


@pytest.fixture
def heard(receiver: Receiver, settings: Any) -> Receiver:
    settings.HEARTBEAT_URL = f"{receiver.url}/ping/1234"
    return receiver


def overdue() -> None:
    subscribe(hour=(datetime.now(UTC) - timedelta(hours=2)).hour, zone="UTC")


def stop(who: str) -> None:
    heartbeats.client().set(heartbeats._KEYS[who], (datetime.now(UTC) - timedelta(minutes=5)).isoformat())


def test_it_is_told_while_all_is_well(heard: Receiver) -> None:
    assert pinging.ping()
    assert [one.path for one in heard.received] == ["/ping/1234"]


def test_without_an_address_nobody_is_told(receiver: Receiver) -> None:
    ping()

    assert not pinging.ping()
    assert receiver.received == []


@pytest.mark.parametrize("who", ["worker", "beat"])
def test_it_falls_silent_when_a_part_stopped(heard: Receiver, who: str) -> None:
    stop(who)

    assert not pinging.ping()
    assert heard.received == []


def test_it_falls_silent_when_digests_are_overdue(heard: Receiver) -> None:
    overdue()

    assert not pinging.ping()
    assert heard.received == []


def test_who_does_not_listen_breaks_nothing(heard: Receiver, settings: Any) -> None:
    heard.answer(500)
    assert not pinging.ping()
    settings.HEARTBEAT_URL = "http://127.0.0.1:1/ping"
    assert not pinging.ping()
    settings.HEARTBEAT_URL = "not an address"
    assert not pinging.ping()


def test_readiness_names_digests_that_are_overdue() -> None:
    overdue()

    answer = Client().get("/readyz")

    assert (answer.status_code, answer.json()["culprits"]) == (503, ["digests"])
    assert answer.json()["checks"]["digests"].startswith("1 is overdue since ")


class TestNotice:
    def test_it_is_empty_on_most_days(self, admin_client: Client) -> None:
        assert "lm-notice" not in admin_client.get(NOTICE).content.decode()

    def test_it_names_what_stopped_on_every_page(self, admin_client: Client) -> None:
        stop("beat")
        overdue()

        said = admin_client.get(NOTICE).content.decode()

        assert re.search(r"<strong>Beat:</strong> last reported 3\d\d s ago", said)
        assert "<strong>Digests:</strong> 1 is overdue" in said
        for page in ("/admin/", "/admin/events/issue/", "/admin/dashboards/digest/"):
            assert f'hx-get="{NOTICE}"' in admin_client.get(page).content.decode()

    def test_it_is_for_those_who_see_the_analytics(self, db: None) -> None:
        nobody = client_of(make_person("max", "view_issue"))

        assert nobody.get(NOTICE).status_code == 403
        assert NOTICE not in nobody.get("/admin/").content.decode()
        assert User.objects.count() == 1
