from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from alerts import holding, tasks
from alerts.models import Alert
from events.models import EventNotice
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db(transaction=True)


def elsewhere[Value](work: Callable[[], Value]) -> Value:
    """In another process's place: with a connection of its own."""

    def run() -> Value:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_it_is_held_for_all_but_its_holder_until_it_is_let_go() -> None:
    assert not elsewhere(holding.is_held)
    with holding.held():
        assert elsewhere(holding.is_held)
        assert not holding.is_held()
    assert not elsewhere(holding.is_held)


def test_it_is_let_go_when_its_holder_fails() -> None:
    with pytest.raises(RuntimeError), holding.held():
        raise RuntimeError("The power went away.")

    assert not elsewhere(holding.is_held)


def test_it_ends_with_the_connection_of_its_holder() -> None:
    def hold() -> None:
        holding.held().__enter__()

    elsewhere(hold)

    assert not holding.is_held()


def test_what_arrives_meanwhile_is_judged_afterwards(sender: Sender) -> None:
    sender.store({"event": "db_pool_error", "severity": "CRITICAL", "message": "pool exhausted"})

    with holding.held():
        assert elsewhere(tasks.judge_news) == 0
        assert elsewhere(tasks.judge_windows) == 0
        assert EventNotice.objects.count() == 1
    assert not Alert.objects.exists()

    assert elsewhere(tasks.judge_news) > 0
    assert Alert.objects.filter(rule__key="critical_event").count() == 1
