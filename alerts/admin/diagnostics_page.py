"""The page Diagnostics: the guide's checks, of an incident or without one, and what they answered."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.incidents.diagnostics import asking, mitigating
from alerts.incidents.diagnostics.interpreting import QUESTIONS
from alerts.models import DiagnosticRun, HttpCheck, Incident, Mitigation, MitigationKind, MonitoredDatabase

_SHOWN = 20
# Where the pid of a row stands, and when that backend began: what may be acted on.
_ACTED_ON = {"queries": (0, 1), "locks": (3, 4)}


@dataclass(frozen=True, slots=True)
class RowShown:
    cells: list[Any]
    # The query of an address that asks before anything is done; "" where nothing can be.
    act: str


@dataclass(frozen=True, slots=True)
class RunShown:
    run: DiagnosticRun
    rows: list[RowShown]
    can_act: bool


class DiagnosticsPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows, POST asks. ``incident_id`` of the address, or none. ``?part`` answers the part of an incident's page alone."""

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
            found = HttpCheck.objects.filter(pk=int(check), is_enabled=True).first() if check.isdecimal() else None
            if found is None:
                raise asking.AskingError("There is no such address: it was taken out.")
            asking.ask_address(found, incident=incident, by=self.request.user, at=now)
            return
        number = post.get("database", "")
        database = MonitoredDatabase.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        if database is None:
            raise asking.AskingError("There is no such database: it was taken out.")
        wanted = list(QUESTIONS) if post.get("question") == "all" else [post.get("question", "")]
        asking.ask(database, wanted, incident=incident, by=self.request.user, at=now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        incident = self.incident
        runs = DiagnosticRun.objects.filter(incident=incident) if incident else DiagnosticRun.objects.all()
        databases = MonitoredDatabase.objects.filter(is_enabled=True).order_by("name")
        checks = HttpCheck.objects.filter(is_enabled=True).order_by("name")
        if incident is not None and incident.service_id is not None:
            of_service = Q(service=incident.service_id) | Q(service=None)
            databases, checks = databases.filter(of_service), checks.filter(of_service)
        if (chosen := self.request.GET.get("database", "")).isdecimal():
            runs = runs.filter(database=int(chosen))
            databases = databases.filter(pk=int(chosen))
        rows = runs.select_related("actor", "database", "incident").order_by("-at", "-pk")[:_SHOWN]
        may_act = self.request.user.has_perm("alerts.add_mitigation")
        return super().get_context_data(
            **kwargs, incident=incident, databases=databases, checks=checks, questions=list(QUESTIONS.values()),
            runs=[_shown(one, may_act=may_act) for one in rows],
            mitigations=Mitigation.objects.filter(incident=incident).select_related("actor", "database").order_by("-at")[:_SHOWN]
            if incident else [],
            may_ask=self.request.user.has_perm("alerts.add_diagnosticrun"), here=self.request.path,
        )  # fmt: skip


def _shown(run: DiagnosticRun, *, may_act: bool) -> RunShown:
    places = _ACTED_ON.get(run.question)
    can_act = bool(may_act and places and run.database is not None and run.database.allows_mitigation)
    rows = [
        RowShown(
            cells,
            f"database={run.database_id}&pid={cells[places[0]]}" if can_act and places is not None else "",
        )
        for cells in run.answer.get("rows", [])
    ]  # fmt: skip
    return RunShown(run, rows, can_act)


class MitigationPage(UnfoldSiteViewMixin, TemplateView):
    """GET says what would be done to whom, POST does it."""

    permission_required = ("alerts.add_mitigation", "alerts.view_diagnosticrun")
    title = "Act on a connection"
    template_name = "admin/alerts/diagnostics/mitigate.html"

    @property
    def back(self) -> str:
        pk = self.kwargs.get("incident_id")
        return reverse("admin:incident_diagnostics", args=[pk]) if pk else reverse("admin:diagnostics")

    def _database(self, number: str) -> MonitoredDatabase:
        if not number.isdecimal():
            raise Http404
        return get_object_or_404(MonitoredDatabase, pk=int(number))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        database, pid = self._database(self.request.GET.get("database", "")), self.request.GET.get("pid", "")
        target, problem = None, ""
        try:
            target = mitigating.look(database, int(pid) if pid.isdecimal() and len(pid) < 10 else 0)
        except mitigating.MitigatingError as error:
            problem = str(error)
        return super().get_context_data(
            **kwargs,
            database=database,
            target=target,
            problem=problem,
            back=self.back,
            kinds=MitigationKind,
            began_at=target.began_at.isoformat() if target else "",
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        database = self._database(request.POST.get("database", ""))
        kind, pid = request.POST.get("kind", ""), request.POST.get("pid", "")
        began_at = parse_datetime(request.POST.get("began_at", ""))
        if (
            kind not in MitigationKind.values
            or not pid.isdecimal()
            or began_at is None
            or not isinstance(request.user, User)
        ):
            raise Http404
        incident = get_object_or_404(Incident, pk=pk) if (pk := self.kwargs.get("incident_id")) else None
        try:
            done = mitigating.act(
                database,
                MitigationKind(kind),
                int(pid),
                began_at=began_at,
                incident=incident,
                by=request.user,
                at=timezone.now(),
            )
        except mitigating.MitigatingError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(self.back)
        said = f"{MitigationKind(kind).label}, pid {pid}: {done.outcome}"
        LogEntry.objects.log_actions(
            user_id=request.user.pk,
            queryset=[database],
            action_flag=CHANGE,
            change_message=said[:500],
            single_object=True,
        )
        (messages.success if done.is_done else messages.warning)(request, said)
        return HttpResponseRedirect(self.back)
