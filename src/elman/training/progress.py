"""What a training shows while it runs: a bar with the time left, on stderr, and nothing where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

__all__ = ["Bar", "Silent"]


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Say something that a user must know whether or not somebody watches."""

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        """Begin a bar of `total` steps, `done` of them already behind us; None: nobody knows how many."""

    def advance(self, figures: Mapping[str, float]) -> None:
        """One step more; `figures` stand beside the bar."""

    def epoch(self, title: str, row: Mapping[str, float]) -> None:
        """An epoch has ended, or a validation within it; `row` is its line of the history."""

    def stop(self) -> None:
        """End the bar."""


class Bar(Silent):
    """Notes on stderr always; a bar there too, if it is a terminal, else a line an epoch."""

    def __init__(self) -> None:
        self._progress: Any = None
        self._task: Any = None

    def note(self, text: str) -> None:
        with suppress(OSError):  # the terminal has gone away: what is computed matters more than who is told
            if self._progress is not None:
                self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)
            else:
                print(text, file=sys.stderr, flush=True)

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        if not console.is_terminal:
            return
        self.stop()
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"),
            TimeRemainingColumn(compact=True), TextColumn("{task.fields[figures]}"),
            console=console, transient=True,
        )  # fmt: skip
        self._progress.start()
        self._task = self._progress.add_task(title, total=total, completed=done, figures="")

    def advance(self, figures: Mapping[str, float]) -> None:
        if self._progress is not None:
            said = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
            self._progress.update(self._task, advance=1, figures=said)

    def epoch(self, title: str, row: Mapping[str, float]) -> None:
        if self._progress is None:
            said = (f"{name.replace('_', ' ')} {row[name]:.3f}" for name in row if name == "loss" or "valid" in name)
            self.note(f"{title}: {', '.join(said)}")

    def stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
