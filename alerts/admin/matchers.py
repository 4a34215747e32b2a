"""Which alerts a silence is about, as rows of a label and a value that people read and write."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString, mark_safe

from alerts.models import AlertRule
from alerts.models.rule import GROUPINGS
from events.models import Service

# What every alert has, and by what alerts are grouped; others may be typed (alerts.outbox.telling.told_labels).
LABELS = ("rule", "rule_name", *GROUPINGS, "issue")
_MOST, _LONGEST = 20, 300
_BLANK_ROWS = 1


class MatcherRows(forms.Widget):
    """Rows of two fields each: ``NAME_label`` and ``NAME_value``, repeated. The value is a list of pairs of texts."""

    template_name = "admin/alerts/silence/_matchers.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        rows = list(value.items()) if isinstance(value, Mapping) else list(value or ())
        context = super().get_context(name, None, attrs)
        services = Service.objects.order_by("name", "pk").values_list("name", flat=True)[:200]
        rules = AlertRule.objects.order_by("name", "pk").values_list("name", flat=True)[:200]
        return context | {
            "rows": rows + [("", "")] * (_BLANK_ROWS if rows else 2),
            "labels": LABELS,
            "suggested": sorted({*services, *rules}),
        }

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """With the project's templates: those of forms are Django's alone."""
        return mark_safe(render_to_string(self.template_name, self.get_context(name, value, attrs)))  # noqa: S308

    def value_from_datadict(
        self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str
    ) -> list[tuple[str, str]]:
        if not isinstance(data, MultiValueDict):
            return []
        return list(zip(data.getlist(f"{name}_label"), data.getlist(f"{name}_value"), strict=False))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: MultiValueDict[str, Any], name: str) -> bool:
        return f"{name}_label" not in data

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_label_1"


class MatchersField(forms.Field):
    """Cleans to the matchers of a silence: {"service": "3", "endpoint": "/api/pay*"}. Rules and services may be named."""

    widget = MatcherRows

    def clean(self, value: Any) -> dict[str, str]:
        rows = [(label.strip(), text.strip()) for label, text in value or () if label.strip() or text.strip()]
        if not rows:
            raise ValidationError("Say which alerts: at least one label and its value.")
        if len(rows) > _MOST:
            raise ValidationError(f"At most {_MOST} labels.")
        matchers: dict[str, str] = {}
        for label, text in rows:
            if not label or not text:
                raise ValidationError(
                    f"“{label or text}” lacks its {'value' if label else 'label'}. * stands for any value."
                )
            if label in matchers:
                raise ValidationError(
                    f"“{label}” is there twice, and an alert has one value of it. Use a * to match both."
                )
            if len(label) > _LONGEST or len(text) > _LONGEST or "\x00" in label + text:
                raise ValidationError(f"A label and its value have at most {_LONGEST} characters.")
            matchers[label] = _numbered(label, text)
        return matchers


def _numbered(label: str, text: str) -> str:
    """Alerts know their rule and service by number; what is a number already, or a pattern, stays."""
    if label not in ("rule", "service") or "*" in text or text.isdecimal():
        return text
    model: type[Service] | type[AlertRule] = Service if label == "service" else AlertRule
    found = list(model._default_manager.filter(name=text).values_list("pk", flat=True)[:2])  # noqa: SLF001
    if not found:
        raise ValidationError(f"There is no {label} named “{text}”.")
    if len(found) > 1:
        hint = " Use the label rule_name to mean all of them." if label == "rule" else " Use its number."
        raise ValidationError(f"Several have the name “{text}”.{hint}")
    return str(found[0])
