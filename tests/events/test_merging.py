"""Merging and un-merging issues: exact counts, in every order, beside writers."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from events.ingest.pipeline import ingest
from events.merging import MergeError, merge, merge_all, unmerge
from events.models import FingerprintUser, Issue, IssueFingerprint, IssueTransition, Service

NOW = datetime.now(UTC).replace(microsecond=0)


def make_service(name: str = "lift web") -> Service:
    return Service.objects.create(name=name, slug=name.replace(" ", "-"))


def send(service: Service, name: str, *users: str, severity: str = "error", at: datetime = NOW) -> None:
    """One failure of that name per user, at that time."""
    documents = [
        {
            "event": name,
            "message": f"{name} broke",
            "severity": severity,
            "timestamp": at.isoformat(),
            "data": {"user_id": user},
        }
        for user in users
    ]
    result = ingest(service_id=service.pk, documents=documents, received_at=NOW)
    assert not result.refusals


def issue_of(name: str) -> Issue:
    return Issue.objects.get(name=name)


def assert_counts_are_exact(*issues: Issue) -> None:
    for issue in issues:
        issue.refresh_from_db()
        fingerprints = IssueFingerprint.objects.filter(issue=issue)
        assert issue.event_count == sum(fingerprints.values_list("event_count", flat=True))
        hurt = FingerprintUser.objects.filter(fingerprint__issue=issue).values("user_hash").distinct().count()
        assert issue.user_count == hurt


@pytest.fixture
def service(db: None) -> Service:
    return make_service()


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create(username="ada", is_staff=True)


def test_it_counts_users_of_both_issues_once(service: Service) -> None:
    send(service, "a_failed", "u1", "u2")
    send(service, "b_failed", "u2", "u3", "u3")
    a, b = issue_of("a_failed"), issue_of("b_failed")

    kept = merge(a, b, by=None, at=NOW)

    assert kept == b
    assert (kept.event_count, kept.user_count) == (5, 3)
    a.refresh_from_db()
    assert (a.merged_into, a.event_count, a.user_count) == (b, 0, 0)
    assert list(Issue.objects.visible()) == [b]


def test_it_keeps_the_worst_severity_and_the_widest_span(service: Service) -> None:
    send(service, "a_failed", "u1", severity="critical", at=NOW - timedelta(hours=5))
    send(service, "b_failed", "u1", severity="warning", at=NOW - timedelta(hours=1))

    kept = merge(issue_of("a_failed"), issue_of("b_failed"), by=None, at=NOW)

    assert kept.severity == "critical"
    assert kept.title == "b_failed: b_failed broke"
    assert (kept.first_seen_at, kept.last_seen_at) == (NOW - timedelta(hours=5), NOW - timedelta(hours=1))


def test_it_shows_the_name_of_the_newest_event(service: Service) -> None:
    send(service, "a_failed", "u1", at=NOW)
    send(service, "b_failed", "u1", at=NOW - timedelta(hours=1))
    a, b = issue_of("a_failed"), issue_of("b_failed")

    kept = merge(a, b, by=None, at=NOW)

    assert (kept.name, kept.title) == ("a_failed", "a_failed: a_failed broke")


def test_it_sends_later_events_to_the_issue_that_stays(service: Service) -> None:
    send(service, "a_failed", "u1")
    send(service, "b_failed", "u1")
    a, b = issue_of("a_failed"), issue_of("b_failed")
    merge(a, b, by=None, at=NOW)

    send(service, "a_failed", "u1", "u9")

    assert_counts_are_exact(a, b)
    assert (b.event_count, b.user_count) == (4, 2)


def test_it_gives_back_exactly_what_came_from_the_source(service: Service) -> None:
    send(service, "a_failed", "u1", severity="critical")
    send(service, "b_failed", "u1", "u2", severity="warning", at=NOW - timedelta(hours=1))
    a, b = issue_of("a_failed"), issue_of("b_failed")
    merge(a, b, by=None, at=NOW)
    send(service, "a_failed", "u5", at=NOW + timedelta(minutes=1))
    send(service, "b_failed", "u6", severity="warning", at=NOW - timedelta(minutes=30))

    unmerge(a, by=None, at=NOW)

    assert_counts_are_exact(a, b)
    assert (a.merged_into, a.event_count, a.user_count, a.severity) == (None, 2, 2, "critical")
    assert (b.event_count, b.user_count, b.severity) == (3, 3, "warning")
    assert (b.name, b.title, b.last_seen_at) == ("b_failed", "b_failed: b_failed broke", NOW - timedelta(minutes=30))
    assert a.title == "a_failed: a_failed broke"
    assert a.last_seen_at == NOW + timedelta(minutes=1)


def test_it_follows_a_merged_issue_to_the_one_that_stands_for_it(service: Service) -> None:
    for name in ("a_failed", "b_failed", "c_failed"):
        send(service, name, "u1")
    a, b, c = issue_of("a_failed"), issue_of("b_failed"), issue_of("c_failed")
    merge(b, c, by=None, at=NOW)

    kept = merge(a, b, by=None, at=NOW)

    assert kept == c
    assert_counts_are_exact(a, b, c)
    assert (c.event_count, c.user_count) == (3, 1)


def test_it_takes_a_chain_apart_link_by_link(service: Service) -> None:
    for name in ("a_failed", "b_failed", "c_failed"):
        send(service, name, "u1")
    a, b, c = issue_of("a_failed"), issue_of("b_failed"), issue_of("c_failed")
    merge(a, b, by=None, at=NOW)
    merge(b, c, by=None, at=NOW)

    unmerge(b, by=None, at=NOW)
    assert_counts_are_exact(a, b, c)
    assert (a.event_count, b.event_count, c.event_count) == (0, 2, 1)
    unmerge(a, by=None, at=NOW)

    assert_counts_are_exact(a, b, c)
    assert (a.event_count, b.event_count, c.event_count) == (1, 1, 1)


def test_it_takes_a_lower_link_out_of_a_chain(service: Service) -> None:
    for name in ("a_failed", "b_failed", "c_failed"):
        send(service, name, "u1")
    a, b, c = issue_of("a_failed"), issue_of("b_failed"), issue_of("c_failed")
    merge(a, b, by=None, at=NOW)
    merge(b, c, by=None, at=NOW)

    unmerge(a, by=None, at=NOW)

    assert_counts_are_exact(a, b, c)
    assert (a.event_count, b.event_count, c.event_count) == (1, 0, 2)


def test_it_merges_several_at_once(service: Service) -> None:
    for name in ("a_failed", "b_failed", "c_failed"):
        send(service, name, "u1", name)
    a, b, c = issue_of("a_failed"), issue_of("b_failed"), issue_of("c_failed")

    merge_all([a, b], c, by=None, at=NOW)

    assert_counts_are_exact(a, b, c)
    assert (c.event_count, c.user_count) == (6, 4)
    assert set(c.merged_issues.all()) == {a, b}


def test_it_tells_both_issues_who_merged_them(service: Service, person: User) -> None:
    send(service, "a_failed", "u1")
    send(service, "b_failed", "u1")
    a, b = issue_of("a_failed"), issue_of("b_failed")

    merge(a, b, by=person, at=NOW)
    unmerge(a, by=person, at=NOW)

    for issue, merged, unmerged in ((a, f"into #{b.pk}", f"from #{b.pk}"), (b, f"took in #{a.pk}", "gave back")):
        told = list(IssueTransition.objects.filter(issue=issue, actor=person).order_by("id"))
        assert [row.kind for row in told] == ["merged", "unmerged"]
        assert told[0].detail.startswith(merged)
        assert told[1].detail.startswith(unmerged)


def test_it_reopens_a_resolved_issue_that_takes_in_later_events(service: Service) -> None:
    send(service, "a_failed", "u1", at=NOW)
    send(service, "b_failed", "u1", at=NOW - timedelta(hours=2))
    a, b = issue_of("a_failed"), issue_of("b_failed")
    b.resolve(by=None, at=NOW - timedelta(hours=1))

    kept = merge(a, b, by=None, at=NOW)

    assert (kept.status, kept.is_regressed, kept.resolved_at) == ("unresolved", True, None)
    assert IssueTransition.objects.filter(issue=b, kind="regressed").count() == 1


def test_it_leaves_a_resolved_issue_resolved_when_the_source_is_older(service: Service) -> None:
    send(service, "a_failed", "u1", at=NOW - timedelta(hours=3))
    send(service, "b_failed", "u1", at=NOW - timedelta(hours=2))
    a, b = issue_of("a_failed"), issue_of("b_failed")
    b.resolve(by=None, at=NOW - timedelta(hours=1))

    assert merge(a, b, by=None, at=NOW).status == "resolved"


def test_it_refuses_issues_of_different_services(service: Service) -> None:
    send(service, "a_failed", "u1")
    send(make_service("lift api"), "b_failed", "u1")

    with pytest.raises(MergeError, match="different services"):
        merge(issue_of("a_failed"), issue_of("b_failed"), by=None, at=NOW)

    assert Issue.objects.visible().count() == 2


def test_it_refuses_circles_and_repeats(service: Service) -> None:
    for name in ("a_failed", "b_failed", "c_failed"):
        send(service, name, "u1")
    a, b, c = issue_of("a_failed"), issue_of("b_failed"), issue_of("c_failed")
    merge(a, b, by=None, at=NOW)

    with pytest.raises(MergeError, match="into itself"):
        merge(b, b, by=None, at=NOW)
    with pytest.raises(MergeError, match=r"is merged into .* already"):
        merge(b, a, by=None, at=NOW)
    with pytest.raises(MergeError, match="merged into another issue already"):
        merge(a, c, by=None, at=NOW)
    with pytest.raises(MergeError, match="not merged"):
        unmerge(c, by=None, at=NOW)
    assert_counts_are_exact(a, b, c)


def test_it_merges_all_or_none(service: Service) -> None:
    send(service, "a_failed", "u1")
    send(service, "b_failed", "u1")
    send(make_service("lift api"), "c_failed", "u1")

    with pytest.raises(MergeError):
        merge_all([issue_of("a_failed"), issue_of("c_failed")], issue_of("b_failed"), by=None, at=NOW)

    assert Issue.objects.visible().count() == 3


def in_threads(*works: Callable[[], None]) -> None:
    """Run them at the same time, each on its own connection; the first error of any is raised here."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (a thread's failure must reach the test)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["a_failed", "b_failed"])
