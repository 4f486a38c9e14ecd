"""The research document's reference classes, where they lie beside this clone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "seed_baseline.py"


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    if not REFERENCE.is_file():
        pytest.skip(
            "needs ../shared/reference/seed_baseline.py (the reference classes), absent beside this clone"
        )
    spec = importlib.util.spec_from_file_location("seed_baseline", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
