"""Memory that training steps use over and over, kept between them."""

from __future__ import annotations

import torch

__all__ = ["keep_freed"]

_LARGEST = 31 << 20  # of what raises the threshold, with room for the allocator's own words: 32 MiB


def keep_freed() -> None:
    """From now on glibc keeps up to 64 MiB that are free at the end of its heap, instead of 128 kB or some megabytes.

    What it does not keep the operating system hands out again in each step, zeroed, one page fault at a time: an eighth
    to a sixth of the time of a forecaster's step of 128 units. A freed block of its own pages raises glibc's thresholds
    to the block's size, and to twice that (mallopt(3), M_MMAP_THRESHOLD, "dynamic"); a page that is never touched costs
    nothing. Settings of the user's own (``MALLOC_TRIM_THRESHOLD_`` and others) stay as they are, and other allocators
    do nothing of the kind.
    """
    torch.empty(_LARGEST, dtype=torch.uint8, device="cpu")
