"""How many threads compute: a function of the work and of the user's settings, never of how busy the machine is.

The native engine takes as many as torch, and its own account of the work (`elman.engines.compiled.Step.threads`).
torch shares out everything above 32,768 numbers, and its threads meet after each operation: between the layers of a
small model that gains nothing, and on a busy machine one meeting after another waits for a thread that has lost its
processor.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch import nn

__all__ = ["count", "openmp", "own", "suited", "torch_threads"]

SMALL = 1_500_000  # parameters: with more, two threads move them in less time than one
SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_DYNAMIC")
_here = threading.local()


def count() -> int:
    """Threads that the native engine may use in this thread now: as many as torch, or had before `suited`."""
    threads = torch.get_num_threads()
    return threads if threads > 1 else getattr(_here, "count", 1)


def own() -> bool:
    """Whether the native engine runs on its own pool, torch's threads being asleep; else on torch's."""
    return count() > 1 and torch.get_num_threads() == 1


@contextmanager
def suited(model: nn.Module) -> Iterator[None]:
    """While the block runs, in this thread, torch's own operations take one thread if the model is small.

    The native engine goes on with as many as before, on a pool of its own. Nothing changes where the user has chosen a
    number: by `torch.set_num_threads`, `OMP_NUM_THREADS` or `MKL_NUM_THREADS`.
    """
    threads, pool = torch.get_num_threads(), openmp()
    if threads == 1 or pool is None or chosen(threads) or sum(p.numel() for p in model.parameters()) > SMALL:
        yield
        return
    pool.omp_set_num_threads(1)  # of this thread alone, which `torch.set_num_threads` is not
    _here.count = threads if torch.get_num_threads() == 1 else 1
    try:
        yield
    finally:
        if torch.get_num_threads() == 1:
            pool.omp_set_num_threads(threads)
        _here.count = 1


def chosen(threads: int) -> bool:
    """Whether the user has decided on this number of torch's threads."""
    return any(name in os.environ for name in SETTINGS) or threads not in _usual()


@cache
def _usual() -> tuple[int, int]:
    """What torch takes where nobody has decided: every processor, or every core, of those this process may use."""
    try:
        mine = os.sched_getaffinity(0)
    except AttributeError:  # not on this system
        mine = set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in mine:
        try:
            cores.add(
                Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text(encoding="ascii")
            )
        except OSError:
            cores.add(str(cpu))
    return len(mine), len(cores)


@cache
def openmp() -> ctypes.CDLL | None:
    """The OpenMP library that torch runs on, if it is known."""
    for pool in torch_threads():
        try:
            loaded = ctypes.CDLL(str(pool), mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_NOW", 0))
            if loaded.omp_get_max_threads() == torch.get_num_threads():
                return loaded
        except (OSError, AttributeError):  # not loaded, or not what its name says
            pass
    return None


def torch_threads() -> list[Path]:
    """The OpenMP library that torch's own operations run on: sharing its threads costs nothing, a second pool much."""
    shipped = Path(torch.__file__).parent / "lib"
    names = ("libgomp*", "libomp*", "libiomp*")
    found = [p for name in names for p in sorted(shipped.glob(name))]
    return found or [Path(name) for name in ("libgomp.so.1", "libomp.so", "libomp.dylib", "libiomp5.so")]
