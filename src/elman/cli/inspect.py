"""The command `elman inspect`."""

from __future__ import annotations

import sys
from pathlib import Path

from elman.errors import InputError
from elman.files import check_apart, check_file, write_file

__all__ = ["inspect"]


def inspect(run: Path, text: str | None = None, /, *, input: str | None = None, out: Path | None = None) -> int:
    """Look into a trained model: its report, or what it makes of one text, as a page.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    text
        One text: the answer, the words that moved it, and what the layers remembered. Without it, the RUN's report.
    input
        The same, by name.
    out
        The page to write; by default report.html in this folder.
    """
    from elman.tasks.find import task_of

    target = out or Path("report.html")
    check_file(target)
    check_apart(target, run)
    if text is not None and input is not None:
        raise InputError("two texts", where="elman inspect", remedy="give one, as TEXT or as --input TEXT")
    input = text if input is None else input
    task_of(run)  # says what is wrong with the folder
    if input is None:
        from elman.training.run_reader import read_report

        page: str | bytes = read_report(run)
    else:
        from elman.tasks.use import inspect_page

        page = inspect_page(run, input)
    write_file(target, page)
    print(f"written to {target}", file=sys.stderr)
    return 0
