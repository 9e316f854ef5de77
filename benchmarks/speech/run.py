"""Speech: the loss alone, a training step, transcription and a stream, beside plain PyTorch, in turns in the same run.

python benchmarks/speech/run.py [THREADS]: milliseconds, the middle of some rounds, by the clock and of the processor.
On a busy machine the second says more.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman.layers.ctc import ctc_loss
from elman.models.frames import FrameSettings
from elman.models.listening import Listener
from elman.models.transcriber import TranscriberNetwork, TranscriberSettings

FEATURES, SYMBOLS, ROUNDS = 13, 28, 5


class Plain(nn.Module):
    """The same network as one writes it in PyTorch: packed sequences, torch's LSTM and loss."""

    def __init__(self, width: int, settings: TranscriberSettings) -> None:
        super().__init__()
        s = settings
        self.into = nn.Linear(width, s.input)
        self.layer = nn.LSTM(s.input, s.hidden, s.layers, bidirectional=s.bidirectional, dropout=s.dropout)
        self.out = nn.Linear(s.hidden * (1 + s.bidirectional), SYMBOLS)

    def forward(self, x: Tensor, steps: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.into(x), steps, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.layer(packed)[0])
        return self.out(h).log_softmax(-1)

    def loss(self, x: Tensor, steps: Tensor, flat: Tensor, sizes: Tensor) -> Tensor:
        return F.ctc_loss(self(x, steps), flat, steps, sizes, reduction="sum") / sizes.sum()


def timed(calls: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Milliseconds by the clock and of the processor, in the middle; what is compared takes turns."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for turn in range(ROUNDS + 1):
        for name, call in calls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            if turn:  # the first one warms up
                found[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: tuple(1e3 * statistics.median(part) for part in zip(*rows)) for name, rows in found.items()}  # type: ignore[misc]


def loss_alone() -> dict[str, Callable[[], object]]:
    """N = 64, T = 150, L = 40, 28 symbols."""
    scores = torch.randn(150, 64, SYMBOLS).log_softmax(-1)
    lengths = torch.randint(120, 151, (64,))
    targets = torch.randint(1, SYMBOLS, (64, 40))
    rows = targets.tolist()

    def ours() -> None:
        ctc_loss(scores.clone().requires_grad_(), lengths, rows).sum().backward()

    def torchs() -> None:
        F.ctc_loss(scores.clone().requires_grad_(), targets, lengths, torch.full((64,), 40), reduction="sum").backward()

    return {"CTC": ours, "CTC, torch": torchs}


def training_step() -> dict[str, Callable[[], object]]:
    """16 recordings of 1.5 to 4.5 seconds, three layers of 256 in both directions."""
    frames, settings = FrameSettings(), TranscriberSettings()
    lengths = torch.linspace(150, 450, 16).long()
    x, texts = torch.randn(450, 16, FEATURES), [torch.randint(1, SYMBOLS, (25,)).tolist() for _ in range(16)]
    ours = TranscriberNetwork(frames, settings, FEATURES, SYMBOLS)
    plain = Plain(ours.reader.width, settings)
    read = ours.reader(x, lengths)
    stacked, steps = ours.reader.stack(read, lengths)
    flat, sizes = torch.tensor([s for text in texts for s in text]), torch.full((16,), 25)
    moves = {model: torch.optim.AdamW(model.parameters(), lr=1e-3) for model in (ours, plain)}

    def step(model: nn.Module, loss: Callable[[], Tensor]) -> None:
        loss().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        moves[model].step()
        moves[model].zero_grad()

    return {
        "training step": lambda: step(ours, lambda: ours.loss(read, lengths, texts)[0]),
        "training step, plain": lambda: step(plain, lambda: plain.loss(stacked, steps, flat, sizes)),
    }


def transcription(rows: int) -> dict[str, Callable[[], object]]:
    """`rows` recordings of five seconds, from frames to the likeliest symbols, by the network of the training step."""
    frames, settings = FrameSettings(), TranscriberSettings()
    ours = TranscriberNetwork(frames, settings, FEATURES, SYMBOLS).eval()
    plain = Plain(ours.reader.width, settings).eval()
    x, lengths = torch.randn(500, rows, FEATURES), torch.full((rows,), 500)

    @torch.no_grad()
    def heard(network: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        return network(*ours.reader.stack(ours.reader(x, lengths), lengths)).argmax(-1)

    return {
        f"{rows} x 5 s transcribed": lambda: heard(lambda stacked, steps: ours.answer(stacked, None, steps)[0]),
        f"{rows} x 5 s, plain": lambda: heard(plain),
    }


def stream() -> dict[str, Callable[[], object]]:
    """A second of frames in chunks of 50, 100 and 330 ms, three layers of 256 in one direction."""
    frames = FrameSettings(normalise="running", ahead=2)
    listener = Listener(TranscriberNetwork(frames, TranscriberSettings(bidirectional=False), FEATURES, SYMBOLS))
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((100, FEATURES)).astype(np.float32))

    def second(frames: int) -> None:
        for chunk in torch.split(x, frames):
            listener.push(chunk)

    return {f"a second in {10 * n} ms": partial(second, n) for n in (5, 10, 33)}


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    torch.manual_seed(0)
    print(f"{torch.get_num_threads()} threads; milliseconds by the clock, of the processor")
    for calls in (loss_alone(), training_step(), transcription(1), transcription(16), stream()):
        for name, (wall, cpu) in timed(calls).items():
            print(f"{name:24} {wall:9.2f} {cpu:9.2f}")


if __name__ == "__main__":
    main()
