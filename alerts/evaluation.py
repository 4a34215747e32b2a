"""Judges rules and writes what becomes of their alerts. The only writer of alerts' states.

Immediate rules are judged by the rows that the write of an event left (EventNotice, IssueTransition): they are claimed in the
transaction that judges them, so that each is judged once whatever is killed. The others are judged every few seconds from rollups.
Two evaluators at once change nothing: rows are claimed with SKIP LOCKED, windows are judged under a lock, and an alert that is open
is one row by a unique key.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction

from alerts import cascading, counting
from alerts.conditions import (
    BURN_WINDOWS,
    AbsenceCondition,
    BurnRateCondition,
    CascadeCondition,
    ConditionError,
    Counted,
    Judged,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
    spoken,
)
from alerts.machine import Open, Patience, Step, step
from alerts.matching import Words
from alerts.models import Alert, AlertEntry, AlertRule, AlertState, ConditionType, EntryKind
from alerts.telling import tell
from events.ingest.types import Severity
from events.latency import milliseconds_of
from events.models import Event, EventNotice, Issue, IssueTransition, Service, TransitionKind
from events.rollups import FAILURES

logger = structlog.get_logger(__name__)
_CLAIMED = 500
# What happened longer ago is counted and told to nobody: it was loaded from an archive, or a client kept it for days.
_LATE = timedelta(hours=24)
_LOCK = "pg_try_advisory_xact_lock(hashtext('alerts.evaluation.judge_windows'))"
# How far back it is looked for events that are absent now.
_HEARD_SINCE = timedelta(days=8)
_SPIKE_DAYS = 14


@dataclass(slots=True)
class Changes:
    """What a round of judging did."""

    fired: int = 0
    resolved: int = 0
    judged: int = 0
    # Critical events among what was judged.
    critical: int = 0


# --- At once ----------------------------------------------------------------------------------------------------------


def judge_news(*, now: datetime) -> Changes:
    """Judge immediate rules by what arrived since the last time, and those of cascades when something critical did."""
    changes = Changes()
    while _judge_notices(changes, now) + _judge_transitions(changes, now):
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
    at: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def _judge_notices(changes: Changes, now: datetime) -> int:
    with transaction.atomic():
        notices = list(EventNotice.objects.select_for_update(skip_locked=True).order_by("pk")[:_CLAIMED])
        if not notices:
            return 0
        rules = list(AlertRule.objects.filter(is_enabled=True, condition=ConditionType.EVENT).order_by("pk"))
        names = dict(Service.objects.values_list("pk", "name"))
        for rule in rules:
            news: dict[str, _News] = {}
            for notice in notices:
                words = _words_of(notice)
                is_late = now - notice.occurred_at > _LATE
                if not is_late and rule.match.takes(words) and (count := _with_tags(rule, notice)):
                    labels = labels_of(rule, words)
                    one = news.setdefault(key_of(labels), _News(labels))
                    one.event_count += count
                    one.at = max(filter(None, (one.at, notice.occurred_at)))
                    one.sentence = _event_sentence(notice, names)
                    one.evidence = {
                        "event_id": str(notice.event_ids[-1]), "service": notice.service_id, "endpoint": notice.endpoint,
                    }  # fmt: skip
            for key, one in sorted(news.items()):
                _move(rule, key, one.labels, Judged(True, None, None, one.sentence), now, changes, one)
        EventNotice.objects.filter(pk__in=[notice.pk for notice in notices]).delete()
        changes.judged += len(notices)
        changes.critical += sum(notice.severity == Severity.CRITICAL for notice in notices)
        return len(notices)


def _words_of(notice: EventNotice) -> Words:
    return Words(
        notice.service_id, notice.name, notice.severity, notice.endpoint, notice.environment, notice.release, notice.labels
    )  # fmt: skip


def _with_tags(rule: AlertRule, notice: EventNotice) -> int:
    """How many of the notice's events have the tag that the rule asks for."""
    if not rule.tag or rule.match.takes_tags(notice.labels):
        return notice.event_count
    places = Event.objects.filter(pk__in=notice.event_ids).values_list("tags", "data")
    return sum(rule.match.takes_tags(*one) for one in places)


def _event_sentence(notice: EventNotice, services: Mapping[int, str]) -> str:
    where = f" at {notice.endpoint}" if notice.endpoint else ""
    said = f": {notice.message}" if notice.message else ""
    return f"{notice.name}{where} of {services.get(notice.service_id, 'a service that is gone')}{said}"[:500]


