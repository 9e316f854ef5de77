"""Where chance comes from while something of ours is made or trained: a generator of its own.

Python, numpy and torch each have one global generator. Whoever seeds it decides what a user's next draw is, and two
threads that draw from it change each other's results. So weights are drawn under `initialised`, and masks from
`generator`, both of which belong to one training in one thread. Code of the user's that draws from the global
generators is trained under `GlobalDraws`, which puts their states back.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["GlobalDraws", "OwnDraws", "generator", "initialised", "python_draws_kept", "random_states",
           "restore_random_states", "seed_everything"]  # fmt: skip

_thread = threading.local()


def generator(device: torch.device) -> torch.Generator | None:
    """What masks on `device` are drawn from in this thread now; None is torch's default generator."""
    if device.type != "cpu" or torch.compiler.is_compiling():
        return None
    return getattr(_thread, "own", None)


class OwnDraws:
    """While the block runs, masks of this thread come from a generator that nothing else draws from."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __enter__(self) -> None:
        self._before = getattr(_thread, "own", None)
        _thread.own = self._generator

    def __exit__(self, *error: object) -> None:
        _thread.own = self._before

    def state(self) -> dict[str, Any]:
        """As `write_tree` can hold it."""
        return {"torch": self._generator.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["torch"])


class GlobalDraws:
    """While the block runs, the global generators are the training's; then their states are put back.

    There is one of each in a process: a second such block, in another thread, waits until the first has ended.

    Args:
        device: where it is trained; generators of the processor, and of every CUDA device in use, are taken anyway.
    """

    _taken = threading.RLock()

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self._seed = seed
        self._mps = device is not None and device.type == "mps"

    def __enter__(self) -> None:
        self._taken.acquire()
        self._own, _thread.own = getattr(_thread, "own", None), None
        self._before = self.state()
        seed_everything(self._seed)
        if self._mps:
            torch.mps.manual_seed(self._seed)

    def __exit__(self, *error: object) -> None:
        self.restore(self._before)
        _thread.own = self._own
        self._taken.release()

    def state(self) -> dict[str, Any]:
        """As `write_tree` can hold it."""
        return {**random_states(), **({"mps": torch.mps.get_rng_state()} if self._mps else {})}

    def restore(self, state: dict[str, Any]) -> None:
        """What there is of it: a checkpoint of another device holds nothing of this one's."""
        restore_random_states({**random_states(), **state})
        if self._mps and "mps" in state:
            torch.mps.set_rng_state(state["mps"])


@contextmanager
def initialised(seed: int) -> Iterator[None]:
    """Tensors that the block fills at random on the CPU, in this thread, come from a generator with this seed.

    They are what they would be after ``torch.manual_seed(seed)``, whoever draws them: torch's modules, the `init` of
    a user's cell.
    """
    with _Redirected(torch.Generator().manual_seed(seed)):
        yield


class _Redirected(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands a generator to every operation that draws."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """torch would hide the mode from its compiler, and import the compiler (seconds) to do so. Nothing that is
        compiled runs under it."""
        return False

    def __init__(self, own: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._own = own

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded in func.tags:
            func = _taking_generator(func)
            on = next((a.device for a in args if isinstance(a, torch.Tensor)), kwargs.get("device"))
            if (on is None or torch.device(on).type == "cpu") and _takes_generator(func):
                kwargs["generator"] = kwargs.get("generator") or self._own
        return func(*args, **kwargs)


def _takes_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)


def _taking_generator(func: Any) -> Any:
    """``randn(size)`` as ``randn(size, generator)``: factories have an overload of their own for it."""
    if _takes_generator(func):
        return func
    name = "generator" if func._overloadname == "default" else f"{func._overloadname}_generator"
    return getattr(func.overloadpacket, name, func)


@contextmanager
def python_draws_kept() -> Iterator[None]:
    """Python's global generator is after the block what it was before."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


def seed_everything(seed: int) -> None:
    """Python's, numpy's and torch's global generators, on every device that is in use."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.default_generator.manual_seed(seed)
    if _uses_cuda():  # else the seed would wait, and strike when the user first turns to the device
        torch.cuda.manual_seed_all(seed)


def _uses_cuda() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def random_states() -> dict[str, Any]:
    """The global generators' states, as `write_tree` can hold them."""
    state: Any = np.random.get_state(legacy=True)
    kind, keys, position, has_gauss, gauss = state
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), int(position), int(has_gauss), float(gauss)),
        "torch": torch.get_rng_state(),
    }
    if _uses_cuda():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """The inverse of `random_states`."""
    random.setstate(states["python"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, gauss))
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])
