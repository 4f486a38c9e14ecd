"""`nexara evaluate skeletons` on a simulated scene."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from workers.cli import main
from workers.ingest.simulated import DetectorNoise, make_scene, observe


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A scene's truth, and what a detector says, held while people are not found."""
    folder = tmp_path_factory.mktemp("skeletons")
    truth = make_scene("walking", 3, seconds=4, people=3).truth(np.arange(80) / 20)
    np.savez_compressed(
        folder / "truth.npz",
        at=truth.at,
        ids=truth.ids,
        present=truth.present,
        keypoints=truth.keypoints,
        heights_px=truth.heights_px,
    )
    last: dict[int, np.ndarray] = {}
    rows = []
    for frame, observation in enumerate(observe(truth, DetectorNoise(misses=0.2), 3)):
        seen = {
            int(who): kp for who, kp in zip(observation.owner, observation.keypoints, strict=True) if who >= 0
        }
        last |= seen
        rows += [(frame, who + 100, keypoints, who not in seen) for who, keypoints in last.items()]
    frame, who, keypoints, predicted = (np.array(column) for column in zip(*rows, strict=True))
    np.savez_compressed(folder / "result.npz", frame=frame, id=who, keypoints=keypoints, predicted=predicted)
    return folder / "truth.npz", folder / "result.npz"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main.nexara, ["evaluate", "skeletons", *map(str, arguments)])


def test_it_prints_a_table_with_gaps_beside_holding(files: tuple[Path, Path]) -> None:
    result = run(*files)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].split() == ["all", "joints", "visible"]
    table = {line[:28].strip(): line[28:].split() for line in lines[1:]}
    assert 50 < float(table["found, %"][0]) < 95
    assert 5 < float(table["error, 1/1000 height"][1]) < 60
    # This result holds the last skeleton, so each line about a gap is followed by the same numbers.
    gap = next(row for row, line in enumerate(lines) if line.startswith("unseen for 1 frames"))
    assert lines[gap][28:] == lines[gap + 1][28:]
    assert float(table["unseen for 1 frames"][0]) > 0


def test_json_has_the_same_numbers_and_null_for_none(files: tuple[Path, Path]) -> None:
    truth, result = files
    found = json.loads(run(truth, result, "--json").output)
    assert found["unmatched_ids"] == []
    assert found["all"]["gaps"][0]["frames"] == 1
    assert found["all"]["gaps"][0]["error"] == pytest.approx(found["all"]["gaps"][0]["held"])
    assert len(found["all"]["error_by_joint"]) == 17
    assert f"{1000 * found['all']['error']:.1f}" in run(truth, result).output


def test_it_draws_pictures(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(*files, "--plot", tmp_path / "plots")
    assert result.exit_code == 0, result.output
    pictures = sorted((tmp_path / "plots").iterdir())
    assert [picture.stem.split("-")[1] for picture in pictures] == ["gaps", "joints", "lag", "time"]
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_a_result_without_anything_to_measure_is_drawn_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.npz"
    np.savez(nothing, frame=np.zeros(0, int), id=np.zeros(0, int), keypoints=np.zeros((0, 17, 3)))
    result = run(files[0], nothing, "--plot", tmp_path)
    assert result.exit_code == 0, result.output
    assert "lag, ms                                -           -" in result.output


def test_a_bad_file_is_one_line(files: tuple[Path, Path], tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["nexara", "evaluate", "skeletons", str(files[1]), str(files[0])])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == main.EXIT_USAGE
    said = capsys.readouterr().err
    assert (
        said
        == f"nexara: {files[1]}: lacks at, ids, present, heights_px: see nexara evaluate skeletons --help\n"
    )


def test_its_help_documents_the_files() -> None:
    text = run("--help").output
    for array in ("heights_px", "predicted", "[T, N, 17, 3]", "[R, 17, 3]"):
        assert array in text
