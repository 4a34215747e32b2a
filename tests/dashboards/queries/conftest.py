"""Questions are asked in a connection of their own, which sees what is committed."""

from collections.abc import Callable
from typing import Any

import pytest

from dashboards.queries.answers import Answer, Caps
from dashboards.queries.parameters import Parameter
from dashboards.queries.rewriting import rewrite
from dashboards.queries.running import SHOWN, ask

Ask = Callable[..., Answer]


@pytest.fixture
def asked(db: None) -> Ask:
    """Asks a statement; parameters are given as name=(type, text)."""

    def ask_it(statement: str, *, caps: Caps = SHOWN, zone: str = "UTC", **given: tuple[str, str]) -> Answer:
        parameters = {name: Parameter(name, kind, text) for name, (kind, text) in given.items()}
        rewritten = rewrite(statement, parameters)
        no_zone: Any = None
        values = [parameters[name].read(parameters[name].default, no_zone) for name in rewritten.names]
        return ask(rewritten, values, caps, zone=zone)

    return ask_it
