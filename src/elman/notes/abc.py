"""ABC, in which folk tunes are written down (Walshaw 2011, version 2.1): by the program abc2midi, which comes with
symusic, and then as MIDI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from elman.errors import InputError
from elman.notes.midi import read_midi
from elman.notes.tune import Tune

__all__ = ["read_abc"]

_LONGEST = 20  # seconds for one tune
_TUNE = re.compile(r"^X:[ \t]*\d*.*$", re.MULTILINE)


def read_abc(text: str, where: str = "") -> list[Tune]:
    """The tunes of a file; each begins with a line ``X: number``.

    Raises:
        InputError: no tune in it, one that cannot be read or has no note, or no abc2midi here.
    """
    begins = [found.start() for found in _TUNE.finditer(text)]
    if not begins:
        raise InputError("there is no tune in it", where=where, remedy="a tune begins with a line X:1")
    program, head = _program(), text[: begins[0]]  # what stands before the first tune holds for all
    return [
        _converted(program, head + text[a:b], where, n + 1)
        for n, (a, b) in enumerate(zip(begins, [*begins[1:], len(text)]))
    ]


def _program() -> str:
    with suppress(ImportError):
        import symusic  # noqa: F401  # which says where its programs are
    found = os.environ.get("SYMUSIC_ABC2MIDI") or shutil.which("abc2midi")
    if not found:
        raise InputError("reading ABC needs the program abc2midi", remedy="pip install 'elman[music]'")
    return found


def _converted(program: str, text: str, where: str, number: int) -> Tune:
    where = f"{where}, tune {number}" if where else f"tune {number}"
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "tune.abc"), Path(folder, "tune.mid")
        source.write_text(text, encoding="utf-8")
        try:
            told = subprocess.run(  # -NGRA: grace notes would take their time from the note after them
                [program, str(source), "-o", str(out), "-NGRA"], capture_output=True, timeout=_LONGEST, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(f"abc2midi does not run ({type(error).__name__})", where=where) from error
        if not out.exists():
            said = " ".join(told.stdout.decode("utf-8", "replace").split())
            raise InputError(f"the ABC cannot be read ({said:.200})", where=where, remedy="mend the tune")
        return read_midi(out.read_bytes(), where)[0]
