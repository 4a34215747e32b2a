from pathlib import Path

import pytest

from liftmon.embedded.postgres import shared_megabytes


@pytest.mark.parametrize(("limit", "megabytes"), [("2147483648\n", 512), ("268435456\n", 128), ("1073741824\n", 256)])
def test_it_shares_a_quarter_of_what_a_container_may_use(tmp_path: Path, limit: str, megabytes: int) -> None:
    file = tmp_path / "memory.max"
    file.write_text(limit)

    assert shared_megabytes([file]) == megabytes


def test_without_a_limit_it_shares_a_quarter_of_the_machine(tmp_path: Path) -> None:
    file = tmp_path / "memory.max"
    file.write_text("max\n")

    assert 128 <= shared_megabytes([file, tmp_path / "not there"]) <= 1024
