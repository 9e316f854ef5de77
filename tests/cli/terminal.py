"""What somebody sees who types into a terminal."""

from __future__ import annotations

import os
import select
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence

__all__ = ["typed"]

_WAIT = 30.0  # seconds, for what has to appear


def typed(
    program: Callable[[], object], steps: Sequence[tuple[bytes, bytes]], term: str = "xterm",
    size: tuple[int, int] = (24, 80),
) -> tuple[int, bytes]:  # fmt: skip
    """Run a program in a terminal of its own.

    Args:
        steps: what has to appear since the last keys, and the keys that are pressed then.
        size: lines and columns.

    Returns:
        its exit code, -9 where something did not appear, and all that appeared.
    """
    import fcntl
    import pty
    import termios

    child, terminal = pty.fork()
    if child == 0:
        code = 99
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
            os.environ["TERM"] = term
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            sys.stdin, sys.stdout, sys.stderr = (
                os.fdopen(n, mode, encoding="utf-8", closefd=False) for n, mode in enumerate("rww")
            )
            program()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.stdout.flush()
            os._exit(code)
    seen, since, todo, latest = b"", b"", list(steps), time.monotonic() + _WAIT
    while time.monotonic() < latest:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not read:
                break
            seen, since = seen + read, since + read
            for _ in range(read.count(b"\x1b[6n")):  # where is the cursor?
                os.write(terminal, b"\x1b[1;1R")
        elif todo and todo[0][0] in since:  # all has been shown
            os.write(terminal, todo.pop(0)[1])
            since, latest = b"", time.monotonic() + _WAIT
    else:
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen
