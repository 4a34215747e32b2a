"""The forms of silences and windows of maintenance: until when, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from alerts.acting import expiry
from alerts.admin.matchers import MatchersField
from alerts.models import Component, MaintenanceWindow, Silence

OWN = "own"
_AS_IT_IS = "keep"


def _local_time(**attrs: str) -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local", "class": "lm-input", **attrs}, format="%Y-%m-%dT%H:%M")


class SpanForm(forms.ModelForm):  # type: ignore[type-arg]  # of two models
    """From when until when, on the reader's clock: a span from a list, or a time of one's own."""

    lasts = forms.ChoiceField(label="Until when", widget=forms.RadioSelect)
    own_end = forms.DateTimeField(label="Ends at", required=False, widget=_local_time())
    own_start = forms.DateTimeField(
        label="Begins at", required=False, widget=_local_time(), help_text="Empty: now."
    )  # fmt: skip

    def __init__(self, *args: Any, now: datetime | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now or timezone.now()
        is_new = self.instance.pk is None
        kept = () if is_new else ((_AS_IT_IS, "as it is"),)
        self.fields["lasts"].choices = [*kept, *expiry.CHOICES, (OWN, "at a time of its own")]  # type: ignore[attr-defined]
        self.fields["lasts"].initial = expiry.CHOICES[0][0] if is_new else _AS_IT_IS
        self.fields["own_end"].initial = None if is_new else self.instance.ends_at
        self.fields["own_start"].initial = None if is_new else self.instance.starts_at
        if not is_new:
            self.fields["own_start"].help_text = ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        starts_at = self._start(cleaned)
        choice = cleaned.get("lasts")
        ends_at: datetime | None = None
        if choice == OWN:
            ends_at = cleaned.get("own_end")
            if ends_at is None and "own_end" not in self.errors:
                self.add_error("own_end", "Say when it ends, or choose a span.")
        elif choice == _AS_IT_IS:
            ends_at = self.instance.ends_at
        elif choice:
            ends_at = expiry.ends_at(choice, now=max(starts_at, self.now), zone=timezone.get_current_timezone())
        if ends_at is not None:
            place = "own_end" if choice == OWN else "lasts"
            if ends_at <= self.now:
                self.add_error(place, "That is over already: choose a later end.")
            elif ends_at <= starts_at:
                self.add_error(place, "It ends before it begins: choose a later end.")
            self.instance.starts_at, self.instance.ends_at = starts_at, ends_at
        return cleaned

    def _start(self, cleaned: Mapping[str, Any]) -> datetime:
        """To the minute as people type it: what was not touched keeps its seconds."""
        typed: datetime | None = cleaned.get("own_start")
        kept: datetime | None = self.instance.starts_at if self.instance.pk else None
        if typed is None:
            return kept or self.now
        is_untouched = kept is not None and typed == kept.replace(second=0, microsecond=0)
        return kept if kept is not None and is_untouched else typed


class SilenceForm(SpanForm):
    matchers = MatchersField(label="Which alerts", help_text="Every row must hold. * stands for anything: /api/pay*")

    class Meta:
        model = Silence
        fields = ("matchers", "reason")
        widgets = {
            "reason": forms.TextInput(
                attrs={"class": "lm-input", "placeholder": "Deploy of the pool fix is on its way"}
            )
        }

    field_order = ("matchers", "reason", "lasts", "own_end", "own_start")


class MaintenanceForm(SpanForm):
    class Meta:
        model = MaintenanceWindow
        fields = ("name", "service", "is_announced", "announcement", "components")
        labels = {
            "name": "What is done", "is_announced": "Announce it on the status page", "announcement": "What users read",
            "components": "What users cannot use meanwhile",
        }  # fmt: skip
        help_texts = {
            "name": "For the team; users do not see it.",
            "announcement": "In Markdown: no names, no internals.",
            "components": "",
        }
        widgets = {
            "name": forms.TextInput(attrs={"class": "lm-input", "placeholder": "PostgreSQL upgrade"}),
            "service": forms.Select(attrs={"class": "lm-input"}),
            "announcement": forms.Textarea(attrs={"class": "lm-input", "rows": 4}),
            "components": forms.CheckboxSelectMultiple,
        }

    field_order = (
        "name", "service", "lasts", "own_end", "own_start", "is_announced", "announcement", "components",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["components"]
        chosen.queryset = Component.objects.filter(is_public=True).order_by("position", "name")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("is_announced") and not (cleaned.get("announcement") or "").strip():
            self.add_error("announcement", "Write what users are to know, or do not announce it.")
        return cleaned
