"""Judges rules and writes what becomes of their alerts. The only writer of alerts' states.

Immediate rules are judged by the rows that the write of an event left (EventNotice, IssueTransition): they are claimed in the
transaction that judges them, so that each is judged once whatever is killed. The others are judged every few seconds from rollups.
Two evaluators at once change nothing: rows are claimed with SKIP LOCKED, windows are judged under a lock, and an alert that is open
is one row by a unique key.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from django.db import connection, transaction
from psycopg.types.json import Jsonb

from alerts.conditions import CascadeCondition, ConditionError, EscalatingCondition, Judged, spoken
from alerts.incidents import opening
from alerts.judging import cascading, growing_issues
from alerts.judging.grouping import key_of, labels_of
from alerts.judging.machine import Open, Step, step
from alerts.judging.moment import groups, judge
from alerts.judging.news import KINDS, LATE, event_sentence, issue_labels, issue_sentence, words_of
from alerts.judging.reading import Reading
from alerts.models import Alert, AlertEntry, AlertRule, AlertState, ConditionType, EntryKind
from alerts.on_call import escalating
from alerts.outbox.telling import tell
from events.ingest.types import Severity
from events.models import Event, EventNotice, IssueTransition, Service

logger = structlog.get_logger(__name__)
_CLAIMED = 500
_LOCK = "pg_try_advisory_xact_lock(hashtext('alerts.evaluation.judge_windows'))"


@dataclass(slots=True)
class Changes:
    """What a round of judging did."""

    fired: int = 0
    resolved: int = 0
    judged: int = 0
    # Critical events among what was judged.
    critical: int = 0
    # Those that fire and are yet to be told of.
    firing: list[Alert] = field(default_factory=list)


# --- At once ----------------------------------------------------------------------------------------------------------


def judge_news(*, now: datetime, until: datetime | None = None) -> Changes:
    """Judge immediate rules by what arrived since the last time, and those of cascades when something critical did.

    With ``until``, what happened later is left for another time.
    """
    changes = Changes()
    while _judge_notices(changes, now, until) + _judge_transitions(changes, now, until):
        pass
    if changes.critical:
        changes.fired += judge_cascades(now=now).fired
    return changes


@dataclass(slots=True)
class _News:
    """What arrived for one rule and group."""

    labels: dict[str, str]
    event_count: int = 0
    sentence: str = ""
    # When the first and the last of them happened, as far as notices tell: the newest of a batch.
    began: datetime | None = None
    at: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def _judge_notices(changes: Changes, now: datetime, until: datetime | None) -> int:
    with transaction.atomic():
        waiting = EventNotice.objects.select_for_update(skip_locked=True)
        waiting = waiting.filter(occurred_at__lte=until) if until else waiting
        notices = list(waiting.order_by("pk")[:_CLAIMED])
        if not notices:
            return 0
        rules = list(AlertRule.objects.filter(is_enabled=True, condition=ConditionType.EVENT).order_by("pk"))
        names = dict(Service.objects.values_list("pk", "name"))
        for rule in rules:
            news: dict[str, _News] = {}
            for notice in notices:
                words = words_of(notice)
                is_late = now - notice.occurred_at > LATE
                if not is_late and rule.match.takes(words) and (count := _with_tags(rule, notice)):
                    labels = labels_of(rule.group_by, words)
                    one = news.setdefault(key_of(labels), _News(labels))
                    one.event_count += count
                    one.at = max(filter(None, (one.at, notice.occurred_at)))
                    one.sentence = event_sentence(notice, names)
                    one.began = min(filter(None, (one.began, notice.occurred_at)))
                    one.evidence = {
                        "event_id": str(notice.event_ids[-1]), "service": notice.service_id, "endpoint": notice.endpoint,
                        "occurred_at": one.began.astimezone(UTC).isoformat(),
                    }  # fmt: skip
            for key, one in sorted(news.items()):
                _move(rule, key, one.labels, Judged(True, None, None, one.sentence), now, changes, one)
        EventNotice.objects.filter(pk__in=[notice.pk for notice in notices]).delete()
        _announce(changes, now)
        changes.judged += len(notices)
        changes.critical += sum(notice.severity == Severity.CRITICAL for notice in notices)
        return len(notices)


def _with_tags(rule: AlertRule, notice: EventNotice) -> int:
    """How many of the notice's events have the tag that the rule asks for."""
    if not rule.tag or rule.match.takes_tags(notice.labels):
        return notice.event_count
    places = Event.objects.filter(pk__in=notice.event_ids).values_list("tags", "data")
    return sum(rule.match.takes_tags(*one) for one in places)


