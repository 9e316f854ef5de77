"""The checkpoint of a training: everything that going on needs, as if nothing had happened.

training.safetensors, training.json    what `write_tree` makes of it
training.sha256                        their digest
"""

from __future__ import annotations

import time
from pathlib import Path

from elman.errors import InputError
from elman.training.session import Session
from elman.training.treefile import read_tree, write_tree
from elman.training.whole_folder import whole_folder

__all__ = ["Checkpoint"]


class Checkpoint:
    """Where the last whole checkpoint of a training lies.

    Args:
        folder: of its own; None keeps none.
        seconds: at most so much work is lost when the machine goes down.
    """

    def __init__(self, folder: Path | None, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        self._saved = time.perf_counter()

    def save(self, session: Session) -> None:
        """Write it, whole or not at all. Raises DivergenceError rather than keep weights that are no numbers."""
        self._saved = time.perf_counter()
        if self._folder is None:
            return
        session.check_weights()
        with whole_folder(self._folder) as folder:
            write_tree(session.state(), folder, "training")

    def save_now_and_then(self, session: Session) -> None:
        """Write it if the last is old enough."""
        if time.perf_counter() - self._saved > self._seconds:
            self.save(session)

    def load(self, session: Session) -> None:
        """Let a new session stand where the written one stood, if there is one.

        Raises:
            InputError: it is damaged, or of another model or other data.
        """
        if self._folder is None or not self._folder.exists():
            return
        saved = read_tree(self._folder, "training")
        wanted = {name: tensor.shape for name, tensor in session.trainable.model.state_dict().items()}
        if wanted != {name: tensor.shape for name, tensor in saved["model"].items()}:
            raise InputError(
                "the checkpoint is of another model: the data may have changed since",
                where=str(self._folder),
                remedy="start afresh with --force",
            )
        session.restore(saved)
