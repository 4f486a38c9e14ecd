from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from shared.skeleton import JOINT_COUNT
from training.pose import LARGE, NETWORK, SMALL, Frames, batch_of, write
from training.pose_frames import FIRST_SEED, Frame, read, save
from workers.pose.network import build
from workers.pose.offline import ultralytics
from workers.pose.weights import END_TO_END, open_weights


def a_frame(people: int = 2, seed: int = 0) -> Frame:
    """People who are white rectangles on black, with their joints inside."""
    rng = np.random.default_rng(seed)
    image = np.zeros((360, 640, 3), np.uint8)
    boxes = np.zeros((people, 4), np.float32)
    keypoints = np.ones((people, JOINT_COUNT, 3), np.float32)
    for person in range(people):
        left, top = 120 + 220 * person, 120
        boxes[person] = left, top, left + 60, top + 140
        image[top : top + 140, left : left + 60] = 255
        keypoints[person, :, :2] = rng.uniform([left, top], [left + 60, top + 140], (JOINT_COUNT, 2))
    jpeg = simplejpeg.encode_jpeg(image, 95, "BGR", "420", fastdct=False)
    return Frame(jpeg, boxes, keypoints)


def test_shards_come_back_as_they_were(tmp_path: Path) -> None:
    frames = [a_frame(2), a_frame(0), a_frame(1, 3)]
    save(tmp_path / "00001.npz", frames)
    for one, other in zip(frames, read(tmp_path / "00001.npz"), strict=True):
        assert one.jpeg == other.jpeg
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.keypoints, other.keypoints)


def test_shards_that_come_later_are_seen_in_the_next_round(tmp_path: Path) -> None:
    save(tmp_path / "00000.npz", [a_frame(1), a_frame(1)])
    frames = Frames(tmp_path, np.random.default_rng(0))
    frames.next()
    save(tmp_path / "00001.npz", [a_frame(1)])
    frames.next()
    assert len(frames) == 2
    frames.next()
    assert len(frames) == 3


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_boxes_and_joints_go_where_the_picture_goes(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    batch = batch_of([a_frame(2, n) for n in range(6)] + [a_frame(0)], size, rng)
    height, width = size
    assert batch["img"].shape == (7, 3, height, width)
    assert set(batch["batch_idx"].tolist()) <= set(range(6))
    images = batch["img"].numpy()
    for row, owner in enumerate(batch["batch_idx"].tolist()):
        x, y, w, h = batch["bboxes"][row].numpy() * np.array([width, height, width, height])
        inside = images[
            owner, 0, int(y - h / 2) + 3 : int(y + h / 2) - 2, int(x - w / 2) + 3 : int(x + w / 2) - 2
        ]
        assert inside.mean() > 0.7
        for px, py, seen in batch["keypoints"][row].numpy():
            if seen:
                assert abs(px * width - x) <= w / 2 + 1
                assert abs(py * height - y) <= h / 2 + 1


def test_no_picture_is_mirrored_since_sides_have_colours() -> None:
    frame = a_frame(2)
    for seed in range(20):
        batch = batch_of([frame], SMALL, np.random.default_rng(seed))
        centres = batch["bboxes"][:, 0].numpy()
        assert (np.diff(centres) > 0).all()


def test_what_is_written_is_what_the_product_reads(tmp_path: Path) -> None:
    model = ultralytics("nn.tasks").PoseModel(NETWORK, ch=3, nc=1, verbose=False)
    write(model.state_dict(), model.yaml, tmp_path / "ours")
    weights = open_weights(tmp_path / "ours")
    assert weights.heads == (END_TO_END,)
    assert weights.tensors.stat().st_size < 8 * 2**20
    assert build(weights, END_TO_END) is not None


def test_seeds_of_training_are_no_seed_of_an_address() -> None:
    from workers.ingest.simulated.address import parse

    with pytest.raises(ValueError, match="less than"):
        parse(f"sim://plaza?seed={FIRST_SEED}")
