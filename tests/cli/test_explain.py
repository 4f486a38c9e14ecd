"""`nexara explain` on made-up clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from shared.config import ConfigError
from tests.classify.conftest import save_linear
from tests.cli import clips
from workers.cli.main import nexara

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    clips.write(folder / "clips.npz")
    save_linear(folder / "lively.safetensors", weight=5.0)
    return folder


def run(*arguments: object, weights: Path) -> Result:
    expert = f"[{{weights: {weights}, role: primary}}]"
    command = ["explain", *map(str, arguments), *clips.SHORT, "--set", f"classify.experts={expert}"]
    answer = CliRunner().invoke(nexara, command)
    if answer.exception is not None and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def test_it_draws_the_most_violent_verdict_and_says_what_carried_it(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "why.png"
    command = (folder / "clips.npz", "--clip", "fight/a.mp4", "--out", out)
    answer = run(*command, weights=folder / "lively.safetensors")
    assert answer.exit_code == 0, answer.output
    first, second = answer.stdout.splitlines()
    assert first.startswith(f"{out}: fight/a.mp4 at 1.07 s: VIOLENCE ")
    assert second.startswith("carried by ")
    assert " wrist " in second, "this expert looks at hands alone"
    assert out.read_bytes().startswith(PNG)
    later = run(*command, "--at", 99, weights=folder / "lively.safetensors")
    assert later.stdout.startswith(f"{out}: fight/a.mp4 at 1.33 s: VIOLENCE ")


def test_a_verdict_without_an_explanation_is_drawn_and_says_so(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "safe.png"
    command = (folder / "clips.npz", "--clip", "noFight/a.mp4", "--out", out)
    answer = run(*command, weights=save_linear(tmp_path / "calm.safetensors", weight=1.0, bias=-3.0))
    assert "SAFE" in answer.stdout
    assert "no explanation: " in answer.stdout
    assert out.read_bytes().startswith(PNG)


def test_what_does_not_fit_is_said(folder: Path, tmp_path: Path) -> None:
    data, out = folder / "clips.npz", tmp_path / "a.png"
    film = tmp_path / "no.mp4"
    film.write_text("no film")
    alone = clips.clips({"fight/a.mp4": 1}, frames=3)
    np.savez(tmp_path / "short.npz", **alone)
    for command, said in (
        (
            (data, "--out", out),
            "clips.npz: has several clips: give --clip NAME, as fight/a.mp4, noFight/a.mp4",
        ),
        ((data, "--clip", "x", "--out", out), "clips.npz: has no clip 'x': give --clip NAME, as fight/a.mp4"),
        ((film, "--clip", "x", "--out", out), r"--clip: .*no.mp4 is no .npz"),
        ((data, "--weights", "yolo.pt", "--out", out), r"--weights: .*clips.npz holds detections"),
        ((tmp_path / "short.npz", "--out", out), r"short.npz: fight/a.mp4: nobody was judged in it"),
        ((data, "--clip", "fight/a.mp4", "--out", tmp_path), r"--out: .*: cannot be written: Is a directory"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(*command, weights=folder / "lively.safetensors")
