from random import Random

import pytest

from events.demo.failures import API_FAILURES, PAGE_FAILURES, Failure, Runtime, page_failures
from events.ingest.stacktrace import parse_stack

_ENGINES = ("v8", "gecko", "webkit")


@pytest.mark.parametrize("failure", PAGE_FAILURES, ids=lambda failure: failure.message[:30])
@pytest.mark.parametrize("engine", _ENGINES)
def test_it_prints_page_stacks_that_are_read_alike_in_every_engine(failure: Failure, engine: str) -> None:
    message = failure.told(Random(1))

    (read,) = parse_stack(failure.stack(message, engine))

    assert read["type"] == failure.kind
    assert read["value"] == message
    ours = [frame["function"] for frame in read["frames"] if frame["in_app"]]
    assert ours == [place.function for place in reversed(failure.places)]
    assert any("node_modules" in frame["filename"] for frame in read["frames"])


@pytest.mark.parametrize("failure", API_FAILURES, ids=lambda failure: failure.message[:30])
def test_it_prints_api_stacks_whose_crash_is_ours(failure: Failure) -> None:
    (read,) = parse_stack(failure.stack(failure.told(Random(1))))

    assert read["type"] == failure.kind.rpartition(".")[2]
    ours = [frame for frame in read["frames"] if frame["in_app"]]
    theirs = [frame for frame in read["frames"] if not frame["in_app"]]
    assert ours
    assert theirs
    assert ours[-1]["function"] in {place.function for place in failure.places}


def test_it_has_both_runtimes_behind_the_api() -> None:
    assert {failure.runtime for failure in API_FAILURES} == {Runtime.NODE, Runtime.PYTHON}


def test_it_gives_every_engine_the_common_failures_and_its_own() -> None:
    chrome, _ = page_failures("v8", regressed=False, bad=False)
    safari, _ = page_failures("webkit", regressed=False, bad=False)

    assert all(failure.engine == "" for failure in chrome)
    assert {failure.engine for failure in safari} == {"", "webkit"}
