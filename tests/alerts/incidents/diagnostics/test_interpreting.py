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


def clients(
    count: int, state: str = "active", *, allowed: int = 100, hidden: int = 0, app: str = "lift-web", total: int = 0
) -> tuple[Any, ...]:
    return ("lift", "lift", app, state, count, 4.0, allowed, 3, hidden, total or count)


class TestConnections:
    def test_up_to_the_limit_is_fine(self) -> None:
        assert said("connections", clients(20)) == (
            "fine", "The pool is not exhausted: 20 connections of 20 that are usual."
        )  # fmt: skip

    def test_one_more_is_an_exhausted_pool_and_says_whose(self) -> None:
        finding, sentence = said("connections", clients(12, total=21), clients(9, "idle in transaction", total=21))

        assert (finding, sentence) == (
            "problem",
            "The pool is exhausted: 21 connections of 20 that are usual. 21 of them of lift-web, 9 idle in transaction.",
        )

    def test_a_server_with_no_room_says_so(self) -> None:
        assert said("connections", clients(96)) == (
            "problem",
            (
                "The server is full: 96 connections of 20 that are usual; it allows 100, 3 of them reserved, and nobody else is "
                "let in. 96 of them of lift-web."
            ),
        )

    def test_a_server_with_hardly_any_room_is_not_full(self) -> None:
        sentence = said("connections", clients(92))[1]

        assert sentence.startswith("The server is almost full: 92 connections")
        assert "it has room for 4 more" in sentence

    def test_it_says_who_idles_when_that_is_somebody_else(self) -> None:
        rows = clients(20, total=30), clients(10, "idle in transaction", app="lift-jobs", total=30)

        assert "20 of them of lift-web, 10 idle in transaction (most of lift-jobs)" in said("connections", *rows)[1]

    def test_groups_that_are_not_shown_are_counted(self) -> None:
        assert "240 connections" in said("connections", clients(2, total=240, allowed=1000))[1]

    def test_it_says_what_it_cannot_see(self) -> None:
        assert "GRANT pg_read_all_stats" in said("connections", clients(3, hidden=1))[1]

    def test_nobody_is_fine(self) -> None:
        assert said("connections") == ("fine", "No client is connected but Liftmon.")


def query(
    pid: int, runs: float | None, transaction: float | None = None, state: str = "active", blocked: Any = ()
) -> tuple[Any, ...]:
    return (pid, AT, "lift", "lift-web", "lift", state, runs, transaction, "", list(blocked), "SELECT 1")


class TestQueries:
    def test_quick_ones_are_fine(self) -> None:
        assert said("queries", query(1, 9.9)) == ("fine", "No query runs for 10 s or longer; 1 runs now.")

    def test_it_names_the_longest(self) -> None:
        assert said("queries", query(1, 11.0), query(2, 300.0, blocked=[1])) == (
            "problem",
            (
                "Queries are slow: 2 queries run for 10 s or longer, the longest for 5 min (pid 2, lift-web). "
                "1 query waits for another one: look at the locks."
            ),
        )

    def test_a_transaction_that_hangs_is_a_problem(self) -> None:
        finding, sentence = said("queries", query(7, None, 60.0, "idle in transaction"))

        assert finding == "problem"
        assert sentence == (
            "Transactions hang: 1 connection holds a transaction open and nothing runs in it, the longest for 60 s "
            "(pid 7, lift-web)."
        )

    def test_what_is_hidden_is_not_taken_for_quiet(self) -> None:
        hidden = (9, None, "lift", "lift-web", "lift", "", None, None, "", [], "<insufficient privilege>")

        assert said("queries", hidden) == (
            "failed", "What other roles do is hidden from this one: GRANT pg_read_all_stats to it."
        )  # fmt: skip
        assert said("queries", query(1, 2.0), hidden)[1] == (
            "No query runs for 10 s or longer; 1 runs now. What other roles do is hidden from this one: "
            "GRANT pg_read_all_stats to it."
        )


def wait(pid: int, by: int, seconds: float = 20.0, *, waits_itself: bool = False, total: int = 1) -> tuple[Any, ...]:
    role = ("lift", "lift-web", "idle in transaction", 40.0, "UPDATE x") if by else ("", "", "", None, None)
    return (pid, seconds, "UPDATE x", by, AT if by else None, *role, waits_itself, total)


