"""The page of questions in SQL: saved ones, an editor, the answer as table, chart and files."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import structlog
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import slugify
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from dashboards.models import SavedQuery
from dashboards.queries.answers import Answer, Caps, Column, as_csv, as_json, chart_of, number_of
from dashboards.queries.draft import CHART_KINDS, ChartSpec, Draft
from dashboards.queries.guide import load_questions, missing_among
from dashboards.queries.parameters import TYPES, as_declarations
from dashboards.queries.refusing import RefusedError
from dashboards.queries.rewriting import Change
from dashboards.queries.rights import ASKING_RIGHTS
from dashboards.queries.role import UnavailableError
from dashboards.queries.running import EXPORTED, SHOWN, QueryError, ask, guess_types
from dashboards.queries.views import documented_views

logger = structlog.get_logger(__name__)
_FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer. ``before``, ``marked`` and ``after`` are the line that PostgreSQL points at."""

    words: str
    hint: str = ""
    commands: str = ""
    line: int = 0
    before: str = ""
    marked: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` is None for NULL; ``link`` leads to what the cell names, "" when it names nothing."""

    text: str | None
    is_number: bool
    link: str

    @property
    def is_long(self) -> bool:
        """Whether it is told in several lines."""
        return self.text is not None and len(self.text) > _LONGEST_LINE


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer for the template, or the problem instead of one."""

    answer: Answer | None = None
    problem: Problem | None = None
    rows: list[list[Cell]] | None = None
    changes: list[Change] | None = None
    chart: dict[str, Any] | None = None
    chart_problem: str = ""


class QueryPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows a question, POST asks it (``run``, ``csv``, ``json``) or saves, copies and deletes it."""

    permission_required: ClassVar[tuple[str, ...]] = ASKING_RIGHTS
    title = "Query"
    template_name = "admin/analytics/query.html"
    saved: SavedQuery | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.saved = self._find(**kwargs)
        if self.saved is None:
            return self._page(Draft(), Shown())
        problem = None
        if self.saved.problem:
            problem = Problem(
                f"This question was saved in a way that cannot be read: {self.saved.problem}",
                "Put it right and save it, or delete it.",
            )
        return self._page(draft_of(self.saved), Shown(problem=problem))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.saved = self._find(**kwargs)
        form = request.POST.dict()
        known = {one.name: one for one in self.saved.declared} if self.saved else {}
        action = form.get("action", "run")
        if action == "delete" and self.saved:
            return self._delete()
        if action == "bring_back":
            return self._bring_back()
        draft = self._guessed(Draft.written(form, known))
        if action in _FILES:
            return self._file(draft, action)
        if action == "save" and self.saved:
            return self._save(draft, form)
        if action == "restore" and self.saved:
            return self._restore(draft, form)
        if action in ("save", "save_as"):
            return self._save_as(draft)
        if action == "run":
            return self._page(draft, self._ask(draft, SHOWN))
        raise Http404("The form asks for what there is not.")

    # --- asking -----------------------------------------------------------------------------------------------------

    def _ask(self, draft: Draft, caps: Caps) -> Shown:
        began = timezone.now()
        rows, took_ms, outcome = 0, 0.0, "answered"
        try:
            rewritten, values = draft.read(timezone.get_current_timezone())
            answer = ask(rewritten, values, caps, zone=timezone.get_current_timezone_name())
        except (RefusedError, QueryError) as error:
            outcome = "refused" if isinstance(error, RefusedError) else "failed"
            return Shown(problem=problem_of(error, draft.statement))
        except UnavailableError as error:
            outcome = "unavailable"
            return Shown(problem=Problem(str(error), commands=error.commands))
        else:
            rows, took_ms = len(answer.rows), answer.took_ms
            chart, chart_problem = chart_of(answer, draft.chart, draft.name or "The answer")
            cells = cells_of(answer) if caps is SHOWN else None
            return Shown(answer, None, cells, rewritten.changes, chart, chart_problem)
        finally:
            # Who asked what and what it cost; never the statement, which may hold names and addresses of people.
            logger.info(
                "question asked",
                user=self.request.user.pk,
                question=self.saved.pk if self.saved else None,
                outcome=outcome,
                rows=rows,
                took_ms=round(took_ms or 1000 * (timezone.now() - began).total_seconds()),
            )

    def _file(self, draft: Draft, ending: str) -> HttpResponse:
        shown = self._ask(draft, EXPORTED)
        if shown.answer is None:
            return self._page(draft, shown)
        content = as_csv(shown.answer).encode() if ending == "csv" else as_json(shown.answer)
        local = timezone.localtime()
        name = f"{slugify(draft.name) or 'question'}-{local:%Y%m%d-%H%M}.{ending}"
        return HttpResponse(
            content,
            content_type=_FILES[ending],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _guessed(self, draft: Draft) -> Draft:
        """With the types of new parameters, as far as PostgreSQL tells them by their places."""
        if not draft.unknown:
            return draft
        with suppress(RefusedError, QueryError, UnavailableError):  # running it tells
            return draft.guessed(guess_types(draft.untyped(), zone=timezone.get_current_timezone_name()))
        return draft

    # --- saving -----------------------------------------------------------------------------------------------------

    def _save(self, draft: Draft, form: Mapping[str, str]) -> HttpResponse:
        self._require("change")
        assert self.saved is not None  # noqa: S101 - post looked
        seen_at = _seen_at(form)
        if problem := draft.problem_with_saving(timezone.get_current_timezone()):
            return self._page(draft, Shown(problem=Problem(problem)))
        try:
            with transaction.atomic():
                is_saved = self.saved.change(by=self._person(), at=timezone.now(), seen_at=seen_at, **_values_of(draft))
        except IntegrityError:
            return self._page(draft, Shown(problem=_name_taken(draft.name)))
        if not is_saved:
            return self._changed_meanwhile(draft, self.saved)
        messages.success(self.request, "Saved.")
        return self._go_to(self.saved)

    def _restore(self, draft: Draft, form: Mapping[str, str]) -> HttpResponse:
        self._require("change")
        assert self.saved is not None  # noqa: S101 - post looked
        if not self.saved.restore(by=self._person(), at=timezone.now(), seen_at=_seen_at(form)):
            return self._changed_meanwhile(draft, self.saved)
        messages.success(self.request, "The original is back.")
        return self._go_to(self.saved)

    def _bring_back(self) -> HttpResponse:
        self._require("add")
        count = load_questions(SavedQuery)
        messages.success(self.request, f"{count} question{'' if count == 1 else 's'} brought back.")
        return HttpResponseRedirect(reverse("admin:analytics_query"))

    def _changed_meanwhile(self, draft: Draft, saved: SavedQuery) -> HttpResponse:
        problem = f"{saved.owner or 'Somebody'} saved this question since you opened it, so nothing was overwritten."
        hint = "Save it under another name, or open the question again to see the other version."
        return self._page(draft, Shown(problem=Problem(problem, hint)))

    def _save_as(self, draft: Draft) -> HttpResponse:
        self._require("add")
        if problem := draft.problem_with_saving(timezone.get_current_timezone()):
            return self._page(draft, Shown(problem=Problem(problem)))
        try:
            with transaction.atomic():
                made = SavedQuery.objects.create(**_values_of(draft), owner=self._person(), updated_at=timezone.now())
        except IntegrityError:
            return self._page(draft, Shown(problem=_name_taken(draft.name)))
        messages.success(self.request, "Saved.")
        return self._go_to(made)

    def _delete(self) -> HttpResponse:
        self._require("delete")
        assert self.saved is not None  # noqa: S101 - post looked
        self.saved.delete()
        messages.success(self.request, f"“{self.saved.name}” is deleted.")
        return HttpResponseRedirect(reverse("admin:analytics_query"))

    # --- showing ----------------------------------------------------------------------------------------------------

    def _page(self, draft: Draft, shown: Shown) -> HttpResponse:
        """The whole page, or for htmx what changed of it."""
        context = {"draft": draft, "shown": shown, "types": TYPES, "cap": SHOWN.rows, "file_cap": EXPORTED.rows}
        if self.request.headers.get("HX-Request"):
            return TemplateResponse(self.request, f"{self.template_name}#answered", context | {"is_fragment": True})
        user = self.request.user
        columns = [column.name for column in shown.answer.columns] if shown.answer else []
        questions = list(SavedQuery.objects.only("name", "is_from_guide").order_by("-is_from_guide", "name", "pk"))
        may_change = self.saved is not None and user.has_perm("dashboards.change_savedquery")
        return self.render_to_response(
            self.get_context_data(
                **context,
                saved=self.saved,
                questions=questions,
                missing=[entry.name for entry in missing_among(question.name for question in questions)],
                views=documented_views(),
                chart_kinds=CHART_KINDS,
                columns=columns,
                may_add=user.has_perm("dashboards.add_savedquery"),
                may_change=may_change,
                may_restore=may_change and self.saved is not None and not self.saved.is_as_brought(),
                may_delete=self.saved is not None and user.has_perm("dashboards.delete_savedquery"),
            )
        )

    def _find(self, **kwargs: Any) -> SavedQuery | None:
        if "pk" not in kwargs:
            return None
        found = SavedQuery.objects.select_related("owner").filter(pk=kwargs["pk"]).first()
        if found is None:
            raise Http404("There is no such question; perhaps it was deleted.")
        return found

    def _person(self) -> User:
        person = self.request.user
        assert isinstance(person, User)  # noqa: S101 - the page needs permissions
        return person

    def _require(self, right: str) -> None:
        if not self.request.user.has_perm(f"dashboards.{right}_savedquery"):
            raise PermissionDenied

    def _go_to(self, saved: SavedQuery) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:analytics_saved_query", args=[saved.pk]))


def draft_of(saved: SavedQuery) -> Draft:
    """As it was saved."""
    return Draft(
        saved.statement,
        saved.name,
        saved.description,
        {one.name: one for one in saved.declared},
        ChartSpec(
            saved.chart_kind, saved.chart_x, tuple(map(str, saved.chart_y)) if isinstance(saved.chart_y, list) else ()
        ),
    )


def problem_of(error: RefusedError | QueryError, statement: str) -> Problem:
    """The words, and the line that they are about with the place marked."""
    if error.start is None:
        return Problem(str(error), error.hint)
    start = min(error.start, len(statement))
    first = statement.rfind("\n", 0, start) + 1
    last = statement.find("\n", start)
    line = statement[first : last if last >= 0 else len(statement)]
    at = start - first
    marked = _word_at(line, at)
    return Problem(
        str(error),
        error.hint,
        line=statement.count("\n", 0, start) + 1,
        before=line[max(at - 200, 0) : at],
        marked=marked,
        after=line[at + len(marked) :][:200],
    )


def cells_of(answer: Answer) -> list[list[Cell]]:
    """Rows with links to the events behind what they name."""
    events = reverse("admin:events_event_changelist")
    return [
        [
            Cell(_rounded(column, text), column.is_number, _link(events, column.name, text))
            for column, text in zip(answer.columns, row, strict=True)
        ]
        for row in answer.rows
    ]


def _rounded(column: Column, text: str | None) -> str | None:
    """Fractions as people read them; the files have them whole."""
    if text is None or not column.is_number or "." not in text or (value := number_of(text)) is None:
        return text
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= _SMALL else f"{value:.3g}"


_LONGEST_LINE = 44
_SMALL = 0.01
# Columns that name something, and the word by which the list of events is narrowed to it.
_NARROWED_BY = {
    "event": "name", "endpoint": "endpoint", "user_id": "user", "feature": "feature", "ai_provider": "ai_provider",
    "release": "release", "environment": "environment", "issue_id": "issue",
}  # fmt: skip


def _link(events: str, column: str, text: str | None) -> str:
    word = _NARROWED_BY.get(column)
    return f"{events}?{urlencode({'window': '30d', word: text})}" if word and text else ""


def _word_at(line: str, at: int) -> str:
    """The word there, or one character: what is marked."""
    end = at
    while end < len(line) and (line[end].isalnum() or line[end] == "_"):
        end += 1
    return line[at : max(end, at + 1)]


def _values_of(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "description": draft.description,
        "statement": draft.statement,
        "parameters": as_declarations(draft.parameters),
        "chart_kind": draft.chart.kind,
        "chart_x": draft.chart.x,
        "chart_y": list(draft.chart.y),
    }


def _seen_at(form: Mapping[str, str]) -> datetime:
    try:
        return datetime.fromisoformat(form.get("seen_at", ""))
    except ValueError:
        raise Http404("The form does not say which version it changes.") from None


def _name_taken(name: str) -> Problem:
    return Problem(f"There is a question named “{name}” already.", "Choose another name.")
