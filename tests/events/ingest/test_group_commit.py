"""Requests in flight share a transaction."""

import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from events.ingest.group_commit import MOST_EVENTS, GroupCommit, Outcome, Ticket
from events.ingest.types import Submission


class Store:
    """Remembers the groups that it was given; holds each until ``gate`` is open."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def __call__(self, tickets: Sequence[Ticket]) -> None:
        self.entered.set()
        assert self.gate.wait(10)
        self.groups.append(len(tickets))
        for ticket in tickets:
            ticket.outcome = Outcome.STORED


def test_a_lone_request_is_committed_alone_and_at_once() -> None:
    store = Store()
    committer = GroupCommit(store)

    assert committer.wait(committer.submit(Submission())) is Outcome.STORED
    assert store.groups == [1]


def test_those_that_arrive_meanwhile_ride_the_next_one() -> None:
    store = Store()
    store.gate.clear()
    committer = GroupCommit(store)
    outcomes: list[Outcome] = []

    def request() -> None:
        outcomes.append(committer.wait(committer.submit(Submission())))

    first = threading.Thread(target=request)
    first.start()
    assert store.entered.wait(10)
    others = [threading.Thread(target=request) for _ in range(20)]
    for thread in others:
        thread.start()
    while len(committer._queue) < 20:
        time.sleep(0.001)
    store.gate.set()
    for thread in [first, *others]:
        thread.join(10)

    assert store.groups == [1, 20]
    assert outcomes == [Outcome.STORED] * 21


def test_a_thread_may_lead_and_tells_of_every_ticket() -> None:
    store = Store()
    committer = GroupCommit(store)
    committer.lead_in_thread()
    settled: list[Ticket] = []
    done = threading.Event()

    def notify(ticket: Ticket) -> None:
        settled.append(ticket)
        if len(settled) == 500:
            done.set()

    tickets = [committer.submit(Submission(), notify=notify) for _ in range(500)]

    assert done.wait(10)
    assert settled == tickets
    assert all(ticket.outcome is Outcome.STORED for ticket in tickets)


def test_a_group_is_bounded() -> None:
    store = Store()
    committer = GroupCommit(store)
    events: list[Any] = [object()] * (MOST_EVENTS // 2)
    tickets = [committer.submit(Submission(events=events)) for _ in range(5)]
    for ticket in tickets:
        committer.wait(ticket)

    assert store.groups == [2, 2, 1]


def test_whatever_goes_wrong_nobody_hears_yes() -> None:
    def fail(_: Sequence[Ticket]) -> None:
        raise MemoryError

    committer = GroupCommit(fail)
    ticket = committer.submit(Submission())

    with pytest.raises(MemoryError):
        committer.wait(ticket)
    assert ticket.outcome is Outcome.NOT_KEPT


def test_a_leading_thread_survives_a_failure() -> None:
    outcomes: list[Outcome | None] = []
    done = threading.Event()
    calls = []

    def store(tickets: Sequence[Ticket]) -> None:
        calls.append(len(tickets))
        if len(calls) == 1:
            raise RuntimeError
        for ticket in tickets:
            ticket.outcome = Outcome.STORED

    def notify(ticket: Ticket) -> None:
        outcomes.append(ticket.outcome)
        done.set()

    committer = GroupCommit(store)
    committer.lead_in_thread()
    for expected in (Outcome.NOT_KEPT, Outcome.STORED):
        done.clear()
        committer.submit(Submission(), notify=notify)
        assert done.wait(10)
        assert outcomes[-1] is expected
