"""What each part of a recipe adds or costs: the same training without it, over several seeds, judged on validation.

Every figure is kept as soon as it is known, so that an ablation cut short goes on where it stopped.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from elman.errors import InputError
from elman.files import json_text, read_file, write_file
from elman.metric import Figure
from elman.training.progress import Silent

__all__ = ["RECIPE", "Ablation", "Shown", "ablate"]

RECIPE = "the recipe"  # the name of what the variants are compared with

_LONGEST = 1 << 20  # bytes

# variant, seed, checkpoint, title -> the figure on validation; None if the training was interrupted
Run = Callable[[str, int, Path, str], float | None]


@dataclass(frozen=True)
class Ablation:
    """Figures of a recipe and its variants.

    Attributes:
        figure: what was measured, on the validation part.
        seeds: of the trainings.
        runs: name -> the figure of each seed; `RECIPE` is the recipe itself.
        idle: variants that change nothing in these data, and so were not trained.
    """

    figure: Figure
    seeds: Sequence[int]
    runs: Mapping[str, Sequence[float]]
    idle: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """As metrics.json holds it; standard deviations and differences only where there is something to compare."""
        rows: dict[str, dict[str, Any]] = {}
        whole = float(np.mean(self.runs[RECIPE]))
        for name, values in self.runs.items():
            mean = float(np.mean(values))
            rows[name] = {"runs": list(values), "mean": mean}
            if len(values) > 1:
                rows[name]["std"] = float(np.std(values, ddof=1))
            if name != RECIPE:
                rows[name]["difference"] = mean - whole
        return {
            "metric": self.figure.key,
            "better": self.figure.better,
            "part": "valid",
            "reference": RECIPE,
            "seeds": list(self.seeds),
            "variants": rows,
            "changes nothing": list(self.idle),
        }


def ablate(
    names: Sequence[str],
    seeds: Sequence[int],
    run: Run,
    folder: Path,
    *,
    figure: Figure,
    known: Mapping[int, float] | None = None,
    idle: Sequence[str] = (),
    progress: Silent | None = None,
) -> tuple[Ablation, bool]:
    """Train every variant with every seed.

    Args:
        names: of the variants; the recipe itself is trained besides.
        seeds: all variants are trained with the first before any is trained with the second.
        run: trains one and judges it.
        folder: for the figures known so far and the checkpoint of the training under way.
        figure: what `run` returns; NaN for a training that diverged.
        known: figures of the recipe itself by seed, where it was trained already.
        idle: see `Ablation`.

    Returns:
        The figures, and whether Ctrl-C came before all were there.
    """
    progress = progress or Silent()
    figures = _Figures(folder / "ablation.json")
    for seed, value in (known or {}).items():
        figures[RECIPE, seed] = value
    todo = [(seed, name) for seed in seeds for name in (RECIPE, *names)]
    interrupted = False
    try:
        for number, (seed, name) in enumerate(todo, 1):
            if (name, seed) in figures:
                continue
            title = f"{name}, seed {seed} ({number}/{len(todo)})"
            checkpoint = folder / "ablation" / f"{number}"
            found = run(name, seed, checkpoint, title)
            if found is None:
                interrupted = True
                break
            value = figures[name, seed] = found
            shutil.rmtree(checkpoint, ignore_errors=True)
            progress.note(f"{title}: {figure.key} {value:.3f}")
    except KeyboardInterrupt:  # between two trainings; within one, the loop ends its step and says so
        interrupted = True
    runs = {name: [figures[name, s] for s in seeds if (name, s) in figures] for name in (RECIPE, *names)}
    return Ablation(figure, seeds, {name: values for name, values in runs.items() if values}, idle), interrupted


class Shown:
    """What a report shows of variants besides their figures, on disk after every change.

    Raises:
        InputError: what lies there cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, Any] = {}
        if path.exists():
            try:
                self._known = msgspec.json.decode(read_file(path, _LONGEST), type=dict[str, Any])
            except (OSError, ValueError) as error:
                raise _damaged(path, error) from error

    def put(self, name: str, value: object) -> None:
        """Keep it; None is nothing to keep."""
        if value is not None:
            self._known[name] = value
            write_file(self.path, json_text(self._known))

    def to_dict(self) -> dict[str, Any]:
        """As metrics.json has it."""
        return {"shown": dict(self._known)} if self._known else {}


class _Figures:
    """(variant, seed) -> figure, on disk after every change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, int], float] = {}
        if path.exists():
            self._known = _read(path)

    def __getitem__(self, key: tuple[str, int]) -> float:
        return self._known[key]

    def __setitem__(self, key: tuple[str, int], value: float) -> None:
        self._known[key] = value
        write_file(self.path, json_text([[*k, v if math.isfinite(v) else None] for k, v in self._known.items()]))

    def __contains__(self, key: object) -> bool:
        return key in self._known


def _read(path: Path) -> dict[tuple[str, int], float]:
    """The figures of an ablation cut short. Raises InputError if they cannot be read."""
    try:
        rows = msgspec.json.decode(read_file(path, _LONGEST), type=list[tuple[str, int, float | None]])
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return {(name, seed): math.nan if value is None else value for name, seed, value in rows}


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(f"the checkpoint is damaged ({error})", where=str(path), remedy="start afresh with --force")
