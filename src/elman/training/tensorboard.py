"""The rows of a history as TensorBoard's events: while a training runs, and in its RUN."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from elman.errors import InputError
from elman.training.callbacks import Callback
from elman.training.session import Fitted, Standing
from elman.training.step import Trainable

__all__ = ["TensorBoard", "has_tensorboard"]


def has_tensorboard() -> bool:
    return find_spec("tensorboard") is not None


class TensorBoard(Callback):
    """Writes each row of the history into a folder's ``events.*``, for ``tensorboard --logdir FOLDER``, as it comes.

    Args:
        folder: made if it is not there. A resumed training writes into the same.

    Raises:
        InputError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        if not has_tensorboard():
            raise InputError("TensorBoard is not installed", remedy="pip install tensorboard")
        self._folder = folder
        self._writer: Any = None
        self._begun: Standing | None = None

    def train_start(self, trainable: Trainable, at: Standing) -> None:
        """Rows of what is trained again after a breakdown are hidden from now on."""
        self._begun = at

    def validation_end(self, at: Standing, row: Mapping[str, float]) -> None:
        self.write(row)
        self._writer.flush()

    def train_end(self, fitted: Fitted) -> None:
        self.close()

    def write(self, row: Mapping[str, float]) -> None:
        """One row: figures of validation as ``valid/NAME``, others as ``training/NAME``, against the epoch, or against
        the optimiser's step where the row has one."""
        if self._writer is None:
            resumed = self._begun is not None and self._begun.step > 0
            self.open(_place(row) if resumed else None)
        for name, value in row.items():
            if name not in ("epoch", "step"):
                group = "valid" if name.startswith("valid_") else "training"
                self._writer.add_scalar(f"{group}/{name.removeprefix('valid_')}", value, _place(row))

    def open(self, purge: int | None = None) -> None:
        """Begin a file of events, in which those from the place `purge` on are hidden that older files hold."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder), purge_step=purge)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _place(row: Mapping[str, float]) -> int:
    return int(row.get("step", row["epoch"]))