def _judge_transitions(changes: Changes, now: datetime, until: datetime | None) -> int:
    with transaction.atomic():
        waiting = IssueTransition.objects.select_for_update(skip_locked=True, of=("self",)).select_related("issue")
        waiting = waiting.filter(at__lte=until) if until else waiting
        claimed = list(waiting.filter(processed_at__isnull=True).order_by("pk")[:_CLAIMED])
        if not claimed:
            return 0
        rules = list(AlertRule.objects.filter(is_enabled=True, condition__in=KINDS).order_by("pk"))
        for transition in claimed:
            for rule in rules:
                if transition.kind == KINDS[ConditionType(rule.condition)]:
                    _judge_issue(rule, transition, changes, now)
        IssueTransition.objects.filter(pk__in=[one.pk for one in claimed]).update(processed_at=now)
        _announce(changes, now)
        changes.judged += len(claimed)
        return len(claimed)


def _judge_issue(rule: AlertRule, transition: IssueTransition, changes: Changes, now: datetime) -> None:
    if transition.event_id is None or now - transition.at > LATE:
        return
    event = Event.objects.filter(pk=transition.event_id).defer("exception", "breadcrumbs").first()
    if event is None:
        return
    labels = issue_labels(rule, transition, event)
    if labels is None:
        return
    news = _News(
        labels,
        1,
        at=transition.at,
        evidence={
            "issue": transition.issue_id,
            "event_id": str(event.pk),
            "service": event.service_id,
            "endpoint": event.endpoint,
            "occurred_at": event.occurred_at.astimezone(UTC).isoformat(),
        },
    )
    judged = Judged(True, None, None, issue_sentence(transition))
    _move(rule, key_of(labels), labels, judged, now, changes, news)


# --- Every few seconds ------------------------------------------------------------------------------------------------


def judge_windows(*, now: datetime) -> Changes:
    """Judge every windowed rule from rollups, and resolve what recovered. Nothing while another evaluator does."""
    changes = Changes()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {_LOCK}")
            if not cursor.fetchone()[0]:
                return changes
        reading = Reading(now)
        open_alerts = _open_by_rule()
        held: list[Alert] = []
        for rule in AlertRule.objects.windowed().order_by("pk"):
            held += _judge_windowed(rule, reading, open_alerts.get(rule.pk, {}), changes)
        _write_held(held)
        for rule in AlertRule.objects.filter(pk__in=open_alerts).immediate():
            for alert in open_alerts[rule.pk].values():
                _let_go(alert, now, changes)
        for alert in Alert.objects.open().filter(rule__is_enabled=False).select_related("rule"):
            _end(alert, now, changes, "The rule was switched off.")
        _announce(changes, now)
    return changes


def judge_cascades(*, now: datetime) -> Changes:
    """Judge the rules of cascades at once, as a critical event may be part of one. Nothing while another evaluator judges."""
    changes = Changes()
    with transaction.atomic():
        rules = list(AlertRule.objects.windowed().filter(condition=ConditionType.CASCADE).order_by("pk"))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {_LOCK}")
            if not rules or not cursor.fetchone()[0]:
                return changes
        reading, open_alerts = Reading(now), _open_by_rule()
        for rule in rules:
            _write_held(_judge_windowed(rule, reading, open_alerts.get(rule.pk, {}), changes))
        _announce(changes, now)
    return changes