_KINDS = {ConditionType.NEW_ISSUE: TransitionKind.NEW, ConditionType.REGRESSION: TransitionKind.REGRESSED}


def _judge_transitions(changes: Changes, now: datetime) -> int:
    with transaction.atomic():
        claimed = list(
            IssueTransition.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(processed_at__isnull=True)
            .select_related("issue")
            .order_by("pk")[:_CLAIMED]
        )
        if not claimed:
            return 0
        rules = list(AlertRule.objects.filter(is_enabled=True, condition__in=_KINDS).order_by("pk"))
        for transition in claimed:
            for rule in rules:
                if transition.kind == _KINDS[ConditionType(rule.condition)]:
                    _judge_issue(rule, transition, changes, now)
        IssueTransition.objects.filter(pk__in=[one.pk for one in claimed]).update(processed_at=now)
        changes.judged += len(claimed)
        return len(claimed)


def _judge_issue(rule: AlertRule, transition: IssueTransition, changes: Changes, now: datetime) -> None:
    """Each issue is a group of its own: it is told of once, however many rules' words it has."""
    issue: Issue = transition.issue
    if transition.event_id is None or now - transition.at > _LATE:
        return
    event = Event.objects.filter(pk=transition.event_id).defer("exception", "breadcrumbs").first()
    if event is None:
        return
    words = Words(
        event.service_id, event.name, event.severity, event.endpoint, event.environment, event.release, event.labels
    )  # fmt: skip
    if not rule.match.takes(words) or not rule.match.takes_tags(event.tags, event.data, event.labels):
        return
    labels = {**labels_of(rule, words), "issue": str(issue.pk)}
    what = "New issue" if transition.kind == TransitionKind.NEW else "Came back"
    news = _News(
        labels,
        1,
        at=transition.at,
        evidence={
            "issue": issue.pk,
            "event_id": str(event.pk),
            "service": event.service_id,
            "endpoint": event.endpoint,
        },
    )
    judged = Judged(True, None, None, f"{what}: {issue.title}"[:500])
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
        reading = _Reading(now)
        open_alerts = _open_by_rule()
        for rule in AlertRule.objects.windowed().select_related("service").order_by("pk"):
            _judge_windowed(rule, reading, open_alerts.get(rule.pk, {}), changes)
        for rule in AlertRule.objects.filter(pk__in=open_alerts).immediate():
            for alert in open_alerts[rule.pk].values():
                _let_go(alert, now, changes)
        for alert in Alert.objects.open().filter(rule__is_enabled=False).select_related("rule"):
            _end(alert, now, changes, "The rule was switched off.")
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
        reading, open_alerts = _Reading(now), _open_by_rule()
        for rule in rules:
            _judge_windowed(rule, reading, open_alerts.get(rule.pk, {}), changes)
    return changes


def _judge_windowed(rule: AlertRule, reading: "_Reading", open_alerts: Mapping[str, Alert], changes: Changes) -> None:
    try:
        found = _judgements(rule, reading, open_alerts.values())
    except ConditionError as error:
        # It was checked when it was saved; a later version may know fewer parameters.
        logger.warning("rule_not_judged", rule=rule.pk, reason=str(error))
        return
    changes.judged += 1
    for key, (labels, judged) in found.items():
        if judged.holds or key in open_alerts:
            _move(rule, key, labels, judged, reading.now, changes)
    for key in open_alerts.keys() - found.keys():
        _let_go(open_alerts[key], reading.now, changes)


def _open_by_rule() -> dict[int, dict[str, Alert]]:
    found: dict[int, dict[str, Alert]] = defaultdict(dict)
    for alert in Alert.objects.open().select_related("rule"):
        found[alert.rule_id][alert.group_key] = alert
    return dict(found)


