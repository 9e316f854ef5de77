"""A layer in inference sees the weights as they are now, however they were moved."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch

from elman import cells
from elman.engines.unchanged import Watch, doubt
from elman.nn import GRU, LSTM, Recurrent

CALLS: dict[str, Callable[[Recurrent, torch.Tensor], torch.Tensor]] = {
    "sequences": lambda layer, x: layer(x)[0],
    "lengths": lambda layer, x: layer(x, lengths=[5, 1, 3])[0],
    "step": lambda layer, x: layer.step(x[0])[0],
}
CHANGES: dict[str, Callable[[torch.nn.Parameter], object]] = {
    "data": lambda p: p.data.mul_(0.5),
    "numpy": lambda p: p.detach().numpy().fill(0.1),
    "one entry and eval()": lambda p: p.data.view(-1)[p.numel() // 2 : p.numel() // 2 + 1].add_(1),
}


@pytest.mark.parametrize("options", [{}, {"fused": True}, {"foreach": True}], ids=["plain", "fused", "foreach"])
def test_inference_after_an_optimiser_step(options: dict[str, bool]) -> None:
    """Fused optimisers move weights without giving them a new version: what was packed before must not be used."""
    torch.manual_seed(0)
    layer, oracle = LSTM(8, 16), LSTM(8, 16, engine="reference")
    x = torch.randn(5, 3, 8)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, **options)
    for _ in range(3):
        oracle.load_state_dict(layer.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(layer(x)[0], oracle(x)[0])
        layer(x)[0].pow(2).sum().backward()
        optimizer.step()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", CHANGES)
def test_weights_changed_behind_autograds_back(change: str, call: str) -> None:
    """`p.data.copy_` and its like raise no version number; averaged weights are often swapped in so."""
    torch.manual_seed(0)
    layer, oracle = GRU(8, 16).eval(), GRU(8, 16, engine="reference").eval()
    x = torch.randn(5, 3, 8)
    with torch.no_grad():
        for _ in range(2):
            CALLS[call](layer, x)
            for p in layer.parameters():
                CHANGES[change](p)
            if "eval" in change:
                layer.eval()
            oracle.load_state_dict(layer.state_dict())
            torch.testing.assert_close(CALLS[call](layer, x), CALLS[call](oracle, x))


@pytest.mark.parametrize("call", CALLS)
def test_weights_made_in_inference_mode(call: str) -> None:
    """Such tensors count no changes: nothing is kept of them."""
    with torch.inference_mode():
        layer = LSTM(8, 16).eval()
        oracle = LSTM(8, 16, engine="reference").eval()
        x = torch.randn(5, 3, 8)
        for _ in range(2):
            oracle.load_state_dict(layer.state_dict())
            torch.testing.assert_close(CALLS[call](layer, x), CALLS[call](oracle, x))
            layer.weight_hh_l0[7, 7] += 1


def test_threads_that_meet_at_the_first_call() -> None:
    """Weights that one thread is packing are not read by another."""
    torch.manual_seed(0)
    layer = Recurrent(cells.GRU, 8, 300).eval()
    x = torch.randn(2, 3, 8)
    found: list[torch.Tensor] = []

    def work(start: threading.Barrier) -> None:
        with torch.no_grad():
            start.wait()
            found.append(layer(x, lengths=[2, 1, 2])[0])

    with torch.no_grad():
        wanted = layer(x, lengths=[2, 1, 2])[0]
        for _ in range(20):
            layer.W_l0.mul_(1)  # a new version
            start = threading.Barrier(4)
            threads = [threading.Thread(target=work, args=(start,)) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
    assert len(found) == 80  # none of them failed
    for y in found:
        torch.testing.assert_close(y, wanted)


def test_weights_are_doubted_while_another_thread_prepares_some() -> None:
    """As `eval()` of one model does in the middle of another's training: what is watched grows meanwhile."""
    weight, over = torch.zeros(2, 2), threading.Event()
    kept = [Watch([weight]) for _ in range(2000)]

    def prepare() -> None:
        while not over.is_set():
            kept.append(Watch([weight]))

    thread = threading.Thread(target=prepare)
    thread.start()
    try:
        for _ in range(100):
            doubt()
    finally:
        over.set()
        thread.join()
    assert not kept[0].same([weight])
    assert Watch([weight]).same([weight])