def _judge_windowed(rule: AlertRule, reading: Reading, opened: Mapping[str, Alert], changes: Changes) -> list[Alert]:
    """``opened`` are its open alerts by group. Answers those that go on, which are to be written."""
    now, held = reading.now, []
    try:
        found = _judgements(rule, reading, opened.values())
    except ConditionError as error:
        # It was checked when it was saved; a later version may know fewer parameters.
        logger.warning("rule_not_judged", rule=rule.pk, reason=str(error))
        return []
    changes.judged += 1
    for key, (labels, judged) in found.items():
        what = _step_of(opened.get(key), rule, judged, now)
        if what is Step.HOLD:
            held.append(_held(opened[key], judged, now))
        elif what is not Step.NOTHING:
            _move(rule, key, labels, judged, now, changes)
    for key in opened.keys() - found.keys():
        _let_go(opened[key], now, changes)
    return held


def _open_by_rule() -> dict[int, dict[str, Alert]]:
    found: dict[int, dict[str, Alert]] = defaultdict(dict)
    for alert in Alert.objects.open().select_related("rule"):
        found[alert.rule_id][alert.group_key] = alert
    return dict(found)


type Found = dict[str, tuple[dict[str, str], Judged]]


def _judgements(rule: AlertRule, reading: Reading, open_alerts: Iterable[Alert]) -> Found:
    """Of every group of which there is anything: its labels, and what is said of it. Raises ConditionError."""
    condition = rule.parsed()
    if isinstance(condition, CascadeCondition):
        return _cascade(rule, condition, reading, open_alerts)
    if isinstance(condition, EscalatingCondition):
        return _growing(rule, condition, reading.now)
    moment = reading.of(rule.match, rule.group_by)
    judged = ((key, judge(condition, moment, key)) for key in groups(condition, moment))
    return {key: (moment.labels[key], one) for key, one in judged if one is not None}


def _cascade(rule: AlertRule, condition: CascadeCondition, reading: Reading, open_alerts: Iterable[Alert]) -> Found:
    judged = cascading.judge(
        rule.match,
        rule.group_by,
        condition,
        rows=reading.by_minute(cascading.looked_at(condition)),
        now=reading.now,
        open_evidence={cascading.label_key(alert.labels): alert.evidence for alert in open_alerts},
    )
    return {key_of(labels): (labels, one) for labels, one in judged}


def _growing(rule: AlertRule, condition: EscalatingCondition, now: datetime) -> Found:
    match = growing_issues.match_of(rule.match)
    found: Found = {}
    for issue in growing_issues.growing(now=now, least=condition.least):
        if match.takes(issue.words):
            labels, judged = growing_issues.judgement(condition, issue)
            found[key_of(labels)] = labels, judged
    return found


# --- What becomes of alerts -------------------------------------------------------------------------------------------


def _move(
    rule: AlertRule,
    key: str,
    labels: dict[str, str],
    judged: Judged,
    now: datetime,
    changes: Changes,
    news: _News | None = None,
) -> None:
    """Take the group's alert where the judgement leads."""
    alert = _locked(rule, key)
    what = _step_of(alert, rule, judged, now)
    if what is Step.NOTHING:
        return
    if what in (Step.START, Step.START_FIRING):
        alert = _start(rule, key, labels, judged, now)
        if alert is None:  # another evaluator was quicker; it holds all the same
            _move(rule, key, labels, judged, now, changes, news)
            return
    assert alert is not None  # noqa: S101 - every other step has an open one
    if judged.holds:
        _held(alert, judged, now)
        if news is not None:
            alert.event_count += news.event_count
            began = [one["occurred_at"] for one in (alert.evidence, news.evidence) if "occurred_at" in one]
            alert.evidence = news.evidence | {"occurred_at": min(began)}
    alert.judged_at = now
    if what in (Step.START_FIRING, Step.FIRE):
        _fire(alert, now, changes)
    elif what in (Step.SUBSIDE, Step.RESOLVE):
        _end(alert, now, changes, judged.sentence)
        return
    alert.save()


def _step_of(alert: Alert | None, rule: AlertRule, judged: Judged | None, now: datetime) -> Step:
    opened = None if alert is None else Open(alert.state == AlertState.FIRING, alert.started_at, alert.held_at)
    return step(opened, holds=judged is not None and judged.holds, now=now, patience=rule.patience)


