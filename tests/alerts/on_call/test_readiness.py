"""What is flagged before it matters."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alerts.models import Channel, OnCallShift
from alerts.on_call import readiness
from tests.alerts.people import make_channel, make_contact, make_person, make_policy, make_schedule

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def said() -> list[str]:
    return [problem.sentence for problem in readiness.problems(now=NOW)]


def test_all_is_well_with_people_who_can_be_reached_and_steps_that_tell_somebody() -> None:
    ada, ben = make_person("ada"), make_person("ben")
    schedule = make_schedule(ada, ben)
    make_policy({"schedule": schedule}, {"person": ada}, {}, channels=(make_channel(),))

    assert said() == []


def test_people_without_a_contact_that_works_are_named_with_where_they_stand() -> None:
    ada, ben = make_person("ada", is_reachable=False), make_person("ben", is_reachable=False)
    make_contact(ben, verified_at=None)
    schedule = make_schedule(ada)
    policy = make_policy({"person": ada}, {"person": ben})

    found = readiness.problems(now=NOW)

    assert [one.sentence.split(" cannot")[0] for one in found] == ["Ada (Page, Primary)", "Ben (Page)"]
    assert (found[0].schedule_ids, found[0].policy_ids) == ((schedule.pk,), (policy.pk,))


def test_who_was_switched_off_or_whose_channel_was_is_no_longer_reached() -> None:
    ada, ben = make_person("ada"), make_person("ben")
    make_policy({"person": ada}, {"person": ben})
    ada.is_active = False
    ada.save()
    Channel.objects.filter(contact_point__person=ben).update(is_enabled=False)

    assert [sentence.split(" (")[0] for sentence in said()] == ["Ada", "Ben"]
    assert "can no longer sign in" in said()[0]


def test_a_shift_that_nobody_covers_is_named_with_its_times() -> None:
    make_schedule(make_person("ada"), ends_on=date(2026, 3, 9))

    (sentence,) = said()

    assert sentence.startswith("Nobody is on call on Primary from Mon 9 Mar 08:00 for the rest of the next 14 days")


def test_a_turn_of_somebody_who_left_is_a_gap_until_somebody_stands_in() -> None:
    ada, ben = make_person("ada"), make_person("ben")
    schedule = make_schedule(ada, ben)
    ben.is_active = False
    ben.save()
    assert any("from Mon 9 Mar 08:00 until Mon 16 Mar 08:00" in sentence for sentence in said())

    start = datetime(2026, 3, 9, 8, tzinfo=UTC)
    OnCallShift.objects.create(schedule=schedule, person=ada, starts_at=start, ends_at=start + timedelta(days=7))

    assert not any("Nobody is on call" in sentence for sentence in said())


def test_what_lies_beyond_two_weeks_is_not_told_yet() -> None:
    make_schedule(make_person("ada"), ends_on=date(2026, 3, 20))

    assert said() == []


@pytest.mark.parametrize(
    ("channels", "told"), [((), "Step 1"), (({"is_enabled": False},), "Step 1"), (({"is_enabled": True},), None)]
)
def test_a_step_that_tells_nobody_is_named(channels: tuple[dict[str, Any], ...], told: str | None) -> None:
    made = tuple(make_channel(f"C{place}", **fields) for place, fields in enumerate(channels))
    make_policy({}, channels=made)

    assert [sentence.split(" of policy")[0] for sentence in said()] == ([told] if told else [])


def test_empty_schedules_and_policies_are_named() -> None:
    make_schedule()
    make_policy()

    assert [sentence.split(":")[0] for sentence in said()] == [
        "Nobody is in the rotation of Primary", "Policy Page has no step and tells nobody",
    ]  # fmt: skip


def test_it_asks_the_database_as_often_for_many_as_for_one(django_assert_num_queries: Any) -> None:
    for place in range(4):
        people = [make_person(f"p{place}{number}") for number in range(3)]
        make_policy({"schedule": make_schedule(*people, name=f"S{place}")}, {"person": people[0]}, name=f"P{place}")
    for _ in range(2):
        with django_assert_num_queries(8):
            readiness.problems(now=NOW)
