"""The page of one report: read by who may, edited, reviewed and published by people, exported as a file."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from alerts.admin import audit
from alerts.admin.audit import actor
from alerts.admin.follow_up import follow_ups_context
from alerts.incidents.report import publishing
from alerts.incidents.report.document import document_of, metrics_of, suspects_in_words
from alerts.incidents.report.export import FORMATS
from alerts.incidents.report.publishing import FIELDS, SECTIONS, Merged, ReportError, StaleError
from alerts.models import IncidentReport, ReportState
from alerts.runbooks import writing

_LABELS = {
    "title": "Title", "summary": "Summary", "impact": "Impact", "timeline": "Timeline", "detection": "Detection",
    "root_cause": "Root cause", "went_well": "What went well", "went_badly": "What went badly",
    "no_follow_ups_reason": "Why there are no follow-ups",
}  # fmt: skip
_HELP = {
    "root_cause": "Why it happened. Only people can say: look at the suspects, and confirm or reject them.",
    "no_follow_ups_reason": "Only when there are none.",
}
_ROWS = {"timeline": 16, "root_cause": 10}


def may_edit(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.change_incidentreport")


def may_read_drafts(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_incidentreport") or may_edit(request)


def may_read_any(request: HttpRequest) -> bool:
    """Who may look at incidents may read what was published of them."""
    return request.user.has_perm("alerts.view_incident") or may_read_drafts(request)


def may_read(request: HttpRequest, report: IncidentReport) -> bool:
    is_published = report.state == ReportState.PUBLISHED
    return may_read_any(request) if is_published else may_read_drafts(request)


def _field(name: str) -> forms.CharField:
    attrs = {"class": "lm-input", "rows": str(_ROWS.get(name, 6))}
    is_text = name in SECTIONS
    # With what the person began with beside it, so that what two wrote can be told apart.
    return forms.CharField(
        label=_LABELS[name], required=name == "title", strip=False, help_text=_HELP.get(name, ""), show_hidden_initial=True,
        widget=forms.Textarea(attrs) if is_text else forms.TextInput({"class": "lm-input"}),
    )  # fmt: skip


class ReportForm(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in FIELDS:
            self.fields[name] = _field(name)


def report_view(request: HttpRequest, object_id: str, *, model_admin: "ModelAdmin[IncidentReport]") -> HttpResponse:
    """GET shows it, POST saves what was written."""
    report = _report_or_404(object_id)
    if not may_read(request, report):
        raise PermissionDenied
    problem, merged = "", None
    if request.method == "POST":
        if not may_edit(request):
            raise PermissionDenied
        try:
            return _saved(request, report)
        except StaleError as error:
            problem, merged = str(error), _merged(request, report)
        except ReportError as error:
            problem, merged = str(error), Merged({name: request.POST.get(name, "") for name in FIELDS}, {})
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": IncidentReport._meta,  # noqa: SLF001  (Django's documented API)
        "original": report,
        "title": report.title,
        "media": model_admin.media,
        "report": report,
        "incident_url": f"{reverse('admin:index')}alerts/incident/{report.incident_id}/change/",
        "metrics": metrics_of(report.metrics),
        "suspects": _shown(suspects_in_words(report.suspects)),
        "formats": [(ending, ending.upper() if ending != "md" else "Markdown") for ending in FORMATS],
        "may_edit": may_edit(request),
        "problem": problem,
        **_parts(request, report, merged),
        **follow_ups_context(report.incident, request),
    }
    return TemplateResponse(request, "admin/alerts/report/page.html", context, status=409 if problem else 200)


def _parts(request: HttpRequest, report: IncidentReport, merged: Merged | None) -> dict[str, Any]:
    """The form for who may edit, else the sections as they read."""
    if report.state == ReportState.PUBLISHED or not may_edit(request):
        sections = [(_LABELS[name], _shown(getattr(report, name)), name) for name in SECTIONS if getattr(report, name)]
        return {"sections": sections, "form": None}
    values = {name: getattr(report, name) for name in FIELDS}
    form, theirs = ReportForm(initial=values), {}
    if merged is not None:
        # What was typed stands in the fields, written upon what is there now.
        form = ReportForm({**merged.values, **{f"initial-{name}": value for name, value in values.items()}})
        theirs = {_LABELS[name]: text or "(empty)" for name, text in merged.theirs.items()}
    return {
        "form": form, "theirs": theirs, "hindrances": publishing.hindrances(report), "missing": publishing.missing(report),
        "is_own": report.edited_by_id == request.user.pk,
    }  # fmt: skip


def _saved(request: HttpRequest, report: IncidentReport) -> HttpResponse:
    values = {name: request.POST[name] for name in FIELDS if name in request.POST}
    version = _number(request.POST.get("version", ""))
    if publishing.edit(report.pk, by=actor(request), at=timezone.now(), version=version, values=values):
        audit.note(request, report, "Edited the report.")
        messages.success(request, "Saved.")
    else:
        messages.info(request, "Nothing was changed.")
    return HttpResponseRedirect(request.path)


def _merged(request: HttpRequest, report: IncidentReport) -> Merged:
    report.refresh_from_db()
    began_with = {name: request.POST.get(f"initial-{name}", "") for name in FIELDS}
    mine = {name: request.POST[name] for name in FIELDS if name in request.POST}
    return publishing.merge(report, began_with=began_with, mine=mine)


# --- Submitting, reviewing, publishing, reopening -----------------------------------------------------------------------

_ACTS: Mapping[str, tuple[Callable[..., None], str]] = {
    "submit": (publishing.submit, "Submitted for review."),
    "review": (publishing.review, "Reviewed."),
    "publish": (publishing.publish, "Published. It stands as it is until somebody reopens it."),
    "return": (publishing.return_to_draft, "It is a draft again."),
}


def act_view(request: HttpRequest, report_id: int) -> HttpResponse:
    if not may_edit(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    report, wanted = _report_or_404(str(report_id)), request.POST.get("act", "")
    if wanted not in _ACTS:
        raise Http404("There is no such act.")
    act, said = _ACTS[wanted]
    more = {"why": request.POST.get("why", "")[:500]} if wanted == "return" else {}
    try:
        act(report.pk, by=actor(request), at=timezone.now(), version=_number(request.POST.get("version", "")), **more)
    except ReportError as error:
        messages.error(request, str(error))
    else:
        audit.note(request, report, said)
        messages.success(request, said)
    return HttpResponseRedirect(reverse("admin:alerts_incidentreport_change", args=[report.pk]))


def export_view(request: HttpRequest, report_id: int, ending: str) -> HttpResponse:
    report = _report_or_404(str(report_id))
    if not may_read(request, report):
        raise PermissionDenied
    if ending not in FORMATS:
        raise Http404("Reports are exported as md, html or pdf.")
    made, document = FORMATS[ending], document_of(report, at=timezone.now())
    return HttpResponse(
        made.made(document),
        content_type=made.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{document.file_name}.{made.ending}"', "Cache-Control": "no-store",
        },
    )  # fmt: skip


def _report_or_404(object_id: str) -> IncidentReport:
    rows = IncidentReport.objects.select_related(
        "incident__service", "incident__commander", "edited_by", "reviewed_by", "published_by"
    )
    report = rows.filter(pk=_number(object_id)).first()
    if report is None:
        raise Http404("There is no report of that number.")
    return report


def _shown(text: str) -> SafeString:
    return mark_safe(writing.as_html(text))  # noqa: S308 - made of text alone


def _number(text: str) -> int:
    """0, which no row has, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
