"""What goes wrong in *lift*: each entry is one cause, so one issue, however the message varies."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random
from typing import Final

from events.demo.lift import identifier
from events.demo.stacks import SITE_PACKAGES, Place, browser_stack, node_stack, python_stack


class Era(StrEnum):
    """In which releases a cause exists."""

    ALWAYS = "always"
    # Repaired by one release and brought back by a later one.
    REGRESSION = "regression"
    # Comes with the release that also makes an endpoint slow.
    BAD_RELEASE = "bad release"


class Runtime(StrEnum):
    BROWSER = "browser"
    NODE = "node"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause. ``message`` may hold ``{n}`` (a number), ``{id}``, ``{ms}`` and ``{tokens}``; ``where`` is the page or endpoint.

    ``places`` are its own frames, crash first; ``share`` is how often it happens against the others of its runtime.
    """

    runtime: Runtime
    kind: str
    message: str
    where: str
    share: float
    places: tuple[Place, ...]
    era: Era = Era.ALWAYS
    engine: str = ""  # only in this browser engine; empty: in all

    def told(self, random: Random) -> str:
        """The message of one occurrence."""
        if "{" not in self.message:
            return self.message
        return self.message.format(
            n=random.randint(2, 9_999),
            id=identifier(random),
            ms=random.randint(8_000, 30_000),
            tokens=random.randint(200_001, 340_000),
        )

    def stack(self, message: str, engine: str = "v8") -> str:
        """The stack trace of one occurrence, as its runtime prints it."""
        match self.runtime:
            case Runtime.BROWSER:
                return browser_stack(self.kind, message, self.places, engine)
            case Runtime.NODE:
                return node_stack(self.kind, message, self.places)
            case Runtime.PYTHON:
                return python_stack(self.kind, message, self.places)


def _page(
    kind: str, message: str, where: str, share: float, *places: Place, era: Era = Era.ALWAYS, engine: str = ""
) -> Failure:
    return Failure(Runtime.BROWSER, kind, message, where, share, places, era, engine)


def _node(kind: str, message: str, where: str, share: float, *places: Place) -> Failure:
    return Failure(Runtime.NODE, kind, message, where, share, places)


def _python(kind: str, message: str, where: str, share: float, *places: Place, era: Era = Era.ALWAYS) -> Failure:
    return Failure(Runtime.PYTHON, kind, message, where, share, places, era)


REGRESSION: Final = _page(
    "TypeError", "Cannot read properties of undefined (reading 'sections')", "/resume/editor", 22,
    Place("SectionList", "./components/resume/SectionList.jsx", 84, 31),
    Place("ResumeEditor", "./pages/resume/editor.jsx", 212, 18),
    era=Era.REGRESSION,
)  # fmt: skip

