"""Making a key, and changing how much it may send."""

from typing import Any
from urllib.parse import urlsplit

from django import forms

from events.models import KeyKind

_MOST_ORIGINS = 50


class RateLimitField(forms.IntegerField):
    def __init__(self) -> None:
        super().__init__(
            required=False,
            min_value=0,
            max_value=2_147_483_647,
            help_text="Events a minute; more are refused with 429. Empty: the installation's default "
            "(LIFTMON_KEY_RATE_LIMIT). 0: no limit.",
        )


class KeyLimitForm(forms.Form):
    rate_limit = RateLimitField()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["rate_limit"].widget.attrs["class"] = "lm-input"


class KeyForm(forms.Form):
    kind = forms.ChoiceField(choices=KeyKind.choices, initial=KeyKind.SECRET)
    label = forms.CharField(max_length=60, required=False, help_text="Where it is used, for example “production”.")
    allowed_origins = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://studentlift.org\nhttps://*.studentlift.org"}),
        help_text="Public keys only: the origins whose pages may send, one a line. Empty: any.",
    )
    rate_limit = RateLimitField()

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id_key_%s")  # the page has a form of the service beside it
        for field in self.fields.values():
            field.widget.attrs["class"] = "lm-input"

    def clean_allowed_origins(self) -> list[str]:
        """``scheme://host[:port]`` each, without a path; ``https://*.example.org`` for every subdomain."""
        origins = [
            line.strip().rstrip("/") for line in self.cleaned_data["allowed_origins"].splitlines() if line.strip()
        ]
        if len(origins) > _MOST_ORIGINS:
            raise forms.ValidationError(f"At most {_MOST_ORIGINS} origins; “https://*.example.org” covers subdomains.")
        for origin in origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or not parts.hostname
                or parts.path
                or parts.query
                or len(origin) > 200
            ):
                raise forms.ValidationError(f"{origin!r} is not an origin. Write it as https://studentlift.org.")
        return origins
