"""The command `elman chat`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from elman.console import SET

__all__ = ["chat"]

_HELP = "/reset begins anew; Ctrl-D ends"
_PROMPT = "> "
_COMMAND = re.compile(r"/\w+")


def chat(run: Path, /, *, seed: int | None = None, set: SET = None) -> int:
    """Talk with a trained model: a line is a turn, and so is each answer.

    Of a pipe each line has one line of answer, and /reset none.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    seed
        Of what is drawn at random: with the same seed the same conversation goes the same way.
    set
        How to answer: answer.KEY=VALUE, such as answer.temperature=0.6.
    """
    from elman.tasks.contract import Chat
    from elman.tasks.use import Run

    opened = Run(run)
    opened.verb("chat")  # says so of one that cannot, before anything is asked of it
    opened.ask(set or [], {} if seed is None else {"seed": seed})
    talk: Chat = opened.verb("chat")
    people = sys.stdin.isatty()
    if people:
        print(_HELP, file=sys.stderr)
    for line in _typed() if people else sys.stdin:
        said = line.strip()
        if said == "/reset":
            talk.reset()
            print("what was said is forgotten", file=sys.stderr)
        elif people and _COMMAND.fullmatch(said):  # in a pipe it is a turn like any other
            print(_HELP if said == "/help" else f"there is no {said}; {_HELP}", file=sys.stderr)
        elif said or not people:
            print(" ".join(talk.say(line).split()), flush=True)
    return 0


def _typed() -> Iterator[str]:
    """The lines that somebody types, with what a terminal can do: arrows, Ctrl-R."""
    with suppress(ImportError):  # there is none on Windows, whose console does the same
        import readline  # noqa: F401  # input() uses it once it is there
    prompt = _PROMPT if sys.stdout.isatty() else ""  # else input() would write it between the answers
    while True:
        if not prompt:
            print(_PROMPT, end="", file=sys.stderr, flush=True)
        try:
            line = input(prompt)
        except (EOFError, KeyboardInterrupt) as end:  # Ctrl-D, Ctrl-C
            print(file=sys.stderr)  # what comes next is a line of its own
            if isinstance(end, KeyboardInterrupt):
                raise
            return
        yield line
