"""The settings of a classifier of recordings: how signals become features, and the network over a window's features."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from elman.config.bounds import Chance, NotNegative, Positive
from elman.config.structs import check_values
from elman.models.classifier import ClassifierSettings
from elman.signals.chain import Chain
from elman.signals.signal import Layout

__all__ = ["RecordingSettings", "SignalSettings"]

_USUAL = ("auto",)
_SOUND = 4000.0  # samples a second: brain waves have fewer
_OF_SOUND: tuple[Any, ...] = ("mono", {"name": "logmel", "bins": 40}, "normalise", "windows")
_OF_WAVES: tuple[Any, ...] = ("reference", {"name": "bandpass", "low": 0.5, "high": 45.0}, "bands", "windows")


class SignalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [signal] section of a recipe.

    Attributes:
        stages: of the signal chain, in order; each a name, or a table of a name and its options. ``["auto"]`` goes by
            the recordings: of 4,000 samples a second and more, sounds, 40 log mel energies on the recording's own
            level; of fewer, brain waves, log band powers against the mean of all channels. Both in windows of 4 s.
        normalise: ``none`` leaves features as they are, in units of the training data: nothing is known of a person who
            is new. ``recording`` and ``person`` take mean and spread of each feature from the windows of one recording,
            or of all of one person's, without their labels: a person's own recording calibrates, which is another
            promise and has other figures. ``past`` takes them from a person's windows up to each one, in the order of
            the table, beginning with those of the training data: it can be had in real time.
    """

    stages: tuple[str | dict[str, Any], ...] = _USUAL
    normalise: Literal["none", "recording", "person", "past"] = "none"

    def check(self) -> None:
        """Raises InputError for stages that are none, or a value that makes no sense, naming its key."""
        check_values(self, "signal")
        if self.stages != _USUAL:
            Chain(self.stages, "signal.stages")

    def chain(self, of: Layout) -> Chain:
        """The chain for such recordings.

        Raises:
            InputError: as `Chain`.
        """
        usual = _OF_SOUND if of.rate >= _SOUND else _OF_WAVES
        return Chain(usual if self.stages == _USUAL else self.stages, "signal.stages")


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section: a network that reads the frames of one window.

    Attributes:
        cell, hidden, layers, bidirectional, pooling, dropout, recurrent_dropout, zoneout, straight, members, engine:
            see `elman.models.classifier.ClassifierSettings`.
        noise: standard deviation of what is drawn and added to every frame in training, beside that of the feature.
        shift: the same, but one draw for all frames of a window: as persons differ from one another, all along.
    """

    cell: str = "gru"
    hidden: Positive = 32
    layers: Positive = 1
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "attention", "concat"] = "concat"
    dropout: Chance = 0.5
    recurrent_dropout: Chance = 0.0
    zoneout: Chance = 0.0
    straight: bool = False
    noise: NotNegative = 0.0
    shift: NotNegative = 0.0
    members: Positive = 1
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a number that makes no sense, naming its key."""
        check_values(self, "model")

    def classifier(self) -> ClassifierSettings:
        """The same, as the network has them."""
        shared = {k: v for k, v in msgspec.structs.asdict(self).items() if k in ClassifierSettings.__struct_fields__}
        return ClassifierSettings(**shared)
