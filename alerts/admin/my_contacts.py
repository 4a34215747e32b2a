"""The page My contacts: everybody's own, how they are reached and when they are left alone."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.channels.kinds import KINDS
from alerts.models import ChannelKind, ContactPoint, QuietHours
from alerts.models.contact import WEEKDAYS, zone_names
from alerts.on_call import reaching
from alerts.sealing import SealBrokenError, unseal

_MOST_QUIET_HOURS = 14
_CLOCK = "%H:%M"


class ContactForm(forms.Form):
    kind = forms.ChoiceField(
        label="How", choices=[(one.value, _label) for one, _label in (
            (ChannelKind.EMAIL, "E-mail"), (ChannelKind.SLACK, "Slack"), (ChannelKind.APPRISE, "Apprise: SMS, Telegram, …"),
        )],
    )  # fmt: skip
    address = forms.CharField(
        label="Address",
        max_length=500,
        help_text="An e-mail address, Slack's webhook URL, or Apprise's URL of the target.",
    )


class QuietHoursForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    from_time = forms.TimeField(label="From", widget=forms.TimeInput({"type": "time"}, format=_CLOCK))
    to_time = forms.TimeField(label="To", widget=forms.TimeInput({"type": "time"}, format=_CLOCK))
    weekdays = forms.TypedMultipleChoiceField(
        label="Beginning on", choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple()
    )
    time_zone = forms.ChoiceField(label="Time zone", choices=zone_names)

    class Meta:
        model = QuietHours
        fields = ("from_time", "to_time", "weekdays", "time_zone")


class MyContactsPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows what is one's own, POST changes it. Nobody reaches another person's here."""

    permission_required = ()
    title = "My contacts"
    template_name = "admin/alerts/my_contacts.html"

    @property
    def person(self) -> User:
        """Who is at the keyboard; the admin lets nobody else in."""
        if not isinstance(self.request.user, User) or not self.request.user.is_staff:
            raise PermissionDenied
        return self.request.user

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        acts = {
            "add": self._add, "send_code": self._send_code, "confirm": self._confirm, "remove": self._remove,
            "add_quiet": self._add_quiet, "remove_quiet": self._remove_quiet,
        }  # fmt: skip
        act = acts.get(request.POST.get("action", ""))
        answer = act() if act else None
        return answer or HttpResponseRedirect(reverse("admin:my_contacts"))

    # --- Contacts ------------------------------------------------------------------------------------------------

    def _add(self) -> HttpResponse | None:
        form = ContactForm(self.request.POST)
        if form.is_valid():
            try:
                contact = reaching.add_contact(self.person, **form.cleaned_data, at=timezone.now())
            except reaching.ContactError as error:
                form.add_error("address", str(error))
            else:
                self._code_to(contact)
                return None
        return self._again(contact_form=form)

    def _send_code(self) -> None:
        self._code_to(self._contact())

    def _code_to(self, contact: ContactPoint) -> None:
        try:
            outcome = reaching.send_code(contact, at=timezone.now())
        except reaching.ContactError as error:
            messages.error(self.request, str(error))
            return
        if outcome.is_accepted:
            messages.success(self.request, "A code is on its way. Type it here when it has arrived.")
        else:
            messages.error(self.request, f"It could not be sent there: {outcome.answer or 'no answer'}")

    def _confirm(self) -> None:
        try:
            is_right = reaching.confirm(self._contact(), self.request.POST.get("code", ""), at=timezone.now())
        except reaching.ContactError as error:
            messages.error(self.request, str(error))
            return
        if is_right:
            messages.success(self.request, "It works: alerts reach you there.")
        else:
            messages.error(self.request, "That is not the code that was sent last: look again.")

    def _remove(self) -> None:
        reaching.remove_contact(self._contact())
        messages.success(self.request, "The contact is gone.")

    def _contact(self) -> ContactPoint:
        own = ContactPoint.objects.filter(person=self.person).select_related("channel")
        return get_object_or_404(own, pk=_number(self.request.POST.get("contact")))

    # --- Quiet hours ---------------------------------------------------------------------------------------------

    def _add_quiet(self) -> HttpResponse | None:
        form = QuietHoursForm(self.request.POST, instance=QuietHours(person=self.person))
        if form.is_valid() and self.person.quiet_hours.count() >= _MOST_QUIET_HOURS:
            form.add_error(None, f"You have {_MOST_QUIET_HOURS} of them already: take one out first.")
        if not form.is_valid():
            return self._again(quiet_form=form)
        form.save()
        messages.success(self.request, "What is not critical waits until they end.")
        return None

    def _remove_quiet(self) -> None:
        own = QuietHours.objects.of_person(self.person)
        get_object_or_404(own, pk=_number(self.request.POST.get("quiet"))).delete()
        messages.success(self.request, "These quiet hours are gone.")

    # --- The page ------------------------------------------------------------------------------------------------

    def _again(self, **forms_: forms.BaseForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**forms_), status=422)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        contacts = ContactPoint.objects.filter(person=self.person).select_related("channel").order_by("pk")
        working = set(ContactPoint.objects.working().filter(person=self.person).values_list("pk", flat=True))
        zone = timezone.get_current_timezone_name()
        initial = {"from_time": "22:00", "to_time": "07:00", "weekdays": [*range(7)], "time_zone": zone}
        shown = {
            "contact_form": kwargs.pop("contact_form", None) or ContactForm(),
            "quiet_form": kwargs.pop("quiet_form", None) or QuietHoursForm(initial=initial),
        }
        for form in shown.values():
            for name, field in form.fields.items():
                if name != "weekdays":
                    field.widget.attrs["class"] = "lm-input"
        return super().get_context_data(
            contacts=[(one, _shown(one), one.pk in working, one.has_open_code(at=now)) for one in contacts],
            quiet_hours=QuietHours.objects.of_person(self.person),
            **shown,
            **kwargs,
        )


def _shown(contact: ContactPoint) -> str:
    """A mail address as it is, since it is the reader's own; of what is a secret the end."""
    kind = KINDS[contact.channel.kind]
    try:
        values = unseal(contact.channel.sealed_settings)
    except SealBrokenError:
        return "cannot be read any more: take it out and add it again"
    return values[kind.shown_field] if contact.channel.kind == ChannelKind.EMAIL else kind.masked(values)


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
