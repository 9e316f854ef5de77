"""The signal chain: stages in the order a recipe gives them, from samples to features, whole or as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from elman.errors import InputError, in_words, unknown
from elman.signals.artefacts import Reject
from elman.signals.bands import Bands
from elman.signals.covariances import Covariances
from elman.signals.filters import Bandpass, Notch
from elman.signals.frames import Deltas, Normalise, Stack
from elman.signals.mel import MFCC, LogMel
from elman.signals.mixing import Channels, Gain, Mono, Reference
from elman.signals.resampling import Resample
from elman.signals.signal import Layout, Note, Signal
from elman.signals.stage import Running, Stage
from elman.signals.windows import Windows

__all__ = ["STAGES", "Chain", "Did", "Stream"]

STAGES: dict[str, type[Stage]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Channels, Mono, Gain, Resample, Bandpass, Notch, Reference, Reject, LogMel, MFCC, Bands, Covariances, Deltas,
        Stack, Normalise, Windows,
    )
}  # fmt: skip
_SMEARING = (Bandpass, Notch, Resample)  # each number that they give is made of many


@dataclass(frozen=True)
class Did:
    """What one stage did: its name and the options that are not the usual ones, its words, and what came of it."""

    stage: str
    said: str
    signal: Signal


class Chain:
    """Stages in order, ready to be applied.

    Args:
        stages: names, or mappings of a name and options: ``["mono", {"name": "logmel", "bins": 40}, "deltas"]``.
        where: the file that they stand in, for errors.

    Raises:
        InputError: an unknown stage or option, a value that makes no sense, stages in an order that cannot work.
    """

    def __init__(self, stages: Iterable[str | Mapping[str, Any]] = (), where: str = "") -> None:
        if isinstance(stages, str | Mapping):
            raise InputError(f"stages = {stages!r} is no list", where=where, remedy='write stages = ["mono", "logmel"]')
        read = [_read(stage, where) for stage in stages]
        kinds = [type(stage) for stage in read]
        if Windows in kinds[:-1]:
            raise InputError("windows are cut last", where=where, remedy="put the stage windows at the end, once")
        if Reject in kinds:
            if kinds[-1] is not Windows:
                raise InputError("what is taken out must be left out: there are no windows", where=where,
                                 remedy="put the stage windows at the end")  # fmt: skip
            late = [_name(stage) for stage in read[kinds.index(Reject) :] if isinstance(stage, _SMEARING)]
            if late:
                raise InputError(f"{late[0]} stands behind reject, and would smear what was taken out", where=where,
                                 remedy=f"put {late[0]} before reject")  # fmt: skip
        self.windows = read.pop() if read and isinstance(read[-1], Windows) else None
        self.stages: list[Stage] = read
        self._where = where

    def __call__(self, signal: Signal) -> Signal:
        """The features of a signal, not cut into windows.

        Raises:
            InputError: a stage that cannot be applied to it, named; or one that leaves nothing of it.
        """
        stream = Stream(self, signal.layout, signal.source)
        found = np.concatenate([stream.push(signal.values), stream.close()])
        return self._done(signal, found, stream.layout)

    def pieces(self, signal: Signal, note: Note = lambda line: None) -> list[Signal]:
        """The windows of a signal's features; without the stage windows, all of it as one."""
        whole = self(signal)
        if not isinstance(self.windows, Windows):
            return [whole]
        found, out = self.windows.cut(whole)
        if out:
            note(f"{signal.source}: {out} of {out + len(found)} windows hold an artefact, and are left out")
        return found

    def layout(self, of: Layout, where: str = "") -> Layout:
        """What the features of a signal of this layout are. Raises InputError where a stage cannot be applied."""
        return [of, *(after for _, after in self._layouts(of, where))][-1]

    def delay(self, of: Layout) -> float:
        """Seconds that a feature is behind the signal at most, where it comes as a stream."""
        total = 0.0
        for stage, after in self._layouts(of, ""):
            total += stage.delay(of)
            of = after
        return total

    @property
    def waits(self) -> list[str]:
        """The stages that need the whole signal, by name: with one of these there is no stream."""
        return [_name(stage) for stage in self.stages if not stage.live]

    def begin(self, of: Layout) -> Stream:
        """The features of a signal as it comes.

        Raises:
            InputError: a stage that needs the whole signal, or cannot be applied.
        """
        if self.waits:
            remedy = "set causal = true" if self.waits[0] in ("bandpass", "notch") else 'set over = "past"'
            raise InputError(f"the stage {self.waits[0]} needs the whole signal", where=self._where, remedy=remedy)
        return Stream(self, of)

    def trace(self, signal: Signal) -> Iterator[Did]:
        """What each stage makes of the signal, in order; of windows the first is shown."""
        for stage in self.stages:
            alone = Chain()
            alone.stages = [stage]
            before, of = np.asarray(signal.values, np.float64), signal.layout
            signal = alone(signal)
            yield Did(_label(stage), stage.said(before, np.asarray(signal.values, np.float64), of), signal)
        if isinstance(self.windows, Windows):
            found, out = self.windows.cut(signal)
            said = f"{len(found)} windows of {len(found[0]) if found else 0} frames, {out} left out"
            yield Did(_label(self.windows), said, found[0] if found else replace(signal, values=signal.values[:0]))

    @property
    def labels(self) -> list[str]:
        """The stages in order, each with its options that are not the usual ones."""
        return [_label(stage) for stage in (*self.stages, *([self.windows] if self.windows else []))]

    def to_list(self) -> list[dict[str, Any]]:
        """The stages with all their options, as JSON knows them: what `Chain` is made of."""
        return [msgspec.to_builtins(stage) for stage in (*self.stages, *([self.windows] if self.windows else []))]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self.to_list() == other.to_list()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Chain({[stage['name'] for stage in self.to_list()]})"

    def _layouts(self, of: Layout, where: str) -> Iterator[tuple[Stage, Layout]]:
        for stage in self.stages:
            try:
                of = stage.layout(of)
            except InputError as error:
                place = ", ".join(filter(None, (where or self._where, f"stage {_name(stage)!r}")))
                raise InputError(error.what, where=place, remedy=error.remedy) from error
            yield stage, of

    def _done(self, signal: Signal, values: np.ndarray, layout: Layout) -> Signal:
        if not len(values):
            raise InputError(f"{signal.seconds:.3f} s are too short: not one frame of features is in them",
                             where=signal.source, remedy='take edges = "mirror", or leave the file out')  # fmt: skip
        return Signal(values.astype(np.float32), layout, signal.start, signal.source)


