"""What a training step frees is there for the next one."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# blocks at the end of the heap, freed and taken again: 4 MB in all, as the steps of a small network do
FAULTS = """
import resource, sys
import torch
from elman.training.memory import keep_freed

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed()

def step():
    blocks = [torch.empty(100_000, dtype=torch.uint8).fill_(1) for _ in range(40)]
    del blocks

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 50)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator gives memory back")
def test_pages_are_not_asked_for_in_every_step():
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_", "LD_"))}

    def faults(how: str) -> float:
        run = [sys.executable, "-c", FAULTS, how]
        return float(subprocess.run(run, env=plain, check=True, capture_output=True, text=True).stdout)

    assert faults("keep") < 20
    assert faults("leave") > 100  # else this test says nothing


def test_fit_keeps_them(monkeypatch):
    import elman
    from elman.training import loop

    asked = []
    monkeypatch.setattr(loop, "keep_freed", lambda: asked.append(1))
    elman.Forecaster(hidden=4, context=8, horizon=2, season=1, segment=2, epochs=1, classical=0).fit(
        [float(i % 5) for i in range(60)]
    )
    assert asked
