from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from shared.skeleton import FLIP
from training import backbone
from training.activities import Activities, joined, normal_scores
from training.augment import augment
from training.clips import Lessons, Windows
from training.fit import Schedule, evidence, fit, logits_of, pretrain
from training.folds import FOLDS
from training.graph_nets import SIZES, card_of, cross_validated
from training.sets import of_one, of_two
from training.simulated import FIRST_SEED, simulate
from workers.classify.card import Card, metadata_of
from workers.classify.evaluation.measures import auc
from workers.classify.inputs.graph import BONE, CHANNELS, CONFIDENCE, OTHER, PARENTS, PLACE
from workers.classify.nets import Msg3dSize, StgcnppSize, build
from workers.ingest.simulated import ACTIONS

SMALL = StgcnppSize(6, (1, 1, 1), CHANNELS)


def some_windows(count: int, rng: np.random.Generator, frames: int = 32) -> np.ndarray:
    """Windows whose vectors belong together; the first frames and every fourth partner are not there."""
    windows = np.zeros((count, CHANNELS, frames, 17, 2), np.float32)
    place = rng.normal(0, 0.3, (count, 2, frames, 17, 2))
    windows[:, PLACE] = place
    windows[:, BONE] = place - place[:, :, :, PARENTS]
    windows[:, OTHER] = rng.normal(0, 0.1, (count, 2, frames, 1, 2)) - place
    windows[:, CONFIDENCE:] = 1
    windows[:, :, :4] = 0
    windows[::4, ..., 1] = 0
    windows[::4, OTHER] = 0
    return windows


def test_augmentation_keeps_what_is_empty_empty_and_confidences_valid() -> None:
    rng = np.random.default_rng(0)
    windows = some_windows(40, rng)
    changed = augment(windows, rng)
    assert changed.dtype == np.float32
    assert changed.shape == windows.shape
    assert not changed[::4, ..., 1].any()
    assert not changed[::4, OTHER].any()
    unseen = np.broadcast_to(changed[:, CONFIDENCE, None] == 0, changed[:, :CONFIDENCE].shape)
    assert not changed[:, :CONFIDENCE][unseen].any()
    assert (changed[:, CONFIDENCE:] >= 0).all()
    assert (changed[:, CONFIDENCE:] <= 1).all()
    assert np.abs(changed - windows).mean() > 0.01


def test_augmentation_changes_places_and_bones_alike() -> None:
    rng = np.random.default_rng(1)
    changed = augment(some_windows(40, rng), rng)
    # Where no joint is lost, bones still are differences of places.
    whole = (changed[:, CONFIDENCE] > 0.5).all(axis=2)
    assert whole.any()
    place, bone = (changed[:, channels].transpose(0, 2, 4, 1, 3)[whole] for channels in (PLACE, BONE))
    np.testing.assert_allclose(bone, place - place[..., PARENTS], atol=1e-4)


