"""What the model.json of a classifier of recordings may say."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.models.described import Description, Network, Number, Some, check_layers, converted
from elman.models.recording_settings import RecordingSettings
from elman.signals.chain import Chain
from elman.signals.signal import Layout
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["RecordingsDescription"]


class Recorded(msgspec.Struct):
    """What is recorded, and how it becomes features."""

    stages: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=1000)]
    channels: Annotated[list[str], msgspec.Meta(min_length=1, max_length=4096)]
    rate: Annotated[float, msgspec.Meta(gt=0, le=1e9)]
    unit: str = ""


class RecordingsDescription(Description, kw_only=True):
    """See `elman.tasks.recordings.estimator.RecordingClassifier.described`."""

    labels: Annotated[list[str], msgspec.Meta(min_length=2)]
    signal: Recorded
    model: Network
    features: Some
    usual: tuple[list[Number], list[Number]] | None = None

    def check(self, weights: StoredWeights) -> None:
        where, net, signal = weights.path, self.model, self.signal
        for struct in (RecordingSettings, TrainingSettings):
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", where)
        if len(set(self.labels)) < len(self.labels) or len(self.labels) != net.classes:
            raise damaged(f"{len(set(self.labels))} labels, {net.classes} classes", where)
        try:
            made = Chain(signal.stages).layout(Layout(signal.rate, tuple(signal.channels), signal.unit))
        except InputError as error:
            raise damaged(f"signal: {error}", where) from error
        if not len(made.channels) == self.features == net.features:
            raise damaged(f"{len(made.channels)} features of the chain, {net.features} of the network", where)
        if (self.parameters.get("normalise") == "past") != (self.usual is not None):
            raise damaged("no measure of what is usual, or one that nobody asks for", where)
        if self.usual is not None and not {len(part) for part in self.usual} == {self.features}:
            raise damaged("a measure of what is usual for other features", where)
        if self.usual is not None and min(self.usual[1]) <= 0:
            raise damaged("a spread that is not above 0", where)
        if net.words + net.tags + net.ngrams + net.wide + net.further or net.head != "softmax":
            raise damaged("words beside signals", where)
        check_layers(net.settings.layers * net.settings.members, weights)
