"""The states of an incident, and which moves lead from one to another. Pure."""

from enum import StrEnum


class Move(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    MITIGATE = "mitigate"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"


# Where a move may begin, and where it leads. Whoever mitigated something has seen it: states may be left out, but none goes back,
# other than by opening it again.
FROM: dict[Move, tuple[str, ...]] = {
    Move.ACKNOWLEDGE: ("triggered",),
    Move.MITIGATE: ("triggered", "acknowledged"),
    Move.RESOLVE: ("triggered", "acknowledged", "mitigated"),
    Move.CLOSE: ("resolved",),
    Move.REOPEN: ("mitigated", "resolved", "closed"),
}
TO: dict[Move, str] = {
    Move.ACKNOWLEDGE: "acknowledged",
    Move.MITIGATE: "mitigated",
    Move.RESOLVE: "resolved",
    Move.CLOSE: "closed",
    Move.REOPEN: "acknowledged",
}
# When a state was reached first is kept. Whoever goes further has seen it, too; a rule that does so has seen nothing.
REACHES: dict[Move, tuple[str, ...]] = {
    Move.ACKNOWLEDGE: ("acknowledged_at",),
    Move.MITIGATE: ("acknowledged_at", "mitigated_at"),
    Move.RESOLVE: ("acknowledged_at", "mitigated_at", "resolved_at"),
    Move.CLOSE: ("closed_at",),
    Move.REOPEN: ("acknowledged_at",),
}
# Opened again, it is not over: what was reached beyond is reached anew.
LEAVES: dict[Move, tuple[str, ...]] = {Move.REOPEN: ("mitigated_at", "resolved_at", "closed_at")}


def moves_from(state: str) -> tuple[Move, ...]:
    """What may be done next, the most usual first."""
    return tuple(move for move in Move if state in FROM[move])
