"""The one error a user can mend: what is wrong, where, and the remedy, on one line."""

from __future__ import annotations

__all__ = ["InputError"]


class InputError(ValueError):
    """Bad input: a missing column, a ragged row, an unknown key, an empty file.

    The command line prints it as one line and exits with code 2.

    Args:
        what: what is wrong, without a full stop.
        where: file, row, column or key, as the user would look it up (``reviews.csv, row 7``).
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        line = f"{where}: {what}" if where else what
        super().__init__(f"{line}; {remedy}" if remedy else line)
