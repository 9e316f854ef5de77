"""The program: its commands, a module each, and what becomes of errors and pipes.

Results go to stdout, everything else to stderr. What a user can mend ends with one line and exit code 2. What is heavy
is imported where it is used.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError
from cyclopts.exceptions import UnusedCliTokensError

from elman import __version__
from elman.cli.bench import bench
from elman.cli.chat import chat
from elman.cli.complete import complete
from elman.cli.doctor import doctor
from elman.cli.evaluate import evaluate
from elman.cli.explain import explain
from elman.cli.generate import generate
from elman.cli.inspect import inspect
from elman.cli.predict import predict
from elman.cli.recipes import recipes
from elman.cli.signal import signal
from elman.cli.text import text
from elman.cli.train import train
from elman.cli.vectors import app as vectors
from elman.cli.verify import verify
from elman.errors import InputError
from elman.training.interrupt import ending_interrupts

__all__ = ["app", "main", "run"]

app = App(
    name="elman",
    help="Recurrent networks, from a data file to a trained, explained and proven model.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    help_format="plaintext",
)
for command in (
    train,
    predict,
    generate,
    complete,
    chat,
    evaluate,
    inspect,
    explain,
    verify,
    text,
    signal,
    vectors,
    recipes,
    bench,
    doctor,
):
    app.command(command)


def main(tokens: Sequence[str] | None = None) -> None:
    """The entry point: exit code 0, 2 for what the user can mend, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter shows a question mark
    code: object = 2
    try:
        with ending_interrupts():
            code = app(
                _with_pipes(sys.argv[1:] if tokens is None else tokens),
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
            sys.stdout.flush()
    except InputError as error:
        _say(str(error))
    except UnusedCliTokensError as error:
        _say(_superfluous(error.unused_tokens or []))
    except CycloptsError as error:
        _say(" ".join(str(error).split()))
    except KeyboardInterrupt:
        _say("interrupted")
        code = 130
    except BrokenPipeError:
        # whoever read our output has seen enough (elman predict ... | head)
        _drop_output()
        code = 0
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename is not None else ""
        _say(f"{where}{error.strerror or error}")
    except (MemoryError, RuntimeError) as error:
        # torch's word for it is a RuntimeError whose text names the allocator
        if isinstance(error, RuntimeError) and "DefaultCPUAllocator" not in str(error):
            raise
        _say("not enough memory; try smaller batches, a smaller model, or less data at once")
    sys.exit(code if isinstance(code, int) else 0)


def _with_pipes(tokens: Sequence[str]) -> list[str]:
    """``--data -`` in one word: alone, the dash would be taken for the beginning of another option."""
    out: list[str] = []
    for token in tokens:
        if token == "-" and out and out[-1] == "--data":
            out[-1] = "--data=-"
        else:
            out.append(token)
    return out


def _superfluous(words: Sequence[str]) -> str:
    """What is said of words that no argument is left for."""
    first = next(iter(words), "")
    if "=" in first:
        return f"{first}: one setting follows each --set; write --set before this one, too"
    several = "; put a text of several words in quotes" if len(words) > 1 else ""
    return f"{' '.join(words)}: nothing is expected there{several}"


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may have gone away
        print(f"elman: {line.removeprefix('elman ')}", file=sys.stderr, flush=True)  # not elman: elman predict


def _drop_output() -> None:
    """What stdout still holds goes nowhere: Python would try to write it once more, and complain, as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """`main` as a program, which leaves out what one short answer would wait for most.

    While torch is imported the garbage collector finds nothing, again and again: a third of a second. Taking every
    module apart at the end is another third, of which the system needs nothing.
    """
    gc.set_threshold(400_000, 20, 20)
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # `main` has said so
        pass
    os._exit(code if isinstance(code, int) else 0)
