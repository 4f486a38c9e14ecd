from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tests.classify.scenes import FRAMES as CELLS
from tests.classify.scenes import emptied, standing, waving, window
from workers.classify.card import Input
from workers.classify.due import Due
from workers.classify.inputs import INPUTS
from workers.classify.inputs.pyskl import FRAMES, Stream, pyskl, sampled
from workers.classify.pairs import paired

STREAMS: dict[str, Stream] = {"j": "joint", "b": "bone", "jm": "joint-motion", "bm": "bone-motion"}
X, SCORE = 0, 2


def made(due: Due, stream: Stream) -> np.ndarray:
    return pyskl(paired(due), stream)


def clip_of(arrays: np.lib.npyio.NpzFile, name: str) -> Due:
    """A whole clip as if it were one window."""
    keypoints = np.concatenate([arrays[f"{name}/kp"], arrays[f"{name}/score"][..., None]], axis=-1)
    height, width = arrays[f"{name}/hw"].tolist()
    people, frames = keypoints.shape[:2]
    known = np.ones((people, frames), bool)
    low, high = keypoints[..., :2].min(axis=2), keypoints[..., :2].max(axis=2)
    return Due(
        fps=30.0,
        image_size=(width, height),
        ids=np.arange(people),
        judged=np.zeros(1, np.int64),
        keypoints=keypoints,
        boxes=np.concatenate([low, high], axis=-1),
        filled=known,
        seen=known,
        quality=np.ones(people, np.float32),
        first_at=np.zeros(people),
        last_at=np.ones(people),
    )


@pytest.mark.parametrize("code", STREAMS)
@pytest.mark.parametrize("name", ["one_32", "two_70", "one_150", "two_260"])
def test_input_agrees_with_the_public_pipeline(name: str, code: str, shared_data: Path) -> None:
    arrays = np.load(shared_data / "oracles" / "pyskl_preproc.npz")
    expected = arrays[f"{name}/final_{code}_c100"].transpose(0, 4, 2, 3, 1)
    ours = made(clip_of(arrays, name), STREAMS[code])
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_sampled_frames_agree_with_the_public_pipeline(shared_data: Path) -> None:
    arrays = np.load(shared_data / "oracles" / "pyskl_preproc.npz")
    for name in ("one_32", "two_70", "one_150", "two_260"):
        frames = arrays[f"{name}/kp"].shape[1]
        assert sampled(frames).tolist() == arrays[f"{name}/inds_c100_n1"].tolist()


@pytest.mark.parametrize("frames", [1, 4, 99, 100, 101, 199, 200, 300])
def test_frames_are_sampled_in_order_from_the_whole_clip(frames: int) -> None:
    chosen = sampled(frames)
    assert len(chosen) == FRAMES
    assert chosen.min() >= 0
    assert chosen.max() < frames
    if frames >= FRAMES:
        assert (np.diff(chosen) > 0).all()
        assert np.abs(chosen - np.arange(FRAMES) * frames / FRAMES).max() < 8


def test_every_input_that_a_card_may_name_is_made() -> None:
    assert set(INPUTS) == set(get_args(Input))
    due = window(standing(100), standing(160))
    for name in INPUTS:
        if name.startswith("pyskl-"):
            assert INPUTS[name](paired(due)).shape == (2, 3, FRAMES, 17, 2)


def test_who_is_judged_comes_first_and_the_partner_second() -> None:
    due = window(standing(100), waving(standing(160), [9, 10], 2, 30))
    one, other = made(due, "joint")
    np.testing.assert_array_equal(one, other[..., ::-1])
    assert np.ptp(one[X, :, 9, 0]) == 0
    assert np.ptp(one[X, :, 9, 1]) > 0


def test_the_place_beside_somebody_alone_is_zeros() -> None:
    for stream in STREAMS.values():
        inputs = made(window(standing(100)), stream)
        assert (inputs[..., 1] == 0).all()
        assert (inputs[:, SCORE, :31, :, 0] > 0).all()


def test_the_image_and_not_the_body_is_the_measure() -> None:
    due = window(standing(320))
    far = dataclasses.replace(due, image_size=(1280, 960))
    twice = dataclasses.replace(far, keypoints=due.keypoints * np.float32([2, 2, 1]))
    np.testing.assert_allclose(made(twice, "joint"), made(due, "joint"), atol=1e-6)
    assert made(due, "joint")[0, X, 0, 0, 0] == 0
    assert made(far, "joint")[0, X, 0, 0, 0] == -0.5


def test_a_joint_that_is_hardly_seen_lies_in_the_middle_and_keeps_its_score() -> None:
    due = window(standing(100))
    due.keypoints[0, :, 9, 2] = 0.01
    inputs = made(due, "joint")[0, :, 0, :, 0]
    assert inputs[:, 9] == pytest.approx([0, 0, 0.01])
    assert (inputs[X, :9] != 0).all()


def test_a_window_starts_again_at_the_pace_it_has() -> None:
    inputs = made(window(waving(standing(100), [9], 1, 30)), "joint")
    np.testing.assert_array_equal(inputs[:, :, CELLS : 2 * CELLS], inputs[:, :, :CELLS])
    motion = made(window(waving(standing(100), [9], 1, 30)), "joint-motion")
    np.testing.assert_array_equal(motion[:, :, [CELLS - 1, 2 * CELLS - 1]], 0)


def test_the_clip_is_the_part_of_the_window_in_which_somebody_is_there() -> None:
    person = waving(standing(100), [9, 10], 1, 30)
    young = emptied(window(person), 0, slice(0, 10))
    inputs = made(young, "joint")
    assert (inputs[0, SCORE, :, :, 0] > 0).all()
    np.testing.assert_array_equal(inputs[:, :, : CELLS - 10], made(window(person), "joint")[:, :, 10:CELLS])
    lost = made(emptied(window(person), 0, slice(20, None)), "joint-motion")
    assert np.abs(lost).max() <= np.abs(made(window(person), "joint-motion")).max()


def test_one_who_is_missing_while_the_other_is_there_is_zeros_meanwhile() -> None:
    both = window(standing(100), standing(160), judged=[0])
    inputs = made(emptied(both, 0, slice(0, 10)), "joint")
    assert (inputs[0, :, :10, :, 0] == 0).all()
    assert (inputs[0, SCORE, :10, :, 1] > 0).all()
    assert (inputs[0, SCORE, 10:CELLS] > 0).all()


def test_cells_that_are_empty_in_between_stay_zeros() -> None:
    inputs = made(emptied(window(standing(100)), 0, slice(12, 15)), "bone")
    assert (inputs[0, :, 12:15] == 0).all()
    assert (inputs[0, SCORE, :12, :, 0] > 0).all()


def test_a_window_of_one_frame_and_wild_places_give_finite_input() -> None:
    brief = emptied(window(standing(100)), 0, slice(1, None))
    wild = window(standing(1e5), standing(-1e5))
    for stream in STREAMS.values():
        assert np.isfinite(made(brief, stream)).all()
        assert np.abs(made(wild, stream)).max() <= 12


def test_nobody_gives_an_empty_batch() -> None:
    assert made(window(standing(100), judged=[]), "joint").shape == (0, 3, FRAMES, 17, 2)
    assert made(window(judged=[]), "bone").shape == (0, 3, FRAMES, 17, 2)
