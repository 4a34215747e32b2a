"""The form that tells users: a state, a title, a text, and how badly which components are affected."""

from collections.abc import Mapping
from typing import Any

from django import forms

from alerts.incidents import impacts
from alerts.models import Component, Incident, StatusUpdate, UpdateState
from alerts.statuspage import wordings
from alerts.statuspage.levels import WORDS, Level
from alerts.statuspage.posting import FINAL, OF_INCIDENTS, OF_MAINTENANCE, About, Draft
from alerts.statuspage.suggesting import suggested_components

_CHOICES = [(int(level), "Not affected" if level is Level.OPERATIONAL else WORDS[level]) for level in Level]
# An incident is no maintenance.
_LEVELS = [one for one in _CHOICES if one[0] != Level.MAINTENANCE]


class StatusForm(forms.Form):
    """Bound to what somebody typed, or filled with what is likely: the next state, the offered words, the suggested components."""

    state = forms.ChoiceField(label="State", widget=forms.RadioSelect)
    title = forms.CharField(
        label="Title",
        required=False,
        help_text="What users notice, in their words. The incident's own title stays inside.",
    )
    text = forms.CharField(
        label="Text", required=False, widget=forms.Textarea({"class": "lm-input", "rows": 6}),
        help_text="For users: no names of people or machines. Markdown: **bold**, lists, links.",
    )  # fmt: skip
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, about: About, earlier: list[StatusUpdate], data: Any = None, *, wanted: str = "") -> None:
        super().__init__(data)
        self.about, self.is_incident = about, isinstance(about, Incident)
        states = OF_INCIDENTS if self.is_incident else OF_MAINTENANCE
        self.fields["state"].choices = [(one.value, one.label) for one in states]  # type: ignore[attr-defined]
        self.fields["title"].widget.attrs |= {"class": "lm-input", "maxlength": 200}
        self.components = list(_components()) if self.is_incident else []
        chosen, self.suggested = self._chosen()
        for one in self.components:
            field = forms.TypedChoiceField(
                label=one.name, choices=_LEVELS, coerce=int, required=False,
                initial=int(chosen.get(one.pk, Level.OPERATIONAL)), widget=forms.Select({"class": "lm-input"}),
            )  # fmt: skip
            self.fields[_field(one)] = field
        known = {one.value for one in states}
        last = earlier[-1] if earlier else None
        state = wanted if wanted in known else _next(last, states)
        names = [one.name for one in self.components if chosen.get(one.pk)] if self.is_incident else self._names()
        self.fields["state"].initial = state
        self.fields["title"].initial = (
            last.title if last else wordings.title_for("incident" if self.is_incident else "maintenance", names)
        )
        self.fields["text"].initial = self._first_text(state, names, has_earlier=last is not None)
        self.fields["seen"].initial = last.pk if last else 0
        # What a script puts in the place of words that nobody touched (alerts/status_form.js).
        self.offered = {one.value: wordings.text_for(one.value, names) for one in states}

    def _chosen(self) -> tuple[Mapping[int, int], set[int]]:
        """Levels by component to begin with, and which of them are mere suggestions."""
        if not isinstance(self.about, Incident):
            return {}, set()
        now = impacts.levels_of(self.about)
        if now or self.about.status_updates.exists():
            return now, set()
        suggested = suggested_components(self.about)
        return dict.fromkeys(suggested, Level.PARTIAL), suggested

    def _names(self) -> list[str]:
        rows = Component.objects.filter(maintenance_windows=self.about.pk, is_public=True)
        return list(rows.order_by("name").values_list("name", flat=True))

    def _first_text(self, state: str, names: list[str], *, has_earlier: bool) -> str:
        announced = "" if isinstance(self.about, Incident) else self.about.announcement
        if state == UpdateState.PLANNED and announced and not has_earlier:
            return announced
        return wordings.text_for(state, names)

    def rows(self) -> list[tuple[Component, Any]]:
        """Each component with its field."""
        return [(one, self[_field(one)]) for one in self.components]

    def draft(self) -> Draft:
        """What stands in it, also while something is missing."""
        self.is_valid()
        found = self.cleaned_data
        levels = {one.pk: Level(int(found.get(_field(one)) or 0)) for one in self.components}
        affected = {pk: level for pk, level in levels.items() if level}
        state = found.get("state") or self.fields["state"].initial
        return Draft(
            UpdateState(state), found.get("title", ""), found.get("text", ""), affected, found.get("seen") or 0
        )

    def with_offered_words(self) -> "StatusForm":
        """The same with the offered text of its state and components, for those without scripts."""
        draft = self.draft()
        names = [one.name for one in self.components if one.pk in draft.levels] if self.is_incident else self._names()
        self.data = {name: self[name].value() for name in self.fields}
        self.data["text"] = wordings.text_for(draft.state, names)
        self.full_clean()
        return self


def _field(component: Component) -> str:
    return f"component_{component.pk}"


def _components() -> Any:
    rows = Component.objects.filter(is_public=True).select_related("group")
    return rows.order_by("group__position", "group__name", "position", "name")


def _next(last: StatusUpdate | None, states: tuple[UpdateState, ...]) -> str:
    """What usually follows."""
    if last is None or last.state in FINAL:
        return states[0].value
    place = [one.value for one in states].index(last.state) if last.state in states else -1
    return states[min(place + 1, len(states) - 1)].value
