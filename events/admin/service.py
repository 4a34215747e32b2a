"""Services: their keys, how to send with them, and waiting for the first event together."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList

from events.admin.key_form import KeyForm, KeyLimitForm
from events.models import Event, IngestKey, KeyKind, Service
from events.onboarding import KeyTexts, create_service, curl_line, dsn, ingest_url
from events.rollups import events_per_service
from events.templatetags.moments import moment
from events.usual_rates import HISTORY, LEAST_ALLOWANCE, SPIKE_FACTOR

_RECENT = timedelta(hours=24)


class ServiceChangeList(ChangeList):
    """Gives the rows of the page their counts, all in one query over the rollups."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        services = list(self.result_list)
        counts = events_per_service([service.pk for service in services], start=timezone.now() - _RECENT)
        for service in services:
            service.recent_count = counts.get(service.pk, 0)
        self.result_list = services


class AddServiceForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """A new service needs a name; the rest follows from it."""

    class Meta:
        model = Service
        fields = ("name", "owner")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if problem := Service.problem_with_name(name):
            raise forms.ValidationError(problem)
        return name


@admin.register(Service)
class ServiceAdmin(ModelAdmin):
    list_display = ("name", "last_heard", "recent", "usable_keys", "owner", "first_heard")
    search_fields = ("name", "slug")
    show_full_result_count = False
    list_per_page = 50
    ordering = ("name",)
    actions = None
    readonly_fields = ("usual_rate",)
    change_form_template = "admin/events/service/page.html"
    change_list_template = "admin/events/service/list.html"

    class Media:
        css = {"all": ("events/events.css",)}

    # --- The list ------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ServiceChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Service]:
        usable = Q(keys__revoked_at=None) | Q(keys__revoked_at__gt=timezone.now())
        return Service.objects.select_related("owner").annotate(usable_key_count=Count("keys", filter=usable))

    @display(description="Last event", ordering="last_event_at")
    def last_heard(self, service: Service) -> SafeString | str:
        return moment(service.last_event_at)

    @display(description="First event", ordering="first_event_at")
    def first_heard(self, service: Service) -> SafeString | str:
        return moment(service.first_event_at)

    @display(description="Events in 24 h")
    def recent(self, service: Any) -> str:
        return f"{service.recent_count:,}"

    @display(description="Keys", ordering="usable_key_count")
    def usable_keys(self, service: Any) -> int:
        return int(service.usable_key_count)

    # --- Adding and changing -------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Service | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = AddServiceForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Service | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("name", "owner")
        return ("name", "slug", "owner", "rate_limit", "has_spike_guard", "usual_rate")

    @display(description="Spike allowance")
    def usual_rate(self, service: Service) -> str:
        """What the spike guard lets through, in words."""
        days = f"the last {HISTORY.days} days"
        if service.spike_allowance is None:
            return (
                f"Not learnt yet: it takes two days' worth of hours with events within {days}. Until then nothing is "
                "refused as a spike."
            )
        allowed = f"{service.spike_allowance:,} events a minute"
        if not service.has_spike_guard:
            return f"It would be {allowed}, but the spike guard is off: nothing is refused as a spike."
        return (
            f"{allowed}: {SPIKE_FACTOR} times what the service sends in a busy hour of {days}, and never less than "
            f"{LEAST_ALLOWANCE:,}. Learnt anew every day."
        )

    def save_model(self, request: HttpRequest, obj: Service, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        service, keys = create_service(name=obj.name, owner=obj.owner)
        obj.pk, obj.slug, obj.created_at = service.pk, service.slug, service.created_at
        request.new_keys = keys  # type: ignore[attr-defined]  # for the answer to this very request

    def response_add(self, request: HttpRequest, obj: Service, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_new_keys(request, obj, request.new_keys)  # type: ignore[attr-defined]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = extra_context or {}
        if object_id.isascii() and object_id.isdecimal() and len(object_id) < 10:
            context |= self._page_context(request, int(object_id))
        return super().change_view(request, object_id, form_url, context)

    def has_delete_permission(self, request: HttpRequest, obj: Service | None = None) -> bool:
        """A service that has sent something stays: its events and issues point at it."""
        if obj is not None and (obj.first_event_at is not None or obj.issues.exists()):
            return False
        return bool(super().has_delete_permission(request, obj))

    # --- Its page ------------------------------------------------------------------------------------------------

    def _page_context(self, request: HttpRequest, service_id: int) -> dict[str, Any]:
        keys = list(IngestKey.objects.filter(service_id=service_id).order_by("-created_at", "-id"))
        now = timezone.now()
        public = next((key for key in keys if key.kind == KeyKind.PUBLIC and key.is_usable(at=now)), None)
        service = Service.objects.filter(pk=service_id).first()
        return {
            "keys": [(key, key.is_usable(at=now), limit_in_words(key.rate_limit)) for key in keys],
            "service": service,
            "may_change_keys": self.has_change_permission(request),
            "key_form": KeyForm(),
            "ingest_url": ingest_url(),
            "public_key": public.visible if public else "",
            "dsn": dsn(service, public.visible) if public and service else "",
            "curl": curl_line("YOUR_SECRET_KEY"),
            "first_event": _first_event(service),
            "media": self.media,
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:service_id>/waiting/", view(self.waiting_view), name="events_service_waiting"),
            path("<int:service_id>/keys/", view(self.create_key_view), name="events_service_create_key"),
            path(
                "<int:service_id>/keys/<int:key_id>/rotate/",
                view(self.rotate_key_view),
                name="events_service_rotate_key",
            ),
            path(
                "<int:service_id>/keys/<int:key_id>/limit/",
                view(self.limit_key_view),
                name="events_service_limit_key",
            ),
            path(
                "<int:service_id>/keys/<int:key_id>/revoke/",
                view(self.revoke_key_view),
                name="events_service_revoke_key",
            ),
            *super().get_urls(),
        ]

    def waiting_view(self, request: HttpRequest, service_id: int) -> HttpResponse:
        """The fragment that polls itself until the first event is there."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        service = get_object_or_404(Service, pk=service_id)
        context = {"service": service, "first_event": _first_event(service)}
        return never_cache(lambda _: TemplateResponse(request, "admin/events/service/_waiting.html", context))(request)

    # --- Keys ----------------------------------------------------------------------------------------------------

    def create_key_view(self, request: HttpRequest, service_id: int) -> HttpResponse:
        service = self._service_to_change(request, service_id)
        if request.method != "POST":
            return HttpResponseRedirect(_address_of(service_id))
        form = KeyForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(f"{error}" for errors in form.errors.values() for error in errors))
            return HttpResponseRedirect(_address_of(service_id))
        key, text = IngestKey.issue(
            service,
            KeyKind(form.cleaned_data["kind"]),
            label=form.cleaned_data["label"],
            allowed_origins=form.cleaned_data["allowed_origins"],
            rate_limit=form.cleaned_data["rate_limit"],
        )
        return self._show_new_key(request, service, key, text, said=f"Made {key.get_kind_display()} key {key}.")

    def rotate_key_view(self, request: HttpRequest, service_id: int, key_id: int) -> HttpResponse:
        service = self._service_to_change(request, service_id)
        key = get_object_or_404(IngestKey, pk=key_id, service=service)
        if request.method != "POST" or not key.is_usable(at=timezone.now()):
            return self._confirm(request, service, key, "rotate")
        successor, text = key.rotate(at=timezone.now())
        said = f"Key {key} works for another 24 hours; put the new one in its place."
        return self._show_new_key(request, service, successor, text, said=said)

    def limit_key_view(self, request: HttpRequest, service_id: int, key_id: int) -> HttpResponse:
        service = self._service_to_change(request, service_id)
        key = get_object_or_404(IngestKey, pk=key_id, service=service)
        form = KeyLimitForm(request.POST or None, initial={"rate_limit": key.rate_limit})
        if request.method != "POST" or not form.is_valid():
            return self._page_about(request, service, key, "limit_key", title=f"Limit of key {key}", form=form)
        key.limit_to(form.cleaned_data["rate_limit"])
        said = f"Limit of key {key}: {limit_in_words(key.rate_limit)}."
        self.log_change(request, service, said)
        messages.success(request, said)
        return HttpResponseRedirect(_address_of(service_id))

    def revoke_key_view(self, request: HttpRequest, service_id: int, key_id: int) -> HttpResponse:
        service = self._service_to_change(request, service_id)
        key = get_object_or_404(IngestKey, pk=key_id, service=service)
        if request.method != "POST":
            return self._confirm(request, service, key, "revoke")
        key.revoke(at=timezone.now())
        self.log_change(request, service, f"Revoked key {key}.")
        messages.success(request, f"Key {key} is revoked: whoever still sends with it is refused.")
        return HttpResponseRedirect(_address_of(service_id))

    def _service_to_change(self, request: HttpRequest, service_id: int) -> Service:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(Service, pk=service_id)

    def _show_new_key(
        self, request: HttpRequest, service: Service, key: IngestKey, text: str, *, said: str
    ) -> HttpResponse:
        self.log_change(request, service, said)
        is_secret = key.kind == KeyKind.SECRET
        keys = KeyTexts(secret=text if is_secret else "", public="" if is_secret else text)
        return self._show_new_keys(request, service, keys, said=said)

    def _show_new_keys(self, request: HttpRequest, service: Service, keys: KeyTexts, *, said: str = "") -> HttpResponse:
        """The answer to the POST itself shows the secret: a redirect would have to store it somewhere."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Keys of {service.name}",
            "media": self.media,
            "service": service,
            "keys": keys,
            "said": said,
            "curl": curl_line(keys.secret or keys.public),
            "dsn": dsn(service, keys.public) if keys.public else "",
            "back": _address_of(service.pk),
        }
        response = TemplateResponse(request, "admin/events/service/new_keys.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _confirm(self, request: HttpRequest, service: Service, key: IngestKey, what: str) -> HttpResponse:
        context = {
            "title": f"{what.capitalize()} key {key}?",
            "what": what,
            "is_usable": key.is_usable(at=timezone.now()),
        }
        return self._page_about(request, service, key, "confirm_key", **context)

    def _page_about(
        self, request: HttpRequest, service: Service, key: IngestKey, template: str, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "service": service,
            "key": key,
            "back": _address_of(service.pk),
            **more,
        }
        return TemplateResponse(request, f"admin/events/service/{template}.html", context)


def limit_in_words(rate_limit: int | None) -> str:
    """Of a key: its own limit, or the installation's."""
    if rate_limit is None:
        of_all: int = settings.KEY_RATE_LIMIT
        return f"{of_all:,} a minute (default)" if of_all else "none (default)"
    return f"{rate_limit:,} a minute" if rate_limit else "none"


def _address_of(service_id: int) -> str:
    return reverse("admin:events_service_change", args=[service_id])


def _first_event(service: Service | None) -> Event | None:
    """Any early event of the service, to link to once it has sent one."""
    if service is None or service.first_event_at is None:
        return None
    return Event.objects.filter(service=service).order_by("id").without_payload().first()
