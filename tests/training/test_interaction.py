from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'nexara[train]'")

from training.activities import Activities
from training.clips import Lessons, Windows, joined
from training.folds import split
from training.interaction import Recipe, _believed, cross_validated, fit
from training.opinions import top_third
from workers.classify.evaluation.measures import auc
from workers.classify.linear import Linear

CLIPS, EACH, FEATURES = 60, 6, 5


def made_up(signal: float, seed: int = 0) -> tuple[Windows, np.ndarray, np.ndarray]:
    """Windows of clips of 15 videos; in fights, every third window stands out by `signal` in one feature."""
    rng = np.random.default_rng(seed)
    labels, groups = np.arange(CLIPS) % 2, np.arange(CLIPS) // 4
    clip = np.repeat(np.arange(CLIPS), EACH)
    features = rng.normal(size=(CLIPS * EACH, FEATURES)).astype(np.float32)
    # What all clips of a video share says nothing about the label, but tells videos apart.
    features[:, 1:] += 3 * rng.normal(size=(CLIPS // 4, FEATURES - 1))[groups[clip]]
    features[::3, 0] += signal * labels[clip[::3]]
    features[rng.random(features.shape) < 0.05] = np.nan
    at = np.tile(np.arange(EACH, dtype=float), CLIPS)
    return Windows(inputs=features, clip=clip, at=at, track=clip), labels, groups


def ranked(signal: float) -> float:
    windows, labels, groups = made_up(signal)
    folds = split(groups, labels, 1)
    taught = Lessons(train=windows, asked={"": windows})
    opinions = cross_validated(taught, labels, folds, Recipe())[""]
    return auc(top_third(opinions.evidence, windows.clip, CLIPS), labels)


def test_what_few_windows_of_a_fight_show_is_learned() -> None:
    assert ranked(4.0) > 0.9


def test_nothing_leaks_from_a_video_into_its_own_judgement() -> None:
    """With nothing to learn, clips of videos that were never seen rank by chance."""
    assert 0.25 < ranked(0.0) < 0.75


def test_the_weights_of_each_clip_add_up_and_favour_its_most_violent_windows() -> None:
    clip = np.repeat([0, 1], [6, 2])
    weight = _believed(np.arange(8.0), clip, Recipe(top=1 / 3, believed=0.7))
    np.testing.assert_allclose([weight[:6].sum(), weight[6:].sum()], 1)
    np.testing.assert_allclose(weight[:6], [0.05, 0.05, 0.05, 0.05, 0.4, 0.4])


def test_a_saved_model_says_the_same(tmp_path) -> None:
    from safetensors.numpy import save_file

    windows, labels, _ = made_up(2.0)
    model = fit(windows.inputs, windows.clip, labels, Recipe())
    save_file(model.tensors(), tmp_path / "model.safetensors")
    again = Linear.read(tmp_path / "model.safetensors", FEATURES)
    np.testing.assert_array_equal(again.logits(windows.inputs), model.logits(windows.inputs))


def test_simulated_windows_count_as_much_as_the_recipe_says() -> None:
    windows, labels, _ = made_up(0.0)
    fighting = (np.arange(200) % 4 == 0).astype(np.float32)
    shown = np.zeros((200, FEATURES), np.float32)
    shown[:, 1] = np.where(fighting, 4, -4)
    empty = np.zeros((200, 1), np.float16)
    examples = Activities(empty, empty.astype(np.float32), fighting, shown)
    weights = [
        fit(windows.inputs, windows.clip, labels, Recipe(examples=share), examples).weight[1]
        for share in (0.0, 0.25, 1.0)
    ]
    assert weights[0] < weights[1] < weights[2]
    alone = fit(windows.inputs, windows.clip, labels, Recipe())
    assert weights[0] == pytest.approx(alone.weight[1], abs=1e-3)


def test_several_looks_at_the_same_clips_are_joined() -> None:
    windows, _, _ = made_up(1.0)
    both = joined([windows, windows])
    assert len(both.clip) == 2 * len(windows.clip)
    assert (np.bincount(both.clip) == 2 * EACH).all()
