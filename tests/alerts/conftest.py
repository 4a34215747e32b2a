from collections.abc import Iterator
from typing import Any

import pytest

from tests.alerts.receivers import Receiver, serve, stop


@pytest.fixture
def stranger() -> Iterator[Receiver]:
    """A server that nobody allowed."""
    receiver = serve()
    yield receiver
    stop(receiver)


@pytest.fixture
def receiver(stranger: Receiver, settings: Any) -> Receiver:
    """A server whose host is allowed."""
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    return stranger
