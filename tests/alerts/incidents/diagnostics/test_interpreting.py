"""What answers mean, without a database."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alerts.incidents.diagnostics.interpreting import QUESTIONS, Finding, Limits, http_answer

LIMITS = Limits(20, 10.0)
AT = datetime(2026, 11, 2, 9, 42, tzinfo=UTC)


def said(name: str, *rows: tuple[Any, ...], limits: Limits = LIMITS) -> tuple[str, str]:
    meaning = QUESTIONS[name].interpret(rows, limits)
    return meaning.finding.value, meaning.sentence


def clients(count: int, state: str = "active", *, allowed: int = 100, hidden: int = 0) -> tuple[Any, ...]:
    return ("lift", "lift", "lift-web", state, count, 4.0, allowed, 3, hidden)


class TestConnections:
    def test_up_to_the_limit_is_fine(self) -> None:
        assert said("connections", clients(20)) == (
            "fine", "The pool is not exhausted: 20 connections of 20 that are usual."
        )  # fmt: skip

    def test_one_more_is_an_exhausted_pool_and_says_whose(self) -> None:
        finding, sentence = said("connections", clients(12), clients(9, "idle in transaction"))

        assert (finding, sentence) == (
            "problem",
            "The pool is exhausted: 21 connections of 20 that are usual. 21 of them of lift-web, 9 idle in transaction.",
        )

    def test_a_server_with_no_room_says_so(self) -> None:
        assert said("connections", clients(95))[1].startswith("The server is full: 95 connections of 20 that are usual")

    def test_it_says_what_it_cannot_see(self) -> None:
        assert "grant it pg_read_all_stats" in said("connections", clients(3, hidden=1))[1]

    def test_nobody_is_fine(self) -> None:
        assert said("connections") == ("fine", "No client is connected but Liftmon.")


def query(
    pid: int, runs: float | None, transaction: float | None = None, state: str = "active", blocked: Any = ()
) -> tuple[Any, ...]:
    return (pid, AT, "lift", "lift-web", "lift", state, runs, transaction, "", list(blocked), "SELECT 1")


class TestQueries:
    def test_quick_ones_are_fine(self) -> None:
        assert said("queries", query(1, 9.9)) == ("fine", "No query runs for 10 s or longer; 1 run now.")

    def test_it_names_the_longest(self) -> None:
        assert said("queries", query(1, 11.0), query(2, 300.0, blocked=[1])) == (
            "problem",
            (
                "Queries are slow: 2 queries run for 10 s or longer, the longest for 5 min (pid 2, lift-web). "
                "1 query wait for another one: look at the locks."
            ),
        )

    def test_a_transaction_that_hangs_is_a_problem(self) -> None:
        finding, sentence = said("queries", query(7, None, 60.0, "idle in transaction"))

        assert finding == "problem"
        assert (
            "1 connection hold a transaction open and do nothing, the longest since 60 s (pid 7, lift-web)" in sentence
        )


def wait(pid: int, by: int, seconds: float = 20.0, *, waits_itself: bool = False) -> tuple[Any, ...]:
    return (pid, seconds, "UPDATE x", by, AT, "lift", "lift-web", "idle in transaction", 40.0, "UPDATE x", waits_itself)


class TestLocks:
    def test_nobody_waits(self) -> None:
        assert said("locks") == ("fine", "Nobody waits for a lock.")

    def test_it_finds_the_root_behind_others(self) -> None:
        assert said("locks", wait(3, 2, waits_itself=True), wait(2, 1), wait(4, 2, waits_itself=True)) == (
            "problem",
            (
                "3 queries wait for locks, the longest for 20 s. At the root of it is pid 1 (lift-web): idle in transaction, "
                "its transaction began 40 s ago."
            ),
        )

    def test_those_who_wait_for_one_another_hang_nobody_up(self) -> None:
        assert said("locks", wait(1, 2, waits_itself=True), wait(2, 1, waits_itself=True))[0] == "problem"

    def test_a_short_wait_is_usual(self) -> None:
        assert said("locks", wait(2, 1, 0.2))[0] == "fine"


class TestTablesAndIndexes:
    def test_it_says_when_vacuum_does_not_keep_up(self) -> None:
        row = ("public", "events", 5 * 1024**3, 4 * 1024**3, 1024**3, 20_000, 90_000, None, None)

        assert said("tables", row) == (
            "problem",
            (
                "The largest table is public.events: 5 GB, about 20,000 rows. More dead rows than living ones, so vacuum does not "
                "keep up: public.events (90,000)."
            ),
        )

    def test_it_suggests_an_index_that_a_foreign_key_lacks(self) -> None:
        scans = ("scans", "public", "Order", "", 10**8, 900, 10**9, 3, 1_000_000, "customer_id")

        finding, sentence = said("indexes", scans)

        assert finding == "problem"
        assert 'CREATE INDEX CONCURRENTLY ON public."Order" (customer_id)' in sentence

    def test_what_nobody_uses_is_said_and_no_problem(self) -> None:
        row = ("unused", "public", "jobs", "jobs_old", 20 * 1024**2, 0, 0, 0, 0, "")

        assert said("indexes", row) == ("fine", "Never used since statistics were reset: public.jobs_old (20 MB).")

    def test_nothing_is_nothing(self) -> None:
        assert said("indexes")[0] == said("tables")[0] == "fine"


@pytest.mark.parametrize(
    ("status", "took_ms", "finding", "words"),
    [
        (200, 80, Finding.FINE, "It answered 200 in 80 ms."),
        (200, 1200, Finding.PROBLEM, "slowly"),
        (503, 80, Finding.PROBLEM, "503 instead of 200"),
        (302, 80, Finding.PROBLEM, "It leads to https://lift.example/login."),
    ],
)
def test_an_address_that_answers(status: int, took_ms: int, finding: Finding, words: str) -> None:
    meaning = http_answer(status, 200, took_ms, 1000, "https://lift.example/login" if status == 302 else "")

    assert meaning.finding is finding
    assert words in meaning.sentence