def _held(alert: Alert, judged: Judged, now: datetime) -> Alert:
    alert.held_at, alert.judged_at, alert.summary = now, now, judged.sentence
    alert.value, alert.threshold = judged.value, judged.threshold
    if judged.evidence is not None:
        alert.evidence = dict(judged.evidence)
    return alert


def _write_held(alerts: Sequence[Alert]) -> None:
    """What goes on, in one statement: of a storm's hundreds of alerts that is most. What somebody resolved meanwhile stays so."""
    columns: list[Any] = [
        [alert.pk for alert in alerts],
        [alert.held_at for alert in alerts],
        [alert.value for alert in alerts],
        [alert.threshold for alert in alerts],
        [alert.summary for alert in alerts],
        [Jsonb(alert.evidence) for alert in alerts],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE alerts_alert AS alert SET held_at = told.held_at, judged_at = told.held_at, value = told.value,
                threshold = told.threshold, summary = told.summary, evidence = told.evidence
            FROM unnest(%s::bigint[], %s::timestamptz[], %s::float8[], %s::float8[], %s::text[], %s::jsonb[])
                AS told (id, held_at, value, threshold, summary, evidence)
            WHERE alert.id = told.id AND alert.state <> 'resolved'
            """,
            columns,
        )


def _locked(rule: AlertRule, key: str) -> Alert | None:
    return Alert.objects.open().select_for_update().filter(rule=rule, group_key=key).first()


def _start(rule: AlertRule, key: str, labels: dict[str, str], judged: Judged, now: datetime) -> Alert | None:
    made = Alert(
        rule=rule, labels=labels, group_key=key, state=AlertState.PENDING, severity=rule.severity, started_at=now,
        held_at=now, judged_at=now, value=judged.value, threshold=judged.threshold, summary=judged.sentence,
    )  # fmt: skip
    Alert.objects.bulk_create([made], ignore_conflicts=True)
    alert = _locked(rule, key)
    if alert is None or alert.started_at != now:
        return None
    AlertEntry.objects.create(alert=alert, kind=EntryKind.STARTED, at=now, text=judged.sentence)
    return alert


def _fire(alert: Alert, now: datetime, changes: Changes) -> None:
    alert.state, alert.fired_at = AlertState.FIRING, now
    alert.save()
    AlertEntry.objects.create(alert=alert, kind=EntryKind.FIRED, at=now, text=alert.summary)
    changes.firing.append(alert)
    changes.fired += 1


def _announce(changes: Changes, now: datetime) -> None:
    """Give what fires to its incident, and tell people. Last in its transaction: alerts are given to incidents by one transaction
    at a time, and whoever waits for that must hold nothing that another one still needs."""
    for alert in changes.firing:
        opening.take(alert, at=now)
        tell(alert, at=now)
        escalating.begin(alert, at=now)
    changes.firing.clear()


def _let_go(alert: Alert, now: datetime, changes: Changes) -> None:
    """Nothing was counted of its group: it does not hold."""
    if _step_of(alert, alert.rule, None, now) in (Step.SUBSIDE, Step.RESOLVE):
        _end(alert, now, changes, f"Nothing of it for {spoken((now - alert.held_at).total_seconds())}.")


def _end(alert: Alert, now: datetime, changes: Changes, why: str) -> None:
    """Resolve it, unless another evaluator did."""
    was_firing = alert.state == AlertState.FIRING
    # News may have come since it was read.
    ended = (
        Alert.objects.open()
        .filter(pk=alert.pk, held_at=alert.held_at)
        .update(state=AlertState.RESOLVED, resolved_at=now, judged_at=now)
    )
    if not ended:
        return
    alert.refresh_from_db()
    kind = EntryKind.RESOLVED if was_firing else EntryKind.SUBSIDED
    AlertEntry.objects.create(alert=alert, kind=kind, at=now, text=why[:500])
    if was_firing:
        escalating.stop(alert, at=now, why="It was over.")
        tell(alert, at=now)
        changes.resolved += 1
