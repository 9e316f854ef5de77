"""Ctrl-C as a question first: the loop ends its step and puts the best weights in place, and then it is raised.

A request to end (SIGTERM) and a terminal that goes away (SIGHUP) mean the same as Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "ending_interrupts"]


def _signals() -> list[int]:
    """Those that ask for an end. One that is ignored, as nohup and a shell's ``&`` leave it, asks for none."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no hang-up
    found: list[int] = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in found if signal.getsignal(number) not in (signal.SIG_IGN, None)]  # None: not Python's


def _leave_terminal() -> None:
    """What is printed on a terminal that has gone away goes nowhere from now on, where it would raise errors."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


@contextmanager
def ending_interrupts() -> Iterator[None]:
    """While the block runs, every signal that asks for an end raises KeyboardInterrupt, so that what is half-written
    is cleared away. For commands: a library leaves signals to its caller."""
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, _interrupted) for number in _signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(number: int, frame: FrameType | None) -> None:
    _leave_terminal()
    signal.default_int_handler(number, frame)


class Interrupt:
    """While the block runs, the first SIGINT, SIGTERM or SIGHUP only sets `asked`; a second one is the usual one.

    At the end of the block the handlers are put back, and the signal is sent again: a script's Ctrl-C ends the script.
    Outside the main thread, where Python allows no handlers, nothing is held back; nor is a signal that was ignored.

    Args:
        graceful: whoever reads `asked` may stop early and say so in `heeded`; then the signal is not sent again.
    """

    def __init__(self, graceful: bool = False) -> None:
        self.asked = self.heeded = False
        self._graceful = graceful
        self._number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._put_back()
        wanted = self.asked and not (self._graceful and self.heeded)
        if wanted and (kind is None or issubclass(kind, Exception)):  # what ends the program anyway needs no help
            signal.raise_signal(self._number)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked, self._number = True, number
        self._put_back()
        _leave_terminal()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
