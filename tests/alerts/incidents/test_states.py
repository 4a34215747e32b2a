"""Which moves lead from one state of an incident to another."""

import pytest

from alerts.incidents.states import FROM, LEAVES, REACHES, TO, Move, moves_from


def test_every_move_leads_somewhere() -> None:
    assert set(FROM) == set(TO) == set(REACHES) == set(Move)
    assert all(TO[move] not in FROM[move] for move in Move)


@pytest.mark.parametrize(
    ("state", "moves"),
    [
        ("triggered", ("acknowledge", "mitigate", "resolve")),
        ("acknowledged", ("mitigate", "resolve")),
        ("mitigated", ("resolve", "reopen")),
        ("resolved", ("close", "reopen")),
        ("closed", ("reopen",)),
    ],
)
def test_it_goes_forward_or_is_opened_again(state: str, moves: tuple[str, ...]) -> None:
    assert moves_from(state) == moves


def test_opened_again_it_is_no_longer_over() -> None:
    assert set(LEAVES[Move.REOPEN]) == {"mitigated_at", "resolved_at", "closed_at"}
