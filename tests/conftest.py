"""Fixtures that several test folders share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.databases"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("nexara", deadline=None)
settings.load_profile("nexara")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Weights and what is made of them stay out of the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXARA_CACHE", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real weights, videos and skeletons; tests that need it skip without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data (real weights, videos and truth), absent beside this clone")
    return SHARED_DATA
