"""The composer: learns pieces, foretells, goes on, is saved; `elman.tasks.estimators` makes it `elman.Composer`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.config.bounds import Count
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.config.training import TrainingSettings
from elman.data.inputs import listed
from elman.data.music import Pieces, read_pieces
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.metric import Figure
from elman.models.described_music import MusicDescription
from elman.models.music_batches import ReadPieces, RollBatch, transposed
from elman.models.music_network import MusicNetwork
from elman.models.music_settings import MusicSettings
from elman.notes.repeats import repeating
from elman.notes.roll import PITCHES, Roll, chord_of
from elman.sequences import within
from elman.tasks.batches import at_once
from elman.tasks.estimator import Estimator, check_fitted
from elman.tasks.figures import Scores
from elman.training.divergence import check_answer, warn_if_diverged
from elman.training.randomness import generator

__all__ = ["Composer", "NotesSettings", "figures_of", "frames_of", "pieces_of"]

_HELD = 0.1  # of what is given, to choose the epoch
_HEADS = ("nll_independent", "nll")  # in the order of the network's


class NotesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [notes] section of a composer's recipe.

    Attributes:
        transpose: semitones by which a piece is moved up or down at most, anew each time that it is learned from;
            0: pieces stay in their keys, which is right where all were moved to one.
    """

    transpose: Count = 0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "notes")