def test_a_mirrored_window_has_left_and_right_swapped(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    windows = some_windows(30, rng)
    for name in ("_TURN", "_STRETCH", "_SCALE", "_WARP", "_BENT", "_SLIP", "_NOISE", "_JOINT_LOST"):
        monkeypatch.setattr(f"training.augment.{name}", 0.0)
    for name in ("_FRAME_LOST", "_SPELL_LOST", "_PARTNER_LOST", "_BORROWED_CONFIDENCE"):
        monkeypatch.setattr(f"training.augment.{name}", 0.0)
    monkeypatch.setattr("training.augment._warped", lambda x, rng: x)
    changed = augment(windows, rng)[:, PLACE]
    mirrored = windows[:, PLACE][..., FLIP, :] * np.array([-1, 1])[:, None, None, None]
    as_before = np.isclose(changed, windows[:, PLACE], atol=1e-6).all(axis=(1, 2, 3, 4))
    as_mirrored = np.isclose(changed, mirrored, atol=1e-6).all(axis=(1, 2, 3, 4))
    assert (as_before | as_mirrored).all()
    assert as_before.any()
    assert as_mirrored.any()


def test_a_net_learns_a_plain_difference_and_does_so_twice_alike() -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(16) % 2
    windows = some_windows(16, rng, 16)
    windows[labels == 1, :2] += np.sin(np.arange(16) * 2)[None, None, :, None, None].astype(np.float32)
    schedule = Schedule(epochs=12, windows=1, rate=8e-3, averaging=0.9)
    found = [
        evidence(fit("stgcnpp", SMALL, windows, np.arange(16), labels, schedule, 3), windows)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(found[0], found[1])
    assert auc(found[0], labels) > 0.9


def test_a_net_learns_from_simulated_windows_beside_clips() -> None:
    """Nothing but the examples says what a fight is: the clips' labels are of chance."""
    rng = np.random.default_rng(5)
    fighting = (np.arange(32) % 2).astype(np.float32)
    windows = some_windows(32, rng, 16)
    windows[fighting == 1, :2] += np.sin(np.arange(16) * 2)[None, None, :, None, None].astype(np.float32)
    shares, features = np.ones((32, 1), np.float32), np.zeros((32, 1), np.float32)
    examples = Activities(windows.astype(np.float16), shares, fighting, features)
    clips, labels = some_windows(16, rng, 16).astype(np.float16), rng.integers(0, 2, 16)
    schedule = Schedule(epochs=16, windows=1, rate=8e-3, averaging=0.9, beside_share=1.0)
    taught = fit("stgcnpp", SMALL, clips, np.arange(16), labels, schedule, 3, None, examples)
    alone = fit("stgcnpp", SMALL, clips, np.arange(16), labels, schedule, 3)
    of_both = [auc(evidence(model, windows), fighting.astype(np.int64)) for model in (taught, alone)]
    assert of_both[0] > 0.9
    assert of_both[0] > of_both[1]


def test_whoever_fights_a_little_is_no_example() -> None:
    fighting = np.array([0.0, 0.3, 0.6, 0.61, 1.0], np.float32)
    empty = np.zeros((5, 1), np.float32)
    rows, labels = Activities(empty.astype(np.float16), empty, fighting, empty).clear()
    np.testing.assert_array_equal(rows, [0, 3, 4])
    np.testing.assert_array_equal(labels, [0, 1, 1])


def test_what_was_learned_of_activities_is_where_fights_start(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    windows = some_windows(32, rng, 8).astype(np.float16)
    features = rng.normal(0, 1, (32, 5)).astype(np.float32)
    features[::3, 0] = np.nan
    activities = Activities(
        windows, np.eye(3, dtype=np.float32)[np.arange(32) % 3], np.zeros(32, np.float32), features
    )
    schedule = Schedule(epochs=1, averaging=0.5)
    model = pretrain("stgcnpp", SMALL, activities, schedule, 1, batch=8)
    assert logits_of(model, windows).shape == (32, 3)
    path = tmp_path / "activities.safetensors"
    card = Card(
        net="stgcnpp", size=json.loads(json.dumps(asdict(SMALL))), input="body-v2", persons=2, window=32,
        window_fps=25, classes=("stand", "kick", "walk"), violent=("kick",),
    )  # fmt: skip
    save_file(model.state_dict(), path, metadata_of(card))
    start = backbone.read(path, "stgcnpp", SMALL)
    assert not any(name.startswith("cls_head") for name in start)
    tuned = fit(
        "stgcnpp", SMALL, windows, np.arange(32), np.arange(32) % 2, Schedule(epochs=1, rate=1e-9), 1, start
    )
    name = "backbone.gcn.0.gcn.conv.weight"
    np.testing.assert_allclose(tuned.state_dict()[name], start[name], atol=1e-6)
    with pytest.raises(ValueError, match="not"):
        backbone.read(path, "stgcnpp", StgcnppSize(12, (1, 1, 1), CHANNELS))


def test_normal_scores_keep_the_order_and_what_is_unknown() -> None:
    scores = normal_scores(np.array([[3.0, 1.0], [np.nan, 1.0], [5.0, 1.0], [1e9, np.nan]], np.float32))
    assert np.isnan(scores[1, 0])
    assert np.isnan(scores[3, 1])
    np.testing.assert_allclose(scores[[0, 2, 3], 0], [-0.9674, 0, 0.9674], atol=1e-3)
    np.testing.assert_allclose(scores[:3, 1], 0, atol=1e-6)


def test_simulated_windows_have_seeds_of_their_own_and_come_twice_alike() -> None:
    assert FIRST_SEED >= 1_000_000
    one, again = simulate(2, 77), simulate(2, 77)
    assert len(one) > 0
    np.testing.assert_array_equal(one.windows, again.windows)
    np.testing.assert_allclose(one.shares.sum(axis=1), 1, atol=1e-5)
    assert one.windows.shape[1:] == (CHANNELS, 32, 17, 2)
    assert one.fighting.max() > 0.5
    assert len(joined([one, again])) == 2 * len(one)


def test_acted_activities_get_the_labels_of_simulated_ones(tmp_path: Path) -> None:
    keypoints = np.ones((2, 2, 25, 17, 3), np.float32)
    keypoints[..., :2] = np.random.default_rng(0).uniform(100, 200, (2, 2, 25, 17, 2))
    np.savez(
        tmp_path / "two.npz",
        kpts=keypoints, label=np.array([0, 1]), label_names=np.array(["hugging", "punching"]),
    )  # fmt: skip
    np.savez(
        tmp_path / "one.npz",
        kpts=keypoints[0, 0], label=np.full(25, "wave"), run=np.zeros(25, int), fps=np.array(10),
    )  # fmt: skip
    two, one = of_two(tmp_path / "two.npz"), of_one(tmp_path / "one.npz")
    done = {ACTIONS[i] for i in np.flatnonzero(two.shares.sum(axis=0))}
    assert done == {"hug", "strike", "struck"}
    assert sorted(set(two.fighting.tolist())) == [0, 1]
    assert {ACTIONS[i] for i in np.flatnonzero(one.shares.sum(axis=0))} == {"gesture"}
    assert isinstance(one, Activities)
    assert not one.windows[..., 1].any()


def test_every_window_is_judged_by_a_net_that_did_not_see_its_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    clip = np.repeat(np.arange(10), 2)
    windows = Windows(
        inputs=some_windows(20, rng, 8).astype(np.float16),
        clip=clip,
        at=np.zeros(20),
        track=np.tile([1, 2], 10),
    )
    folds, labels = np.arange(10) % FOLDS, np.arange(10) // FOLDS
    seen = []

    def noted(net, size, inputs, clip_of, *rest):
        seen.append(set(clip_of.tolist()))
        return build(net, num_classes=2, persons=2, size=SMALL).eval()

    monkeypatch.setitem(SIZES, "stgcnpp", SMALL)
    monkeypatch.setattr("training.graph_nets.fit", noted)
    taught = Lessons(train=windows, asked={"": windows, "other": windows})
    said = cross_validated("stgcnpp", taught, labels, folds, Schedule(), 1, None, None)
    assert [set(range(10)) - clips for clips in seen] == [{fold, fold + FOLDS} for fold in range(FOLDS)]
    for opinions in (said[""], said["other"]):
        assert opinions.evidence.all()
        np.testing.assert_array_equal(opinions.clip, clip)


@pytest.mark.parametrize("net", SIZES)
def test_a_card_describes_the_net_that_was_trained(net: str) -> None:
    card = card_of(net, ["a.mp4"])
    assert card.input == "body-v2"
    assert card.size["inputs"] == CHANNELS
    assert card.violent_classes() == [1]
    assert isinstance(SIZES[net], StgcnppSize | Msg3dSize)
    assert build(net, num_classes=2, persons=2, size=SIZES[net])
