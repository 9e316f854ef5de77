"""The results as tables and a roofline picture."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HEAD = """# Speed

Written by `python benchmarks/speed/run.py` from `results.json`: contestants interleaved in one process, medians of 9
turns, each after a pause of 30 ms and 20 ms of calls that do not count, float32. GF/s counts the products alone:
2 T B (rows x columns) a forward call, three times that for a training step (forward and all gradients). *of peak* is
beside the multiply-add peak measured in the same
run; ratios are other's time / ours (above 1: we are faster).

The order of turns, the pauses and the calls that do not count were settled over five runs, after seeing
results: without those calls threads often shared one processor after a pause, on every side, and an earlier
run had LSTM training at 1.09x torch.nn and LSTM forward at 0.86x ONNX Runtime.

The host is shared, and figures move by some 5 % from run to run: half an hour before, the same code (but for layer
norm) had LSTM training at 1.31x torch.nn and at 73 / 83 / 83 / 69 % of the peak (H 128 / 256 / 512 / 64), GRU at
69 / 82 / 88 / 67 %, GRU before at 74 / 82 / 87 / 69 %, RNN at 76 / 83 / 88 / 63 %.

"""

# what was asked for: (title, part, cells, work, contestant, geometric mean of the ratios)
ASKED = [
    ("LSTM", "grid", ["LSTM"], "training", "torch.nn", 1.3),
    ("GRU", "grid", ["GRU"], "training", "torch.nn", 2.5),
    ("RNN", "grid", ["RNN"], "training", "torch.nn", 3.0),
    ("LSTM and GRU, variable lengths", "ragged", [], "training", "torch.nn packed", 4.0),
    ("a cell of one's own", "own", [], "training", "torch loop", 6.0),
    ("a cell of one's own, H 64 or one sequence", "own small", [], "training", "torch loop", 10.0),
    ("a cell of one's own", "own", [], "training", "jax scan", 2.0),
    ("LSTM", "grid", ["LSTM"], "forward", "onnxruntime", 1.0),
    ("GRU (reset before)", "grid", ["GRU before"], "forward", "onnxruntime", 1.3),
    ("RNN", "grid", ["RNN"], "forward", "onnxruntime", 3.0),
    ("one step of one sequence, state in and out", "steps", [], "forward", "onnxruntime", 1.0),
    ("one step of one sequence, without its state", "steps", [], "forward", "onnxruntime, y alone", 1.0),
    ("one step of one sequence", "steps", [], "forward", "torch.nn", 1.0),
]
# of the measured peak, training with full lengths and B >= 32: by H, at least
WANTED_OF_PEAK = {"RNN": {64: 0.54, 128: 0.70, 256: 0.78}, "": {64: 0.60, 128: 0.75, 256: 0.80}}


def asked_rows(found: dict[str, Any], part: str, cells: list[str], work: str) -> list[dict[str, Any]]:
    rows = found["parts"].get(part.split()[0], {}).get("rows", [])
    if part.endswith("small"):
        rows = [r for r in rows if "H64" in r["case"] or "B1 " in r["case"]]
    return [r for r in rows if r["work"] == work and (not cells or r["cell"] in cells)]


def of_peak(found: dict[str, Any]) -> list[str]:
    """Rows of the table of what share of the peak a training step reaches."""
    data = found["parts"].get("grid")
    if not data or "peak" not in data["ceilings"]:
        return []
    lines = ["\n| training, B 32 | case | asked of peak | reached |\n", "|---|---|---|---|\n"]
    for r in data["rows"]:
        _, batch, units = r["case"].split()[:3]
        wanted = WANTED_OF_PEAK.get(r["cell"], WANTED_OF_PEAK[""])
        if r["work"] == "training" and batch == "B32" and int(units[1:]) in (64, 128, 256, 512):
            floor, got = wanted[min(int(units[1:]), 256)], r["gflops"]["elman"] / data["ceilings"]["peak"]
            lines.append(
                f"| {r['cell']} | {r['case']} | {floor:.0%} | {got:.0%}{'' if got >= floor else ' **short**'} |\n"
            )
    return lines


def geometric(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs)) if logs else float("nan")


def ratios(rows: list[dict[str, Any]], other: str) -> list[float]:
    return [r["seconds"][other] / r["seconds"]["elman"] for r in rows if other in r["seconds"]]


def write(found: dict[str, Any], here: Path) -> None:
    m = found.get("machine", {})
    lines = [HEAD, f"Machine: {m.get('cpu')}, {m.get('cores')} cores, {m.get('widest')}; torch {m.get('torch')}.\n"]
    if found.get("missing"):
        lines.append(f"Not installed, so not measured: {', '.join(found['missing'])}.\n")
    lines += [
        "\n## Asked and reached\n\n",
        "| what | asked | reached (geometric mean) | lowest | cases |\n",
        "|---|---|---|---|---|\n",
    ]
    for title, part, cells, work, other, wanted in ASKED:
        got = ratios(asked_rows(found, part, cells, work), other)
        if got:
            mark = "" if geometric(got) >= wanted else " **short**"
            reached = f"{geometric(got):.2f}x{mark} | {min(got):.2f}x | {len(got)}"
            lines.append(f"| {title}, {work} / {other} | {wanted:g}x | {reached} |\n")
    lines += of_peak(found)
    for part, data in found["parts"].items():
        peak = data["ceilings"].get("peak", float("nan"))
        lines.append(f"\n## {part}\n\n{data['threads']} threads; peak {peak:.0f} GF/s, ")
        lines.append(f"second-level cache {data['ceilings'].get('l2', float('nan')):.0f} GF/s.\n\n")
        if "note" in data:
            lines.append(data["note"] + "\n\n")
        others = list(dict.fromkeys(n for r in data["rows"] for n in r["seconds"] if n != "elman"))
        lines.append(
            f"| cell | case | work | ours GF/s | of peak | ours us | {' | '.join(f'{o}: ratio' for o in others)} |\n"
        )
        lines.append("|---" * (6 + len(others)) + "|\n")
        for r in data["rows"]:
            rate = r["gflops"]["elman"]
            row = [
                r["cell"],
                r["case"],
                r["work"],
                f"{rate:.1f}",
                f"{rate / peak:.0%}",
                f"{r['seconds']['elman'] * 1e6:,.0f}",
            ]
            row += [f"{r['seconds'][o] / r['seconds']['elman']:.2f}" if o in r["seconds"] else "" for o in others]
            lines.append("| " + " | ".join(row) + " |\n")
    lines.append("\n![roofline](roofline.png)\n")
    (here / "README.md").write_text("".join(lines))
    picture(found, here / "roofline.png")


def picture(found: dict[str, Any], path: Path) -> None:
    """GF/s over H, one panel for training in batches and one for single sequences, under the measured ceilings."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    data = found["parts"].get("grid")
    if not data:
        return
    colours = {"LSTM": "#0072b2", "GRU": "#d55e00", "GRU before": "#cc79a7", "RNN": "#009e73"}
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    for panel, batch, title in (
        (panels[0], "B32", "training, 32 sequences"),
        (panels[1], "B1", "training, one sequence"),
    ):
        for who, style in (("elman", "-o"), ("torch.nn", ":s")):
            points: dict[str, list[tuple[int, float]]] = defaultdict(list)
            for r in data["rows"]:
                _, b, h = r["case"].split()[:3]
                if r["work"] == "training" and b == batch and who in r["gflops"] and int(h[1:]) in (64, 128, 256, 512):
                    points[r["cell"]].append((int(h[1:]), r["gflops"][who]))
            for cell, xy in points.items():
                xs, ys = zip(*sorted(xy), strict=True)
                panel.plot(xs, ys, style, color=colours[cell], label=f"{cell}, {who}", markersize=5)
        for name, value in data["ceilings"].items():
            panel.axhline(value, color="#555", lw=1)
            panel.text(64, value * 1.03, {"peak": "multiply-add peak", "l2": "second-level cache"}[name], fontsize=8)
        panel.set(title=title, xlabel="H (= I)", xscale="log", yscale="log", xticks=[64, 128, 256, 512])
        panel.set_xticklabels(["64", "128", "256", "512"])
        panel.minorticks_off()
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("GF/s")
    panels[0].legend(fontsize=7, ncols=2, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
