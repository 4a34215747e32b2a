import re
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from alerts.incidents import follow_ups
from alerts.incidents.report.blocks import blocks_of
from alerts.incidents.report.document import Document, ToDo, document_of
from alerts.incidents.report.export import FORMATS, as_markdown, as_page
from alerts.incidents.report.pdf import as_pdf
from tests.alerts.incidents.report_making import BEGAN, make_complete, person

HOSTILE = """\
# Heading #panic("x")

#eval("1+1") #import "/etc/passwd" $x^2$ <script>alert(1)</script> ![image](http://tracker.example/x.png)
[link](https://example.org/a?b=c&d=e) [bad](javascript:alert(1)) \\u{41} @ref <label>

- one
  1. `#let x = read("/etc/passwd")`

```
SELECT pg_terminate_backend(pid);
```

| a | b |
| --- | --- |
| Žluťoučký kůň, Größe, Ж | only |
"""


def make_document(**changes: Any) -> Document:
    values: dict[str, Any] = {
        "number": 12, "title": "Database pool error", "about": "Incident #12 · SEV1", "state": "Published 2026-11-29",
        "people": [("Commander", "Ada")], "metrics": [("Users hurt", "37")], "sections": [("Root cause", "A *cause*.")],
        "to_dos": [ToDo("Set a timeout", "Ada", date(2026, 12, 5), False)], "no_to_dos_reason": "",
        "at": datetime(2026, 11, 29, 3, 4, 5, 678, tzinfo=UTC),
    }  # fmt: skip
    return Document(**{**values, **changes})


def read(pdf: bytes) -> tuple[str, int, dict[str, str]]:
    """Its text, how many pages, and what it says of itself."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_range())
            text_page.close()
            page.close()
        return re.sub(r"\s+", " ", " ".join(texts)), len(texts), document.get_metadata_dict()
    finally:
        document.close()


def test_a_pdf_opens_and_its_text_can_be_read():
    pdf = as_pdf(make_document())
    text, pages, about = read(pdf)
    assert pages == 1
    for words in (
        "Database pool error", "Incident #12 · SEV1", "Commander: Ada", "Root cause", "A cause.", "Set a timeout Ada 2026-12-05 no",
        "Users hurt 37", "1 of 1",
    ):  # fmt: skip
        assert words in text, text
    assert about["Title"] == "Database pool error"


def test_a_pdf_is_tagged_and_says_its_language():
    pdf = as_pdf(make_document())
    assert b"/StructTreeRoot" in pdf
    assert re.search(rb"/Lang\s*\(en", pdf)


def test_what_people_wrote_is_shown_and_never_run():
    text, _, _ = read(as_pdf(make_document(title='#panic("x") $', sections=[("Root cause", HOSTILE)])))
    for words in (
        '#panic("x") $', '#eval("1+1") #import "/etc/passwd" $x^2$ <script>alert(1)</script>', "[bad](javascript:alert(1))",
        '#let x = read("/etc/passwd")', "SELECT pg_terminate_backend(pid);", "Žluťoučký kůň, Größe, Ж", "@ref <label>",
    ):  # fmt: skip
        assert words in text, text


def test_long_words_stay_on_the_page_and_short_ones_can_be_copied():
    word = "Q" * 400
    command = "pg_size_pretty(pg_total_relation_size(x))"
    text, pages, _ = read(as_pdf(make_document(sections=[("Root cause", f"{word}\n\n`{command}`")])))
    assert re.sub("[\u200b\ufffe ]", "", text).count("Q") == 400
    assert command in text
    assert pages == 1


def test_a_long_report_has_many_pages_and_is_quick():
    lines = "\n".join(f"- 03:{number % 60:02} **Alert:** number {number}" for number in range(1000))
    text, pages, _ = read(as_pdf(make_document(sections=[("Timeline", lines)])))
    assert pages > 10
    assert "number 999" in text


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.text(alphabet="#$*_`>-+[]()<>|\\\n 1.!~ab", max_size=300))
def test_any_text_becomes_a_pdf(title, text):
    pdf = as_pdf(make_document(title=title.replace("\x00", ""), sections=[("Root cause", text)]))
    assert pdf.startswith(b"%PDF")


def test_what_is_nested_too_deep_is_told_as_text():
    (block,) = blocks_of(">" * 60 + " deep")
    depth = 0
    while block["k"] == "quote":
        (block,), depth = block["c"], depth + 1
    assert depth == 8
    assert block == {"k": "p", "c": [{"k": "t", "v": "deep"}]}


def test_markdown_has_every_part_and_can_be_read_as_markdown():
    text = as_markdown(make_document(title="# [x](http://y)", no_to_dos_reason=""))
    assert text.startswith("# \\# \\[x\\](http://y)\n")
    assert "- [ ] Set a timeout (Ada, until 2026-12-05)" in text
    html = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert "<h1># [x](http://y)</h1>" in html
    assert "<h2>Root cause</h2>\n<p>A <em>cause</em>.</p>" in html
    assert "<td>Users hurt</td>" in html


def test_a_page_needs_nothing_else_and_runs_nothing():
    html = as_page(make_document(title="<script>x</script>", sections=[("Root cause", HOSTILE)]))
    assert "<script" not in html
    assert not re.search(r"\bsrc=|<link|@import|url\(|javascript:[^<]*\"", html)
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert "default-src 'none'" in html


def test_no_follow_ups_have_their_reason():
    document = make_document(to_dos=[], no_to_dos_reason="It was a drill.")
    assert "It was a drill." in as_markdown(document)
    assert "It was a drill." in as_page(document)
    assert "It was a drill." in read(as_pdf(document))[0]


@pytest.mark.django_db
def test_a_report_becomes_a_document_with_its_people_and_follow_ups():
    report = make_complete()
    follow_ups.done(report.incident.follow_ups.get().pk, by=person("ada"), at=BEGAN)
    document = document_of(report, at=BEGAN)
    assert document.file_name == f"incident-{report.incident_id}-checkout-fails"
    assert document.state == "Draft, not published"
    assert document.people == [("Commander", "Ada")]
    assert document.to_dos == [ToDo("Set a timeout", "", None, True)]
    headings = [heading for heading, _ in document.sections]
    assert headings == [
        "Summary", "Impact", "Timeline", "Detection", "Root cause", "What was suspected", "What went well", "What went badly",
    ]  # fmt: skip
    assert ("Time to acknowledge", "2 minutes") in document.metrics
    for made in FORMATS.values():
        assert made.made(document)


@pytest.mark.parametrize("title", ["", "日本語", "../../etc/passwd", 'a"; b\r\nX: y', "x" * 300])
def test_a_file_has_a_harmless_name(title):
    assert re.fullmatch(r"incident-12(-[a-z0-9-]{1,60})?", make_document(title=title).file_name)