PAGE_FAILURES: Final = (
    REGRESSION,
    _page(
        "TypeError", "Cannot read properties of null (reading 'user')", "/dashboard", 9,
        Place("useProfile", "./hooks/useProfile.js", 27, 22), Place("Dashboard", "./pages/dashboard.jsx", 41, 19),
    ),
    _page(
        "TypeError", "deck.cards.map is not a function", "/flashcards", 8,
        Place("CardStack", "./components/flashcards/CardStack.jsx", 58, 24),
        Place("FlashcardsPage", "./pages/flashcards.jsx", 96, 12),
    ),
    _page(
        "ChunkLoadError", "Loading chunk {n} failed. (timeout: https://studentlift.org/_next/static/chunks/{n}.js)",
        "/career", 7, Place("__webpack_require__.f.j", "./lib/lazyPage.js", 14, 9),
    ),
    _page(
        "QuotaExceededError", "Failed to execute 'setItem' on 'Storage': Setting the value of 'draft:{id}' exceeded the quota.",
        "/resume/editor", 4, Place("saveDraft", "./lib/drafts.js", 33, 18),
        Place("useAutosave", "./hooks/useAutosave.js", 51, 7),
    ),
    _page(
        "SyntaxError", "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "/jobs", 6,
        Place("fetchJson", "./lib/http.js", 22, 19), Place("useJobSearch", "./hooks/useJobSearch.js", 38, 20),
    ),
    _page(
        "Error", "Minified React error #418; visit https://react.dev/errors/418 for the full message", "/planner", 6,
        Place("WeekGrid", "./components/planner/WeekGrid.jsx", 117, 9),
    ),
    _page(
        "RangeError", "Invalid time value", "/planner", 5, Place("formatDue", "./lib/dates.js", 19, 27),
        Place("TaskRow", "./components/planner/TaskRow.jsx", 44, 13),
    ),
    _page(
        "AbortError", "The operation was aborted after {ms} ms", "/essay", 4,
        Place("streamFeedback", "./lib/aiStream.js", 71, 15), Place("EssayPage", "./pages/essay.jsx", 130, 21),
    ),
    _page(
        "NotAllowedError", "The request is not allowed by the user agent or the platform in the current context", "/cover-letter",
        6, Place("copyToClipboard", "./lib/clipboard.js", 12, 29),
        Place("CopyButton", "./components/CopyButton.jsx", 25, 11), engine="webkit",
    ),
    _page(
        "TypeError", "undefined is not an object (evaluating 'window.visualViewport.height')", "/notes", 5,
        Place("useKeyboardInset", "./hooks/useKeyboardInset.js", 17, 40), engine="webkit",
    ),
    _page(
        "DOMException", "Permission denied to access property \"document\" on cross-origin object", "/community", 8,
        Place("EmbedFrame", "./components/community/EmbedFrame.jsx", 63, 22), engine="gecko",
    ),
    _page(
        "ReferenceError", "structuredClone is not defined", "/gpa", 2,
        Place("cloneTerms", "./lib/gpa.js", 40, 17), Place("GpaCalculator", "./pages/gpa.jsx", 77, 20),
    ),
    _page(
        "StripeJsError", "Failed to load Stripe.js", "/pricing", 3,
        Place("loadCheckout", "./lib/stripeClient.js", 21, 11), Place("PricingPage", "./pages/pricing.jsx", 88, 14),
    ),
    _page(
        "TypeError", "Cannot destructure property 'median' of 'range' as it is undefined.", "/salary", 7,
        Place("SalaryBand", "./components/salary/SalaryBand.jsx", 29, 13),
        Place("SalaryPage", "./pages/salary.jsx", 54, 10), era=Era.BAD_RELEASE,
    ),
)  # fmt: skip

