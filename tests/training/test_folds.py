from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.clips import _numbers
from training.folds import FOLDS, split


def test_no_source_video_straddles_a_split(shared_data: Path) -> None:
    source = np.load(shared_data / "skeletons" / "cctv_fights_coco17.npz")
    groups = _numbers(source["clip_name"], shared_data / "videos" / "fights" / "source_groups.json")
    assert len(groups) == 200
    folds = split(groups, source["clip_label"].astype(np.int64), seed=1)
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
    assert set(folds) == set(range(FOLDS))
    for fold in range(FOLDS):
        assert 0 < source["clip_label"][folds == fold].sum() < (folds == fold).sum()


def test_a_clip_without_a_source_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "source_groups.json"
    path.write_text(json.dumps([["a.mp4"]]))
    with pytest.raises(ValueError, match=r"b\.mp4"):
        _numbers(np.array(["a.mp4", "b.mp4"]), path)