class Composer(Estimator[Pieces, ReadPieces, RollBatch]):
    """What comes next in a piece of music; a scikit-learn estimator.

    ``Composer(hidden=200, epochs=50)``: its parameters are the fields of `NotesSettings`, `MusicSettings` and
    `TrainingSettings` together. X is a list of pieces: piano rolls (T, 88), not 0 where a key sounds, or names of files
    and folders (MIDI, ABC, ``.mat``, ``.npz``).

    Figures are nats a frame, summed over the 88 keys, the mean of all frames of all pieces but the first of each, as
    published figures are taken (Bai et al. 2018): `nll` of notes one after the other within a frame, `nll_independent`
    of notes independent of each other given the frames before. With `_all` the first frames count, too; with
    `_unrepeated` only pieces whose tune is in no piece that was learned from.

    Attributes:
        step_: beats a frame. per_minute_: beats a minute.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
    """

    TASK = "compose"
    SETTINGS: ClassVar = {"notes": NotesSettings, "model": MusicSettings, "training": TrainingSettings}
    DESCRIPTION = MusicDescription
    FIGURES = (
        Figure("nll", "low", "nats", "Nats a frame"),
        Figure("nll_independent", "low", "nats", "Nats a frame, notes independent"),
        Figure("nll_unrepeated", "low", "nats", "Nats a frame, tunes that are new"),
        Figure("nll_independent_unrepeated", "low", "nats", "Nats a frame, tunes that are new, notes independent"),
    )

    model_: MusicNetwork
    step_: float
    per_minute_: float
    known_: Sequence[Roll] = ()  # what was learned from, while it is in memory
    going_on_: Mapping[str, Any] = {}

    # -- learning

    def fit(self, X: Any, y: object = None) -> Composer:
        """Learn pieces; the last tenth chooses the epoch.

        Raises:
            InputError: too few of them, or what is no piece.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        pieces = pieces_of(X)
        at = min(len(pieces) - 1, round(len(pieces) * (1 - _HELD)))
        if at < 1:
            raise InputError("one piece is too little to learn from", remedy="give several")
        self.fit_parts(pieces.take(range(at)), pieces.take(range(at, len(pieces))))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Pieces, valid: Pieces | None) -> None:
        self.step_, self.per_minute_, self.known_ = train.step, train.per_minute, train.rolls

    def encoded(self, examples: Pieces) -> ReadPieces:
        return ReadPieces(examples.rolls)

    def network(self, train: ReadPieces) -> MusicNetwork:
        return MusicNetwork(self.settings(MusicSettings))

    def loss(self, batch: RollBatch) -> tuple[Tensor, float]:
        rolls, most = batch.sequences.data, self.settings(NotesSettings).transpose
        if most:
            rolls = transposed(rolls, batch.lengths, most, generator(torch.device("cpu")))
        loss, frames = self.model_.loss(rolls, batch.lengths)
        return loss, float(frames)

    def remarks(self, parts: Mapping[str, Pieces]) -> Sequence[str]:
        """How many pieces to judge by repeat a tune of those to learn from."""
        told = []
        for name, part in parts.items():
            again = sum(repeating(parts["training"].rolls, part.rolls)) if name != "training" else 0
            if again:
                told.append(
                    f"{again:,} of {len(part):,} {name} pieces repeat the tune of a training piece: half of the upper "
                    "voice's stretches of eight frames stand in one, in whatever key"
                )
        return told

    # -- use

    def log_prob(self, piece: Any, independent: bool = False) -> NDArray[np.float64]:
        """(T,) ln p of each frame of a piece, given all before it, from its beginning.

        Args:
            piece: a piano roll (T, 88), or the name of a file with one piece.
            independent: of notes independent of each other, in place of one after the other.
        """
        check_fitted(self)
        (found,) = self._told(ReadPieces(pieces_of([piece], self.step_).rolls[:1]))
        return found[:, int(not independent)]

    def evaluate(self, X: Any) -> Scores:
        """Every figure of some pieces."""
        check_fitted(self)
        return self.judge(pieces_of(X, self.step_))

    def compose(self, start: str | Roll = "", *, length: int = 64, temperature: float = 1.0, seed: int = 0) -> Roll:
        """(length, 88) a piece that begins with some notes.

        Args:
            start: notes by name, ``"C4"`` or ``"C4 E4 G4"``; several frames with ``|`` between them; or a piano roll
                (T, 88). Empty: the first frame is drawn, too.
            length: frames of it all.
            temperature: below 1 what is likely is drawn more often; at 0 what is likelier than not sounds.
            seed: of what is drawn: with the same seed the same comes out.

        Raises:
            InputError: a start that is no note, or longer than all.
        """
        check_fitted(self)
        begin = frames_of(start) if isinstance(start, str) else start
        begin = pieces_of([begin]).rolls[0] if len(begin) else frames_of("")
        if len(begin) > length:
            raise InputError(f"a start of {len(begin)} frames is longer than the {length} asked for",
                             where="--length", remedy="ask for more")  # fmt: skip
        model, draws = self.model_.eval(), torch.Generator().manual_seed(seed)
        out = torch.zeros(length + 1, PITCHES)  # the first frame follows silence
        out[1 : len(begin) + 1] = torch.from_numpy(begin)
        with torch.no_grad():
            places = model.begin()
            for t in range(length):
                known, places = model.step(out[t, None], places)
                if t >= len(begin):
                    out[t + 1] = model.draw(known, draws, temperature)
        found: Roll = out[1:].numpy() > 0
        return found

    # -- trust

    def outputs(self, batch: RollBatch) -> Sequence[Tensor]:
        """ln p of each frame of each piece, (T_i, 2): notes independent, and one after the other."""
        rolls = batch.sequences.data
        found, _ = self.model_.log_probs(rolls, batch.lengths)
        real = within(batch.lengths, len(rolls), device=rolls.device)
        out = found.new_zeros(*real.shape, 2)
        out[real] = found
        return [out[:T, b] for b, T in enumerate(batch.lengths.tolist())]

    def figures(self, examples: ReadPieces) -> Scores:
        return figures_of(self._told(examples))

    def judge(self, examples: Pieces) -> Scores:
        """Beside the figures of all pieces those of the pieces whose tune is new, as long as it is known which are."""
        told = self.told(examples)
        found = figures_of(told)
        again = repeating(self.known_, examples.rolls)
        if any(again) and not all(again):
            new = figures_of([one for one, known in zip(told, again) if not known])
            found |= {f"{key}_unrepeated": new[key] for key in (*reversed(_HEADS), "n")}
        return found

    def told(self, examples: Pieces) -> list[NDArray[np.float64]]:
        """ln p of the frames of each piece, (T_i, 2): notes independent, and one after the other."""
        return self._told(self.encoded(examples))

    def _told(self, examples: ReadPieces) -> list[NDArray[np.float64]]:
        found: list[NDArray[np.float64]] = [np.zeros((0, 2))] * len(examples.rolls)
        for picks, batch in at_once(self.model_, examples, most=32):
            for i, one in zip(picks, self.outputs(batch)):
                found[i] = check_answer(one).double().cpu().numpy()
        return found

    # -- disk

    def described(self) -> dict[str, Any]:
        return {"cell": self.model_.graph.to_dict(), "step": self.step_, "per_minute": self.per_minute_}

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.step_, self.per_minute_ = description["step"], description["per_minute"]
        self.model_ = MusicNetwork(self.settings(MusicSettings), graph=Graph.from_dict(description["cell"]))


def figures_of(told: Sequence[NDArray[np.float64]]) -> Scores:
    """Of ln p of the frames of each piece, (T_i, 2)."""
    frames, later = np.concatenate(told), np.concatenate([one[1:] for one in told])
    found: Scores = {}
    for k in (1, 0):
        found[_HEADS[k]] = float(-later[:, k].mean()) if len(later) else math.nan
        found[f"{_HEADS[k]}_all"] = float(-frames[:, k].mean())
    return {**found, "n": len(told), "frames": len(later)}


def frames_of(text: str) -> Roll:
    """Frames by the names of their notes, ``"C4 E4 | D4"``; ``_`` is silence. Raises InputError for what is no note."""
    parts = [part.strip() for part in text.split("|")]
    if parts == [""]:
        return np.zeros((0, PITCHES), np.bool_)
    return np.stack([np.zeros(PITCHES, np.bool_) if part in ("_", "-", "") else chord_of(part) for part in parts])


def pieces_of(X: Any, step: float = 0.0) -> Pieces:
    """What somebody gives an estimator as pieces: piano rolls, and names of files and folders.

    Raises:
        InputError: what is neither, or there is none.
    """
    if isinstance(X, Pieces):
        return X
    rolls, names, found = list[Roll](), list[str](), Pieces([], [])
    for i, item in enumerate(listed(X)):
        if isinstance(item, (str, Path)) and os.path.exists(item):
            read = read_pieces(Path(item), DataSettings(step=step), lambda line: None)
            for found in read.values():
                rolls += found.rolls
                names += found.names
        else:
            roll = np.asarray(item)
            if roll.ndim != 2 or roll.shape[1] != PITCHES or len(roll) < 1 or roll.dtype.kind not in "biuf":
                raise InputError("this is no piece", where=f"X[{i}]",
                                 remedy=f"give piano rolls (T, {PITCHES}), or names of files")  # fmt: skip
            rolls.append(roll > 0)
            names.append(str(i + 1))
    if not rolls:
        raise InputError("there are no pieces", remedy="give at least one")
    return Pieces(rolls, names, found.step, found.per_minute)
