"""Digests for readers who write numbers otherwise: the same reports, asked for once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboards.digests.building import Holding, Scope, content, question_of
from dashboards.digests.items import review_of
from dashboards.digests.periods import Kind
from dashboards.digests.sections import looking_after
from dashboards.reports.question import Question
from dashboards.reports.secrets_sent import SecretsSent
from events.patience import SearchTooSlowError
from events.rollups import compact
from tests.alerts.making import make_rule
from tests.dashboards.digests.contents import an_about
from tests.dashboards.digests.saying import DAY, LENGTHS, english_numbers, said_by, sections_of, store
from tests.dashboards.reports.random_events import NOW, fill
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", Kind)
def test_it_is_written_in_the_formats_of_its_reader_whoever_was_first_to_ask(
    kind: Kind, make_sender: Callable[[str], Sender]
) -> None:
    fill(make_sender, seed=3, count=260)
    _make_much(make_sender("lift jobs"))
    question, holding = question_of(Scope((), (), "UTC"), start=NOW - LENGTHS[kind], end=NOW, now=NOW), Holding()

    english, german, french = (
        content(kind, question, written_for=code, holding=holding) for code in ("en-GB", "de", "fr")
    )

    assert english_numbers(said_by(english, an_about(kind=kind)))
    assert english_numbers(said_by(german, an_about(kind=kind, formats="de"))) == []
    assert english_numbers(said_by(french, an_about(kind=kind, formats="fr"))) == []
    assert german == content(kind, question, written_for="de")
    assert [one.name for one in english.sections] == [one.name for one in german.sections]


def _make_much(sender: Sender) -> None:
    """Of what makes reports say sentences of their own: an attack, a provider that fails most, deliveries that fail."""
    at = NOW - timedelta(minutes=10)
    made: list[dict[str, Any]] = [
        {"event": "beta_register_rate_limited", "ip": f"203.0.113.{number % 7}", "user_id": f"u-{number % 3}"}
        for number in range(1_150)
    ]
    for number in range(60):
        made.append({"event": "formspree_failure", "user_id": f"v-{number}"})
        made.append({"event": "ai_failure", "ai_provider": "openai", "feature": "career", "reason": "timeout"})
    common = {"environment": "production", "level": "warn", "timestamp": at.isoformat()}
    sender.store(*({**common, **one} for one in made), at=at)
    compact()


def test_items_of_a_review_are_the_same_for_readers_who_write_numbers_otherwise(
    make_sender: Callable[[str], Sender],
) -> None:
    fill(make_sender, seed=5, count=220)
    make_rule("burn_rate", name="Budget", parameters={"objective": 0.995, "least_volume": 10})
    question, holding = question_of(Scope((), (), "UTC"), start=NOW - 7 * DAY, end=NOW, now=NOW), Holding()

    keys = [
        {one.key for one in review_of(content(Kind.WEEKLY, question, written_for=code, holding=holding)).items()}
        for code in ("en-GB", "de", "fr")
    ]

    assert keys[0] == keys[1] == keys[2]
    assert len(keys[0]) > 5


def test_what_took_too_long_is_not_asked_again_for_readers_of_other_formats(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(sender, NOW - timedelta(hours=1), event="login")
    compact()
    tried = []

    def slow(question: Question) -> SecretsSent:
        tried.append(question)
        raise SearchTooSlowError

    monkeypatch.setattr(looking_after, "secrets_sent", slow)
    question, holding = question_of(Scope((), (), "UTC"), start=NOW - 7 * DAY, end=NOW, now=NOW), Holding()

    for code in ("en-GB", "de"):
        told = content(Kind.WEEKLY, question, written_for=code, holding=holding)
        assert sections_of(told)["secrets"].sentence.startswith("It took too long to look")
    assert len(tried) == 1
