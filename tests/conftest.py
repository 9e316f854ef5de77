"""One thread a worker when pytest-xdist runs several: torch's threads would otherwise fight for the same cores.

What several threads change is tested where it is promised, by tests that ask for them (tests/native, tests/vectors).
"""

from __future__ import annotations

import os
import signal

from hypothesis import settings

settings.register_profile("elman", deadline=None)  # no test is decided by the time it takes
settings.load_profile("elman")

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported, and for the processes that tests start
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# a suite started in the background finds Ctrl-C ignored, and so would every process that tests start
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:  # so does nohup
        signal.signal(_number, signal.SIG_DFL)
