"""The demo's fortnight as daily and weekly digests, letter by letter: golden/fortnight-*, read and approved as they stand.

Its rules are judged as it goes by, and people look after what fails. ``LIFTMON_RENEW_GOLDEN=1`` writes the files anew
(golden/README.md).
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import connection

from alerts.incidents import follow_ups, handling, timeline
from alerts.models import FollowUp, Incident
from dashboards.digests.building import Holding, Scope, content, question_of
from dashboards.digests.content import Content, read, written
from dashboards.digests.copies import words_of
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.reports import secrets_sent
from events.demo import loading
from events.models import EventNotice
from events.rollups import compact
from tests.dashboards.digests.contents import an_about
from tests.dashboards.digests.fortnight import Act, Fortnight
from tests.dashboards.digests.saying import LENGTHS, english_numbers, said_by
from tests.dashboards.digests.test_golden import assert_golden

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 3, 6, 7, tzinfo=UTC)  # a Friday, at eight in Berlin
# The evening before, Stripe was away; at night, somebody tried passwords.
MORNING_AFTER = datetime(2026, 3, 4, 7, tzinfo=UTC)
SIZE = 20_000
QUEUE = "Queue checkouts while Stripe is away"
WATCH = "Page on Stripe's own status"
TELL = "Tell users at the checkout when payments fail"
SCOPE = Scope((), ("production",), "Europe/Berlin")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Kind, datetime, Content, Content]]:
    """What digests say, by the names of their files, each built when it is due; and the same in the formats of German."""
    # How fast a database is depends on the machine.
    monkeypatch.setattr(secrets_sent, "_PATIENCE", timedelta(minutes=1))
    built: dict[str, tuple[Kind, datetime, Content, Content]] = {}

    def build(name: str, kind: Kind) -> Callable[[datetime], None]:
        def at(now: datetime) -> None:
            compact()
            question = question_of(SCOPE, start=now - LENGTHS[kind], end=now, now=now)
            holding = Holding()
            german = content(kind, question, written_for="de", holding=holding)
            built[name] = kind, now, without_numbers(content(kind, question, holding=holding)), german

        return at

    digests: list[Act] = [
        (MORNING_AFTER, analyze),
        (MORNING_AFTER, build("fortnight-outage", Kind.DAILY)),
        (UNTIL, build("fortnight-daily", Kind.DAILY)),
        (UNTIL, build("fortnight-weekly", Kind.WEEKLY)),
    ]
    fortnight = Fortnight(until=UNTIL, size=SIZE, acts=[*people(), *digests])
    monkeypatch.setattr(loading, "deliver", fortnight.deliver)
    loaded = fortnight.live()
    assert loaded.accepted > 10_000
    assert loaded.rejected == []
    assert not EventNotice.objects.exists()
    return built


def analyze(_: datetime) -> None:
    """Reports over tables of which PostgreSQL knows nothing take their time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def people() -> list[Act]:
    """Who looks after the sign-in, the database and the payments; what happens beside them nobody looks at."""
    ada, ben = (User.objects.create_user(name, is_staff=True) for name in ("ada", "ben"))

    def act(does: Callable[..., object], by: User, **words: Any) -> Callable[[datetime], object]:
        return lambda at: does(ongoing().pk, by=by, at=at, **words)

    def done(text: str) -> Callable[[datetime], object]:
        return lambda at: follow_ups.done(FollowUp.objects.get(text=text).pk, by=ben, at=at)

    return [
        (utc(2, 24, 15, 31), act(handling.acknowledge, ada)),
        (utc(2, 24, 15, 44), act(handling.mitigate, ada, how="Half of the servers had the old secret.")),
        (utc(2, 24, 16, 20), act(handling.resolve, ada)),
        (utc(2, 27, 3, 17), act(handling.acknowledge, ben)),
        (utc(2, 27, 3, 31), act(timeline.note, ben, text="The nightly report holds every connection: stopped.")),
        (utc(2, 27, 3, 50), act(handling.resolve, ben)),
        (utc(3, 3, 19, 17), act(handling.acknowledge, ada)),
        (utc(3, 3, 19, 24), act(timeline.note, ada, text="Nothing was released today; Stripe's own page tells of it.")),
        (utc(3, 3, 19, 52), act(handling.mitigate, ada, how="Stripe answers again.")),
        (utc(3, 3, 20, 10), act(follow_ups.add, ada, text=QUEUE, owner=ada, due_on=date(2026, 3, 5))),
        (utc(3, 3, 20, 12), act(follow_ups.add, ada, text=WATCH, owner=ben, due_on=date(2026, 3, 5))),
        (utc(3, 3, 20, 13), act(follow_ups.add, ada, text=TELL, owner=ben, due_on=date(2026, 3, 13))),
        (utc(3, 3, 20, 25), act(handling.resolve, ada)),
        (utc(3, 5, 14), done(WATCH)),
    ]  # fmt: skip


def utc(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def ongoing() -> Incident:
    return Incident.objects.ongoing().get()


def test_the_digests_of_the_demo_fortnight_are_as_they_were_read_and_approved(
    settings: Any, told: dict[str, tuple[Kind, datetime, Content, Content]]
) -> None:
    settings.STATUS_PAGE_NAME = "lift"
    found: list[str] = []
    for name, (kind, end, said, german) in told.items():
        start = end - LENGTHS[kind]
        about = an_about(kind=kind, start=start, end=end, zone=ZoneInfo(SCOPE.zone), scope_words=words_of(SCOPE))

        mail, message = mail_of(said, about), slack_of(said, about)

        assert_golden(f"{name}.html", mail.html)
        assert_golden(f"{name}.txt", f"Subject: {mail.subject}\n\n{mail.text}")
        assert_golden(f"{name}.slack.json", json.dumps(message, indent=2, ensure_ascii=False) + "\n")
        found += english_numbers(said_by(said, about))
        assert english_numbers(said_by(german, replace(about, formats="de"))) == []
    assert found


def without_numbers(told: Content) -> Content:
    """With N for the numbers of rows and H for the hashes of addresses: no other installation has the same."""
    kept = re.sub(r"(service=|/issue/|/alertrule/|/incident/|#)\d+", r"\1N", json.dumps(written(told)))
    kept = re.sub(r"\([0-9a-f]{8}\)", "(H)", kept)
    return read(json.loads(kept))
