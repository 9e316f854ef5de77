"""The command `elman bench`."""

from __future__ import annotations

import sys

from elman.console import FLAG, JSON, print_json, print_table

__all__ = ["bench"]


def bench(*, quick: FLAG = False, json: JSON = False) -> int:
    """Measure how fast the layers run here, beside torch's and the processor's own peak.

    Parameters
    ----------
    quick
        Two sizes instead of five, about fifteen seconds.
    """
    from elman.explanation.speed import QUICK, SHORT, short_bench

    found = short_bench(QUICK if quick else SHORT, say=lambda line: print(line, file=sys.stderr))
    if json:
        print_json(found)
        return 0
    peak = found["ceilings"].get("peak")
    rows = []
    for row in found["rows"]:
        ours, theirs = (row["gflops"][name] for name in ("elman", "torch.nn"))
        share = f"{ours / peak:.0%}" if peak else ""
        low, middle, high = row["against torch.nn"]
        ratio = f"{middle:.2f} ({low:.2f}-{high:.2f})"
        rows.append([f"{row['cell']} {row['case']}", row["work"], f"{ours:.1f}", share, f"{theirs:.1f}", ratio])
    print_table(["cell, size", "work", "GF/s", "of peak", "torch.nn GF/s", "times torch.nn (quartiles)"], rows)
    said = f"a peak of {peak:.0f} GF/s, measured" if peak else "no native engine here, and no measured peak"
    print(f"float32, {found['threads']} threads, {said}; benchmarks/speed has more", file=sys.stderr)
    if found["busy"]:
        print(found["busy"], file=sys.stderr)
    return 0