class TestLocks:
    def test_nobody_waits(self) -> None:
        assert said("locks") == ("fine", "Nobody waits for a lock.")

    def test_it_finds_the_root_behind_others(self) -> None:
        rows = wait(2, 1, total=3), wait(3, 2, waits_itself=True, total=3), wait(4, 2, waits_itself=True, total=3)

        assert said("locks", *rows) == (
            "problem",
            (
                "3 queries wait for locks, the longest for 20 s. At the root of it is pid 1 (lift-web): idle in transaction, "
                "its transaction began 40 s ago."
            ),
        )

    def test_those_who_wait_for_one_another_hang_nobody_up(self) -> None:
        assert said("locks", wait(1, 2, waits_itself=True, total=2), wait(2, 1, waits_itself=True, total=2)) == (
            "problem",
            (
                "2 queries wait for locks, the longest for 20 s. They wait for one another; most for pid 1 (lift-web): "
                "idle in transaction, its transaction began 40 s ago."
            ),
        )

    def test_a_long_queue_is_looked_through_at_once(self) -> None:
        """Whoever stands in it waits for all before them: as many ways to the root as there are subsets."""
        rows = [wait(pid, by, waits_itself=by > 1, total=60) for pid in range(2, 62) for by in range(1, pid)]

        assert "60 queries wait for locks" in said("locks", *rows)[1]
        assert "At the root of it is pid 1 (lift-web)" in said("locks", *rows)[1]

    def test_a_prepared_transaction_is_named_as_what_it_is(self) -> None:
        assert "a prepared transaction, which no connection holds" in said("locks", wait(2, 0))[1]

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
        scans = ("scans", "public", '"Order"', "", 10**8, 900, 10**9, 3, 1_000_000, "customer_id")

        finding, sentence = said("indexes", scans)

        assert finding == "problem"
        assert 'CREATE INDEX CONCURRENTLY ON public."Order" (customer_id)' in sentence
        assert "customer_id refers to other tables without an index" in sentence

    def test_a_broken_index_is_a_problem(self) -> None:
        row = ("invalid", "public", "jobs", "jobs_new", 20 * 1024**2, 0, 0, 0, 0, "")

        assert said("indexes", row) == (
            "problem",
            "Broken, and to be built anew by REINDEX INDEX CONCURRENTLY: public.jobs_new.",
        )

    def test_what_nobody_uses_is_said_and_no_problem(self) -> None:
        row = ("unused", "public", "jobs", "jobs_old", 20 * 1024**2, 0, 0, 0, 0, "")

        assert said("indexes", row) == ("fine", "Never used since statistics were reset: public.jobs_old (20 MB).")

    def test_nothing_is_nothing(self) -> None:
        assert said("indexes")[0] == said("tables")[0] == "fine"


class TestOldTransactions:
    def test_nothing_old_is_fine(self) -> None:
        rows = [
            ("transaction", "pid 4, lift-web", "active", 300.0, None, 12), ("slot", "copy", "active, reserved", None, 4096, None),
            ("replica", "copy", "streaming", 0.2, 4096, None), ("database", "lift", "", None, None, 150_000_000),
        ]  # fmt: skip

        assert said("replication", *rows) == ("fine", "Nothing holds back vacuum or the log, and 1 replica keeps up.")

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            (
                ("transaction", "pid 4, lift-web", "idle in transaction", 900.0, None, 5),
                "open for 15 min (pid 4, lift-web, idle",
            ),
            (
                ("prepared", "pay-7", "lift on lift", 400.0, None, 5),
                "Prepared transaction pay-7 (lift on lift) holds its locks",
            ),
            (
                ("slot", "old", "inactive, extended", None, 40 * 1024**3, None),
                "keeps 40 GB of the log, which fills the disk",
            ),
            (("replica", "copy", "streaming", 90.0, 2 * 1024**3, None), "Replica copy is 2 GB and 90 s behind"),
            (("standby", "this server", "in recovery", 400.0, None, None), "It is a standby"),
            (("database", "lift", "", None, None, 1_900_000_000), "it takes no more writes"),
        ],
    )
    def test_what_is_old_or_far_behind_is_a_problem(self, row: tuple[Any, ...], words: str) -> None:
        finding, sentence = said("replication", row)

        assert finding == "problem"
        assert words in sentence

    def test_nothing_told_is_nothing(self) -> None:
        assert said("replication")[0] == "fine"


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
