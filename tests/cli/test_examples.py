"""Every site file in configs/examples is one that a user can start from, as it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared import config
from shared.config import ConfigError
from workers.cli import main
from workers.cli.site import load
from workers.pose.checkpoint import convert
from workers.pose.config import load_tracker
from workers.pose.weights import models_folder

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "configs" / "examples").glob("*.yaml"))
NEEDED = re.compile(r"\$\{([A-Z0-9_]+)\}")
# A value that is good in a URL, and one for a whole URL.
DUMMY, DUMMY_URL = "dummy-dummy-dummy", "redis://dummy:dummy@127.0.0.1:1/0"


def named(example: Path) -> list[str]:
    """The variables without which an example cannot be used; comments do not count."""
    return sorted(set(NEEDED.findall(json.dumps(config.read(example)))))


VARIABLES = [(example, name) for example in EXAMPLES for name in named(example)]


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, name in VARIABLES:
        monkeypatch.setenv(name, DUMMY_URL if name.endswith("_URL") else DUMMY)


@pytest.fixture(scope="module")
def weights(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The weights that a site asks for by default, imported once into a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXARA_CACHE", str(tmp_path_factory.mktemp("cache")))
        name = "yolo26n-pose"
        convert(shared_data / "weights" / "yolo26n-pose-o2m.pt", models_folder() / name, name)
        yield


def test_there_is_one_for_a_laptop_a_camera_a_shop_and_a_school() -> None:
    assert {"usb", "rtsp", "shop", "school"} <= {example.stem for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_is_good_to_check(example: Path, weights: None) -> None:
    done = CliRunner().invoke(main.nexara, ["check", str(example)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert f"good: {len(load(example).cameras)} camera" in done.output


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_loads_with_live_cameras_and_a_tracker_that_fits(example: Path) -> None:
    site = load(example)
    load_tracker(site.pose)
    # What is a file on our disk is none on a user's.
    assert site.live_cameras == list(site.cameras)


@pytest.mark.parametrize(("example", "name"), VARIABLES, ids=lambda part: getattr(part, "stem", part))
def test_a_variable_that_is_not_set_is_refused_by_its_name_in_one_line(
    example: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError) as refused:
        load(example)
    assert f"environment variable {name} is not set" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_holds_no_password_and_says_which_variables_it_needs(example: Path) -> None:
    comments = [line for line in example.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    unsaid = [name for name in named(example) if name not in "\n".join(comments)]
    assert not unsaid, "say in the head how these variables are set"
    sources = [str(camera["source"]) for camera in config.read(example)["cameras"].values()]
    assert not [source for source in sources if "@" in source and "PASSWORD}@" not in source]
