"""The page Diagnostics: the guide's checks, of an incident or without one, and what they answered."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.admin.diagnostic_answer import shown
from alerts.incidents.diagnostics import asking, mitigating
from alerts.incidents.diagnostics.interpreting import QUESTIONS
from alerts.models import DiagnosticRun, HttpCheck, Incident, Mitigation, MitigationKind, MonitoredDatabase

_SHOWN = 20


class DiagnosticsPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows, POST asks. ``incident_id`` of the address, or none. ``?part`` answers the part of an incident's page alone,
    ``?database`` and ``?run`` what belongs to one."""

    permission_required = ("alerts.view_diagnosticrun",)
    title = "Diagnostics"
    template_name = "admin/alerts/diagnostics/page.html"

    def get_template_names(self) -> list[str]:
        if self.request.headers.get("HX-Request") == "true" or "part" in self.request.GET:
            return ["admin/alerts/diagnostics/_diagnostics.html"]
        return [self.template_name]

    @property
    def incident(self) -> Incident | None:
        pk = self.kwargs.get("incident_id")
        return get_object_or_404(Incident, pk=pk) if pk else None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm("alerts.add_diagnosticrun"):
            raise PermissionDenied
        incident = self.incident
        try:
            self._ask(incident)
        except asking.AskingError as error:
            messages.error(request, str(error))
        if request.headers.get("HX-Request") == "true":
            return self.render_to_response(self.get_context_data())
        return HttpResponseRedirect(request.get_full_path())

    def _ask(self, incident: Incident | None) -> None:
        now, post = timezone.now(), self.request.POST
        if check := post.get("check", ""):
            found = HttpCheck.objects.filter(pk=_pk(check), is_enabled=True).first()
            if found is None:
                raise asking.AskingError("There is no such address: it was taken out.")
            asking.ask_address(found, incident=incident, by=self.request.user, at=now)
            return
        database = MonitoredDatabase.objects.filter(pk=_pk(post.get("database", ""))).first()
        if database is None:
            raise asking.AskingError("There is no such database: it was taken out.")
        wanted = list(QUESTIONS) if post.get("question") == "all" else [post.get("question", "")]
        asking.ask(database, wanted, incident=incident, by=self.request.user, at=now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        incident, user = self.incident, self.request.user
        database, run = _pk(self.request.GET.get("database", "")), _pk(self.request.GET.get("run", ""))
        may_act = user.has_perm("alerts.add_mitigation")
        databases, checks = _askable(incident)
        if database:
            databases, checks = databases.filter(pk=database), checks.none()
        return super().get_context_data(
            **kwargs, incident=incident, databases=databases, checks=checks, questions=list(QUESTIONS.values()),
            runs=[shown(one, may_act=may_act) for one in _runs(incident, database, run)],
            mitigations=_mitigations(incident, database) if user.has_perm("alerts.view_mitigation") and not run else [],
            may_ask=user.has_perm("alerts.add_diagnosticrun"), here=self.request.get_full_path(),
            is_part_of_all=bool(database or run), is_one_run=bool(run),
        )  # fmt: skip


def _askable(incident: Incident | None) -> tuple[QuerySet[MonitoredDatabase], QuerySet[HttpCheck]]:
    """In an incident of a service those of it, and those that belong to none."""
    databases = MonitoredDatabase.objects.filter(is_enabled=True).order_by("name")
    checks = HttpCheck.objects.filter(is_enabled=True).order_by("name")
    if incident is None or incident.service_id is None:
        return databases, checks
    of_service = Q(service=incident.service_id) | Q(service=None)
    return databases.filter(of_service), checks.filter(of_service)


def _runs(incident: Incident | None, database: int, run: int) -> QuerySet[DiagnosticRun]:
    runs = DiagnosticRun.objects.filter(incident=incident) if incident else DiagnosticRun.objects.all()
    if database:
        runs = runs.filter(database=database)
    if run:
        runs = runs.filter(pk=run)
    # Of those that were asked together the first question stands first.
    return runs.select_related("actor", "database", "incident").order_by("-at", "pk")[:_SHOWN]


def _mitigations(incident: Incident | None, database: int) -> QuerySet[Mitigation]:
    found = Mitigation.objects.filter(incident=incident) if incident else Mitigation.objects.all()
    if database:
        found = found.filter(database=database)
    return found.select_related("actor", "database", "incident").order_by("-at", "-pk")[:_SHOWN]


def _pk(text: str) -> int:
    """0, which nothing has, for what is no number of a row."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


class MitigationPage(UnfoldSiteViewMixin, TemplateView):
    """GET says what would be done to whom, POST does it."""

    permission_required = ("alerts.add_mitigation", "alerts.view_diagnosticrun")
    title = "Act on a connection"
    template_name = "admin/alerts/diagnostics/mitigate.html"

    @property
    def back(self) -> str:
        pk = self.kwargs.get("incident_id")
        return reverse("admin:incident_diagnostics", args=[pk]) if pk else reverse("admin:diagnostics")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        database = get_object_or_404(MonitoredDatabase, pk=_pk(self.request.GET.get("database", "")))
        pid, began_at = _pk(self.request.GET.get("pid", "")), _moment(self.request.GET.get("began_at", ""))
        target, problem = None, ""
        try:
            target = mitigating.look(database, pid, began_at=began_at)
        except mitigating.MitigatingError as error:
            problem = str(error)
        return super().get_context_data(
            **kwargs, database=database, target=target, problem=problem, back=self.back, kinds=MitigationKind,
            began_at=target.began_at.isoformat() if target else "",
        )  # fmt: skip

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        database = get_object_or_404(MonitoredDatabase, pk=_pk(request.POST.get("database", "")))
        kind, pid = request.POST.get("kind", ""), _pk(request.POST.get("pid", ""))
        began_at = _moment(request.POST.get("began_at", ""))
        if kind not in MitigationKind.values or not pid or began_at is None or not isinstance(request.user, User):
            raise Http404
        incident = get_object_or_404(Incident, pk=pk) if (pk := self.kwargs.get("incident_id")) else None
        try:
            done = mitigating.act(
                database, MitigationKind(kind), pid, began_at=began_at, incident=incident, by=request.user, at=timezone.now()
            )  # fmt: skip
        except mitigating.MitigatingError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.back)
        said = f"{MitigationKind(kind).label}, pid {pid}: {done.outcome}"
        LogEntry.objects.log_actions(
            user_id=request.user.pk, queryset=[database], action_flag=CHANGE, change_message=said[:500], single_object=True
        )  # fmt: skip
        (messages.success if done.is_done else messages.warning)(request, said)
        return HttpResponseRedirect(self.back)


def _moment(text: str) -> datetime | None:
    """None also for a moment of no zone, and for one that no calendar has."""
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at if at is not None and timezone.is_aware(at) else None
