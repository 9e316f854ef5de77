"""A RUN as it is written: the folder that a training leaves, whole or not at all. No pickle in it.

model.safetensors   the weights
model.json          what they are weights of: architecture, vocabulary, text chain, labels
recipe.toml         everything that was set, defaults included
metrics.json        {"test": {...}, "valid": {...}, "baseline": {...}, "seconds": ...}
history.jsonl       one line an epoch
proof.json          the state contract, proven for this model
card.md             what it is, for people
report.html         what it learned, in pictures
events.*            TensorBoard's, where that is installed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from elman.errors import InputError
from elman.files import json_text, try_place
from elman.training.run_reader import FORMAT, is_run
from elman.training.tensorboard import TensorBoard, has_tensorboard
from elman.training.whole_folder import whole_folder

__all__ = ["check_place", "resume_folder", "write_run"]


def check_place(out: Path) -> None:
    """Before hours of training: may a RUN be written here?

    Raises:
        InputError: a file is in the way, or a folder that holds something else, or the disk refuses.
    """
    if not out.name or out.name == "..":
        raise InputError("cannot be the name of a folder", where=str(out), remedy="choose another --out")
    for place in (out, resume_folder(out)):
        try_place(place)
    if out.exists() and not out.is_dir():
        raise InputError("is a file", where=str(out), remedy="choose another --out")
    if out.is_dir() and any(out.iterdir()) and not is_run(out):
        raise InputError(
            "this folder is not a RUN, and would be replaced", where=str(out), remedy="choose another --out"
        )


def resume_folder(out: Path) -> Path:
    """Where the checkpoints of a training on its way to `out` lie: beside it, since it does not exist yet."""
    return out.with_name(out.name + ".training")


def write_run(
    out: Path,
    *,
    model: nn.Module,
    description: Mapping[str, Any],
    recipe: str = "",
    metrics: Mapping[str, Any] | None = None,
    history: Iterable[Mapping[str, float]] = (),
    proof: Mapping[str, Any] | None = None,
    card: str = "",
    report: str = "",
    more: Mapping[str, str] | None = None,
) -> None:
    """Write a RUN, replacing an older one; what is empty is left out.

    Args:
        description: of the model, for model.json: everything needed to build it anew, but the weights.
        more: further files by name.
    """
    check_place(out)
    rows = list(history)
    texts = {
        "model.json": _json({"format": FORMAT, **description}),
        "recipe.toml": recipe,
        "metrics.json": _json(metrics) if metrics is not None else "",
        "history.jsonl": "".join(json_text(row, ascii=True) + "\n" for row in rows),
        "proof.json": _json(proof) if proof is not None else "",
        "card.md": card,
        "report.html": report,
        **(more or {}),
    }
    with whole_folder(out) as folder:
        # a copy: safetensors refuses tensors that share memory, as tied weights do
        save_file(
            {k: t.detach().cpu().contiguous().clone() for k, t in model.state_dict().items()},
            folder / "model.safetensors",
        )
        for name, text in texts.items():
            if text or name == "history.jsonl":  # empty before the first epoch's end
                (folder / name).write_bytes(text.encode("utf-8", "replace"))  # half a surrogate is no letter
        # safetensors makes files that only their owner can read
        (folder / "model.safetensors").chmod((folder / "model.json").stat().st_mode)
        write_events(folder, rows)


def write_events(folder: Path, history: Iterable[Mapping[str, float]]) -> None:
    """The history as TensorBoard events, if TensorBoard is installed."""
    if not has_tensorboard():
        return
    board = TensorBoard(folder)
    board.open()
    for row in history:
        board.write(row)
    board.close()


def _json(value: Any) -> str:
    text = json_text(value, indent=1) + "\n"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate, which JSON can hold as an escape, and UTF-8 cannot
        return json_text(value, indent=1, ascii=True) + "\n"
    return text
