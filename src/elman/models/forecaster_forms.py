"""From the last steps of a window to the next ones: the forms that a forecaster can have.

Each reads rows: a channel of a window, or all channels of it together; values x (T, R, F) behind whose lengths (R,)
stands anything, with what `level` takes off taken off, and covariates beside them. Each gives raw numbers
(steps, R, F, P) for `elman.models.forecast_outputs`.
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
from elman.layers.arguments import State, changed, parts
from elman.layers.crossed import crossed
from elman.layers.dropout import Dropout
from elman.models.forecaster_beside import Beside, KnownAhead, ahead_of, next_known
from elman.models.forecaster_settings import ForecasterSettings

__all__ = ["FORMS", "Feed", "Form", "Rows", "Shape", "last_steps", "segmented"]

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
        known, past: covariates that are known ahead, and that are known as the values are.
    """

    context: int
    horizon: int
    segment: int
    width: int
    channels: int
    size: int
    known: int = 0
    past: int = 0


@dataclass(frozen=True)
class Rows:
    """R rows.

    Attributes:
        x: (T, R, F) values; lengths: (R,) how many steps of them there are.
        channel: (R,) which channel each is: those of a window, one after the other, then those of the next.
        beside: covariates.
    """

    x: Tensor
    lengths: Tensor
    channel: Tensor
    beside: Beside


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
        """Numbers a step of a row, with covariates, and with those that say which channel it is."""
        return self.shape.width + self.beside + (_CHANNEL if self.which is not None else 0)

    @property
    def beside(self) -> int:
        """Covariates a step."""
        return self.shape.known + self.shape.past

    def told(self, x: Tensor, beside: Tensor, channel: Tensor) -> Tensor:
        """(T, R, `read`): the values (T, R, F), covariates (T, R, K + P), and which channel (R,) each row is."""
        if self.which is None:
            return torch.cat([x, beside], -1) if self.beside else x
        known = self.which(channel).expand(len(x), -1, -1)
        return torch.cat([x, beside, known], -1)

    def split(self, flat: Tensor) -> Tensor:
        """(..., F, P) of (..., F * P)."""
        return flat.view(*flat.shape[:-1], self.shape.width, self.shape.size)

    @abstractmethod
    def forward(self, rows: Rows, steps: int, feed: Feed) -> Tensor:
        """Raw numbers (steps, R, F, P) of the steps ahead; `feed` makes of a step's what the next one reads."""

    def taught(self, rows: Rows, future: Tensor) -> Tensor:
        """The same while it learns: each step ahead reads those before it as they came, (steps, R, F). A form of fixed
        steps reads none of them."""
        found: Tensor = self(rows, len(future), _unread)
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
        self.embed = nn.Linear(w * (shape.width + self.beside), H)
        self.layer = Recurrent(cell, H, H, num_layers=settings.layers, engine=settings.engine)
        several = shape.channels > 1
        self.place = nn.Parameter(torch.empty(self.ahead, H // 2 if several else H))
        self.channel = nn.Parameter(torch.empty(shape.channels, H - H // 2)) if several else None
        nn.init.normal_(self.place)
        if self.channel is not None:
            nn.init.normal_(self.channel)
        self.out = nn.Linear(self.layer.output_size, w * shape.width * shape.size)
        self.known = _known_ahead(self.layer, shape)

    def forward(self, rows: Rows, steps: int, feed: Feed) -> Tensor:
        x = torch.cat([rows.x, rows.beside.read], -1) if self.beside else rows.x
        stretches, counts = segmented(x, rows.lengths, self.shape.segment)
        _, h = self.layer(torch.relu(self.embed(stretches)), lengths=counts)
        R, M, w = x.shape[1], self.ahead, self.shape.segment
        y = self.dropout(self._side_by_side(h, R))
        flat = self.out(y).view(R, M * w, -1)[:, :steps].transpose(0, 1)  # (steps, R, F P)
        if self.known is not None:
            z = rows.beside.ahead[: M * w]
            z = torch.cat([z, z.new_zeros(M * w - len(z), *z.shape[1:])]).view(M, w, R, -1)
            more = self.known(y.transpose(0, 1)[:, None], z)  # (M, w, R, F P)
            flat = flat + more.flatten(0, 1)[:steps]
        return self.split(flat)

    def _side_by_side(self, state: State, rows: int) -> Tensor:
        """(R, M, H) one step from each row's state for each of the M stretches ahead.

        A training step makes the products of states and stretches once each (`elman.layers.crossed`); a forecast is the
        layer's own, whose bits do not depend on the other rows of a batch.
        """
        C, M = self.shape.channels, self.ahead
        queries = self.place.expand(C, M, -1)
        if self.channel is not None:
            queries = torch.cat([queries, self.channel[:, None].expand(-1, M, -1)], -1)
        if self.training:
            y = crossed(self.layer, queries, [s.view(len(s), -1, C, 1, s.shape[-1]) for s in parts(state)])
        else:
            each = queries.expand(rows // C, -1, -1, -1).reshape(1, rows * M, -1)
            y, _ = self.layer(each, changed(state, lambda s: s.repeat_interleave(M, dim=1)))
        return y.reshape(rows, M, -1)


class Direct(Form):
    """Step by step in, all steps ahead at once from the last state."""

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        self.layer = Recurrent(cell, self.read, settings.hidden, num_layers=settings.layers, engine=settings.engine)
        self.out = nn.Linear(self.layer.output_size, shape.horizon * shape.width * shape.size)
        self.known = _known_ahead(self.layer, shape)

    def forward(self, rows: Rows, steps: int, feed: Feed) -> Tensor:
        y, _ = self.layer(self.told(rows.x, rows.beside.read, rows.channel), lengths=rows.lengths)
        last = self.dropout(_at_end(y, rows.lengths))
        flat = self.out(last).view(len(last), self.shape.horizon, -1)[:, :steps].transpose(0, 1)  # (steps, R, F P)
        if self.known is not None:
            flat = flat + self.known(last, rows.beside.ahead[:steps])
        return self.split(flat)


class Latent(Form):
    """The latent autoregressive model: h_t = cell(x_t, h_{t-1}), and from h_t what x_{t+1} will be.

    Ahead of the origin x is not known: what was forecast is read in its place, the last observation last of all that
    was seen (Salinas et al. 2020 draw it; a mean is read otherwise). Beside x_t it reads the covariates of step t + 1
    that are known ahead, as they do.
    """

    fixed = False

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        self.layer = Recurrent(cell, self.read, settings.hidden, num_layers=settings.layers, engine=settings.engine)
        self.out = nn.Linear(self.layer.output_size, shape.width * shape.size)

    def raw(self, h: Tensor) -> Tensor:
        return self.split(self.out(self.dropout(h)))

    def begun(self, rows: Rows, steps: int) -> tuple[Tensor, State, Tensor]:
        """Raw numbers (R, F, P) of the first step ahead, the state behind the last observation, and the covariates
        (steps - 1, R, K + P) that are read with the steps ahead."""
        beside, ahead = rows.beside.read, rows.beside.read.new_zeros(max(steps - 1, 0), rows.x.shape[1], 0)
        if self.beside:
            beside = torch.cat([next_known(rows.beside, rows.lengths), beside[..., self.shape.known :]], -1)
            ahead = ahead_of(rows.beside, rows.lengths, steps)[1:]
        y, state = self.layer(self.told(rows.x, beside, rows.channel), lengths=rows.lengths)
        return self.raw(_at_end(y, rows.lengths)), state, ahead

    def forward(self, rows: Rows, steps: int, feed: Feed) -> Tensor:
        first, state, ahead = self.begun(rows, steps)
        found = [first]
        for beside in ahead:
            h, state = self.layer.step(self.told(feed(found[-1])[None], beside[None], rows.channel)[0], state)
            found.append(self.raw(h))
        return torch.stack(found)

    def taught(self, rows: Rows, future: Tensor) -> Tensor:
        first, state, ahead = self.begun(rows, len(future))
        if len(future) == 1:
            return first[None]
        y, _ = self.layer(self.told(future[:-1], ahead, rows.channel), state)
        return torch.cat([first[None], self.raw(y)])


class Window(Form):
    """The autoregressive model without a state: x_{t+1} from the last `context` values alone, by one hidden layer.

    What lies further back it cannot know; its own forecasts are read in turn.
    """

    fixed = False

    def __init__(self, settings: ForecasterSettings, shape: Shape, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__(settings, shape)
        step = shape.width + self.beside
        self.hidden = nn.Linear(shape.context * step + self.read - step + shape.known, settings.hidden)
        self.out = nn.Linear(settings.hidden, shape.width * shape.size)

    def raw(self, window: Tensor, channel: Tensor, known: Tensor) -> Tensor:
        """(R, F, P) of the step behind a window (context, R, F + K + P), whose own covariates are known (R, K)."""
        flat = torch.cat([window.transpose(0, 1).flatten(1), known], -1)
        if self.which is not None:
            flat = torch.cat([flat, self.which(channel)], -1)
        return self.split(self.out(self.dropout(torch.relu(self.hidden(flat)))))

    def read_in(self, rows: Rows, steps: int) -> tuple[Tensor, Tensor]:
        """The window (context, R, F + K + P), and the covariates (steps, R, K + P) of the steps ahead."""
        x = torch.cat([rows.x, rows.beside.read], -1)
        return last_steps(x, rows.lengths, self.shape.context), ahead_of(rows.beside, rows.lengths, steps)

    def forward(self, rows: Rows, steps: int, feed: Feed) -> Tensor:
        window, ahead = self.read_in(rows, steps)
        found = list[Tensor]()
        for beside in ahead:
            found.append(self.raw(window, rows.channel, beside[:, : self.shape.known]))
            window = torch.cat([window[1:], torch.cat([feed(found[-1]), beside], -1)[None]])
        return torch.stack(found)

    def taught(self, rows: Rows, future: Tensor) -> Tensor:
        window, ahead = self.read_in(rows, len(future))
        whole = torch.cat([window, torch.cat([future, ahead], -1)[:-1]])
        k, known = self.shape.context, ahead[..., : self.shape.known]
        return torch.stack([self.raw(whole[t : t + k], rows.channel, known[t]) for t in range(len(future))])


def _known_ahead(layer: Recurrent, shape: Shape) -> KnownAhead | None:
    return KnownAhead(layer.output_size, shape.known, shape.width * shape.size) if shape.known else None


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


def _unread(raw: Tensor) -> Tensor:
    raise AssertionError("a form that is taught reads what came")