class _Reading:
    """What was counted, read once a window however many rules ask."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        # The minute that runs counts.
        self.end = counting.full_minute(now) + timedelta(minutes=1)
        self._counts: dict[tuple[datetime, datetime], list[counting.CountOf]] = {}
        self._histograms: dict[int, list[tuple[Words, int, int]]] = {}
        self._users: dict[int, list[tuple[Words, str]]] = {}
        self._by_minute: list[tuple[Words, datetime, int]] | None = None
        self._heard: list[tuple[Words, datetime]] | None = None

    def counts(self, seconds: int, *, days_ago: int = 0) -> list[counting.CountOf]:
        end = self.end - timedelta(days=days_ago)
        start = counting.full_minute(end - timedelta(seconds=seconds))
        if (start, end) not in self._counts:
            self._counts[start, end] = counting.counts(start=start, end=end)
        return self._counts[start, end]

    def histograms(self, seconds: int) -> list[tuple[Words, int, int]]:
        if seconds not in self._histograms:
            start = counting.full_minute(self.end - timedelta(seconds=seconds))
            self._histograms[seconds] = counting.histograms(start=start, end=self.end)
        return self._histograms[seconds]

    def users(self, seconds: int) -> list[tuple[Words, str]]:
        if seconds not in self._users:
            start = counting.full_minute(self.end - timedelta(seconds=seconds))
            self._users[seconds] = counting.users(start=start, end=self.end, severities=FAILURES)
        return self._users[seconds]

    def by_minute(self) -> list[tuple[Words, datetime, int]]:
        """Of what a cascade may show in."""
        if self._by_minute is None:
            start = counting.full_minute(self.now - cascading.LOOKED_AT)
            self._by_minute = counting.by_minute(start=start, end=self.end)
        return self._by_minute

    def heard(self) -> list[tuple[Words, datetime]]:
        if self._heard is None:
            self._heard = counting.last_heard(since=self.now - _HEARD_SINCE, now=self.now)
        return self._heard


Found = dict[str, tuple[dict[str, str], Judged]]


def _judgements(rule: AlertRule, reading: _Reading, open_alerts: Iterable[Alert]) -> Found:
    condition = rule.parsed()
    if isinstance(condition, CascadeCondition):
        return _cascade(rule, condition, reading, open_alerts)
    if isinstance(condition, ThresholdCondition):
        users: Mapping[str, set[str]] = (
            _users(rule, reading.users(condition.window_seconds)) if condition.measure == "users" else {}
        )
        groups = _counted(rule, reading.counts(condition.window_seconds), users)
        return {key: (labels, condition.judge(counted)) for key, (labels, counted) in groups.items()}
    if isinstance(condition, LatencyCondition):
        return _latency(rule, condition, reading)
    if isinstance(condition, SpikeCondition):
        return _spike(rule, condition, reading)
    if isinstance(condition, AbsenceCondition):
        return _absence(rule, condition, reading)
    if isinstance(condition, BurnRateCondition):
        return _burn_rate(rule, condition, reading)
    return {}


def _counted(
    rule: AlertRule,
    rows: Iterable[counting.CountOf],
    users: Mapping[str, set[str]] = {},
) -> dict[str, tuple[dict[str, str], Counted]]:
    """What the rule is about, by group. Without grouping there is always one group, and it may be empty."""
    match = rule.match
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    labels_by_key: dict[str, dict[str, str]] = {} if rule.group_by else {key_of({}): {}}
    for words, count in rows:
        if match.takes(words):
            labels = labels_of(rule, words)
            key = key_of(labels)
            labels_by_key[key] = labels
            is_request = words.name == "api_response_time"
            is_error = not is_request and words.severity in ("critical", "error")
            is_bad_answer = is_request and words.labels.get("status") == "5xx"
            is_tagged = match.takes_tags(words.labels)
            for place, is_counted in enumerate((is_tagged, is_error, is_bad_answer, is_request, True)):
                sums[key][place] += count * is_counted
    counted = {}
    for key, labels in labels_by_key.items():
        events, errors, bad_answers, requests, volume = sums[key]
        # Services often tell the same failure both ways.
        failures = max(errors, bad_answers)
        counted[key] = labels, Counted(events, failures, requests, users=len(users.get(key, ())), volume=volume)
    return counted


def _users(rule: AlertRule, rows: Iterable[tuple[Words, str]]) -> dict[str, set[str]]:
    match, found = rule.match, defaultdict(set)
    for words, user in rows:
        if match.takes(words):
            found[key_of(labels_of(rule, words))].add(user)
    return found


def _latency(rule: AlertRule, condition: LatencyCondition, reading: _Reading) -> Found:
    match, labels_by_key = rule.match, {}
    merged: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for words, bucket, count in reading.histograms(condition.window_seconds):
        if match.takes(words):
            labels = labels_of(rule, words)
            key = key_of(labels)
            labels_by_key[key] = labels
            merged[key][bucket] += count
    return {
        key: (labels, condition.judge(Counted(latencies=merged[key]), milliseconds_of))
        for key, labels in labels_by_key.items()
    }


def _spike(rule: AlertRule, condition: SpikeCondition, reading: _Reading) -> Found:
    groups = _counted(rule, reading.counts(condition.window_seconds))
    of_service = rule.service.first_event_at if rule.service else None
    first = of_service or counting.first_heard()
    days = (
        0
        if first is None
        else min(_SPIKE_DAYS, (reading.now - timedelta(seconds=condition.window_seconds) - first).days)
    )
    earlier = [_counted(rule, reading.counts(condition.window_seconds, days_ago=ago)) for ago in range(1, days + 1)]
    return {
        key: (labels, condition.judge(counted.events, [day[key][1].events if key in day else 0 for day in earlier]))
        for key, (labels, counted) in groups.items()
    }


def _absence(rule: AlertRule, condition: AbsenceCondition, reading: _Reading) -> Found:
    """Of groups that were heard of in the last days; without grouping also of what never was."""
    match = rule.match
    last: dict[str, tuple[dict[str, str], datetime | None]] = {} if rule.group_by else {key_of({}): ({}, None)}
    for words, minute in reading.heard():
        if match.takes(words):
            labels = labels_of(rule, words)
            key = key_of(labels)
            before = last[key][1] if key in last else None
            last[key] = (labels, minute if before is None else max(before, minute))
    return {
        # Heard in a minute is heard until its end.
        key: (
            labels,
            condition.judge(None if at is None else max((reading.now - at).total_seconds() - 60, 0.0)),
        )
        for key, (labels, at) in last.items()
    }


def _burn_rate(rule: AlertRule, condition: BurnRateCondition, reading: _Reading) -> Found:
    seconds = sorted({one for long, short, _ in BURN_WINDOWS for one in (long, short)})
    by_window = {one: _counted(rule, reading.counts(one)) for one in seconds}
    keys = {key: labels for groups in by_window.values() for key, (labels, _) in groups.items()}
    nothing: tuple[dict[str, str], Counted] = ({}, Counted())
    return {
        key: (labels, condition.judge({one: by_window[one].get(key, nothing)[1] for one in seconds}))
        for key, labels in keys.items()
    }


def _cascade(rule: AlertRule, condition: CascadeCondition, reading: _Reading, open_alerts: Iterable[Alert]) -> Found:
    judged = cascading.judge(
        rule.match,
        [word for word in rule.group_by if word in ("service", "environment")],
        condition,
        rows=reading.by_minute(),
        now=reading.now,
        open_evidence={cascading.label_key(alert.labels): alert.evidence for alert in open_alerts},
    )
    return {key_of(labels): (labels, one) for labels, one in judged}


# --- What becomes of alerts -------------------------------------------------------------------------------------------


def labels_of(rule: AlertRule, words: Words) -> dict[str, str]:
    """The words of the group that an event belongs to."""
    return {word: words.label(word) for word in rule.group_by}


def key_of(labels: Mapping[str, str]) -> str:
    written = "\x00".join(f"{word}\x01{labels[word]}" for word in sorted(labels))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


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
    opened = None if alert is None else Open(alert.state == AlertState.FIRING, alert.started_at, alert.held_at)
    patience = Patience(timedelta(seconds=rule.for_seconds), rule.recovers_after)
    what = step(opened, holds=judged.holds, now=now, patience=patience)
    if what is Step.NOTHING:
        return
    if what in (Step.START, Step.START_FIRING):
        alert = _start(rule, key, labels, judged, now)
        if alert is None:  # another evaluator was quicker; it holds all the same
            _move(rule, key, labels, judged, now, changes, news)
            return
    assert alert is not None  # noqa: S101 - every other step has an open one
    if judged.holds:
        alert.held_at, alert.value, alert.threshold, alert.summary = (
            now,
            judged.value,
            judged.threshold,
            judged.sentence,
        )
        if judged.evidence is not None:
            alert.evidence = dict(judged.evidence)
        if news is not None:
            alert.event_count += news.event_count
            alert.evidence = news.evidence
    alert.judged_at = now
    if what in (Step.START_FIRING, Step.FIRE):
        _fire(alert, now, changes)
    elif what in (Step.SUBSIDE, Step.RESOLVE):
        _end(alert, now, changes, judged.sentence)
        return
    alert.save()


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
    tell(alert, at=now)
    changes.fired += 1


def _let_go(alert: Alert, now: datetime, changes: Changes) -> None:
    """Nothing was counted of its group: it does not hold."""
    opened = Open(alert.state == AlertState.FIRING, alert.started_at, alert.held_at)
    patience = Patience(timedelta(seconds=alert.rule.for_seconds), alert.rule.recovers_after)
    if step(opened, holds=False, now=now, patience=patience) in (Step.SUBSIDE, Step.RESOLVE):
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
        tell(alert, at=now)
        changes.resolved += 1
