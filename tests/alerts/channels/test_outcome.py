from datetime import UTC, datetime

import pytest

from alerts.channels.outcome import Outcome, hidden, judged, seconds_of

NOW = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), (" 0 ", 0), ("999999999999", 86_400), ("-5", None), ("1.5", None), ("", None), ("soon", None),
        ("²", None), ("Sat, 28 Nov 2026 03:01:30 GMT", 90), ("Sat, 28 Nov 2026 02:00:00 GMT", 0),
        ("Sat, 28 Nov 2026 03:01:30 -0000", 90), ("Sat, 28 Nov 2099 03:00:00 GMT", 86_400),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert seconds_of(text, now=NOW) == seconds


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_accepted(status: int) -> None:
    assert judged(status, "ok", permanent={404}, now=NOW) == Outcome(is_accepted=True, status=status, answer="ok")


def test_what_is_permanent_is_said_by_the_channel() -> None:
    assert judged(404, "", permanent={404}, now=NOW).is_permanent
    assert not judged(400, "", permanent={404}, now=NOW).is_permanent
    assert not judged(500, "", permanent={404}, now=NOW).is_permanent


def test_a_redirect_is_no_acceptance_and_says_what_to_do() -> None:
    outcome = judged(308, "", permanent=(), now=NOW)

    assert not outcome.is_accepted
    assert "enter the address that it leads to" in outcome.answer


@pytest.mark.parametrize(("status", "waits"), [(429, 12), (503, 12), (500, None), (400, None)])
def test_patience_is_asked_for_by_429_and_503(status: int, waits: float | None) -> None:
    assert judged(status, "", permanent=(), retry_after="12", now=NOW).retry_after_seconds == waits


def test_secrets_are_hidden_the_longest_first_and_the_rest_can_be_stored() -> None:
    assert hidden("no key abcdef123456 here\x00", ["abcdef", "abcdef123456", "no"]) == "no key … here"
