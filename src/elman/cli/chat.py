"""The command `elman chat`."""

from __future__ import annotations

import sys
from pathlib import Path

from elman.console import SET

__all__ = ["chat"]

_HELP = "/reset begins anew; Ctrl-D ends"


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
    while True:
        try:
            line = input("> ") if people else sys.stdin.readline()
        except EOFError:  # Ctrl-D
            print(file=sys.stderr)
            return 0
        if not people and not line:
            return 0
        if line.strip() == "/reset":
            talk.reset()
            print("what was said is forgotten", file=sys.stderr)
        elif line.strip() or not people:
            print(" ".join(talk.say(line).split()), flush=True)
