"""Any cell that the language can express runs natively as it does on the reference engine: drawn at random."""

from __future__ import annotations

import os

import pytest

from elman.engines import library
from native.random_runs import check, check_layer

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

COUNT = int(os.environ.get("ELMAN_RANDOM_CELLS", "400"))  # a long run: 20000


@pytest.mark.parametrize("first", range(0, COUNT, 50))
def test_random_cells_equal_the_reference(first: int) -> None:
    for seed in range(first, min(first + 50, COUNT)):
        check(seed)


@pytest.mark.parametrize("first", range(0, COUNT // 4, 50))
def test_random_cells_in_layers_equal_the_reference(first: int) -> None:
    for seed in range(first, min(first + 50, COUNT // 4)):
        check_layer(seed)
