"""From the last steps of a window to the next ones: the forms that a forecaster can have.

Each reads rows: a channel of a window, or all channels of it together; values x (T, R, F) behind whose lengths (R,)
stands anything, with what `level` takes off taken off. Each gives raw numbers (steps, R, F, P) for
`elman.models.forecast_outputs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from elman.equations import Cell
from elman.equations.graph import Graph
from elman.layers import Recurrent
from elman.layers.arguments import State
from elman.layers.dropout import Dropout
from elman.models.forecaster_settings import ForecasterSettings

__all__ = ["FORMS", "Feed", "Form", "Shape", "last_steps", "segmented"]

Feed = Callable[[Tensor], Tensor]  # raw numbers (R, F, P) of a step -> its value (R, F), to be read next
_CHANNEL = 8  # width of what says which channel a row is


@dataclass(frozen=True)
class Shape:
    """What a form reads and writes.

    Attributes:
        context, horizon: steps read, at most, and steps ahead.
        segment: steps of a stretch.
        width: F, values a step of a row.
        channels: rows are told apart by which of so many channels they are; 1: they are not.
        size: P, numbers a value.
    """

    context: int
    horizon: int
    segment: int
    width: int
    channels: int
    size: int


class Form(nn.Module, ABC):
    """One of `FORMS`.

    Attributes:
        fixed: it writes `Shape.horizon` steps, no more and no less; else any number, one after the other.
    """

    fixed = True

    def __init__(self, settings: ForecasterSettings, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        apart = shape.channels > 1 and settings.form != "segments"
        self.which = nn.Embedding(shape.channels, _CHANNEL) if apart else None
        self.dropout = Dropout(settings.dropout)

    @property
    def read(self) -> int:
        """Numbers a step of a row, with those that say which channel it is."""
        return self.shape.width + (_CHANNEL if self.which is not None else 0)

    def told(self, x: Tensor, channel: Tensor) -> Tensor:
        """(T, R, `read`): the values (T, R, F), and which channel (R,) each row is."""
        if self.which is None:
            return x
        known = self.which(channel).expand(len(x), -1, -1)
        return torch.cat([x, known], -1)

    def split(self, flat: Tensor) -> Tensor:
        """(..., F, P) of (..., F * P)."""
        return flat.view(*flat.shape[:-1], self.shape.width, self.shape.size)

    @abstractmethod
    def forward(self, x: Tensor, lengths: Tensor, channel: Tensor, steps: int, feed: Feed) -> Tensor:
        """Raw numbers (steps, R, F, P) of the steps ahead; `feed` makes of a step's what the next one reads."""

    def taught(self, x: Tensor, lengths: Tensor, channel: Tensor, future: Tensor) -> Tensor:
        """The same while it learns: each step ahead reads those before it as they came, (steps, R, F)."""
        found: Tensor = self(x, lengths, channel, len(future), _unread)
        return found


