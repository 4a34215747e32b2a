"""Labels of events. Pure: no database."""

import pytest

from events.ingest.labels import fields_of, labels_of


@pytest.mark.parametrize(
    ("data", "fields", "labels"),
    [
        ({"feature": "career", "ai_provider": "openai", "other": 1}, (), {"feature": "career", "ai_provider": "openai"}),
        ({"reason": " timeout ", "used": True}, ("reason", "used"), {"reason": "timeout", "used": "true"}),
        ({"status": 503}, ("status:class",), {"status": "5xx"}),
        ({"status": "404"}, ("status:class",), {"status": "4xx"}),
        ({"status": "teapot"}, ("status:class",), {"status": "teapot"}),
        ({"key": "jobs:search:react-intern:17"}, ("key:prefix",), {"key": "jobs:search:react-intern"}),
        ({"key": "user/42"}, ("key:prefix",), {"key": "user"}),
        ({"key": ":odd"}, ("key:prefix",), {"key": ":odd"}),
        ({"key": "settings"}, ("key:prefix",), {"key": "settings"}),
        ({"ttl": 300.0, "hit": False}, ("hit", "ttl"), {"hit": "false", "ttl": "300"}),
        ({"ttl": 0.5, "reason": None, "feature": "", "record": ["a"]}, ("ttl", "reason", "record"), {}),
        ({"ip": "203.0.113.0/24 (0a74), 10.0.0.0/24 (66)"}, ("ip:first",), {"ip": "203.0.113.0/24 (0a74)"}),
        ({"ip": ["203.0.113.0/24 (0a74)", "10.0.0.0/24 (66)"]}, ("ip:first",), {"ip": "203.0.113.0/24 (0a74)"}),
        ({"ip": []}, ("ip:first",), {}),
        ({"feature": "x" * 500}, (), {"feature": "x" * 100}),
    ],
)  # fmt: skip
def test_labels_are_short_plain_words(data: dict[str, object], fields: tuple[str, ...], labels: dict[str, str]) -> None:
    assert labels_of(data, {}, fields) == labels


def test_a_tag_will_do_and_data_goes_first() -> None:
    assert labels_of({"feature": "career"}, {"feature": "jobs", "plan": "pro"}, ("plan",)) == {
        "feature": "career",
        "plan": "pro",
    }


@pytest.mark.parametrize(
    ("name", "fields", "all_fields"),
    [
        ("login_rate_limited", (), ("ip:first",)),
        ("login_rate_limited", ("reason",), ("reason", "ip:first")),
        ("login_rate_limited", ("ip",), ("ip",)),
        ("rate_limited_login", ("reason",), ("reason",)),
    ],
)
def test_what_is_limited_is_counted_by_address(name: str, fields: tuple[str, ...], all_fields: tuple[str, ...]) -> None:
    assert fields_of(name, fields) == all_fields
