"""The width of a value of a step: named, or unknown until it meets one that is known.

How many rows has `W @ s`? Widths are unified as values meet, and a conflict names both places.
"""

from __future__ import annotations

from elman.equations.symbols import CellError, place

__all__ = ["Dim", "unify"]


class Dim:
    """A width: named, or not known yet (then a link to what it was unified with, and where)."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.link: Dim | None = None
        self.place = ""

    def since(self) -> str:
        """Where it became known, if it was not from the start."""
        dim, found = self, ""
        while dim.link is not None:
            dim, found = dim.link, dim.place
        return found

    def find(self) -> Dim:
        dim = self
        while dim.link is not None:
            dim = dim.link
        return dim


def unify(a: Dim, b: Dim, what: str, where: str = "") -> None:
    """Make two widths one; `what` says whose they are."""
    first, second = a.find(), b.find()
    if first is second:
        return
    if first.name is None:
        first.link, first.place = second, where or place()
    elif second.name is None:
        second.link, second.place = first, where or place()
    elif first.name != second.name:
        here = where or place()
        since = [f" (since {d.since()})" if d.since() not in ("", here) else "" for d in (a, b)]
        raise CellError(
            f"{what} have different widths: {first.name}{since[0]} and {second.name}{since[1]}",
            where=here,
            remedy="multiply one of them by a matrix first (self.NAME @ v)",
        )
