"""A report as a file: Markdown, HTML that needs nothing else, and a PDF."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from alerts.incidents.report.document import Document, ToDo
from alerts.incidents.report.pdf import as_pdf
from alerts.incidents.report.plain import plain
from alerts.runbooks import writing


@dataclass(frozen=True, slots=True)
class Format:
    ending: str
    content_type: str
    made: Callable[[Document], bytes]


def as_markdown(document: Document) -> str:
    lines = [f"# {plain(document.title)}", "", f"{plain(document.about)} · {document.state}", ""]
    lines += [f"- {role}: {plain(name)}" for role, name in document.people]
    for heading, text in document.sections:
        lines += ["", f"## {heading}", "", text]
    lines += ["", "## Follow-ups", ""]
    if document.to_dos:
        lines += [
            f"- [{'x' if one.is_done else ' '}] {plain(one.text)} ({plain(whose(one))})" for one in document.to_dos
        ]
    else:
        lines.append(plain(document.no_to_dos_reason) or "None yet.")
    lines += ["", "## Metrics", "", "| What | Value |", "| --- | --- |"]
    lines += [f"| {label} | {value} |" for label, value in document.metrics]
    return "\n".join(lines) + "\n"


def as_page(document: Document) -> str:
    """HTML with its styles within, that loads nothing."""
    context = {
        "document": document,
        "sections": [(heading, mark_safe(writing.as_html(text))) for heading, text in document.sections],  # noqa: S308 - of text alone
        "to_dos": [(one, whose(one)) for one in document.to_dos],
    }
    return render_to_string("alerts/report/report.html", context)


def whose(one: ToDo) -> str:
    """“Ada, until 2026-12-05”."""
    return f"{one.owner or 'nobody yet'}{f', until {one.due_on:%Y-%m-%d}' if one.due_on else ''}"


FORMATS: Mapping[str, Format] = {
    "md": Format("md", "text/markdown; charset=utf-8", lambda document: as_markdown(document).encode()),
    "html": Format("html", "text/html; charset=utf-8", lambda document: as_page(document).encode()),
    "pdf": Format("pdf", "application/pdf", as_pdf),
}
