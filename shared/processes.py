"""What the fleet's processes owe each other."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> Callable[[], None]:
    """What to run in a child before exec, so that the kernel ends it when `parent` dies, even by SIGKILL.

    A supervisor that is killed must leave nothing behind that still holds leases, ports or the data
    directory. Does nothing outside Linux.
    """

    def ask_kernel() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)

    return ask_kernel
