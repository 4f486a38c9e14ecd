"""NPZ files of skeletons: what is read, what is refused and how."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shared.config import ConfigError
from workers.pose.evaluation.matching import align
from workers.pose.evaluation.skeleton_files import load_result, load_truth

FRAMES, PEOPLE = 20, 3


def a_truth() -> dict:
    random = np.random.default_rng(0)
    keypoints = np.ones((FRAMES, PEOPLE, 17, 3))
    keypoints[..., :2] = random.uniform(0, 80, (17, 2)) + 300 * np.arange(PEOPLE)[:, None, None]
    return {
        "at": np.arange(FRAMES) / 10,
        "ids": np.array([7, 3, 5]),
        "present": np.ones((FRAMES, PEOPLE), bool),
        "keypoints": keypoints,
        "heights_px": np.full((FRAMES, PEOPLE), 100.0),
    }


def a_result(truth: dict, ids: list[int]) -> dict:
    frame, person = np.nonzero(truth["present"])
    return {
        "frame": frame,
        "id": np.array(ids)[person],
        "keypoints": truth["keypoints"][frame, person],
        "predicted": frame % 2 == 0,
    }


def written(path: Path, arrays: dict) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def aligned(tmp_path: Path, truth: dict, result: dict):
    there = load_truth(written(tmp_path / "truth.npz", truth))
    return align(there, load_result(written(tmp_path / "result.npz", result), there.at))


def refused_truth(tmp_path: Path, **change) -> str:
    arrays = {name: value for name, value in {**a_truth(), **change}.items() if value is not None}
    path = written(tmp_path / "truth.npz", arrays)
    with pytest.raises(ConfigError) as caught:
        load_truth(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def refused_result(tmp_path: Path, **change) -> str:
    arrays = {**a_result(a_truth(), [7, 3, 5]), **change}
    path = written(tmp_path / "result.npz", {n: value for n, value in arrays.items() if value is not None})
    with pytest.raises(ConfigError) as caught:
        load_result(path, a_truth()["at"])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_ids_of_the_truth_are_taken_as_they_are(tmp_path: Path) -> None:
    truth = a_truth()
    # Even where they follow somebody else: whoever has ids means them.
    found = aligned(tmp_path, truth, a_result(truth, [3, 7, 5]))
    assert np.array_equal(found.estimate[:, 0], truth["keypoints"][:, 1])
    assert np.array_equal(found.predicted[:, 2], np.arange(FRAMES) % 2 == 0)
    assert not len(found.unmatched)


def test_other_ids_go_to_the_person_whom_they_follow_best(tmp_path: Path) -> None:
    truth = a_truth()
    result = a_result(truth, [40, 41, 42])
    result["keypoints"] = result["keypoints"] + np.random.default_rng(1).normal(
        0, 3, (len(result["id"]), 17, 3)
    )
    # Another one follows the first person for the last moments, and one follows nobody.
    late = (result["id"] == 40) & (result["frame"] >= 15)
    result["id"] = np.where(late, 50, result["id"])
    stranger = {"frame": [0], "id": [60], "keypoints": np.full((1, 17, 3), 5000.0), "predicted": [False]}
    result = {name: np.concatenate([value, stranger[name]]) for name, value in result.items()}
    found = aligned(tmp_path, truth, result)
    assert sorted(found.unmatched) == [50, 60]
    assert np.isnan(found.estimate[15:, 0]).all()
    assert np.abs(found.estimate[:15] - truth["keypoints"][:15]).max() < 30


def test_an_id_that_follows_nobody_gets_nobody_though_somebody_is_left(tmp_path: Path) -> None:
    truth = a_truth()
    result = a_result(truth, [40, 41, 42])
    result["keypoints"][result["id"] == 42] += 5000
    found = aligned(tmp_path, truth, result)
    assert found.unmatched.tolist() == [42]
    assert np.isnan(found.estimate[:, 2]).all()


def test_more_ids_than_people_or_none_at_all_is_fine(tmp_path: Path) -> None:
    truth = a_truth()
    nobody = {"frame": np.zeros(0, int), "id": np.zeros(0, int), "keypoints": np.zeros((0, 17, 3))}
    assert np.isnan(aligned(tmp_path, truth, nobody).estimate).all()
    empty = {name: value[:, :0] if value.ndim > 1 else value for name, value in truth.items()}
    empty["ids"] = truth["ids"][:0]
    assert len(aligned(tmp_path, empty, a_result(truth, [1, 2, 4])).unmatched) == 3


def test_times_stand_for_frames(tmp_path: Path) -> None:
    truth = a_truth()
    result = a_result(truth, [7, 3, 5])
    result["at"] = truth["at"][result.pop("frame")] + 4e-4
    found = aligned(tmp_path, truth, result)
    assert np.array_equal(found.estimate, truth["keypoints"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": None}, "lacks ids"),
        ({"keypoints": np.ones((FRAMES, PEOPLE, 17, 2))}, "keypoints has the shape"),
        ({"present": np.ones((FRAMES, PEOPLE))}, "present has the type float64: it must be true and false"),
        ({"at": np.zeros(FRAMES)}, "at must rise"),
        ({"at": np.full(FRAMES, np.nan)}, "at must rise and be finite"),
        ({"ids": np.array([1, 1, 2])}, "each person once"),
        ({"keypoints": np.full((FRAMES, PEOPLE, 17, 3), np.nan)}, "finite where present"),
        ({"heights_px": np.zeros((FRAMES, PEOPLE))}, "heights_px must be above 0"),
        ({"ids": np.array([1, "a", None], object)}, "Python objects"),
    ],
)
def test_a_bad_truth_is_refused_in_one_line(tmp_path: Path, change: dict, message: str) -> None:
    assert message in refused_truth(tmp_path, **change)


ROWS = FRAMES * PEOPLE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": None}, "neither frame nor at"),
        ({"frame": np.full(ROWS, FRAMES)}, f"frame must be in 0 to {FRAMES - 1}"),
        ({"frame": np.zeros(ROWS, int)}, "one row a moment"),
        ({"frame": None, "at": np.full(ROWS, 0.05)}, "row 0: at 0.05 s is no moment of the truth"),
        ({"frame": None, "at": np.full(ROWS, np.nan)}, "no moment of the truth"),
        ({"keypoints": np.full((ROWS, 17, 3), np.inf)}, "keypoints must be finite"),
        ({"id": np.ones(ROWS)}, "id has the type float64: it must be whole numbers"),
        ({"predicted": np.zeros(ROWS - 1, bool)}, "predicted has the shape"),
    ],
)
def test_a_bad_result_is_refused_in_one_line(tmp_path: Path, change: dict, message: str) -> None:
    assert message in refused_result(tmp_path, **change)


def test_a_file_that_is_absent_or_no_npz_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_truth(tmp_path / "absent.npz")
    path = tmp_path / "text.npz"
    path.write_text("hello")
    with pytest.raises(ConfigError, match="no intact NPZ"):
        load_truth(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "truth.npz", a_truth())
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        # Bytes that are no part of an array's own (a date, say) may change; any other error is a failure.
        with contextlib.suppress(ConfigError):
            for name, value in a_truth().items():
                assert np.array_equal(getattr(load_truth(path), name), value)


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(99999999999, 99999999999)", "(-1,)", "(3"])
def test_a_small_array_that_claims_to_be_large_is_not_unpacked(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "bomb.npz"
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    bomb = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in a_truth().items():
            data = io.BytesIO()
            np.save(data, value)
            archive.writestr(f"{name}.npy", bomb if name == "at" else data.getvalue())
    with pytest.raises(ConfigError, match="at is "):
        load_truth(path)


def test_a_file_that_unpacks_to_too_much_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.pose.evaluation.skeleton_files.MOST_BYTES", 1000)
    assert "at most" in refused_truth(tmp_path)
