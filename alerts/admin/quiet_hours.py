"""Quiet hours of channels; those of people are theirs, under My contacts."""

from datetime import time
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from alerts.models import Channel, QuietHours
from alerts.models.contact import WEEKDAYS, zone_names


class ChannelQuietHoursForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    channel = forms.ModelChoiceField(
        Channel.objects.filter(contact_point__isnull=True).order_by("name"), widget=UnfoldAdminSelectWidget()
    )
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="The days on which they begin.",
    )
    time_zone = forms.ChoiceField(choices=zone_names, widget=UnfoldAdminSelectWidget())

    class Meta:
        model = QuietHours
        fields = ("channel", "from_time", "to_time", "weekdays", "time_zone")


@admin.register(QuietHours)
class QuietHoursAdmin(ModelAdmin):
    list_display = ("channel", "when")
    list_select_related = ("channel",)
    ordering = ("channel__name", "pk")
    form = ChannelQuietHoursForm
    fields = ("channel", ("from_time", "to_time"), "weekdays", "time_zone")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuietHours]:
        return super().get_queryset(request).filter(channel__isnull=False)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "from_time": time(22), "to_time": time(7), "weekdays": [*range(7)],
            "time_zone": timezone.get_current_timezone_name(), **super().get_changeform_initial_data(request),
        }  # fmt: skip

    @display(description="What is not critical waits")
    def when(self, quiet_hours: QuietHours) -> str:
        return quiet_hours.quiet.in_words()
