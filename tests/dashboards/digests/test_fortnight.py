"""The demo's fortnight as daily and weekly digests, letter by letter: golden/fortnight-*, read and approved as they stand.

Its rules are judged as it goes by, and people look after what fails. ``LIFTMON_RENEW_GOLDEN=1`` writes the files anew
(golden/README.md).
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from alerts.demo.fortnight import Act
from dashboards.digests.building import Holding, Scope, content, question_of
from dashboards.digests.content import Content, read, written
from dashboards.digests.copies import words_of
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.reports import secrets_sent
from events.models import EventNotice
from events.rollups import compact
from tests.dashboards.digests.contents import an_about
from tests.dashboards.digests.fortnight import live
from tests.dashboards.digests.saying import LENGTHS, english_numbers, said_by
from tests.dashboards.digests.test_golden import assert_golden

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 3, 6, 7, tzinfo=UTC)  # a Friday, at eight in Berlin
# The evening before, Stripe was away; at night, somebody tried passwords.
MORNING_AFTER = datetime(2026, 3, 4, 7, tzinfo=UTC)
SIZE = 20_000
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
    loaded = live(until=UNTIL, size=SIZE, acts=digests)
    assert loaded.accepted > 10_000
    assert loaded.rejected == []
    assert not EventNotice.objects.exists()
    return built


def analyze(_: datetime) -> None:
    """Reports over tables of which PostgreSQL knows nothing take their time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


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
