"""Stack traces as the runtimes of *lift* print them: three browser engines, Node and Python."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Place(NamedTuple):
    """One frame: ``line`` and ``column`` in ``file``; ``source`` is the line of code, which only Python prints."""

    function: str
    file: str
    line: int
    column: int = 0
    source: str = ""


# What every page's stack ends in, crash first.
_REACT: Final = (
    Place("renderWithHooks", "./node_modules/react-dom/cjs/react-dom.production.min.js", 167, 137),
    Place("updateFunctionComponent", "./node_modules/react-dom/cjs/react-dom.production.min.js", 197, 258),
    Place("performUnitOfWork", "./node_modules/react-dom/cjs/react-dom.production.min.js", 280, 391),
)
_NEXT: Final = (
    Place("Object.apiResolver", "/app/node_modules/next/dist/server/api-utils/node.js", 372, 9),
    Place("NextNodeServer.runApi", "/app/node_modules/next/dist/server/next-server.js", 514, 9),
    Place("Object.fn", "/app/node_modules/next/dist/server/next-server.js", 828, 35),
)
SITE_PACKAGES: Final = "/srv/lift/.venv/lib/python3.13/site-packages"
_FASTAPI: Final = (
    Place(
        "run_endpoint_function",
        f"{SITE_PACKAGES}/fastapi/routing.py",
        301,
        source="return await call(**values)",
    ),
    Place("app", f"{SITE_PACKAGES}/fastapi/routing.py", 358, source="raw_response = await run_endpoint_function("),
)


def browser_stack(kind: str, message: str, places: Sequence[Place], engine: str) -> str:
    """``error.stack`` with lift's logger's own first line, which Gecko and WebKit leave out. Source-mapped paths."""
    lines = [f"{kind}: {message}"]
    for place in (*places, *_REACT):
        where = f"webpack://_N_E/{place.file}:{place.line}:{place.column}"
        lines.append(f"    at {place.function} ({where})" if engine == "v8" else f"{place.function}@{where}")
    return "\n".join(lines)


def node_stack(kind: str, message: str, places: Sequence[Place]) -> str:
    frames = (
        f"    at async {place.function} ({place.file}:{place.line}:{place.column})" for place in (*places, *_NEXT)
    )
    return "\n".join([f"{kind}: {message}", *frames])


def python_stack(kind: str, message: str, places: Sequence[Place]) -> str:
    """A traceback: ``places`` come crash first, as in the other languages, and are printed caller first."""
    lines = ["Traceback (most recent call last):"]
    for place in reversed((*places, *_FASTAPI)):
        lines.append(f'  File "{place.file}", line {place.line}, in {place.function}')
        if place.source:
            lines.append(f"    {place.source}")
    return "\n".join([*lines, f"{kind}: {message}"])
