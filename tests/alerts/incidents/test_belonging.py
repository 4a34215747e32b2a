"""Whether an alert is part of an incident that goes on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.incidents.belonging import WINDOW, Story, Tie, origins_of, services_of, story_of, tie_of

NOW = datetime(2026, 11, 2, 9, 42, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def story(service: str = "1", *endpoints: str, **fields: object) -> Story:
    values: dict[str, object] = {
        "service": service, "environment": "production", "places": frozenset((service, one) for one in endpoints),
        "issue": "", "origins": frozenset(), "is_cascade": False, "began_at": NOW - MINUTE, "last_at": NOW,
    }  # fmt: skip
    return Story(**{**values, **fields})  # type: ignore[arg-type]


def tie(alert: Story, *members: Story, now: datetime = NOW) -> Tie | None:
    found = tie_of(alert, members, now=now)
    return found[0] if found else None


CASCADE = story("", is_cascade=True, places=frozenset({("1", "/api/career"), ("2", "/api/login")}))


@pytest.mark.parametrize(
    ("alert", "member", "found"),
    [
        (story("1", "/api/career"), CASCADE, Tie.CASCADE),
        (CASCADE, story("2", "/api/login"), Tie.CASCADE),
        # Of which service is not known: it may be the one.
        (story("", "/api/login"), CASCADE, Tie.CASCADE),
        (story("3", "/api/career"), CASCADE, None),
        (story("1", issue="7"), story("2", issue="7"), Tie.ISSUE),
        (story("1", origins=frozenset({"release=2.4"})), story("2", origins=frozenset({"release=2.4"})), Tie.ORIGIN),
        (story("1", "/api/career"), story("1", "/api/career"), Tie.ENDPOINT),
        (story("1", "/api/career"), story("1", "/api/pay"), Tie.SERVICE),
        (story("1"), CASCADE, Tie.SERVICE),
        (story("1"), story("2"), None),
        (story(""), story(""), None),
        (story("1", is_grave=False), story("1"), None),
        (story("1", "/api/career", is_grave=False), story("1", "/api/career"), Tie.ENDPOINT),
        (story("1", environment="staging"), story("1"), None),
        (story("1", environment=""), story("1"), Tie.SERVICE),
    ],
)
def test_it_finds_the_strongest_tie(alert: Story, member: Story, found: Tie | None) -> None:
    assert tie(alert, member) == found


def test_an_incident_of_long_ago_is_another_story() -> None:
    quiet = story("1", last_at=NOW - WINDOW - MINUTE)

    assert tie(story("1"), quiet) is None
    assert tie(story("1"), quiet, story("1", last_at=NOW - WINDOW)) is Tie.SERVICE


def test_it_says_to_which_alert() -> None:
    weak, strong = story("1", "/api/a"), story("1", "/api/b")

    assert tie_of(story("1", "/api/b"), [weak, strong], now=NOW) == (Tie.ENDPOINT, strong)


stories = st.builds(
    story, st.sampled_from(["", "1", "2"]), st.sampled_from(["/a", "/b", ""]), is_cascade=st.booleans(),
    issue=st.sampled_from(["", "7"]), environment=st.sampled_from(["", "production", "staging"]),
)  # fmt: skip


@given(stories, stories)
def test_who_shares_a_failure_with_the_other_is_shared_by_it(one: Story, other: Story) -> None:
    assert tie(one, other) == tie(other, one) or Tie.SERVICE in (tie(one, other), tie(other, one))


@given(stories)
def test_it_is_part_of_what_it_is_itself_when_it_says_where_it_is(one: Story) -> None:
    says_where = one.service or one.issue or any(endpoint for _, endpoint in one.places)

    assert (tie(one, replace(one)) is not None) == bool(says_where)


class TestWhatAnAlertSays:
    def test_it_takes_the_members_of_a_cascade_as_its_places(self) -> None:
        evidence = {
            "members": [{"service": 1, "endpoint": "/api/a"}, {"service": 2, "endpoint": "/api/b"}],
            "suspects": [
                {"kind": "release", "value": "2.4.1", "score": 0.9},
                {"kind": "dependency", "value": "stripe", "score": 0.3},
                {"kind": "first mover", "value": "/api/a", "score": 0.8},
            ],
        }

        said = story_of(
            labels={"environment": "production"}, rule_service=None, evidence=evidence, is_cascade=True, began_at=NOW,
            last_at=NOW, is_grave=True,
        )  # fmt: skip

        assert said.places == {("1", "/api/a"), ("2", "/api/b")}
        assert said.origins == {"release=2.4.1"}
        assert services_of([said]) == {"1", "2"}

    @pytest.mark.parametrize("evidence", [{}, {"suspects": None}, {"suspects": ["x"]}, {"suspects": [{"kind": "x"}]}])
    def test_without_suspects_it_has_no_origin(self, evidence: dict[str, object]) -> None:
        assert origins_of(evidence) == []
