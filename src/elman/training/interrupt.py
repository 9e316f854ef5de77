"""Ctrl-C as a question instead of an exception: the loop ends its step first. A second Ctrl-C is the usual one.

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
    """Those that ask for an end; a hang-up that is ignored, as under nohup, is none."""
    found: list[int] = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)  # Windows has none
    if hang_up is not None and signal.getsignal(hang_up) != signal.SIG_IGN:
        found.append(hang_up)
    return found


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
    """While the block runs, the first SIGINT, SIGTERM or SIGHUP only sets `asked`.

    Outside the main thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._put_back()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self._put_back()
        _leave_terminal()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
