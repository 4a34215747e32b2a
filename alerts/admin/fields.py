"""Form fields of the admin of alerts: durations, shares and comma lists as people write them."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from alerts import durations
from alerts.conditions import Parameter


class DurationField(forms.CharField):
    """Whole seconds, written as ``5 min``."""

    def __init__(self, *, low: int = 0, high: int = 366 * 86400, **more: Any) -> None:
        self.low, self.high = low, high
        super().__init__(widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}), **more)

    def prepare_value(self, value: Any) -> Any:
        return durations.written(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            seconds = durations.seconds_of(text)
        except durations.DurationError as error:
            raise forms.ValidationError(str(error)) from None
        if not self.low <= seconds <= self.high:
            raise forms.ValidationError(f"From {durations.written(self.low)} to {durations.written(self.high)}.")
        return seconds

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class NumberField(forms.CharField):
    """A number within bounds; ``50 %`` is 0.5 where ``takes_share``. Thousands may be kept apart by commas."""

    def __init__(self, parameter: Parameter, *, takes_share: bool = False, **more: Any) -> None:
        self.parameter, self.takes_share = parameter, takes_share
        super().__init__(
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "decimal"}), **more
        )

    def prepare_value(self, value: Any) -> Any:
        return f"{value:g}" if isinstance(value, float) and value < 1e6 else value

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        is_share = self.takes_share and text.endswith("%")
        try:
            number = float(text.removesuffix("%").replace(",", "")) if is_share else float(text.replace(",", ""))
        except ValueError:
            said = " or a share such as 5 %" if self.takes_share else ""
            raise forms.ValidationError(f"Write a number{said}.") from None
        # Of 99.9 % there is to be 0.999, and not what dividing leaves.
        number = round(number / 100, 12) if is_share else number
        low, high = self.parameter.low, self.parameter.high
        if not low <= number <= high:
            raise forms.ValidationError(f"From {low:g} to {high:g}.")
        if self.parameter.is_whole and number != int(number):
            raise forms.ValidationError("Write a whole number.")
        return int(number) if self.parameter.is_whole else number

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class SuggestingInput(UnfoldAdminTextInputWidget):
    """A comma list, with buttons below it that add what was seen (alerts/forms.js)."""

    # Asked when the page is shown.
    suggest: Callable[[], Sequence[str]] | None = None

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        shown = super().render(name, value, attrs, renderer)
        known = self.suggest() if self.suggest else ()
        if not known:
            return shown
        context = {"target": (attrs or {}).get("id", f"id_{name}"), "known": known}
        return mark_safe(shown + render_to_string("admin/alerts/_suggestions.html", context))  # noqa: S308 - both are rendered


class CommaListField(forms.CharField):
    """A list of different texts, written with commas between them."""

    def __init__(self, *, longest: int, most: int = 50, **more: Any) -> None:
        self.longest, self.most = longest, most
        super().__init__(widget=SuggestingInput(attrs={"autocomplete": "off"}), required=False, **more)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        found = list(dict.fromkeys(one.strip() for one in (super().to_python(value) or "").split(",") if one.strip()))
        if len(found) > self.most:
            raise forms.ValidationError(f"At most {self.most}; a * covers several.")
        for one in found:
            if len(one) > self.longest:
                raise forms.ValidationError(f"“{one[:40]}…” is longer than {self.longest} characters.")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class LabelRowsWidget(forms.Widget):
    """Labels and their patterns as rows of two inputs, with an empty row at the end."""

    def format_value(self, value: Any) -> Any:
        return value

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [*(value.items() if isinstance(value, dict) else value or []), ("", "")]
        context = {"name": name, "rows": rows, "id": (attrs or {}).get("id", f"id_{name}")}
        return mark_safe(render_to_string("admin/alerts/_label_rows.html", context))  # noqa: S308 - rendered

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[tuple[str, str]]:
        names, values = data.getlist(f"{name}_name"), data.getlist(f"{name}_value")
        return [(one.strip(), value.strip()) for one, value in zip(names, values, strict=False)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}_name" not in data


class LabelsField(forms.Field):
    """``{"endpoint": "/api/pay*"}``."""

    widget = LabelRowsWidget

    def to_python(self, value: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, pattern in value or []:
            if not name and not pattern:
                continue
            if not name or not pattern:
                raise forms.ValidationError("A label needs a name and a value; * stands for anything.")
            if name in found:
                raise forms.ValidationError(f"{name} is there twice: keep one of the rows.")
            if len(name) > 100 or len(pattern) > 300:
                raise forms.ValidationError("Names have up to 100 characters, values up to 300.")
            found[name] = pattern
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or {}) != dict(one for one in data or [] if any(one)))