def test_it_counts_what_a_writer_has_not_committed_yet(name: str) -> None:
    service = make_service()
    send(service, "a_failed", "u1")
    send(service, "b_failed", "u2")
    a, b = issue_of("a_failed"), issue_of("b_failed")
    has_written = threading.Event()

    def write() -> None:
        with transaction.atomic():
            send(service, name, "u3", "u4")
            has_written.set()
            time.sleep(0.3)  # the merge comes to wait for this transaction

    def merge_meanwhile() -> None:
        assert has_written.wait(timeout=30)
        merge(a, b, by=None, at=NOW)

    in_threads(write, merge_meanwhile)

    assert_counts_are_exact(a, b)
    assert (b.event_count, b.user_count) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_it_stays_exact_beside_concurrent_writers() -> None:
    service = make_service()
    names = ("a_failed", "b_failed", "c_failed")
    for name in names:
        send(service, name, "first")
    a, b, c = (issue_of(name) for name in names)
    rounds, writers = 12, 4

    def write(writer: int) -> None:
        for turn in range(rounds):
            for name in names if writer % 2 else reversed(names):
                send(service, name, f"u{turn % 5}", f"u{writer}")
            documents = [{"event": name, "message": f"{name} broke", "severity": "error"} for name in names]
            ingest(service_id=service.pk, documents=documents, received_at=NOW)

    def reshape(*steps: Callable[[], object]) -> None:
        for step in steps * rounds:
            # A refusal only says that the other one who merges has the issues in another shape just now.
            with contextlib.suppress(MergeError):
                step()

    in_threads(
        *(partial(write, writer) for writer in range(writers)),
        lambda: reshape(
            lambda: merge(a, b, by=None, at=NOW),
            lambda: merge(b, c, by=None, at=NOW),
            lambda: unmerge(a, by=None, at=NOW),
            lambda: unmerge(b, by=None, at=NOW),
        ),
        lambda: reshape(lambda: merge_all([b, c], a, by=None, at=NOW), lambda: unmerge(c, by=None, at=NOW)),
    )

    assert_counts_are_exact(a, b, c)
    assert sum(issue.event_count for issue in (a, b, c)) == 3 + rounds * writers * 9
