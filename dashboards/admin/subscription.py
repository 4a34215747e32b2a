"""Who gets digests: one's own subscription for everybody who sees the analytics, everybody's for those with the right to them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation.trans_real import parse_accept_lang_header
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from alerts.admin.fields import CommaListField
from alerts.channels.kinds import KINDS
from alerts.models import Channel
from alerts.models.contact import zone_names
from alerts.models.on_call import name_of
from dashboards.digests import subscribing
from dashboards.digests.subscribing import SubscribingError
from dashboards.models import DigestDelivery, DigestKind, DigestSubscription
from dashboards.models.digest import WEEKDAYS, production, work_days
from events import formats
from events.models import Dimension, KnownValue, Service
from events.templatetags.moments import moment

_HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
_READERS = ("person", "email", "channel")
_MANAGES = "dashboards.{}_digestsubscription"
_LATEST, _HOUR = 5, 8


def _formats_shown() -> list[tuple[str, str]]:
    """Each with an example: “German: 1.204,5 and Fr., 27. Nov. 2026, 18:30”."""
    return [(code, f"{name}: {formats.example(code)}") for code, name in formats.choices()]


def _wanted_formats(request: HttpRequest) -> str:
    """What the browser says that its person reads, the most wanted first."""
    try:
        wanted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    except ValueError:  # absurdly long
        return formats.DEFAULT
    return formats.nearest(tag for tag, weight in wanted if weight)


class SubscriptionForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    kinds = forms.MultipleChoiceField(
        choices=DigestKind.choices, label="Which", widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Daily: what happened since yesterday. Weekly: trends, cache, slow endpoints, unused features, trials.",
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, label="On", widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Daily ones come on these days, weekly ones on the first of them, monthly ones on the first of the month.",
    )  # fmt: skip
    hour = forms.TypedChoiceField(choices=_HOURS, coerce=int, label="At", widget=UnfoldAdminSelectWidget())
    zone = forms.ChoiceField(
        choices=zone_names, label="On the clock of", widget=UnfoldAdminSelectWidget(),
        help_text="Its days and hours are those of the digest, too.",
    )  # fmt: skip
    formats = forms.ChoiceField(
        choices=_formats_shown, label="Numbers and dates as in", widget=UnfoldAdminSelectWidget(),
        help_text="How the digest writes numbers, dates and hours. Its words are English.",
    )  # fmt: skip
    services = forms.ModelMultipleChoiceField(
        Service.objects.order_by("name", "pk"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="None chosen: all of them, also those that are added later.",
    )  # fmt: skip
    environments = CommaListField(
        longest=64, help_text="With commas between them. Empty: all of them, with the noise of development."
    )

    class Meta:
        model = DigestSubscription
        fields = (
            *_READERS,
            "kinds",
            "hour",
            "weekdays",
            "zone",
            "formats",
            "services",
            "environments",
            "least",
            "is_enabled",
        )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        takes = [name for name, kind in KINDS.items() if kind.tell is not None]
        self._offer("channel", Channel.objects.filter(kind__in=takes).order_by("name"))
        self._offer("person", User.objects.filter(is_active=True).order_by("username"))
        if "environments" in self.fields:
            self.fields["environments"].widget.suggest = _environments_seen

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = rows


def _environments_seen() -> list[str]:
    seen = KnownValue.objects.filter(dimension=Dimension.ENVIRONMENT).order_by("value")
    return list(seen.values_list("value", flat=True).distinct()[:50])


@admin.register(DigestSubscription)
class SubscriptionAdmin(ModelAdmin):
    form = SubscriptionForm
    list_display = ("reader", "what", "about", "next_one", "last_one", "state")
    list_display_links = ("reader",)
    list_filter = ("is_enabled",)
    search_fields = ("person__username", "email", "channel__name")
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-is_enabled", "pk")
    actions = None
    change_form_template = "admin/dashboards/subscription/page.html"
    change_list_template = "admin/dashboards/subscription/list.html"
    warn_unsaved_form = True

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}
        js = ("alerts/forms.js",)

    # --- Who may do what: everybody with the analytics looks after their own -------------------------------------

    def _may(self, request: HttpRequest, verb: str, one: DigestSubscription | None) -> bool:
        if request.user.has_perm(_MANAGES.format(verb)):
            return True
        is_own = one is None or (one.person_id is not None and one.person_id == request.user.pk)
        return request.user.has_perm("dashboards.view_analytics") and is_own

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "view", None)

    def has_view_permission(self, request: HttpRequest, obj: DigestSubscription | None = None) -> bool:
        return self._may(request, "view", obj) or self._may(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "add", None)

    def has_change_permission(self, request: HttpRequest, obj: DigestSubscription | None = None) -> bool:
        return self._may(request, "change", obj)

    def has_delete_permission(self, request: HttpRequest, obj: DigestSubscription | None = None) -> bool:
        return self._may(request, "delete", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DigestSubscription]:
        rows = DigestSubscription.objects.select_related("person", "channel").prefetch_related("services")
        sees_all = any(request.user.has_perm(_MANAGES.format(verb)) for verb in ("view", "change"))
        return rows if sees_all else rows.filter(person=request.user.pk)

    # --- The list ------------------------------------------------------------------------------------------------

    @display(description="Reader")
    def reader(self, one: DigestSubscription) -> str:
        if one.person is not None:
            return f"{name_of(one.person)} <{one.person.email or 'no e-mail address'}>"
        return one.email or f"{one.channel} ({one.channel.get_kind_display() if one.channel else ''})"

    @display(description="Which")
    def what(self, one: DigestSubscription) -> str:
        kinds = [DigestKind(kind).label for kind in one.kinds]
        least = " (only when something changed)" if one.least == "changed" else ""
        return f"{', '.join(kinds)} at {one.hour:02}:00, {one.zone}{least}"

    @display(description="About")
    def about(self, one: DigestSubscription) -> str:
        services = ", ".join(sorted(service.name for service in one.services.all())) or "all services"
        return f"{services} in {', '.join(one.environments) or 'all environments'}"

    @display(description="Next")
    def next_one(self, one: DigestSubscription) -> SafeString | str:
        """On the clock of who gets it."""
        if not one.is_enabled or not one.is_confirmed:
            return "–"
        upcoming = subscribing.next_in_words(one, now=timezone.now())
        return format_html_join("", "<div>{}: {}</div>", ((DigestKind(kind).label, when) for kind, when in upcoming))

    @display(description="Last")
    def last_one(self, one: Any) -> SafeString | str:
        last = one.last_at
        return moment(last) if last else "none yet"

    @display(description="State")
    def state(self, one: DigestSubscription) -> str:
        if not one.is_enabled:
            return "off"
        if not one.is_confirmed:
            return "waits for the address to be confirmed"
        if one.person is not None and not one.person.is_active:
            return "off: the person left"
        return "off: the channel is switched off" if one.channel and not one.channel.is_enabled else "on"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        cl = getattr(response, "context_data", {}).get("cl")
        if cl is not None:
            self._add_last(cl.result_list)
        return response

    def _add_last(self, rows: Any) -> None:
        """When each was last told, in one query."""
        shown = list(rows)
        latest = (
            DigestDelivery.objects.filter(subscription__in=[one.pk for one in shown], skipped="")
            .order_by("subscription_id", "-created_at")
            .distinct("subscription_id")
            .values_list("subscription_id", "created_at")
        )
        found = dict(latest)
        for one in shown:
            one.last_at = found.get(one.pk)

    # --- Its page ------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: DigestSubscription | None = None) -> Any:
        verb = "change" if obj else "add"
        is_manager = request.user.has_perm(_MANAGES.format(verb))
        who = [("Who gets it", {"fields": _READERS, "description": "One of these three."})] if is_manager else []
        return [
            *who,
            ("Which and when", {"fields": ("kinds", ("hour", "zone"), "weekdays", "formats")}),
            ("About what", {"fields": ("services", "environments", "least")}),
            (None, {"fields": ("is_enabled",)}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        zone = str(timezone.get_current_timezone())
        known = {name for name, _ in zone_names()}
        own: dict[str, Any] = {
            "kinds": [DigestKind.DAILY.value, DigestKind.WEEKLY.value], "zone": zone if zone in known else "UTC",
            "formats": _wanted_formats(request),
            "hour": _HOUR, "weekdays": work_days(), "environments": production(),
        }  # fmt: skip
        return {**own, "person": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        found: DigestSubscription = super().save_form(request, form, change)
        if not change and not request.user.has_perm(_MANAGES.format("add")):
            found.person = request.user if isinstance(request.user, User) else None
        return found

    def get_form(self, request: HttpRequest, obj: DigestSubscription | None = None, **more: Any) -> Any:
        """Whose it is stands before it is checked that it is of one: without the right the form has no field for it."""
        made = super().get_form(request, obj, **more)
        owner = request.user if obj is None and "person" not in made.base_fields else None

        class Owned(made):  # type: ignore[misc,valid-type]
            def _post_clean(self) -> None:
                if owner is not None:
                    self.instance.person = owner
                super()._post_clean()

        return Owned

    def save_model(self, request: HttpRequest, obj: DigestSubscription, form: Any, change: bool) -> None:
        now = timezone.now()
        subscribing.changed(obj, frozenset(form.changed_data), at=now)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The letter says what it is about, so that it is written when the services are known."""
        super().save_related(request, form, formsets, change)
        one: DigestSubscription = form.instance
        if one.email and not one.is_confirmed and ("email" in form.changed_data or not change):
            self._ask(request, one)

    def _ask(self, request: HttpRequest, one: DigestSubscription) -> None:
        try:
            subscribing.ask_to_confirm(one, at=timezone.now())
        except SubscribingError as error:
            messages.warning(request, str(error))
        else:
            messages.info(request, f"A letter to {one.email} asks to confirm it. Nothing else is sent there before.")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        one = self.get_object(request, object_id) if object_id else None
        more: dict[str, Any] = {"subscription": one, "deliveries": [], "next_due": []}
        if one is not None and self.has_view_permission(request, one):
            deliveries = one.deliveries.select_related("digest", "letter", "notification").order_by(
                "-created_at", "-pk"
            )
            is_on = one.is_enabled and one.is_confirmed
            upcoming = subscribing.next_in_words(one, now=timezone.now()) if is_on else []
            more |= {
                "deliveries": deliveries[:_LATEST],
                "next_due": [(DigestKind(kind).label, when) for kind, when in upcoming],
                "preview": f"{reverse('admin:review_preview')}?kind={one.kinds[0] if one.kinds else 'daily'}&subscription={one.pk}",
                "may_change": self.has_change_permission(request, one),
            }  # fmt: skip
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    # --- Asking again --------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.confirm_view)
        name = "dashboards_digestsubscription_ask"
        return [path("<int:subscription_id>/ask/", view, name=name), *super().get_urls()]

    def confirm_view(self, request: HttpRequest, subscription_id: int) -> HttpResponse:
        one = self.get_queryset(request).filter(pk=subscription_id).first()
        if one is None or not self.has_change_permission(request, one):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._ask(request, one)
        return HttpResponseRedirect(reverse("admin:dashboards_digestsubscription_change", args=[one.pk]))


def subscription_shown(request: HttpRequest, number: str) -> DigestSubscription | None:
    """One that the person may look at, by its number in an address."""
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    found = admin.site.get_model_admin(DigestSubscription).get_queryset(request).filter(pk=int(number)).first()
    return found if isinstance(found, DigestSubscription) else None
