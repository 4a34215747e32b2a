"""The demo's fortnight as a daily and a weekly digest, letter by letter: golden/fortnight-*, read and approved as they stand.

``LIFTMON_RENEW_GOLDEN=1`` writes them anew (golden/README.md).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from dashboards.digests.building import Holding, Scope, content, question_of
from dashboards.digests.copies import words_of
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.reports import secrets_sent, upkeep
from events.demo import loading
from events.demo.delivery import BATCH, Answer, Door
from events.demo.documents import Sent, Source, moment_of
from events.demo.generator import Generator
from events.ingest.pipeline import ingest
from events.models import Service
from events.partitions import make_partitions
from events.rollups import compact
from tests.dashboards.digests.contents import an_about
from tests.dashboards.digests.saying import LENGTHS, english_numbers, said_by
from tests.dashboards.digests.test_golden import assert_golden

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 3, 6, 7, tzinfo=UTC)  # a Friday, at eight in Berlin
SIZE = 20_000
SCOPE = Scope((), ("production",), "Europe/Berlin")


@pytest.fixture
def _fortnight(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load of ``manage.py seeddemo`` with the pipeline in the place of its door, at the time of the events."""
    services: dict[Source, int] = {}

    def store(events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]) -> Answer:
        answer = Answer()
        for source, batch in batches(events):
            told = ingest(
                service_id=services[source],
                documents=[one.document for one in batch],
                received_at=moment_of(batch[-1].at_ms),
            )
            answer.accepted += told.accepted
            answer.rejected += [str(one) for one in told.refusals]
        return answer

    monkeypatch.setattr(loading, "deliver", store)
    make_partitions(now=UNTIL)
    with loading.opened(seed=1) as doors:
        ids = dict(Service.objects.values_list("name", "pk"))
        services |= {source: ids[name] for source, name in loading.SERVICE_NAMES.items()}
        loaded = loading.load(Generator(seed=1, until=UNTIL, size=SIZE), doors, advance=lambda _: None)
    assert loaded.accepted > 10_000
    assert loaded.rejected == []
    compact()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    # How large a database is, and how fast, depends on the machine.
    monkeypatch.setattr(upkeep, "_sizes", lambda: (9_100_000, 4_200_000, 3_100_000))
    monkeypatch.setattr(secrets_sent, "_PATIENCE", timedelta(minutes=1))


def batches(events: Iterable[Sent]) -> Iterator[tuple[Source, list[Sent]]]:
    """By day and service, as none is stored long before it was sent."""
    for _, day in groupby(events, key=lambda one: moment_of(one.at_ms).date()):
        of_day = list(day)
        for source in Source:
            found = [one for one in of_day if one.source is source]
            yield from ((source, found[at : at + BATCH]) for at in range(0, len(found), BATCH))


@pytest.mark.usefixtures("_fortnight")
def test_the_digests_of_the_demo_fortnight_are_as_they_were_read_and_approved(settings: Any) -> None:
    settings.STATUS_PAGE_NAME = "lift"
    found: list[str] = []
    for kind in (Kind.DAILY, Kind.WEEKLY):
        start, holding = UNTIL - LENGTHS[kind], Holding()
        question = question_of(SCOPE, start=start, end=UNTIL, now=UNTIL)
        german = content(kind, question, written_for="de", holding=holding)
        told = content(kind, question, holding=holding)
        about = an_about(kind=kind, start=start, end=UNTIL, zone=ZoneInfo(SCOPE.zone), scope_words=words_of(SCOPE))

        mail, message = mail_of(told, about), slack_of(told, about)

        assert_golden(f"fortnight-{kind}.html", anywhere(mail.html))
        assert_golden(f"fortnight-{kind}.txt", anywhere(f"Subject: {mail.subject}\n\n{mail.text}"))
        assert_golden(
            f"fortnight-{kind}.slack.json", anywhere(json.dumps(message, indent=2, ensure_ascii=False) + "\n")
        )
        found += english_numbers(said_by(told, about))
        assert english_numbers(said_by(german, replace(about, formats="de"))) == []
    assert found


def anywhere(text: str) -> str:
    """The text with N for the numbers of rows: they count on from test to test, and from one installation to the next."""
    return re.sub(r"(service=|/issue/|/alertrule/)\d+", r"\1N", text)
