"""Silences: which alerts nobody is told of for a while, by whom and why."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.views import ChangeList

from alerts.admin.muting_admin import MutingAdmin
from alerts.admin.silence_form import SilenceForm
from alerts.admin.span_filter import SpanFilter
from alerts.models import Silence
from alerts.outbox.muting import names_of


class SilenceChangeList(ChangeList):
    """Gives the rows of the page the names of their rules and services."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        silences = list(self.result_list)
        for silence, named in zip(silences, names_of(*(one.matchers for one in silences)), strict=True):
            silence.named = named
        self.result_list = silences


@admin.register(Silence)
class SilenceAdmin(MutingAdmin):
    form_class = SilenceForm
    previewed = ("matchers",)
    list_display = ("what", "state", "ends", "begins", "by", "end")
    list_filter = (SpanFilter,)
    search_fields = ("reason",)
    search_help_text = "Search reasons"
    nothing = (
        "Nothing is silenced",
        "When an alert is known and people work on it, silence it: nobody is told meanwhile, and it is judged all the same.",
        "Add a silence",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SilenceChangeList

    @display(description="Silence")
    def what(self, silence: Silence) -> SafeString:
        words = format_html_join(", ", "{} <code>{}</code>", sorted(silence.named.items()))  # type: ignore[attr-defined]
        return format_html(
            '<span class="lm-issue-title">{}</span><span class="lm-issue-culprit lm-matcher-words">{}</span>',
            silence.reason,
            words,
        )

    def matchers_in_words(self, what: Silence) -> dict[str, str]:
        return names_of(what.matchers)[0]

    def initial_of(self, request: HttpRequest) -> dict[str, Any]:
        """Labels of the address, such as ``?endpoint=/api/pay*``."""
        asked = {label: str(value)[:300] for label, value in request.GET.items() if not label.startswith("_")}
        return {"matchers": names_of(asked)[0]} if asked else {}
