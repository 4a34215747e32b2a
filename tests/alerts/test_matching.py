import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.matching import Match, Words, is_like

CHECKOUT = Words(
    3, "stripe_checkout_error", "critical", "/api/subscription/checkout", "production", "v41", {"feature": "billing"}
)


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"service_id": 3},
        {"names": ("stripe_checkout_error",)},
        {"names": ("db_pool_error", "stripe_*")},
        {"names": ("*_error",), "severities": ("critical", "error")},
        {"endpoints": ("/api/*/checkout",)},
        {"endpoints": ("*",), "environments": ("staging", "production")},
    ],
)
def test_it_takes_what_every_part_leaves(match: dict[str, Any]) -> None:
    assert Match(**match).takes(CHECKOUT)


@pytest.mark.parametrize(
    "match",
    [
        {"service_id": 4},
        {"names": ("stripe",)},
        {"names": ("stripe_*",), "severities": ("warning",)},
        {"endpoints": ("/api/*/checkout/",)},
        {"environments": ("staging",)},
        {"endpoints": ("/api/career",), "names": ("*",)},
    ],
)
def test_one_part_that_does_not_fit_is_enough(match: dict[str, Any]) -> None:
    assert not Match(**match).takes(CHECKOUT)


@pytest.mark.parametrize(
    ("tag", "tags", "takes"),
    [
        ("", {}, True),
        ("plan", {"plan": "trial"}, True),
        ("plan:trial", {"plan": "trial"}, True),
        ("plan:paid", {"plan": "trial"}, False),
        ("plan", {}, False),
        ("attempts:5", {"attempts": 5}, True),
        ("url:http://a", {"url": "http://a"}, True),
        ("hit:false", {"hit": False}, True),
        ("attempts>=5", {"attempts": 5}, True),
        ("attempts >= 5", {"attempts": "7"}, True),
        ("attempts>=5", {"attempts": 4.9}, False),
        ("attempts>=5", {"attempts": "many"}, False),
        ("attempts>=5", {"attempts": True}, False),
        ("attempts>=5", {}, False),
    ],
)
def test_tags_are_a_name_or_a_name_and_its_value(tag: str, tags: dict[str, object], *, takes: bool) -> None:
    assert Match(tag=tag).takes_tags(tags) is takes


def test_words_that_alerts_are_grouped_by() -> None:
    assert [CHECKOUT.label(word) for word in ("service", "endpoint", "release", "feature", "ai_provider")] == [
        "3", "/api/subscription/checkout", "v41", "billing", "",
    ]  # fmt: skip


def test_it_says_what_it_is_about() -> None:
    match = Match(3, ("production",), ("api_*", "db_*"), ("critical", "error"), ("/api/*",), "plan:trial")

    assert (
        match.in_words("lift web")
        == "critical or error events named api_* or db_* of lift web in production at /api/* with plan:trial"
    )
    assert Match().in_words() == "events"


@given(st.text("ab/*"), st.text("ab/*", max_size=8))
def test_a_star_stands_for_anything(text: str, pattern: str) -> None:
    plainly = ".*".join(re.escape(part) for part in pattern.split("*"))

    assert is_like(text, pattern) == bool(re.fullmatch(plainly, text, re.DOTALL))


def test_many_stars_cost_no_more_than_the_text() -> None:
    assert not is_like("a" * 100_000, "*a" * 150 + "b")
