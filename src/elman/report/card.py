"""card.md: what a model is, made from what, for what, how good, and where it ends.

After Mitchell et al. 2019, *Model cards for model reporting*. What a card says of quality and limits is worked out from
the figures of the test split, so that it cannot be kinder than they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman import __version__
from elman.data.parts import packaged_folder
from elman.metric import Figure
from elman.pages.numbers import significant

__all__ = ["write_card"]


def write_card(
    title: str,
    description: str,
    *,
    metrics: Mapping[str, Any],
    figures: Sequence[Figure],
    settings: Mapping[str, Any],
    notes: Sequence[str],
    verdict: str,
    better: bool,
    usage: str,
    proof: Mapping[str, Any] | None = None,
    data: str = "",
    parts: Mapping[str, str] | None = None,
) -> str:
    """A model card in Markdown.

    Args:
        metrics: the object of metrics.json.
        figures: to show, in order of weight.
        settings: what was trained, as printed pairs.
        notes: how the data were split, what was guessed.
        verdict: ours beside the best baseline, as the report says it. better: whether it is above it.
        usage: a command that uses the model.
        proof: the object of proof.json.
        data: the recipe's data.path; of packaged data the card repeats source, licence and split.
        parts: the files of parts that have one of their own, by what they are for.
    """
    lines = [f"# {title}", "", description or "A model trained with Elman.", "", "## Intended use", ""]
    lines += [
        "Sequences like those it was trained on: of the same kind, and texts in the same language. Before using it on "
        "others, judge it on some of them: `elman evaluate RUN --data FILE`.",
    ]
    lines += ["", "## How good", ""]
    columns = [part for part in ("test", "valid", "baseline") if metrics.get(part)]
    lines += [f"| figure | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}"]
    for figure in figures:
        cells = [_number(metrics[part][figure.key]) if figure.key in metrics[part] else "" for part in columns]
        said = figure.key if figure.better == "high" else f"{figure.key} (lower is better)"
        lines.append(f"| {said} | {' | '.join(cells)} |")
    if name := metrics.get("baseline", {}).get("name"):
        lines += ["", f"Baseline: {name}: {metrics['baseline'].get('text', '')}."]
    lines += ["", verdict]
    if seeds := metrics.get("seeds"):
        known = [f.key for f in figures if f.key in seeds["mean"]]
        said = ", ".join(f"{k} {_number(seeds['mean'][k])} +- {_number(seeds['std'][k])}" for k in known)
        lines += ["", f"Over {len(seeds['runs'])} seeds (mean +- standard deviation, test): {said}."]
    lines += ["", "## Limits", "", *(f"- {limit}" for limit in _limits(metrics, better))]
    lines += ["", "## Data", "", *_source(data, parts or {}), *(f"- {note}" for note in notes)]
    lines += ["", "## Settings", "", "| setting | value |", "| --- | --- |"]
    lines += [f"| {key} | {_cell(value)} |" for key, value in settings.items() if key != "equations"]
    if decided := metrics.get("decided"):
        lines += ["", "Decided from the data:", "", *(f"- {line}" for line in decided["lines"])]
    if equations := settings.get("equations"):
        lines += ["", "One time step:", "", *(f"    {line}" for line in equations)]
    if proof is not None:
        held = sum(c["holds"] is True for c in proof["checks"])
        lines += ["", f"## Proof\n\n{'Proven' if proof['ok'] else 'NOT proven'}: {held} checks hold, see proof.json."]
    return "\n".join([*lines, "", "## Use", "", f"    {usage}", "", f"Trained with Elman {__version__}.", ""])


def _limits(metrics: Mapping[str, Any], better: bool) -> Iterator[str]:
    """What the figures of the test split say against the model, and what no figure says."""
    test = metrics["test"]
    if metrics.get("interrupted"):
        yield "Its training was interrupted: these are not the weights it would have ended with."
    if metrics.get("diverged"):
        yield f"Its training stopped ({metrics['diverged']}): these are the weights of its best epoch until then."
    if not better and not metrics.get("doubt"):  # which the verdict tells
        yield "It is not better than the best baseline, which is simpler: prefer that one."
    groups = test.get("classes") or test.get("types") or {}
    scored = {name: row["f1"] for name, row in groups.items() if row.get("n", row.get("support", 1))}
    if len(scored) > 1:
        worst = min(scored, key=lambda name: scored[name])
        if scored[worst] < max(scored.values()):
            yield f"Weakest on {_cell(worst)}: F1 {scored[worst]:.3f} on the test split."
    if "ece" in test:
        yield f"A stated probability is off by {test['ece']:.3f} on average (expected calibration error)."
    if "n" in test:
        yield f"Judged on {test['n']:,} test examples and nothing else."
    yield "Not examined: fairness between groups of people, robustness against texts written to mislead it."


def _source(path: str, parts: Mapping[str, str]) -> list[str]:
    """Source, licence and split of packaged data, as the README beside them says; of others, where they were."""
    others = [f"- For {what}: `{_names(file)}`." for what, file in parts.items() if file]
    if not path.startswith("packaged:"):
        return [f"- Read from `{_names(path)}`. Its licence is for its owner to state.", *others] if path else others
    readme = (packaged_folder(path.removeprefix("packaged:")) / "README.md").read_text(encoding="utf-8")
    said, what = dict[str, str](), ""
    for paragraph in re.split(r"\n\s*\n", readme):
        if found := re.match(r"\*\*(\w+)\.\*\*\s+(.*)", paragraph, re.DOTALL):
            what = found[1]
            said[what] = " ".join(found[2].split())
        elif what and paragraph.startswith("- "):  # the works to cite end the sentence before them
            entries = [" ".join(entry.split()).rstrip(".") for entry in re.split(r"(?:^|\n)- ", paragraph)[1:]]
            said[what] += f" {'; '.join(entries)}."
        else:
            what = ""
    known = ("Source", "Licence") if others else ("Source", "Licence", "Split")  # which is another then
    return [f"- {what}: {said[what]}" for what in known if what in said] + others


def _names(paths: str) -> str:
    """Of files that a comma separates: the card travels, and tells of no folders of this machine."""
    return ", ".join(Path(part).name for part in paths.split(","))


def _number(value: float | None) -> str:
    """A dash for what is no number."""
    return "\u2013" if value is None else significant(value)


def _cell(value: object) -> str:
    text = "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
