from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from alerts.holding import is_held
from alerts.models import Alert, AlertState, Incident, Notification
from events.demo import loading
from events.demo.delivery import RefusedError
from events.demo.failures import REGRESSION
from events.models import Event, IngestKey, Issue, Service, TransitionKind
from tests.alerts.making import make_channel
from tests.events.demo.conftest import FakeServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at_liftmon(live_server: LiveServer, settings: Any) -> str:
    settings.BASE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def used() -> None:
    """A Liftmon in which somebody would be told: nothing is judged on the way, which takes a while."""
    make_channel()


def _stored() -> QuerySet[Event]:
    """The events of this test's services: the flush between tests leaves the partitions alone."""
    return Event.objects.filter(service__in=Service.objects.all())


def _asked() -> bool:
    try:
        return is_held()
    finally:
        connection.close()


def holding_elsewhere() -> bool:
    """What a worker would find."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_asked).result()


def _seed(**options: Any) -> str:
    output = StringIO()
    call_command("seeddemo", stdout=output, **{"events": 2_000, **options})
    return output.getvalue()


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_loads_a_fortnight_with_its_issues_through_the_api() -> None:
    said = _seed()

    stored = _stored().count()
    assert f"{stored:,} events are stored" in said
    assert 1_800 < stored < 2_600
    assert set(Service.objects.values_list("slug", flat=True)) == {"lift-web", "lift-api"}
    assert _stored().filter(repaired=[]).count() == stored
    assert 20 <= Issue.objects.count() <= 80
    assert Issue.objects.filter(name="stripe_checkout_error", severity="critical").exists()
    assert _stored().order_by("-occurred_at").values_list("occurred_at", flat=True)[0] <= timezone.now()


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_loads_nothing_twice() -> None:
    _seed()
    stored = _stored().count()

    said = _seed()

    assert "already loaded" in said
    assert _stored().count() == stored


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_loads_another_fortnight_for_another_seed() -> None:
    _seed()
    stored = _stored().count()

    _seed(seed=2)

    assert _stored().count() > 1.8 * stored
    assert Service.objects.count() == 2


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_takes_up_a_load_that_was_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    load = loading.load

    def stop_halfway(*args: Any, **options: Any) -> Any:
        load(*args, **options)
        raise RefusedError("The power went away.")

    monkeypatch.setattr(loading, "load", stop_halfway)
    with pytest.raises(CommandError, match="power went away"):
        _seed()
    stored = _stored().count()
    monkeypatch.setattr(loading, "load", load)

    said = _seed()

    assert "cut short" in said
    assert _stored().count() == stored > 0
    assert "already loaded" in _seed()


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_leaves_no_key_behind_that_still_opens() -> None:
    _seed()

    demo_keys = IngestKey.objects.filter(label__startswith="demo")
    assert demo_keys.count() == 2
    assert not demo_keys.usable(at=timezone.now()).exists()


@pytest.mark.usefixtures("at_liftmon", "used")
def test_it_shows_the_error_that_came_back_as_regressed() -> None:
    _seed(seed=5, events=8_000)

    issue = Issue.objects.get(title=f"{REGRESSION.kind}: {REGRESSION.message}")
    kinds = set(issue.transitions.values_list("kind", flat=True))
    assert issue.is_regressed
    assert {TransitionKind.NEW, TransitionKind.RESOLVED, TransitionKind.REGRESSED} <= kinds


@pytest.mark.usefixtures("at_liftmon")
def test_a_liftmon_that_holds_nothing_has_noticed_what_went_wrong_and_who_saw_to_it() -> None:
    _seed()

    now = timezone.now()
    titles = set(Incident.objects.values_list("title", flat=True))
    payments = Incident.objects.get(commander__username="ada", opened_at__gt=now - timedelta(days=4))
    assert {"auth_system_failure", "db_pool_error", "security_incident_lockout"} < titles
    assert payments.resolved_at is not None
    assert timedelta(minutes=30) < payments.resolved_at - payments.started_at < timedelta(hours=3)
    assert not Incident.objects.ongoing().exists()
    assert not Incident.objects.exclude(opened_at__range=(now - timedelta(days=14), now - timedelta(days=1))).exists()
    assert not Alert.objects.filter(rule__key="critical_event").exclude(state=AlertState.RESOLVED).exists()
    assert not Notification.objects.exists()
    assert not any(
        one.is_active or one.has_usable_password() for one in User.objects.filter(username__in=["ada", "ben"])
    )
    assert not holding_elsewhere()


@pytest.mark.usefixtures("at_liftmon", "used")
def test_a_liftmon_that_would_tell_somebody_gets_no_past() -> None:
    _seed()

    assert not Incident.objects.exists()
    assert not Alert.objects.exists()
    assert not User.objects.exists()


def test_it_forgets_to_resume_what_is_older_than_the_memory_for_repeats() -> None:
    doors = loading.trickle_doors()
    IngestKey.objects.filter(label="demo trickle").update(label="demo (seed 1)")
    now = timezone.now()

    assert len(doors) == 2
    assert loading.find(seed=1, now=now).state is loading.State.CUT_SHORT
    assert loading.find(seed=1, now=now + timedelta(days=6, seconds=1)).state is loading.State.LOADED
    assert loading.find(seed=2, now=now).state is loading.State.MISSING


def test_it_replaces_the_keys_of_an_earlier_trickle() -> None:
    before = loading.trickle_doors()
    after = loading.trickle_doors()

    assert set(before.values()).isdisjoint(after.values())
    assert IngestKey.objects.filter(label="demo trickle").count() == 2


def test_it_sends_elsewhere_with_one_key_and_leaves_this_database_alone(server: FakeServer) -> None:
    said = _seed(url=server.url, key="k" * 32)

    assert f"{len(server.events):,} events are stored" in said
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer " + "k" * 32}
    assert Service.objects.count() == 0


def test_it_wants_url_and_key_together() -> None:
    with pytest.raises(CommandError, match="belong together"):
        _seed(url="http://127.0.0.1:1")


def test_it_says_why_events_were_rejected(server: FakeServer) -> None:
    answer = b'{"ok": true, "accepted": 0, "rejected": [{"index": 0, "code": "too_deep", "detail": "Flatten it."}]}'
    server.script = [(200, {}, answer)]

    with pytest.raises(CommandError, match="1 events were rejected; the first: too_deep: Flatten it"):
        _seed(url=server.url, key="k" * 32)


@pytest.mark.parametrize("option", [["--days", "30"], ["--events", "0"], ["--rate", "0"], ["--events", "many"]])
def test_it_refuses_options_out_of_bounds(option: list[str]) -> None:
    with pytest.raises(CommandError, match="argument --"):
        call_command("seeddemo", *option)
