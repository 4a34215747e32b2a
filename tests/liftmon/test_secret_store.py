import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from liftmon.secret_store import load_or_create_secrets


def test_they_are_made_once_and_stay(tmp_path: Path) -> None:
    first = load_or_create_secrets(tmp_path / "secrets.json")

    assert load_or_create_secrets(tmp_path / "secrets.json") == first
    assert len(first.secret_key) >= 50
    assert len(first.user_hash_keys) == 1
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_the_environment_wins_and_nothing_is_written_when_it_gives_both(tmp_path: Path) -> None:
    given = load_or_create_secrets(tmp_path / "secrets.json", secret_key="s", user_hash_keys="new, old ,")

    assert (given.secret_key, given.user_hash_keys) == ("s", ["new", "old"])
    assert list(tmp_path.iterdir()) == []


def test_what_the_environment_leaves_out_comes_from_the_file(tmp_path: Path) -> None:
    kept = load_or_create_secrets(tmp_path / "secrets.json")

    mixed = load_or_create_secrets(tmp_path / "secrets.json", user_hash_keys="mine")

    assert (mixed.secret_key, mixed.user_hash_keys) == (kept.secret_key, ["mine"])


def test_many_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: load_or_create_secrets(tmp_path / "secrets.json"), range(32)))

    assert len({secrets.secret_key for secrets in made}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        load_or_create_secrets(tmp_path / "file" / "secrets.json")
