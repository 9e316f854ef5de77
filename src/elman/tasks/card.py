"""card.md: what a model is, how it was made and how good it is, for whoever finds the folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elman import __version__

__all__ = ["write_card"]


def write_card(
    title: str,
    description: str,
    *,
    metrics: Mapping[str, Any],
    keys: Sequence[str],
    settings: Mapping[str, Any],
    notes: Sequence[str],
    usage: str,
    proof: Mapping[str, Any] | None = None,
) -> str:
    """A model card in Markdown.

    Args:
        metrics: the object of metrics.json.
        keys: the figures to show, in order.
        settings: what was trained, as printed pairs.
        notes: how the data were split, what was guessed.
        usage: a command that uses the model.
    """
    lines = [f"# {title}", "", description or "A model trained with Elman.", "", "## How good", ""]
    columns = [part for part in ("test", "valid", "baseline") if metrics.get(part)]
    lines += [f"| figure | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for key in keys:
        cells = [f"{metrics[part][key]:.3f}" if key in metrics[part] else "" for part in columns]
        lines.append(f"| {key} | {' | '.join(cells)} |")
    if name := metrics.get("baseline", {}).get("name"):
        lines += ["", f"Baseline: {name}: {metrics['baseline'].get('text', '')}."]
    if seeds := metrics.get("seeds"):
        said = ", ".join(f"{k} {seeds['mean'][k]:.3f} +- {seeds['std'][k]:.3f}" for k in keys if k in seeds["mean"])
        lines += ["", f"Over {len(seeds['runs'])} seeds (mean +- standard deviation, test): {said}."]
    lines += ["", "## Data", "", *(f"- {note}" for note in notes)]
    lines += ["", "## Settings", "", "| setting | value |", "| --- | --- |"]
    lines += [f"| {key} | {_cell(value)} |" for key, value in settings.items()]
    if proof is not None:
        held = sum(c["holds"] is True for c in proof["checks"])
        lines += ["", f"## Proof\n\n{'Proven' if proof['ok'] else 'NOT proven'}: {held} checks hold, see proof.json."]
    return "\n".join([*lines, "", "## Use", "", f"    {usage}", "", f"Trained with Elman {__version__}.", ""])


def _cell(value: object) -> str:
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text.replace("|", "\\|")
