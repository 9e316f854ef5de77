"""What the commands print: tables and figures for people, one JSON object for programs."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from elman.files import json_text
from elman.metric import Figure
from elman.pages.numbers import significant

__all__ = [
    "FLAG", "JSON", "SET", "asked_and_read", "number", "print_figures", "print_folded", "print_json", "print_metrics",
    "print_shown", "print_table"
]  # fmt: skip

JSON = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object on stdout.")]

_NUMBER = re.compile(r" *([-+]?[\d,.]+%?|-|) *")
_UNBOUNDED = 1_000_000  # letters: no line is as long

FLAG = Annotated[bool, Parameter(negative="")]

SET = Annotated[list[str] | None, Parameter(negative="", consume_multiple=False)]


def asked_and_read(set: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """What ``--set`` says of the answers, answer.KEY=VALUE, and what of the data."""
    lines = list(set or [])
    asked = [line for line in lines if line.startswith("answer.")]
    return asked, [line for line in lines if line not in asked]


def print_json(value: object) -> None:
    """One object on one line of stdout, strict; where that is not UTF-8, in ASCII alone, as JSON can be."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json_text(value, ascii=not utf8))


def number(value: object) -> str:
    """A figure as reports show it; a dash for one that does not exist."""
    if isinstance(value, float) and math.isfinite(value):
        return significant(value)
    return "-" if value is None or isinstance(value, float) else str(value)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns on stdout, numbers to the right; see `print_folded`."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, *cells in zip(head, *rows):
        table.add_column(name, justify="right" if all(map(_NUMBER.fullmatch, cells)) else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    print_folded(table)


def print_folded(shown: Any) -> None:
    """What rich lays out, on stdout; in a terminal folded to its width, in a pipe as wide as it is."""
    from rich.console import Console

    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    with console.capture() as printed:
        console.print(shown)
    for line in printed.get().splitlines():
        print(line.rstrip())


def print_metrics(metrics: Mapping[str, Any], run: Path, waited: float) -> None:
    """Ours beside the baseline, on stdout; `waited` are the seconds that the user did."""
    test, baseline = metrics["test"], metrics.get("baseline", {})
    keys = [k for k, v in test.items() if isinstance(v, float)]
    rows = [[k, number(test[k]), number(baseline[k]) if k in baseline else ""] for k in keys]
    print_table(["test", "ours", str(baseline.get("name", ""))], rows)
    if "verdict" in metrics:
        print(metrics["verdict"])
    if "seeds" in metrics:
        seeds = metrics["seeds"]
        said = ", ".join(f"{k} {number(seeds['mean'][k])} +- {number(seeds['std'][k])}" for k in seeds["mean"])
        print(f"mean of {len(seeds['runs'])} seeds: {said}")
    if "ablation" in metrics:
        _print_ablation(metrics["ablation"])
    print(f"{waited:.0f} s; written to {run}, look at {run / 'report.html'}", file=sys.stderr)


def print_figures(figures: Mapping[str, Any], name: str) -> None:
    """The figures on one file; then those of each class, type of entity ..., the most frequent first."""
    print_table(["figure", name], [[k, number(v)] for k, v in figures.items() if isinstance(v, (int, float))])
    for what, groups in figures.items():
        if isinstance(groups, Mapping) and groups and all(isinstance(group, str) for group in groups.values()):
            print()
            print_table([what, ""], [[key, text] for key, text in groups.items()])
        elif isinstance(groups, Mapping) and groups:
            keys = list(next(iter(groups.values())))  # the last one counts
            order = sorted(groups, key=lambda label: -groups[label][keys[-1]])
            print()
            print_table([what, *keys], [[label, *(number(groups[label][k]) for k in keys)] for label in order])


def _print_ablation(found: dict[str, Any]) -> None:
    """One row a variant, the best first, as the report has them."""
    variants = found["variants"]
    figure = Figure(found["metric"], found["better"])
    order = sorted(variants, key=lambda name: (name != found["reference"], -figure.worth(variants[name]["mean"])))
    rows = []
    for name in order:
        row = variants[name]
        gap = f"{row['difference']:+.3f}" if "difference" in row else ""
        rows.append([name, number(row["mean"]), number(row["std"]) if "std" in row else "", str(len(row["runs"])), gap])
    print()
    print_table(["variant", f"valid {found['metric']}", "sd", "seeds", "difference"], rows)
    if found["changes nothing"]:
        print(f"changes nothing in these texts: {', '.join(found['changes nothing'])}")


def print_shown(answer: Sequence[str], beside: Sequence[str] = ()) -> None:
    """An answer on stdout, and what stands beside it on stderr."""
    for line in answer:
        print(line)
    for line in beside:
        print(line, file=sys.stderr)
