"""The only door to ultralytics: it never installs, downloads or phones home from here."""

from __future__ import annotations

import importlib
import os
from typing import Any

from shared.config import cache_folder


def ultralytics(module: str) -> Any:
    """A module of ultralytics, imported with everything that reaches out of the process switched off.

    ultralytics reads these variables once, at its first import: so nobody else may import it.
    """
    folder = cache_folder() / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0", YOLO_CONFIG_DIR=str(folder))
    return importlib.import_module(f"ultralytics.{module}")
