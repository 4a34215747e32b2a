from datetime import UTC, date, datetime, timedelta

import pytest

from alerts.incidents import follow_ups
from alerts.incidents.follow_ups import FollowUpError
from tests.alerts.runbooks.making import make_incident, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


@pytest.fixture
def incident():
    return make_incident(at=NOW)


def said(incident) -> list[str]:
    return list(incident.entries.filter(kind="follow_up").order_by("pk").values_list("text", flat=True))


def test_one_is_added_with_its_owner_and_day(incident):
    ada = make_user("ada")
    made = follow_ups.add(
        incident.pk, text=" Set a statement\n timeout ", by=ada, at=NOW, owner=ada, due_on=date(2026, 12, 5)
    )
    assert (made.text, made.owner, made.created_by) == ("Set a statement timeout", ada, ada)
    assert said(incident) == ["To do: Set a statement timeout (Ada, until 2026-12-05)"]


@pytest.mark.parametrize(("text", "why"), [(" \x00 ", "what is to be done"), ("x" * 501, "500 characters")])
def test_one_that_says_nothing_or_too_much_is_refused(incident, text, why):
    with pytest.raises(FollowUpError, match=why):
        follow_ups.add(incident.pk, text=text, by=None, at=NOW)


def test_of_an_incident_that_is_gone_is_none():
    with pytest.raises(FollowUpError, match="gone"):
        follow_ups.add(404, text="x", by=None, at=NOW)


def test_it_is_done_once_and_who_is_second_is_told(incident):
    made = follow_ups.add(incident.pk, text="Mend it", by=None, at=NOW)
    follow_ups.done(made.pk, by=make_user("ada"), at=NOW)
    with pytest.raises(FollowUpError, match="Ada did it before: Mend it"):
        follow_ups.done(made.pk, by=make_user("bob"), at=NOW)
    assert said(incident)[1:] == ["Done: Mend it"]


def test_it_is_opened_again(incident):
    made = follow_ups.add(incident.pk, text="Mend it", by=None, at=NOW)
    with pytest.raises(FollowUpError, match="open"):
        follow_ups.reopen(made.pk, by=None, at=NOW)
    follow_ups.done(made.pk, by=None, at=NOW)
    follow_ups.reopen(made.pk, by=None, at=NOW)
    made.refresh_from_db()
    assert made.done_at is None
    assert said(incident)[-1] == "To do again: Mend it (nobody, without a day)"


def test_it_is_handed_on(incident):
    made, bob = follow_ups.add(incident.pk, text="Mend it", by=None, at=NOW), make_user("bob")
    assert follow_ups.hand(made.pk, owner=bob, due_on=date(2026, 12, 1), by=None, at=NOW)
    assert not follow_ups.hand(made.pk, owner=bob, due_on=date(2026, 12, 1), by=None, at=NOW)
    assert said(incident)[1:] == ["Mend it: Bob, until 2026-12-01"]


def test_overdue_is_what_should_have_been_done_before_today(incident):
    days = {"long": -9, "yesterday": -1, "today": 0, "tomorrow": 1}
    for text, distance in days.items():
        follow_ups.add(incident.pk, text=text, by=None, at=NOW, due_on=(NOW + timedelta(days=distance)).date())
    follow_ups.add(incident.pk, text="no day", by=None, at=NOW)
    done = follow_ups.add(incident.pk, text="done", by=None, at=NOW, due_on=date(2026, 11, 1))
    follow_ups.done(done.pk, by=None, at=NOW)
    assert [one.text for one in follow_ups.overdue(NOW)] == ["long", "yesterday"]
    assert [one.text for one in follow_ups.ordered(incident.follow_ups.all())] == [
        "long", "yesterday", "today", "tomorrow", "no day", "done",
    ]  # fmt: skip
