"""One thread a worker when pytest-xdist runs several: torch's threads would otherwise fight for the same cores.

What several threads change is tested where it is promised, by tests that ask for them (tests/native, tests/vectors).
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("elman", deadline=None)  # no test is decided by the time it takes
settings.load_profile("elman")

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported, and for the processes that tests start
    os.environ.setdefault("OMP_NUM_THREADS", "1")
