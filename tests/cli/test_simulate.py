from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from shared.config import ConfigError
from workers.cli.main import nexara


def test_a_film_has_its_truth_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "plaza"
    address = "sim://plaza?people=2&fights=1&seed=4&fps=5&seconds=14"
    done = CliRunner().invoke(nexara, ["simulate", address, "--out", str(out)])
    assert done.exit_code == 0, done.output
    with av.open(str(out / "film.mp4")) as film:
        frames = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    assert len(frames) == 70
    assert frames[0].shape == (360, 640, 3)
    with np.load(out / "truth.npz") as opened:
        truth = dict(opened)
    assert truth["present"].shape[0] == 70
    assert truth["present"].any()
    [[first, last]] = json.loads((out / "fights.json").read_text())
    assert 8 < first < last < 14
    # People are where the truth says, in the film too.
    row = 60
    still = np.median(np.stack(frames[:10]), axis=0)
    changed = np.abs(frames[row] - still).max(axis=-1) > 60
    points = truth["keypoints"][row][truth["present"][row]].reshape(-1, 3)
    seen = points[(points[:, 2] > 0) & (points[:, 0] < 639) & (points[:, 1] < 359)].astype(int)
    assert changed[seen[:, 1], seen[:, 0]].mean() > 0.7

    for kind, name in (("skeletons", "truth.npz"), ("tracking", "gt.txt")):
        given = str(out / name)
        if kind == "skeletons":
            given = str(tmp_path / "result.npz")
            moments, people = np.nonzero(truth["present"])
            np.savez(
                given, frame=moments, id=truth["ids"][people], keypoints=truth["keypoints"][moments, people]
            )
        same = CliRunner().invoke(nexara, ["evaluate", kind, str(out / name), given, "--json"])
        assert same.exit_code == 0, same.output
        figures = json.loads(same.output)
        if kind == "tracking":
            assert figures["idf1"] == 1
        else:
            assert figures["all"]["error"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("address", "said"), [("sim://plaza", "seconds"), ("sim://plazza?seconds=3", "plazza")]
)
def test_an_address_that_cannot_be_filmed_is_refused(tmp_path: Path, address: str, said: str) -> None:
    done = CliRunner().invoke(nexara, ["simulate", address, "--out", str(tmp_path)])
    assert isinstance(done.exception, ConfigError)
    assert said in str(done.exception)
