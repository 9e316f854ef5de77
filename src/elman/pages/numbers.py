"""Numbers as a report prints them: short, and never more exact than they are."""

from __future__ import annotations

import math

__all__ = ["count", "fraction", "percent", "seconds", "short", "significant"]


def fraction(value: float, digits: int = 3) -> str:
    """A figure between -1 and 1 without its leading zero: ``.615``, ``1.000``, ``\u2212.012``."""
    if not math.isfinite(value):
        return "\u2013"
    text = f"{abs(value):.{digits}f}"
    text = text.removeprefix("0")
    return ("\u2212" if value < 0 and text.strip(".0") else "") + text


def significant(value: float) -> str:
    """A figure of quality of any size, with four significant digits, or three places where it is below 1: ``8.000``,
    ``0.615``, ``281.3``, ``1,235``; and ``0.00041`` rather than a zero that is none."""
    if not math.isfinite(value):
        return "\u2013"
    digits = int(f"{value:.3e}".partition("e")[2])  # of what it is rounded to: 9.9996 is 10.00
    if value and abs(value) < 0.0005:
        return f"{value:.1e}" if digits < -6 else f"{value:.{1 - digits}f}"
    return f"{value:,.{min(3, max(0, 3 - digits))}f}"


def percent(share: float) -> str:
    """``3.1 %``; ``<0.1 %`` rather than a zero that is none."""
    if not math.isfinite(share):
        return "\u2013"
    if 0 < share < 0.001:
        return "<0.1\u202f%"
    return f"{100 * share:.1f}\u202f%" if share < 0.995 else f"{100 * share:.0f}\u202f%"


def count(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def seconds(value: float) -> str:
    """``0.3 ms``, ``4.2 s``, ``2 min 07 s``, ``1 h 05 min``."""
    if value < 1:
        return f"{1000 * value:.{0 if value >= 0.01 else 1}f}\u202fms"
    if value < 59.95:
        return f"{value:.1f}\u202fs"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60}\u202fmin {whole % 60:02d}\u202fs"
    return f"{whole // 3600}\u202fh {whole % 3600 // 60:02d}\u202fmin"


def short(value: object) -> str:
    """Any fact: whole numbers with separators, others with four significant digits, the rest as it is."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return count(value) if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(short(v) for v in value) or "none"
    return str(value)
