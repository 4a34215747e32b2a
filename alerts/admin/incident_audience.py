"""“Email users” of the runbook: whom an incident hurt, as a file for the mailing tool or handed to a signed webhook."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.admin import audit
from alerts.admin.audit import actor
from alerts.incidents import audience
from alerts.incidents.audience import Audience, AudienceError
from alerts.models import Incident


class AudiencePage(UnfoldSiteViewMixin, TemplateView):
    """GET shows how many and how they are told, or for htmx a part of the incident's page; POST fetches or hands over."""

    permission_required: ClassVar[tuple[str, ...]] = ("alerts.add_statusupdate",)
    title = "Email users"
    template_name = "admin/alerts/incident/audience.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = self._shown(self._incident())
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/alerts/incident/_audience.html", shown)
        return self.render_to_response(self.get_context_data(**shown))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | StreamingHttpResponse:
        found = audience.audience_of(self._incident(), now=timezone.now())
        wanted = request.POST.get("as", "")
        if wanted in ("csv", "json"):
            return self._file(found, wanted)
        if wanted != "webhook":
            raise PermissionDenied
        number = request.POST.get("channel", "")
        channel = next((one for one in audience.channels() if str(one.pk) == number), None)
        try:
            if channel is None:
                raise AudienceError("Choose the webhook that takes it.")  # noqa: TRY301 - told as the others are
            said = audience.hand_over(found, channel, by=actor(request), at=timezone.now())
        except AudienceError as error:
            messages.error(request, str(error))
        else:
            audit.note(request, found.incident, said)
            messages.success(request, said)
        return HttpResponseRedirect(request.path)

    def _file(self, found: Audience, kind: str) -> HttpResponse | StreamingHttpResponse:
        said = audience.note_download(found, by=actor(self.request), at=timezone.now())
        audit.note(self.request, found.incident, said)
        answer: HttpResponse | StreamingHttpResponse
        if kind == "csv":
            answer = StreamingHttpResponse(audience.as_csv(found), content_type="text/csv; charset=utf-8")
        else:
            answer = HttpResponse(audience.as_json(found), content_type="application/json")
        answer["Content-Disposition"] = f'attachment; filename="incident-{found.incident.pk}-users.{kind}"'
        answer["Cache-Control"] = "no-store"
        return answer

    def _incident(self) -> Incident:
        found = Incident.objects.filter(pk=self.kwargs["number"]).first()
        if found is None:
            raise Http404("There is no incident of that number.")
        return found

    def _shown(self, incident: Incident) -> dict[str, Any]:
        found = audience.audience_of(incident, now=timezone.now())
        return {
            "incident": incident, "users_count": len(found.hashes), "channels": audience.channels(), "here": self.request.path,
            "most_sent": audience.MOST_SENT, "is_sendable": 0 < len(found.hashes) <= audience.MOST_SENT,
            "status": reverse("admin:incident_status", args=[incident.pk]),
        }  # fmt: skip