class Segments(Form):
    """Stretches of w steps in, those ahead side by side (Lin et al. 2023, SegRNN: partwise multi-step forecasting).

    h = cell over ReLU(W x_segment + b), the encoder; then the same cell makes one step from h for each stretch ahead,
    reading which stretch of which channel that is, and a linear layer makes its w steps.
    """

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        H, w = settings.hidden, shape.segment
        self.ahead = -(-shape.horizon // w)
        self.embed = nn.Linear(w * shape.width, H)
        self.layer = Recurrent(cell, H, H, num_layers=settings.layers, engine=settings.engine)
        several = shape.channels > 1
        self.place = nn.Parameter(torch.empty(self.ahead, H // 2 if several else H))
        self.channel = nn.Parameter(torch.empty(shape.channels, H - H // 2)) if several else None
        nn.init.normal_(self.place)
        if self.channel is not None:
            nn.init.normal_(self.channel)
        self.out = nn.Linear(self.layer.output_size, w * shape.width * shape.size)

    def forward(self, x: Tensor, lengths: Tensor, channel: Tensor, steps: int, feed: Feed) -> Tensor:
        stretches, counts = segmented(x, lengths, self.shape.segment)
        _, h = self.layer(torch.relu(self.embed(stretches)), lengths=counts)
        R, M = x.shape[1], self.ahead
        queries = self.place.expand(R, M, -1)
        if self.channel is not None:
            queries = torch.cat([queries, self.channel[channel][:, None].expand(-1, M, -1)], -1)
        y, _ = self.layer(queries.reshape(1, R * M, -1), _repeated(h, M))
        flat = self.out(self.dropout(y)).view(R, M * self.shape.segment, -1)  # (R, M w, F P)
        return self.split(flat[:, :steps].transpose(0, 1))


class Direct(Form):
    """Step by step in, all steps ahead at once from the last state."""

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        self.layer = Recurrent(cell, self.read, settings.hidden, num_layers=settings.layers, engine=settings.engine)
        self.out = nn.Linear(self.layer.output_size, shape.horizon * shape.width * shape.size)

    def forward(self, x: Tensor, lengths: Tensor, channel: Tensor, steps: int, feed: Feed) -> Tensor:
        y, _ = self.layer(self.told(x, channel), lengths=lengths)
        flat = self.out(self.dropout(_at_end(y, lengths)))  # (R, horizon F P)
        return self.split(flat.view(len(flat), self.shape.horizon, -1)[:, :steps].transpose(0, 1))


class Latent(Form):
    """The latent autoregressive model: h_t = cell(x_t, h_{t-1}), and from h_t what x_{t+1} will be.

    Ahead of the origin x is not known: what was forecast is read in its place, the last observation last of all that
    was seen (Salinas et al. 2020 draw it; a mean is read otherwise).
    """

    fixed = False

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        self.layer = Recurrent(cell, self.read, settings.hidden, num_layers=settings.layers, engine=settings.engine)
        self.out = nn.Linear(self.layer.output_size, shape.width * shape.size)

    def raw(self, h: Tensor) -> Tensor:
        return self.split(self.out(self.dropout(h)))

    def forward(self, x: Tensor, lengths: Tensor, channel: Tensor, steps: int, feed: Feed) -> Tensor:
        y, state = self.layer(self.told(x, channel), lengths=lengths)
        found = [self.raw(_at_end(y, lengths))]
        while len(found) < steps:
            h, state = self.layer.step(self.told(feed(found[-1])[None], channel)[0], state)
            found.append(self.raw(h))
        return torch.stack(found)

    def taught(self, x: Tensor, lengths: Tensor, channel: Tensor, future: Tensor) -> Tensor:
        y, state = self.layer(self.told(x, channel), lengths=lengths)
        first = self.raw(_at_end(y, lengths))[None]
        if len(future) == 1:
            return first
        y, _ = self.layer(self.told(future[:-1], channel), state)
        return torch.cat([first, self.raw(y)])


class Window(Form):
    """The autoregressive model without a state: x_{t+1} from the last `context` values alone, by one hidden layer.

    What lies further back it cannot know; its own forecasts are read in turn.
    """

    fixed = False

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        extra = self.read - shape.width
        self.hidden = nn.Linear(shape.context * shape.width + extra, settings.hidden)
        self.out = nn.Linear(settings.hidden, shape.width * shape.size)

    def raw(self, window: Tensor, channel: Tensor) -> Tensor:
        flat = window.transpose(0, 1).flatten(1)  # (R, context F)
        if self.which is not None:
            flat = torch.cat([flat, self.which(channel)], -1)
        return self.split(self.out(self.dropout(torch.relu(self.hidden(flat)))))

    def forward(self, x: Tensor, lengths: Tensor, channel: Tensor, steps: int, feed: Feed) -> Tensor:
        window, found = last_steps(x, lengths, self.shape.context), []
        for _ in range(steps):
            found.append(self.raw(window, channel))
            window = torch.cat([window[1:], feed(found[-1])[None]])
        return torch.stack(found)

    def taught(self, x: Tensor, lengths: Tensor, channel: Tensor, future: Tensor) -> Tensor:
        whole = torch.cat([last_steps(x, lengths, self.shape.context), future[:-1]])
        k = self.shape.context
        return torch.stack([self.raw(whole[t : t + k], channel) for t in range(len(future))])


FORMS: dict[str, type[Segments] | type[Direct] | type[Latent] | type[Window]] = {
    "segments": Segments,
    "direct": Direct,
    "latent": Latent,
    "window": Window,
}


def last_steps(x: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """(steps, R, F) the last of each row; one that has fewer begins with its first value, again and again."""
    at = lengths.to(x.device) - torch.arange(steps, 0, -1, device=x.device)[:, None]  # (steps, R)
    return x.gather(0, at.clamp_min(0)[..., None].expand(-1, -1, x.shape[2]))


def segmented(x: Tensor, lengths: Tensor, w: int) -> tuple[Tensor, Tensor]:
    """Rows cut into stretches of w steps, from their ends; the first is filled up with the row's first value.

    Returns:
        (S, R, w F), and how many stretches each row has (R,).
    """
    T, R, F = x.shape
    if T % w == 0 and bool((lengths == T).all()):
        cut, counts = x.view(T // w, w, R, F), torch.full((R,), T // w)
        return cut.transpose(1, 2).reshape(T // w, R, w * F), counts
    counts = (lengths + w - 1) // w
    S = int(counts.max())
    begin = lengths - (counts - torch.arange(S)[:, None]) * w  # (S, R)
    at = (begin[:, None] + torch.arange(w)[None, :, None]).clamp_min(0).minimum(lengths - 1)  # (S, w, R)
    found = x.gather(0, at.reshape(S * w, R, 1).expand(-1, -1, F).to(x.device)).view(S, w, R, F)
    return found.transpose(1, 2).reshape(S, R, w * F), counts


def _at_end(y: Tensor, lengths: Tensor) -> Tensor:
    """(R, H) what came out at each row's own last step."""
    return y[lengths.to(y.device) - 1, torch.arange(y.shape[1], device=y.device)]


def _repeated(state: State, times: int) -> State:
    """A state (L, R, H) for so many rows in place of each."""
    if isinstance(state, Tensor):
        return state.repeat_interleave(times, dim=1)
    return tuple(part.repeat_interleave(times, dim=1) for part in state)


def _unread(raw: Tensor) -> Tensor:
    raise AssertionError("a form that is taught reads what came")
