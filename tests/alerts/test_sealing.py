from typing import Any

import pytest

from alerts.sealing import SealBrokenError, masked, resealed, seal, unseal

HELD = {"webhook_url": "https://hooks.slack.com/services/T0/B0/Xy12", "note": "für nachts ☎"}


def test_it_opens_what_it_sealed() -> None:
    sealed = seal(HELD)

    assert unseal(sealed) == HELD
    assert "hooks" not in sealed
    assert sealed.isascii()
    assert seal(HELD) != sealed, "the same settings look different each time"


def test_another_secret_key_does_not_open_it(settings: Any) -> None:
    sealed = seal(HELD)
    settings.SECRET_KEY = "another"

    with pytest.raises(SealBrokenError, match="LIFTMON_SEALING_KEYS"):
        unseal(sealed)


def test_a_former_secret_key_still_opens_it(settings: Any) -> None:
    sealed = seal(HELD)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert unseal(sealed) == HELD


def test_sealing_keys_are_exchanged_without_losing_anything(settings: Any) -> None:
    by_secret_key = seal(HELD)
    settings.SEALING_KEYS = ["first"]
    by_first = seal(HELD)
    settings.SEALING_KEYS = ["second", "first"]
    assert unseal(by_secret_key) == unseal(by_first) == HELD

    renewed = resealed(by_first)
    settings.SEALING_KEYS = ["second"]

    assert unseal(renewed) == HELD
    with pytest.raises(SealBrokenError):
        unseal(by_first)


def test_sealing_keys_do_not_depend_on_the_secret_key(settings: Any) -> None:
    settings.SEALING_KEYS = ["first"]
    sealed = seal(HELD)
    settings.SECRET_KEY = "another"

    assert unseal(sealed) == HELD


@pytest.mark.parametrize("change", ["", "x", "gAAAAA==", "ü"])
def test_what_was_damaged_is_told_without_showing_it(change: str) -> None:
    with pytest.raises(SealBrokenError) as caught:
        unseal(change)

    assert caught.value.__cause__ is None


def test_a_single_changed_character_is_noticed() -> None:
    sealed = seal(HELD)
    at = len(sealed) // 2

    with pytest.raises(SealBrokenError):
        unseal(sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :])


def test_a_mask_shows_the_kind_and_four_characters() -> None:
    assert masked("slack", HELD["webhook_url"]) == "slack ••••Xy12"
    assert masked("email", "a@b.example") == "email ••••", "four of few would be too many"
    assert masked("webhook", "") == "webhook ••••"
