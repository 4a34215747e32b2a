"""One digest for each reader and period, whatever happens."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from alerts.models import Channel, Letter, Notification
from dashboards.digests import building, copies, due, links, sending
from dashboards.digests.building import Scope
from dashboards.digests.forgetting import forget
from dashboards.digests.periods import Kind
from dashboards.models import Digest, DigestCopy, DigestDelivery, DigestSubscription
from dashboards.tasks import send_digests
from events.rollups import compact
from tests.alerts.sending import make_channel
from tests.dashboards.digests.readers import letters, person, sign_in_one_second, subscribe, told
from tests.dashboards.digests.saying import store
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
# A Tuesday.
EIGHT = datetime(2026, 12, 1, 7, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def reports_of(queries: CaptureQueriesContext) -> list[str]:
    """Of the statements those that read what is counted."""
    return [one["sql"] for one in queries.captured_queries if "events_series" in one["sql"]]


def send(at: datetime) -> int:
    return sending.send_due(now=at)


class TestOnce:
    def test_it_comes_when_it_is_due_and_not_before(self) -> None:
        subscribe(person("ada"))

        assert send(EIGHT - MINUTE) == 1  # yesterday's, which nobody sent
        assert told() == [("daily", "2026-11-30")]
        assert send(EIGHT) == 1
        assert send(EIGHT + MINUTE) == send(EIGHT + 23 * HOUR) == 0

        assert told() == [("daily", "2026-11-30"), ("daily", "2026-12-01")]
        letter = letters()[-1]
        assert (letter.to, letter.state) == ("ada@lift.example", "waiting")
        assert letter.subject.startswith("Daily")

    def test_every_kind_has_its_own(self) -> None:
        subscribe(kinds=["daily", "weekly", "monthly"], weekdays=[1], since_at=EIGHT - HOUR)

        assert send(EIGHT) == 3  # the first of the month, and the day of the week
        assert {kind for kind, _ in told()} == {"daily", "weekly", "monthly"}

    def test_a_doubled_beat_makes_no_second_one(self) -> None:
        subscribe()
        found = due.due_now(now=EIGHT)
        ((batch, rows),) = sending._batches(found)

        assert sending._written(batch, rows, EIGHT) == 1
        assert sending._written(batch, rows, EIGHT) == 0  # it looked before the first one wrote
        assert len(letters()) == 1

    def test_whoever_is_killed_half_way_leaves_nothing_behind(self, monkeypatch: pytest.MonkeyPatch) -> None:
        subscribe()
        with monkeypatch.context() as broken:
            broken.setattr(DigestDelivery.objects, "bulk_create", _killed)
            with pytest.raises(KeyboardInterrupt):
                send(EIGHT)
        assert (letters(), told()) == ([], [])

        assert send(EIGHT + MINUTE) == 1
        assert len(letters()) == 1
        assert Digest.objects.count() == 1  # which was built already

    def test_a_clock_that_went_back_sends_nothing_anew(self) -> None:
        subscribe(since_at=EIGHT - HOUR)
        send(EIGHT + 5 * MINUTE)

        assert [send(EIGHT - 10 * MINUTE), send(EIGHT), send(EIGHT + MINUTE)] == [0, 0, 0]

    def test_a_clock_that_was_a_year_ahead_does_not_silence_it(self) -> None:
        subscribe(since_at=EIGHT - HOUR)
        send(EIGHT + 365 * DAY)

        assert send(EIGHT) == 1
        assert send(EIGHT + DAY) == 1

    def test_an_hour_that_is_changed_makes_no_second_one_of_the_day(self) -> None:
        one = subscribe(since_at=EIGHT - HOUR)
        send(EIGHT)
        DigestSubscription.objects.filter(pk=one.pk).update(hour=10)

        assert send(EIGHT + 3 * HOUR) == 0
        assert send(EIGHT + DAY + 2 * HOUR) == 1

    def test_who_unsubscribes_while_it_is_built_gets_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = subscribe()
        build = building.digest_of

        def meanwhile(*arguments: Any, **named: Any) -> Digest:
            DigestSubscription.objects.filter(pk=one.pk).update(is_enabled=False)
            return build(*arguments, **named)

        monkeypatch.setattr(sending, "digest_of", meanwhile)

        assert send(EIGHT) == 0
        assert letters() == []


def _killed(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


class TestClocks:
    @pytest.mark.parametrize(
        ("hour", "day", "at"),
        [
            # The clock leaves out 02:00–03:00 on 29 March, and has 02:00–03:00 twice on 25 October.
            (2, "2026-03-29", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
            (2, "2026-10-25", datetime(2026, 10, 25, 0, 0, tzinfo=UTC)),
        ],
    )
    def test_the_day_of_a_change_has_one_and_so_have_those_around_it(self, hour: int, day: str, at: datetime) -> None:
        subscribe(hour=hour, since_at=at - 40 * HOUR)
        now, until = at - 30 * HOUR, at + 30 * HOUR
        while now <= until:
            send(now)
            now += 20 * MINUTE

        days = [one for _, one in told()]
        assert len(days) == len(set(days))
        assert day in days
        spans = list(Digest.objects.order_by("end_at").values_list("start_at", "end_at"))
        assert all(before[1] == after[0] for before, after in pairwise(spans))  # no gap, no overlap
        delivery = DigestDelivery.objects.get(day=day)
        assert delivery.end_at == at
        assert not DigestDelivery.objects.filter(is_late=True).exclude(day=days[0]).exists()

    def test_days_that_were_missed_are_one_digest_that_says_so(self) -> None:
        subscribe(since_at=EIGHT - 4 * DAY)
        send(EIGHT - 3 * DAY)

        assert send(EIGHT + 5 * HOUR) == 1

        delivery = DigestDelivery.objects.latest("end_at")
        assert delivery.is_late
        assert delivery.digest is not None
        assert (delivery.digest.start_at, delivery.digest.end_at) == (EIGHT - 3 * DAY, EIGHT)
        assert "ate" in letters()[-1].subject
        assert send(EIGHT + DAY) == 1
        assert not DigestDelivery.objects.latest("end_at").is_late

    def test_nothing_that_was_due_before_somebody_asked_is_sent(self) -> None:
        subscribe(since_at=EIGHT + MINUTE)
        subscribe(email="mo@users.example", confirmed_at=EIGHT + MINUTE)

        assert send(EIGHT + HOUR) == 0
        assert send(EIGHT + DAY) == 2

    def test_a_zone_that_is_none_any_more_holds_up_nobody_else(self) -> None:
        broken = subscribe()
        DigestSubscription.objects.filter(pk=broken.pk).update(zone="Europe/Atlantis")
        subscribe(person("ada"))

        assert send(EIGHT) == 1


class TestReaders:
    def test_an_address_gets_none_before_somebody_confirms_it(self) -> None:
        subscribe(email="mo@users.example", confirmed_at=None)

        assert send(EIGHT) == 0

    def test_who_left_gets_none(self) -> None:
        subscribe(person("ada", is_active=False))

        assert send(EIGHT) == 0

    def test_who_may_not_see_the_same_in_the_admin_any_more_gets_none(self) -> None:
        ada = person("ada")
        subscribe(ada)
        ada.user_permissions.clear()

        assert send(EIGHT) == 0

    def test_a_reader_who_may_not_sign_in_gets_no_address_of_the_admin(self) -> None:
        subscribe(email="mo@users.example")
        subscribe(person("ada"))
        send(EIGHT)

        by_address = {one.to: one for one in letters()}
        outside, inside = by_address["mo@users.example"], by_address["ada@lift.example"]
        assert "/admin/" not in outside.text + outside.html
        assert "/admin/" in inside.html
        assert Digest.objects.count() == 1
        assert DigestCopy.objects.count() == 2

    def test_each_letter_has_its_reader_s_own_links(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sign_in_one_second(monkeypatch)
        one, two = subscribe(person("ada")), subscribe(email="mo@users.example")
        send(EIGHT)

        for subscription, letter in ((one, letters()[0]), (two, letters()[1])):
            unsubscribe = links.unsubscribe_url(subscription)
            assert letter.headers["List-Unsubscribe"] == f"<{unsubscribe}>"
            assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert unsubscribe in letter.text.replace("\n", "")
            assert unsubscribe in letter.html
            assert "liftmon.invalid" not in letter.text + letter.html
            assert letter.headers["References"] == f"<digest.daily.{subscription.pk}@{_host(letter)}>"

    def test_only_when_something_changed_leaves_the_reason(self) -> None:
        subscribe(least="changed")

        assert send(EIGHT) == 1

        delivery = DigestDelivery.objects.get()
        assert (delivery.skipped, delivery.letter) == (sending.NOTHING_CHANGED, None)
        assert letters() == []
        assert send(EIGHT + MINUTE) == 0

    def test_whoever_cannot_be_reached_has_the_reason_told(self) -> None:
        subscribe(person("ada", email=""))
        off = make_channel("email", "Team", to="team@lift.example")
        Channel.objects.filter(pk=off.pk).update(is_enabled=False)
        subscribe(channel=off)
        subscribe(channel=make_channel("pagerduty", routing_key="0123456789abcdef0123456789abcdef"))
        send(EIGHT)

        said = [one.skipped for one in DigestDelivery.objects.order_by("subscription_id")]
        assert said == [
            "ada has no e-mail address.", "The channel Team is switched off.", "PagerDuty takes alerts and no digests.",
        ]  # fmt: skip
        assert not Letter.objects.exists()
        assert not Notification.objects.exists()

    @pytest.mark.parametrize(
        ("channel", "has"),
        [
            (lambda: make_channel("email", to="team@lift.example"), {"subject", "text", "html", "images", "headers"}),
            (
                lambda: make_channel("slack", webhook_url="https://hooks.slack.com/services/T0/B0/x"),
                {"subject", "text", "blocks"},
            ),
            (lambda: make_channel("apprise", url="discord://1/token"), {"subject", "text"}),
        ],
    )
    def test_a_channel_gets_it_in_its_form(self, channel: Any, has: set[str]) -> None:
        subscribe(channel=channel())
        send(EIGHT)

        row = Notification.objects.get()
        assert (row.kind, row.alert, row.incident, set(row.content)) == ("digest", None, None, has)
        assert DigestDelivery.objects.get().notification == row
        assert "liftmon.invalid" not in str(row.content)


def _host(letter: Letter) -> str:
    return letter.headers["References"].partition("@")[2].rstrip(">")


class TestSharing:
    def test_readers_of_one_scope_share_one_that_is_built_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            subscribe()
        subscribe(environments=["staging"])
        built = []
        build = building.content
        monkeypatch.setattr(building, "content", lambda *asked, **how: built.append(asked) or build(*asked, **how))

        assert send(EIGHT) == 4
        assert len(built) == Digest.objects.count() == 2

    def test_readers_of_other_formats_cost_no_reports_of_their_own(self, sender: Sender) -> None:
        store(sender, EIGHT - 3 * HOUR, event="api_error", level="error", user_id="u", endpoint="/api/x")
        compact()
        subscribe()
        with transaction.atomic():
            with CaptureQueriesContext(connection) as alone:
                assert send(EIGHT) == 1
            transaction.set_rollback(True)
        for code in ("de", "fr", "de"):
            subscribe(formats=code)
        with CaptureQueriesContext(connection) as together:
            assert send(EIGHT) == 4

        assert len(reports_of(alone)) == len(reports_of(together)) > 10
        assert sorted(one.formats for one in Digest.objects.all()) == ["de", "en-GB", "fr"]
        assert sorted(letter.text.splitlines()[1].replace("\u00a0", " ") for letter in letters()) == [
            "Mo., 30. Nov., 08:00 – Di., 1. Dez. 2026, 08:00 (Europe/Berlin)",
            "Mo., 30. Nov., 08:00 – Di., 1. Dez. 2026, 08:00 (Europe/Berlin)",
            "Mon 30 Nov, 08:00 – Tue 1 Dec 2026, 08:00 (Europe/Berlin)",
            "lun. 30 nov., 08:00 – mar. 1 déc. 2026, 08:00 (Europe/Berlin)",
        ]

    def test_another_scope_is_asked_of_anew_in_between(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for environment in ("production", "staging"):
            for code in ("de", "en-GB"):
                subscribe(formats=code, environments=[environment])
        asked, ask = [], building.asked
        monkeypatch.setattr(building, "asked", lambda question: asked.append(question.filters) or ask(question))

        assert send(EIGHT) == 4
        assert [one.environments for one in asked] == [("production",), ("staging",)]

    def test_two_hundred_cost_no_more_queries_than_two(self) -> None:
        User.objects.bulk_create(
            [User(username=f"r{one}", email=f"r{one}@lift.example", is_staff=True) for one in range(200)]
        )
        people = list(User.objects.order_by("pk"))
        Permission.objects.get(codename="view_analytics").user_set.set(people)
        for one in people[:2]:
            subscribe(one)
        with CaptureQueriesContext(
            connection,
        ) as few:
            assert send(EIGHT) == 2
        for one in people[2:]:
            subscribe(one)
        with CaptureQueriesContext(connection) as many:
            assert send(EIGHT + MINUTE) == 198

        assert len(many) <= len(few) + 4  # bulk rows go in pieces
        assert len(letters()) == 200

    def test_one_that_cannot_be_built_holds_up_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        subscribe(environments=["broken"])
        subscribe(person("ada"))
        build = building.content

        def breaks(kind: Any, question: Any, **how: Any) -> Any:
            if (
                question.filters.environments == ("broken",)
                if hasattr(question.filters, "environments")
                else (question.filters.environment == "broken")
            ):
                raise ZeroDivisionError
            return build(kind, question, **how)

        monkeypatch.setattr(building, "content", breaks)

        assert send(EIGHT) == 1
        assert letters()[0].to == "ada@lift.example"
        late = due.overdue(now=EIGHT + HOUR)
        assert late is not None
        assert (late.count, late.since) == (1, EIGHT)
        monkeypatch.setattr(building, "content", build)
        assert send(EIGHT + 3 * HOUR) == 1
        assert DigestDelivery.objects.latest("pk").is_late

    def test_a_database_that_is_away_is_no_digest_s_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        subscribe()

        def away(*_: Any, **__: Any) -> Any:
            raise DatabaseError

        monkeypatch.setattr(sending, "digest_of", away)
        with pytest.raises(DatabaseError):
            send(EIGHT)


class TestOverdue:
    def test_it_is_told_after_a_quarter_of_an_hour(self) -> None:
        subscribe(since_at=EIGHT - HOUR)
        subscribe(since_at=EIGHT - HOUR)

        assert due.overdue(now=EIGHT + 14 * MINUTE) is None
        late = due.overdue(now=EIGHT + 16 * MINUTE)
        assert late == due.Overdue(2, EIGHT, 0)

    def test_what_does_not_get_away_is_told_after_an_hour(self) -> None:
        subscribe(since_at=EIGHT - HOUR)
        subscribe(channel=make_channel("email", to="team@lift.example"), since_at=EIGHT - HOUR)
        send(EIGHT)

        assert due.overdue(now=EIGHT + 50 * MINUTE) is None
        assert due.overdue(now=EIGHT + 2 * HOUR) == due.Overdue(0, None, 2)

    def test_it_asks_few_questions_however_many_readers_there_are(self, django_assert_max_num_queries: Any) -> None:
        for _ in range(30):
            subscribe()
        with django_assert_max_num_queries(5):
            due.overdue(now=EIGHT)


def test_sending_to_me_now_counts_as_no_delivery() -> None:
    ada = person("ada")
    subscribe(ada, since_at=EIGHT - HOUR)
    scope = Scope((), (), "Europe/Berlin")
    letter = sending.send_to(ada, Kind.DAILY, scope, start=EIGHT - DAY, end=EIGHT - HOUR, now=EIGHT - HOUR)

    assert (letter.to, letter.is_digest) == ("ada@lift.example", True)
    assert "/admin/dashboards/digest/" in letter.html
    assert told() == []
    assert send(EIGHT) == 1


def test_the_archive_s_copy_has_nobody_s_own_links() -> None:
    subscribe(email="mo@users.example")
    send(EIGHT)

    html, text = copies.archived(DigestCopy.objects.get())
    assert "liftmon.invalid" not in html + text
    assert "/digests/" not in html + text


def test_what_is_older_than_the_counts_is_forgotten(settings: Any) -> None:
    settings.ROLLUP_RETENTION_DAYS = 30
    subscribe(since_at=EIGHT - HOUR)
    for day in (0, 1, 31):
        send(EIGHT + day * DAY)

    assert forget(now=EIGHT + 32 * DAY) == 2 + 2 + 2  # two days: a delivery, a digest and its copy each

    assert [day for _, day in told()] == ["2027-01-01"]
    assert Digest.objects.count() == 1
    assert send(EIGHT + 31 * DAY) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one() -> None:
    subscribe(since_at=EIGHT - HOUR)
    barrier, counts = threading.Barrier(2), []

    def work() -> None:
        try:
            barrier.wait(10)
            counts.append(sending.send_due(now=EIGHT))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(counts) == 1
    assert len(letters()) == len(told()) == 1


def test_the_task_sends_what_is_due_now() -> None:
    subscribe()

    assert send_digests() == 1
    assert send_digests() == 0


def test_beat_can_send_the_task() -> None:
    """Celery refuses limits that contradict each other only when somebody sends it."""
    assert send_digests.soft_time_limit < send_digests.time_limit
