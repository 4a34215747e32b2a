import pytest
from rich.console import Console

from events.demo import progress as module
from events.demo.progress import LoadProgress


def test_it_says_a_line_every_five_percent_when_nobody_watches() -> None:
    said: list[str] = []

    with LoadProgress(said.append, total=1_000) as progress:
        for _ in range(100):
            progress.advance(10)

    assert len(said) == 20
    assert said[0] == "  5 %  50 events"
    assert said[-1] == "100 %  1,000 events"


def test_it_never_says_more_than_all() -> None:
    said: list[str] = []

    with LoadProgress(said.append, total=100) as progress:
        progress.advance(250)
        progress.advance(250)

    assert said == ["100 %  250 events"]


def test_it_draws_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "Console", lambda: Console(force_terminal=True, width=120))
    said: list[str] = []

    with LoadProgress(said.append, total=1_000) as progress:
        progress.advance(1_200)

    assert said == []
    assert "1200/1200" in capsys.readouterr().out
