"""The dry run of a rule that is being written: what it would have done in the last fortnight, on a chart with its threshold.

A fragment for the form of rules, which posts its fields; nothing is saved.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.generic import TemplateView
from psycopg.errors import QueryCanceled
from unfold.views import UnfoldSiteViewMixin

from alerts.admin.rule_form import RuleForm
from alerts.conditions import ConditionError, ThresholdCondition
from alerts.models import AlertRule
from alerts.models.rule import IMMEDIATE
from alerts.replaying import words
from alerts.replaying.course import ReplayedAlert
from alerts.replaying.found import Replay
from alerts.replaying.replay import TooMuchError, replay
from dashboards.asking import instant
from dashboards.charts import labels_of, marks_of
from dashboards.window import Span
from events.models import Service

# How far back, and for how many seconds at most: less of what takes too long as a whole.
_BACKS = ((timedelta(days=14), 20), (timedelta(days=2), 15))
_STEP = timedelta(hours=2)
_LISTED, _MARKED = 20, 30
_MINUTE = timedelta(minutes=1)
_TOO_MUCH = (
    "This rule is about too much to be replayed at once. Narrow down which events it is about, or save it and run manage.py "
    "replayrules."
)
_LESS = (
    "This rule is about too much for all of the last 14 days to be replayed while you wait: these are the last 2. Saved, it is "
    "replayed over all of them by manage.py replayrules."
)
_Y_LABELS = {"events": "events", "users": "users hurt", "failure_ratio": "share that fails", "share": "share of events"}


class DryRun(UnfoldSiteViewMixin, TemplateView):
    title = "Dry run"
    template_name = "admin/alerts/rule/dry_run.html"
    http_method_names = ["post"]

    def has_permission(self) -> bool:
        """Who may save the rule may try it: it shows counts of what the rule is about."""
        user = self.request.user
        return user.has_perm("alerts.change_alertrule") or user.has_perm("alerts.add_alertrule")

    def handle_no_permission(self) -> Any:
        raise PermissionDenied

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        problems, shown = [], {}
        try:
            rule = rule_of(request.POST)
            shown = _shown(rule, timezone.now())
        except ValidationError as error:
            problems = list(error.messages)
        except ConditionError as error:
            problems = [str(error)]
        except TooMuchError:
            problems = [_TOO_MUCH]
        return self.render_to_response({"problems": problems, **shown})


def rule_of(posted: QueryDict) -> AlertRule:
    """The rule that the fields say, not saved. Raises ValidationError with sentences that name the field."""
    given = posted.copy()
    # Nobody has to name what they only try.
    given["name"] = given.get("name") or "Dry run"
    form = RuleForm(given)
    if not form.is_valid():
        problems = []
        for name, messages in form.errors.items():
            field = form.fields.get(name)
            label = "" if field is None else f"{field.label or name.replace('_', ' ').capitalize()}: "
            problems += [f"{label}{message}" for message in messages]
        raise ValidationError(problems)
    rule: AlertRule = form.instance
    return rule


def _shown(rule: AlertRule, now: datetime) -> dict[str, Any]:
    found = _replayed(rule, now)
    services = dict(Service.objects.values_list("pk", "name"))
    zone = timezone.get_current_timezone()
    return {
        "found": found,
        "is_immediate": rule.condition in IMMEDIATE,
        "sentence": words.sentence(found, zone, services),
        "hints": words.hints(found, rule.condition),
        "chart": _chart(rule, found) if found.points else None,
        "alerts": [
            {
                "when": words.when(alert.fired_at or alert.started_at, zone),
                "lasted": words.lasted(alert),
                "group": words.group(alert.labels, services),
                "told": alert.worst.sentence,
                "link": _link(rule, alert, found.until),
            }
            for alert in found.alerts[: -_LISTED - 1 : -1]
        ],
        "more": max(len(found.alerts) - _LISTED, 0),
    }


def _replayed(rule: AlertRule, now: datetime) -> Replay:
    """The last 14 days, or as few as can be replayed while somebody waits. Raises TooMuchError, ConditionError."""
    for back, seconds in _BACKS:
        try:
            found = replay(rule, since=now - back, until=now, step=_STEP, longest_seconds=seconds)
        except TooMuchError:
            continue
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            continue
        if back != _BACKS[0][0]:
            found.note = f"{_LESS} {found.note}".strip()
        return found
    raise TooMuchError


def _chart(rule: AlertRule, found: Replay) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    starts = [point.start for point in found.points]
    steps = [Span(start, end) for start, end in zip(starts, [*starts[1:], found.until], strict=True)]
    y_label, unit, times = _measure(rule)
    values = [None if point.value is None else point.value * times for point in found.points]
    thresholds = [None if point.threshold is None else point.threshold * times for point in found.points]
    if len(known := {one for one in thresholds if one is not None}) == 1:
        # One that never moves is known at every moment.
        thresholds = [*known] * len(thresholds)
    label = y_label if rule.condition == "latency" else y_label.capitalize()
    datasets = [{"label": label, "tone": "info", "data": values}]
    if any(one is not None for one in thresholds):
        datasets.append({"label": "Threshold", "tone": "critical", "data": thresholds})
    fired = [(alert.fired_at or alert.started_at, "fires") for alert in found.alerts[-_MARKED:]]
    return {
        "id": "dry-run-chart",
        "caption": _caption(rule),
        "type": "bar" if rule.condition in IMMEDIATE else "line",
        "labels": labels_of(steps, zone),
        "datasets": datasets,
        "y_label": y_label,
        "unit": unit,
        "marks": marks_of(steps, zone, fired),
        "marks_say": "when it would have fired",
        "edges": [instant(step.start) for step in steps] + [instant(found.until)],
    }


def _caption(rule: AlertRule) -> str:
    if rule.condition in IMMEDIATE:
        return "What it would have fired by, every two hours"
    of = " of the group that came furthest" if rule.group_by else ""
    return f"The highest value{of} in every two hours, and the threshold"


def _measure(rule: AlertRule) -> tuple[str, str, float]:
    """What the values are called, their unit for charts, and by what they are multiplied for that."""
    condition = rule.parsed()
    if isinstance(condition, ThresholdCondition):
        return _Y_LABELS[condition.measure], "share" if condition.measure in ("failure_ratio", "share") else "", 1.0
    if rule.condition == "latency":
        return f"p{rule.parameters.get('percentile', 95)}", "ms", 1.0
    if rule.condition == "absence":
        return "silence", "ms", 1000.0
    return ("times the budget" if rule.condition == "burn_rate" else "events"), "", 1.0


def _link(rule: AlertRule, alert: ReplayedAlert, until: datetime) -> str:
    """The events of the time in which it fired, as far as the list of events knows the words of the rule and the group."""
    lookback = timedelta(seconds=int(rule.parameters.get("window_seconds", 60)))
    words: dict[str, Any] = {
        "window": "custom",
        "from": instant(alert.started_at - lookback),
        "to": instant((alert.resolved_at or until) + _MINUTE),
    }
    listed: dict[str, Sequence[str]] = {
        "name": rule.names, "severity": rule.severities, "endpoint": rule.endpoints, "environment": rule.environments,
    }  # fmt: skip
    words |= {word: one[0] for word, one in listed.items() if len(one) == 1 and "*" not in one[0]}
    words["service"] = rule.service_id
    words |= {word: value for word, value in alert.labels.items() if word != "issue" and value}
    return f"{reverse('admin:events_event_changelist')}?{urlencode({word: value for word, value in words.items() if value})}"
