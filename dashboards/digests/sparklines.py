"""Small pictures of how something went, for mails: PNG, since mail programs show no SVG, with two pixels for each of the screen's
so that they are sharp on phones. The colours can be told apart from a white and from a nearly black background. Pure.
"""

import math
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw

from events import formats

# As it is shown; the picture has twice as many pixels each way.
WIDTH, HEIGHT = 272, 48
SCALE = 2
MOST_STEPS = 136
COLOUR = (99, 102, 241)
# Drawn larger and made smaller, which makes the edges smooth.
_FINE = 3
_MARGIN = 4
_AREA_ALPHA = 52
_COLOURS = 48


def png(steps: Sequence[float]) -> bytes:
    """A line through the values, oldest first, with a dot at the last; from 0 at the bottom to the highest at the top."""
    drawn = resampled(steps)
    if not drawn:
        raise ValueError("A sparkline needs at least one value.")
    unit = SCALE * _FINE
    points = _points(drawn, WIDTH * unit, HEIGHT * unit, _MARGIN * unit)
    # Transparent everywhere in the colour of the line, or edges would be dark where they are made smaller.
    image = Image.new("RGBA", (WIDTH * unit, HEIGHT * unit), (*COLOUR, 0))
    draw = ImageDraw.Draw(image)
    floor = HEIGHT * unit - _MARGIN * unit
    draw.polygon([(points[0][0], floor), *points, (points[-1][0], floor)], fill=(*COLOUR, _AREA_ALPHA))
    draw.line(points, fill=(*COLOUR, 255), width=2 * unit, joint="curve")
    (x, y), dot = points[-1], 3 * unit
    draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=(*COLOUR, 255))
    small = image.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.LANCZOS)
    file = BytesIO()
    small.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(file, "PNG", optimize=True)
    return file.getvalue()


def words(steps: Sequence[float]) -> str:
    """What the picture shows: ``3 at first, 38 at the end, 52 at most, none at times``."""
    known = resampled(steps)
    if not known:
        return ""
    first, last, most, least = (_of(value) for value in (known[0], known[-1], max(known), min(known)))
    if most == least:
        return f"{first} throughout"
    said = [f"{first} at first and at the end"] if first == last else [f"{first} at first", f"{last} at the end"]
    # What the ends are says the rest.
    said += [f"{most} at most"] if most not in (first, last) else []
    if least not in (first, last):
        said.append(f"{least} at least" if min(known) else "none at times")
    return ", ".join(said)


def _of(value: float) -> str:
    return number(value) if value else "none"


def resampled(steps: Sequence[float]) -> list[float]:
    """At most MOST_STEPS of them: where there are more, the highest of each stretch stands for it. What is no number is 0."""
    known = [float(one) if math.isfinite(one) and one > 0 else 0.0 for one in steps]
    if len(known) <= MOST_STEPS:
        return known
    bounds = [len(known) * place // MOST_STEPS for place in range(MOST_STEPS + 1)]
    return [max(known[first:last]) for first, last in pairwise(bounds)]


def _points(steps: Sequence[float], width: int, height: int, margin: int) -> list[tuple[float, float]]:
    most = max(steps) or 1.0
    room, floor = width - 2 * margin, height - margin
    ys = [floor - (height - 2 * margin) * (one / most) for one in steps]
    if len(ys) == 1:
        return [(margin, ys[0]), (width - margin, ys[0])]
    return [(margin + room * place / (len(ys) - 1), y) for place, y in enumerate(ys)]


def number(value: float) -> str:
    """``1,204``, ``38``, ``2.5``."""
    return formats.number(value, 0 if value >= 10 or value == int(value) else 1)
