"""The fleet's workers, one folder each. Workers never import each other.

Two libraries tell their makers each time they are loaded, OpenVINO from a process that it forks, which may
outlive ours. A fleet that watches people tells nobody anything: this package is always imported before them.
"""

import os
import sys

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# OpenVINO does without the module that tells; None makes its import fail at once.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
