"""A report as a PDF, set by Typst: what people wrote is handed over as data and never as source."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from alerts.incidents.report.blocks import blocks_of
from alerts.incidents.report.document import Document

_SOURCE = Path(__file__).with_name("report.typ")


def as_pdf(document: Document) -> bytes:
    """Tagged, with a title and a language. Takes a quarter of a second."""
    # Loaded when it is needed: it takes eighty megabytes, which processes that never set a page do without.
    import typst

    # The compiler takes whole seconds.
    made_at = document.at.astimezone(UTC).replace(microsecond=0)
    return typst.compile(
        _SOURCE.read_bytes(), format="pdf", sys_inputs={"report": json.dumps(_data(document))}, timestamp=made_at
    )


def _data(document: Document) -> dict[str, Any]:
    return {
        "number": document.number,
        "title": _line(document.title),
        "about": _line(document.about),
        "state": document.state,
        "people": [[role, _line(name)] for role, name in document.people],
        "metrics": [list(one) for one in document.metrics],
        "sections": [[heading, blocks_of(text)] for heading, text in document.sections],
        "to_dos": [
            {
                "text": _line(one.text),
                "owner": _line(one.owner),
                "due_on": f"{one.due_on or ''}",
                "is_done": one.is_done,
            }
            for one in document.to_dos
        ],
        "reason": _line(document.no_to_dos_reason),
    }


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
