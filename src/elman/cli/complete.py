"""The command `elman complete`."""

from __future__ import annotations

import json as json_text
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from elman.console import SET
from elman.errors import InputError

if TYPE_CHECKING:
    from elman.tasks.contract import Complete, Completed

__all__ = ["complete"]

_DUMB = ("dumb", "unknown")  # terminals that move no cursor
_HELP = "Tab takes a suggestion, Down chooses another, Enter begins a line, Ctrl-D ends"


def complete(run: Path, text: str | None = None, /, *, number: int = 3, json: bool = False, set: SET = None) -> int:
    """Propose words that continue what is typed, the likeliest first, given all that was typed before.

    Without a text it completes as you type, in a line editor. Of a pipe, with --json, and in a terminal that moves no
    cursor, each line has one line of answers, and all lines before it count.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    text
        What was typed so far; in quotes, with a blank at its end where the next word is wanted.
    number
        Words at most. All but the likeliest thirty or so may miss a likelier one: the search is bounded.
    json
        Print JSON objects, with what to insert for each word.
    set
        How to answer: answer.KEY=VALUE, such as answer.weights=int8.
    """
    from elman.tasks.use import Run

    if number < 1:
        raise InputError("at least one word", where="--number", remedy="give 1 or more")
    opened = Run(run)
    opened.verb("complete")  # says so of one that cannot, before anything is asked of it
    opened.ask(set or [], {})
    completer: Complete = opened.verb("complete")
    if text is not None:
        found = completer(text, number)
        if json:
            print(_json(text, found))
        elif not found:
            print("no word that the model knows begins so", file=sys.stderr)
        else:
            print("\n".join(f"{one.word}\t{one.probability:.3f}" for one in found))
        return 0
    if sys.stdin.isatty() and sys.stdout.isatty() and not json and os.environ.get("TERM") not in _DUMB:
        from elman.cli.editor import edit

        print(_HELP, file=sys.stderr)
        edit(completer, number)
        return 0
    if sys.stdin.isatty():
        print("Each line is answered when it is ended; Ctrl-D ends", file=sys.stderr)
    before = ""
    for line in sys.stdin:
        line = line.removesuffix("\n").removesuffix("\r")
        found = completer(before + line, number)
        print(_json(line, found) if json else "\t".join(one.word for one in found), flush=True)
        before += f"{line}\n"
    return 0


def _json(text: str, found: Sequence[Completed]) -> str:
    rows = [{"word": one.word, "insert": one.insert, "probability": round(one.probability, 6)} for one in found]
    return json_text.dumps({"text": text, "completions": rows}, ensure_ascii=False)
