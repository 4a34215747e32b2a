"""The page that tells users about an incident or a maintenance: what they know, and the next update with its preview."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.admin import audit
from alerts.admin.audit import actor
from alerts.admin.status_form import StatusForm
from alerts.models import Component, Incident, MaintenanceWindow
from alerts.statuspage import rendering
from alerts.statuspage.addresses import Served
from alerts.statuspage.levels import NAMES, WORDS
from alerts.statuspage.posting import FINAL, About, PostingError, post_update, updates_of
from alerts.statuspage.previewing import preview


class PostingPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows it, or for htmx a summary to put into another page; POST previews, offers words or posts."""

    permission_required: ClassVar[tuple[str, ...]] = ("alerts.view_statusupdate",)
    title = "Status page"
    template_name = "admin/alerts/incident/status.html"
    # Of what it tells.
    model: ClassVar[type[Incident] | type[MaintenanceWindow]]
    kind: ClassVar[str]

    def has_permission(self) -> bool:
        user = self.request.user
        return user.is_staff and (user.has_perm("alerts.view_statusupdate") or self.may_post)

    @property
    def may_post(self) -> bool:
        return self.request.user.has_perm("alerts.add_statusupdate")

    @property
    def about(self) -> About:
        found = self.model._default_manager.filter(pk=self.kwargs["number"]).first()  # noqa: SLF001 - documented
        if found is None:
            raise Http404("It is gone.")
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        about = self.about
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/alerts/incident/_status.html", self._summary(about))
        form = StatusForm(about, updates_of(about), wanted=request.GET.get("state", "")) if self.may_post else None
        return self.render_to_response(self.get_context_data(about=about, form=form))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.may_post:
            raise PermissionDenied
        about = self.about
        form = StatusForm(about, updates_of(about), request.POST)
        if request.headers.get("HX-Request") == "true":
            return render(request, "admin/alerts/incident/_status_preview.html", self._preview(about, form))
        if "offer" in request.POST:
            return self.render_to_response(self.get_context_data(about=about, form=form.with_offered_words()))
        if "post" not in request.POST or not form.is_valid():
            return self.render_to_response(self.get_context_data(about=about, form=form))
        try:
            posted = post_update(about, form.draft(), by=actor(request), at=timezone.now())
        except PostingError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
            return self.render_to_response(self.get_context_data(about=about, form=form), status=422)
        mailed = {0: "Nobody subscribed to it", 1: "1 subscriber is mailed"}.get(
            posted.letter_count, f"{posted.letter_count:,} subscribers are mailed"
        )
        said = f"Posted: {posted.update}. {mailed}."
        audit.note(request, posted.update, said)
        messages.success(request, said)
        return HttpResponseRedirect(request.path)

    # --- What is shown -----------------------------------------------------------------------------------------------

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        about, form = kwargs.pop("about"), kwargs.pop("form")
        has_components = Component.objects.filter(is_public=True).exists()
        more = {**self._summary(about), "form": form, "has_components": has_components}
        if form is not None:
            more |= self._preview(about, form)
        return super().get_context_data(**more, **kwargs)

    def _summary(self, about: About) -> dict[str, Any]:
        updates = updates_of(about)
        last = updates[-1] if updates else None
        return {
            "about": about, "kind": self.kind, "is_incident": isinstance(about, Incident), "updates": updates[::-1],
            "last": last, "here": self.request.path, "back": self._back(about), "may_post": self.may_post,
            "is_public": last is not None or getattr(about, "is_announced", False),
            "public": reverse(f"status_{self.kind}", args=[about.pk]),
            # The team is done, and users still read that something is wrong.
            "is_forgotten": isinstance(about, Incident)
            and not about.is_ongoing
            and last is not None
            and last.state not in FINAL,
            "may_correct": self.request.user.has_perm("alerts.change_statusupdate"),
        }  # fmt: skip

    def _preview(self, about: About, form: StatusForm) -> dict[str, Any]:
        draft = form.draft() if form.is_bound else StatusForm(about, updates_of(about), _as_sent(form)).draft()
        found = preview(about, draft, now=timezone.now())
        return {
            "one": rendering.shown(found.post, Served()),
            "affected": [(name, NAMES[level], WORDS[level]) for name, level in found.affected],
            "letter_count": found.letter_count,
        }

    def _back(self, about: About) -> str:
        try:
            return reverse(f"admin:alerts_{type(about).__name__.lower()}_change", args=[about.pk])
        except NoReverseMatch:
            return reverse("admin:alerts_statusupdate_changelist")


class IncidentStatusPage(PostingPage):
    model, kind = Incident, "incident"


class MaintenanceStatusPage(PostingPage):
    model, kind = MaintenanceWindow, "maintenance"


def _as_sent(form: StatusForm) -> dict[str, str]:
    """What it would send as it stands at first."""
    return {name: str(field.initial if field.initial is not None else "") for name, field in form.fields.items()}
