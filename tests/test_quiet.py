"""Nothing that we load tells anybody that we exist."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import socket, subprocess, sys
told = []
def remember(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "os.fork", "os.forkpty"):
        told.append((event, arguments))
sys.addaudithook(remember)
import workers.pose.runtimes.openvino, workers.pose.runtimes.onnx, workers.classify.export
import os, time
time.sleep(1)  # they tell from threads
print(told, os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_loading_the_runtimes_connects_to_nobody_and_forks_nothing() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    # ONNX Runtime would tell from C++, where no hook sees it: it reads this variable.
    assert done.stdout.splitlines()[-1:] == ["[] 1"], done.stderr[-500:]
