"""Every body of tests/corpus is answered as its name says, and what is accepted is stored."""

from pathlib import Path
from typing import Any

import pytest

from events.models import Event, IngestRejection
from tests.events.conftest import Sender

BODIES = sorted((Path(__file__).parents[2] / "corpus").glob("*.body"))


@pytest.mark.django_db
@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.name)
def test_it_is_answered_as_its_name_says(sender: Sender, path: Path) -> None:
    response: Any = sender.post(path.read_bytes())

    assert response.status_code == int(path.name.split(".")[-2]), response.content
    if response.status_code == 200:
        assert Event.objects.count() == response.json()["accepted"] > 0
    else:
        assert response.json()["detail"]
        assert IngestRejection.objects.get().rejection_count == 1


def test_the_corpus_is_there() -> None:
    assert len(BODIES) > 30
