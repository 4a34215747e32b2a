"""Making an API token."""

from datetime import timedelta
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from events.models import ApiToken

# In days; empty: for ever.
_LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "ever")]


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    lifetime = forms.ChoiceField(
        label="Works for",
        choices=_LIFETIMES,
        initial="90",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="After that it is refused.",
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scope")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        return name

    def clean_lifetime(self) -> Any:
        days = self.cleaned_data["lifetime"]
        return timedelta(days=int(days)) if days else None
