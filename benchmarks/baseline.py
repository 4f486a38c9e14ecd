"""The research document's reference classes, as they stand beside the project; only measured against."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FILE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "seed_baseline.py"


def load_baseline() -> ModuleType:
    """The module; ends the program with a reason where it is not there."""
    if not FILE.is_file():
        sys.exit(f"{FILE}: not there: this measurement compares with the research document's classes")
    specification = importlib.util.spec_from_file_location("seed_baseline", FILE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
