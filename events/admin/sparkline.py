"""A row of small bars as inline SVG: the shape of a count over time, without JavaScript."""

from collections.abc import Sequence
from html import escape
from typing import Final

WIDTH: Final = 96
HEIGHT: Final = 20
_GAP: Final = 1


def sparkline(values: Sequence[int], *, label: str) -> str:
    """SVG of one bar per value, oldest on the left, scaled to the highest; ``label`` is what a screen reader says.

    The bars take the colour of the text around them. A value above zero is always visible.
    """
    highest = max(values, default=0)
    step = WIDTH / max(len(values), 1)
    bars = "".join(
        f'<rect x="{index * step:.1f}" y="{HEIGHT - height:.1f}" width="{max(step - _GAP, 0.5):.1f}" height="{height:.1f}"/>'
        for index, value in enumerate(values)
        if (height := max(HEIGHT * value / highest, 1.5) if value > 0 else 0)
    )
    return (
        f'<svg class="lm-sparkline" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(label)}"><path d="M0 {HEIGHT - 0.5}H{WIDTH}"/>{bars}</svg>'
    )