_API: Final = "/app/pages/api"
_LIFT: Final = "/srv/lift/ai"
API_FAILURES: Final = (
    _node(
        "PrismaClientKnownRequestError",
        "Invalid `prisma.flashcardDeck.update()` invocation: An operation failed because it depends on one or more records "
        "that were required but not found. Record to update not found.",
        "/api/flashcards", 9, Place("updateDeck", "/app/lib/decks.js", 64, 20),
        Place("handler", f"{_API}/flashcards/index.js", 31, 18),
    ),
    _node(
        "PrismaClientKnownRequestError", "Unique constraint failed on the fields: (`userId`,`jobId`)", "/api/jobs/saved", 7,
        Place("saveJob", "/app/lib/jobs.js", 41, 12), Place("handler", f"{_API}/jobs/saved.js", 19, 5),
    ),
    _node(
        "TypeError", "Cannot read properties of undefined (reading 'gpa')", "/api/gpa", 5,
        Place("weighTerms", "/app/lib/gpa.js", 28, 33), Place("handler", f"{_API}/gpa.js", 12, 20),
    ),
    _node(
        "ZodError", "Invalid input: expected string, received undefined at \"tasks[{n}].title\"", "/api/planner/tasks", 8,
        Place("parseTasks", "/app/lib/planner/schema.js", 52, 24), Place("handler", f"{_API}/planner/tasks.js", 17, 22),
    ),
    _node(
        "FetchError",
        "request to https://api.jobs-partner.example/v2/search failed, reason: connect ECONNREFUSED 198.51.100.23:443",
        "/api/jobs/search", 6, Place("searchPartner", "/app/lib/jobs/partner.js", 77, 11),
        Place("handler", f"{_API}/jobs/search.js", 40, 24),
    ),
    _node(
        "Error", "Scholarship feed is stale: last import {n} minutes ago", "/api/scholarships", 3,
        Place("assertFresh", "/app/lib/scholarships.js", 35, 11), Place("handler", f"{_API}/scholarships.js", 22, 9),
    ),
    _node(
        "RangeError", "Maximum call stack size exceeded", "/api/community/feed", 2,
        Place("nestReplies", "/app/lib/community/tree.js", 18, 14), Place("nestReplies", "/app/lib/community/tree.js", 24, 9),
        Place("handler", f"{_API}/community/feed.js", 33, 16),
    ),
    _python(
        "json.decoder.JSONDecodeError", "Expecting ',' delimiter: line {n} column 3 (char {n})", "/api/career", 7,
        Place("raw_decode", "/usr/local/lib/python3.13/json/decoder.py", 361, source="obj, end = self.scan_once(s, idx)"),
        Place("read_advice", f"{_LIFT}/career/answers.py", 88, source="advice = json.loads(completion.text)"),
        Place("career", f"{_LIFT}/routes/career.py", 47, source="return read_advice(await complete(prompt))"),
    ),
    _python(
        "pydantic_core._pydantic_core.ValidationError", "1 validation error for ResumeSections", "/api/resume/analyze", 6,
        Place("split_sections", f"{_LIFT}/resume/sections.py", 61, source="return ResumeSections.model_validate(found)"),
        Place("analyze", f"{_LIFT}/routes/resume.py", 52, source="sections = split_sections(document)"),
    ),
    _python(
        "pypdf.errors.PdfReadError", "EOF marker not found", "/api/resume/analyze", 6,
        Place(
            "_find_eof_marker", f"{SITE_PACKAGES}/pypdf/_reader.py", 735,
            source='raise PdfReadError("EOF marker not found")',
        ),
        Place("read_pdf", f"{_LIFT}/resume/documents.py", 34, source="pages = PdfReader(upload.file).pages"),
        Place("analyze", f"{_LIFT}/routes/resume.py", 44, source="document = read_pdf(upload)"),
    ),
    _python(
        "IndexError", "list index out of range", "/api/resume/analyze", 14,
        Place("score_bullets", f"{_LIFT}/resume/scoring.py", 119, source="best = ranked[0]"),
        Place("analyze", f"{_LIFT}/routes/resume.py", 61, source="score = score_bullets(sections)"),
        era=Era.BAD_RELEASE,
    ),
    _python(
        "anthropic.BadRequestError", "Error code: 400 - prompt is too long: {tokens} tokens > 200000 maximum",
        "/api/essay/feedback", 5,
        Place("complete", f"{_LIFT}/providers/anthropic.py", 73, source="answer = await client.messages.create(**request)"),
        Place("feedback", f"{_LIFT}/routes/essay.py", 39, source="remarks = await complete(prompt)"),
    ),
    _python(
        "UnicodeDecodeError", "'utf-8' codec can't decode byte 0x92 in position {n}: invalid start byte", "/api/notes/summarize", 4,
        Place("read_upload", f"{_LIFT}/notes/uploads.py", 27, source="text = upload.read().decode(\"utf-8\")"),
        Place("summarize", f"{_LIFT}/routes/notes.py", 31, source="text = read_upload(upload)"),
    ),
)  # fmt: skip


type Weighted = tuple[tuple[Failure, ...], tuple[float, ...]]


@cache
def page_failures(engine: str, *, regressed: bool, bad: bool) -> Weighted:
    """What can fail in a page: the causes and their shares, for one engine and one release."""
    return _weighted(
        failure
        for failure in PAGE_FAILURES
        if failure.engine in ("", engine) and _exists(failure, regressed=regressed, bad=bad)
    )


@cache
def api_failures(*, bad: bool) -> Weighted:
    """What can fail in the API, for one release."""
    return _weighted(failure for failure in API_FAILURES if _exists(failure, regressed=False, bad=bad))


def _weighted(failures: Iterable[Failure]) -> Weighted:
    chosen = tuple(failures)
    return chosen, tuple(failure.share for failure in chosen)


def _exists(failure: Failure, *, regressed: bool, bad: bool) -> bool:
    return {Era.ALWAYS: True, Era.REGRESSION: regressed, Era.BAD_RELEASE: bad}[failure.era]