class Stream:
    """Features of one signal, piece by piece; whoever else is read beside it is none of its business.

    Attributes:
        layout: of the features.
    """

    def __init__(self, chain: Chain, of: Layout, where: str = "") -> None:
        self._channels, self._running = len(of.channels), list[Running]()
        self.layout, before = of, of
        for stage, after in chain._layouts(of, where):
            self._running.append(stage.begin(before))
            self.layout = before = after

    def push(self, x: np.ndarray) -> np.ndarray:
        """The features that are known once these (n, C) samples have come, (m, F).

        Raises:
            InputError: samples of other channels, or that are no numbers.
        """
        x = np.asarray(x, np.float64)
        x = x[:, None] if x.ndim == 1 else x
        if x.ndim != 2 or x.shape[1] != self._channels:
            raise InputError(f"samples of shape {x.shape}", remedy=f"give (n, {self._channels})")
        if not np.isfinite(x).all():
            raise InputError("a sample is no number", remedy="mend it, or leave the stretch out")
        for running in self._running:
            x = running.push(x)
        return x

    def close(self) -> np.ndarray:
        """The last features, (m, F), with what did not fill a frame by itself."""
        x = np.zeros((0, self._channels))
        for running in self._running:
            x = np.concatenate([running.push(x), running.close()])
        return x


def _name(stage: Stage) -> str:
    return str(type(stage).__struct_config__.tag)


def _label(stage: Stage) -> str:
    usual = {f.name: f.default for f in msgspec.structs.fields(stage)}
    told = {name: getattr(stage, name) for name, default in usual.items()}
    return " ".join([_name(stage), *(f"{k}={v}" for k, v in told.items() if v != usual[k] and not isinstance(v, dict))])


def _read(given: str | Mapping[str, Any], where: str) -> Stage:
    """One stage of a recipe."""
    options = {"name": given} if isinstance(given, str) else dict(given) if isinstance(given, Mapping) else {}
    name = options.get("name")
    if not isinstance(name, str):
        raise InputError(f"{given!r} is no stage", where=where, remedy='write "mono" or {name = "logmel", bins = 40}')
    if name not in STAGES:
        raise unknown("signal stage", name, STAGES, where=where)
    place = f"{where}, stage {name!r}" if where else f"stage {name!r}"
    kind = STAGES[name]
    for key in options:
        if key != "name" and key not in kind.__struct_fields__:
            raise unknown("option", key, kind.__struct_fields__, where=place)
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        said, _, at = str(error).partition(" - at ")
        key = at.strip("`").removeprefix("$").removeprefix(".")
        value = f" = {options[key]!r}" if key in options else ""
        raise InputError(f"{key}{value}: {in_words(said)}".lstrip(": "), where=place) from error
