"""A source that is heard: frames of speech in the place of units, for an encoder and decoder (`elman.models.seq2seq`).

    u_s = W x_s + b

where x_s is what `elman.models.frames` makes of the frames of step s; the encoder reads u_1 .. u_S.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor, nn

from elman.config.bounds import Count, NotNegative, Positive, Share
from elman.config.structs import check_values
from elman.models.augmenting import AugmentSettings, Speed, masked, sped
from elman.models.frames import FrameReader, FrameSettings, steps_of
from elman.training.randomness import generator

__all__ = ["HearingSettings", "SpokenSource"]


class HearingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [frames] section of a recipe that turns speech into texts of another language.

    Attributes:
        deltas, stack, every: see `elman.models.frames.FrameSettings`; each recording is brought to its own level.
        speed, time_masks, time_share, feature_masks, feature_share, noise: see
            `elman.models.augmenting.AugmentSettings`.
    """

    deltas: Count = 2
    stack: Positive = 3
    every: Count = 0
    speed: Speed = 0.1
    time_masks: Count = 2
    time_share: Share = 0.05
    feature_masks: Count = 1
    feature_share: Share = 0.25
    noise: NotNegative = 0.2

    @property
    def frames(self) -> FrameSettings:
        """As a transcriber has them."""
        return FrameSettings(deltas=self.deltas, stack=self.stack, every=self.every)

    @property
    def augment(self) -> AugmentSettings:
        """What is changed at random while it is trained."""
        return AugmentSettings(**{name: getattr(self, name) for name in AugmentSettings.__struct_fields__})

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "frames")
        self.frames.check()


class SpokenSource(nn.Module):
    """Frames as an encoder's input.

    Args:
        settings: how they are read, and changed at random in training.
        features: F of a frame. width: of what comes out.
    """

    def __init__(self, settings: HearingSettings, features: int, width: int) -> None:
        super().__init__()
        self.reader, self.augment = FrameReader(settings.frames, features), settings.augment
        self.into = nn.Linear(self.reader.width, width)

    def steps(self, lengths: Tensor) -> Tensor:
        """How many steps so many frames are read in."""
        found = steps_of(lengths, self.reader.settings.stride)
        assert isinstance(found, Tensor)
        return found

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(T, B, F) with lengths (B,) -> (S, B, width), and steps (B,), behind which nothing is to be read."""
        draws = generator(torch.device("cpu"))
        if self.training:
            x, lengths = sped(x, lengths, self.augment.speed, draws)
        read = self.reader(x, lengths)
        if self.training:
            read = masked(read, lengths, self.reader.features, self.augment, draws)
        read, steps = self.reader.stack(read, lengths)
        return self.into(read), steps
