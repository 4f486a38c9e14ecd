"""`nexara train` on made-up clips."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'nexara[train]'")

from shared.config import ConfigError, validate
from tests.cli import clips
from workers.classify.card import read_card
from workers.classify.config import ClassifyConfig
from workers.classify.evaluation import measures
from workers.classify.stage import build_stage
from workers.cli.main import nexara

# Enough frames for windows of 32 at 25 a second.
FRAMES = 30


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "_BOOTSTRAPS", 20)


def write(path: Path, fights: int, others: int) -> Path:
    labels = {f"fight/{n}.mp4": 1 for n in range(fights)} | {f"noFight/{n}.mp4": 0 for n in range(others)}
    np.savez(path, **clips.clips(labels, FRAMES))
    return path


def run(*arguments: object) -> Result:
    answer = CliRunner().invoke(nexara, ["train", *map(str, arguments)])
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def test_what_it_writes_judges_in_a_fleet(tmp_path: Path) -> None:
    out = tmp_path / "ours"
    answer = run("--data", write(tmp_path / "clips.npz", 6, 6), "--out", out)
    assert "accuracy" in answer.output
    section = yaml.safe_load(answer.output[answer.output.index("classify: ") :])["classify"]
    stage = build_stage(validate(section, ClassifyConfig, "site.yaml"))
    assert stage.name == "classify"
    card = read_card(out / "interaction-fights.safetensors")
    assert len(card.trained_on) == 12
    figures = json.loads((out / "panel-fights.json").read_text())
    assert figures["experts"]["interaction-fights"]["auc"]["value"] == 1.0


def test_what_cannot_be_learned_from_is_one_line(tmp_path: Path) -> None:
    few = write(tmp_path / "few.npz", 3, 6)
    with pytest.raises(ConfigError, match="fights of 3 videos: at least 5"):
        run("--data", few, "--out", tmp_path)
    one_kind = write(tmp_path / "one.npz", 6, 0)
    with pytest.raises(ConfigError, match="fights and other clips are both needed"):
        run("--data", one_kind, "--out", tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        run("--data", tmp_path / "absent.npz", "--out", tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ConfigError, match="holds no films"):
        run("--data", empty, "--out", tmp_path)
    groups = tmp_path / "groups.json"
    groups.write_text(json.dumps([["fight/0.mp4"]]))
    with pytest.raises(ConfigError, match=r"--groups: .*have no source video"):
        run("--data", write(tmp_path / "clips.npz", 6, 6), "--groups", groups, "--out", tmp_path)
