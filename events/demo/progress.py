"""How far a load has got: a bar for people who watch, a line every 5 % for a log."""

from collections.abc import Callable
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_STEP_PERCENT: Final = 5


class LoadProgress:
    """A context manager; :meth:`advance` tells of events that were answered. ``total`` may be an estimate."""

    def __init__(self, say: Callable[[str], object], *, total: int) -> None:
        self._total = max(total, 1)
        self._done = 0
        self._next_percent = _STEP_PERCENT
        self._say = say
        self._bar: Progress | None = None
        console = Console()
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("Sending"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("events"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task("Sending", total=self._total)

    def advance(self, count: int) -> None:
        self._done += count
        if self._bar:
            # The total was an estimate: a bar that is full while events still go out would be a lie.
            self._bar.update(self._task, completed=self._done, total=max(self._total, self._done))
            return
        percent = min(100 * self._done // self._total, 100)
        if percent >= self._next_percent:
            self._say(f"{percent:3d} %  {self._done:,} events")
            self._next_percent = (percent // _STEP_PERCENT + 1) * _STEP_PERCENT

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._bar:
            if failure is None:
                self._bar.update(self._task, total=self._done)
            self._bar.stop()
