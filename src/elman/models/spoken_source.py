"""A source that is heard: frames of speech in the place of units, for an encoder and decoder (`elman.models.seq2seq`).

    u_s = W x_s + b

where x_s is what `elman.models.frames` makes of the frames of step s; the encoder reads u_1 .. u_S. What it makes of
them, h_1 .. h_S, may have to spell what was said as well, p(symbol | s) = softmax(V h_s + c), by CTC: where a recording
is long beside the text that is written of it, attention finds what belongs to what slowly, and CTC at once (Watanabe et
al. 2017; of translations Bahar et al. 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch
from torch import Tensor, nn

from elman.config.bounds import Count, NotNegative, Positive, Share
from elman.config.structs import check_values
from elman.layers.ctc import BLANK, ctc_loss
from elman.models.augmenting import AugmentSettings, Speed, masked, sped
from elman.models.frames import FrameReader, FrameSettings, steps_of
from elman.models.transcriber import BLANKS_FIRST
from elman.training.randomness import generator

__all__ = ["HearingSettings", "SpokenSource"]


class HearingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [frames] section of a recipe that turns speech into texts of another language.

    Attributes:
        deltas, stack, every: see `elman.models.frames.FrameSettings`; each recording is brought to its own level.
        hear: what the loss of hearing weighs beside that of writing: the encoder has to spell by CTC what was said, if
            the data have transcripts, else what is written. 0: there is none.
        speed, time_masks, time_share, feature_masks, feature_share, noise: see
            `elman.models.augmenting.AugmentSettings`.
    """

    deltas: Count = 2
    stack: Positive = 3
    every: Count = 0
    hear: NotNegative = 0.5
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
        symbols: that the encoder has to hear, the blank among them; 0: none.
    """

    def __init__(self, settings: HearingSettings, features: int, width: int, symbols: int = 0) -> None:
        super().__init__()
        self.reader, self.augment = FrameReader(settings.frames, features), settings.augment
        self.into = nn.Linear(self.reader.width, width)
        self.symbols, self.weight = symbols, settings.hear
        self.out: nn.Linear | None = None

    def attach(self, width: int) -> None:
        """Spell by what an encoder gives, (S, B, width)."""
        if self.symbols:
            self.out = nn.Linear(width, self.symbols)
            with torch.no_grad():
                self.out.bias[BLANK] += BLANKS_FIRST

    def spelled(self, h: Tensor) -> Tensor:
        """What the encoder gives (S, B, width) -> ln p of each symbol at each step (S, B, V)."""
        assert self.out is not None
        return self.out(h).log_softmax(-1)  # type: ignore[no-any-return]

    def misheard(self, h: Tensor, steps: Tensor, said: Sequence[Sequence[int]]) -> Tensor:
        """The loss of hearing, weighed: nats a symbol.

        Args:
            h: (S, B, width). steps: (B,). said: of each recording its symbols.
        """
        count = max(1, sum(map(len, said)))
        return self.weight * ctc_loss(self.spelled(h), steps, said).sum() / count

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
