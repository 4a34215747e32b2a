"""The checklist of an incident: a page of its own for a phone, and a fragment of the incident's page."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.admin import audit
from alerts.models import Incident, IncidentState, IncidentStep, IncidentStepState, Runbook
from alerts.runbooks import steps
from alerts.runbooks.checklist import checklist, in_words
from alerts.runbooks.steps import StepError

_PARTIAL = "admin/alerts/incident/_steps.html"
_STATES = {"done": IncidentStepState.DONE, "skipped": IncidentStepState.SKIPPED}


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_incident") or may_work(request)


def may_work(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.change_incident")


def steps_context(incident: Incident, request: HttpRequest, *, problem: str = "") -> dict[str, Any]:
    """What ``admin/alerts/incident/_steps.html`` shows. Two queries, one for who may only look."""
    now, works = timezone.now(), may_work(request) and incident.state != IncidentState.CLOSED
    items = checklist(incident, now=now)
    last = items[-1].step.runbook_id if items else None
    runbooks = Runbook.objects.filter(is_enabled=True).exclude(pk=last or 0).order_by("name") if works else []
    return {
        "incident": incident,
        "steps": [{"item": one, "step": one.step, "html": mark_safe(one.html)} for one in items],  # noqa: S308 - of text alone
        "steps_said": in_words(items) if items else "",
        "steps_problem": problem,
        "steps_url": reverse("admin:incident_steps", args=[incident.pk]),
        "may_settle": works,
        "other_runbooks": runbooks,
        "is_ticking": incident.is_ongoing,
    }


class StepsPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows the steps, POST settles one of them. To htmx only the list is answered."""

    title = "Runbook"
    permission_required = ()
    template_name = "admin/alerts/incident/steps.html"

    def has_permission(self) -> bool:
        return may_look(self.request)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(request, self._incident())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_work(request):
            raise PermissionDenied
        incident = self._incident()
        try:
            said = _act(request, incident)
        except StepError as error:
            return self._shown(request, self._incident(), problem=str(error))
        audit.note(request, incident, said)
        if request.headers.get("HX-Request"):
            return self._shown(request, incident)
        messages.success(request, said)
        wanted = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        return HttpResponseRedirect(wanted if is_ours else request.path)

    def _incident(self) -> Incident:
        incident = Incident.objects.filter(pk=self.kwargs["incident_id"]).first()
        if incident is None:
            raise Http404("There is no incident of that number.")
        return incident

    def _shown(self, request: HttpRequest, incident: Incident, *, problem: str = "") -> HttpResponse:
        context = steps_context(incident, request, problem=problem)
        if request.headers.get("HX-Request"):
            # htmx shows no answer that is an error.
            return TemplateResponse(request, _PARTIAL, context, headers={"Cache-Control": "no-store"})
        page = {**context, "incident_url": f"{reverse('admin:index')}alerts/incident/{incident.pk}/change/"}
        return self.render_to_response(self.get_context_data(**page), status=409 if problem else 200)


def _act(request: HttpRequest, incident: Incident) -> str:
    """What was done, as a sentence. Raises StepError."""
    by, now, wanted = request.user, timezone.now(), request.POST.get("act", "")
    if wanted == "switch":
        runbook = Runbook.objects.filter(pk=_number(request.POST.get("runbook", "")), is_enabled=True).first()
        if runbook is None:
            raise StepError("Choose a runbook.")
        steps.switch(incident, runbook, by=by, at=now)
        return f"The incident follows “{runbook.name}”."
    step = IncidentStep.objects.filter(pk=_number(request.POST.get("step", "")), incident=incident).first()
    if step is None:
        raise StepError("The step is gone: the incident follows another runbook by now.")
    if wanted == "reopen":
        steps.reopen(step.pk, by=by, at=now)
        return f"{step.title}: open again."
    if wanted not in _STATES:
        raise StepError("A step is done or not needed.")
    steps.settle(step.pk, by=by, at=now, state=_STATES[wanted], outcome=request.POST.get("outcome", ""))
    return f"{step.title}: {_STATES[wanted].label.lower()}."


def _number(text: str) -> int:
    """0, which no row has, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
