"""The colours of every report, once: the page's style sheet and its drawings read them from here.

The six series colours follow Okabe and Ito (2008, "Color universal design"), told apart by readers of every colour
vision, darkened a little on light paper and lightened on dark so that text and lines keep a contrast of 4.5 : 1 to
the page. Order matters: neighbours differ in lightness too, so a black-and-white print still reads.
"""

from __future__ import annotations

__all__ = ["COLOURS", "SERIES", "style_variables"]

# name: (on light paper, on dark paper)
COLOURS: dict[str, tuple[str, str]] = {
    "paper": ("#fcfbf8", "#15161b"),
    "panel": ("#ffffff", "#1c1e25"),
    "ink": ("#1b1c22", "#eceae4"),
    "muted": ("#666872", "#9fa1ab"),
    "line": ("#e2dfd7", "#32343e"),
    "blue": ("#0067a8", "#5cb3f2"),
    "orange": ("#b64e00", "#ff9a4d"),
    "green": ("#00795a", "#3fc79a"),
    "purple": ("#a3437f", "#e58fc0"),
    "gold": ("#8a6500", "#e6c04f"),
    "sky": ("#26738f", "#86d3ee"),
    "right": ("#00794f", "#45cb96"),
    "wrong": ("#b93c10", "#ff8d66"),
}

SERIES = ("blue", "orange", "green", "purple", "gold", "sky")


def style_variables() -> str:
    """CSS: each colour as a variable, the dark ones where the reader's system is dark; print is always light."""

    def block(which: int) -> str:
        return "".join(f"--{name}:{pair[which]};" for name, pair in COLOURS.items())

    return (
        f":root{{color-scheme:light dark;{block(0)}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{block(1)}}}}}"
    )
