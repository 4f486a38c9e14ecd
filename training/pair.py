"""Measures primary and veto together, on the out-of-fold scores that `training.classify` wrote.

python -m training.pair --data ../shared/data/skeletons --models models
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import measure
from training.data import Clips, load_clips
from workers.classify.decision import THRESHOLDS, Thresholds, scale_weight

PRIMARY, VETO = "stgcnpp", "msg3d"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Measures primary and veto together.")
    parser.add_argument("--data", type=Path, required=True, help="folder of cctv_fights_coco17.npz")
    parser.add_argument("--models", type=Path, required=True, help="folder of the figures of both nets")
    arguments = parser.parse_args()
    cards = {net: _figures(arguments.models, net) for net in (PRIMARY, VETO)}
    protocol = cards[PRIMARY]["protocol"]
    clips = load_clips(arguments.data, protocol["window_fps"], retrack=protocol["retracked"])
    scores = {net: window_scores(cards[net], clips) for net in cards}
    result = {
        "ranking": ranking(scores, clips),
        "correlation_of_clip_scores": correlation(scores, clips),
        "thresholds": {name: at_thresholds(scores, clips, pair) for name, pair in THRESHOLDS.items()},
    }
    text = json.dumps(result, indent=1)
    (arguments.models / "pair-fights.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def window_scores(card: dict[str, Any], clips: Clips) -> NDArray[np.float64]:
    """[n] a net's out-of-fold score of every test window.

    Raises:
        ValueError: the figures were made from other windows.
    """
    parts = []
    for number, name in enumerate(clips.names.tolist()):
        part = card["clips"][name]["windows"]
        if len(part) != (clips.test_clip == number).sum():
            raise ValueError(f"{name}: the figures have {len(part)} windows: train again with this version")
        parts.append(part)
    return np.concatenate(parts)


def ranking(scores: dict[str, NDArray[np.float64]], clips: Clips) -> dict[str, Any]:
    """Accuracy, AUC and false positives of each net and of the lower of both scores."""
    both = {**scores, "lower of both": np.minimum(scores[PRIMARY], scores[VETO])}
    result = {}
    for name, windows in both.items():
        clip = measure.clip_scores(windows, clips.test_clip, len(clips.names))
        result[name] = {
            figure.__name__: _with_interval(figure, clip, clips)
            for figure in (measure.accuracy, measure.auc, measure.fpr_at_tpr)
        }
    return result


def correlation(scores: dict[str, NDArray[np.float64]], clips: Clips) -> float:
    """Of the two nets' clip scores, over clips in which somebody could be followed."""
    seen = np.unique(clips.test_clip)
    rows = [measure.clip_scores(scores[net], clips.test_clip, len(clips.names))[seen] for net in scores]
    return round(float(np.corrcoef(rows)[0, 1]), 3)


def at_thresholds(
    scores: dict[str, NDArray[np.float64]], clips: Clips, thresholds: Thresholds
) -> dict[str, dict[str, float]]:
    """Share of fights and of normal clips with at least one alarm, as the product would raise it."""
    result = {}
    for name, weight in (("unweighted", 1.0), ("scale_weighted", scale_weight(clips.test_height))):
        primary = np.round(_shrunk(scores[PRIMARY], weight), 3) >= thresholds.primary
        veto = np.round(_shrunk(scores[VETO], weight), 3) >= thresholds.veto
        for rule, yes in (("primary", primary), ("veto", veto), ("both", primary & veto)):
            alarmed = np.zeros(len(clips.names), bool)
            alarmed[clips.test_clip[yes]] = True
            result[f"{name}: {rule}"] = {
                "recall": round(float(alarmed[clips.labels == 1].mean()), 3),
                "false_positives": round(float(alarmed[clips.labels == 0].mean()), 3),
            }
    return result


def _shrunk(scores: NDArray[np.float64], weight: float | NDArray[np.float64]) -> NDArray[np.float64]:
    held = scores.clip(1e-6, 1 - 1e-6)
    return np.asarray(1 / (1 + ((1 - held) / held) ** weight))


def _with_interval(figure: Any, clip: NDArray[np.float64], clips: Clips) -> list[float]:
    low, high = measure.interval(figure, clip, clips.labels, clips.groups)
    return [round(value, 3) for value in (figure(clip, clips.labels), low, high)]


def _figures(folder: Path, net: str) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads((folder / f"{net}-fights.json").read_text(encoding="utf-8"))
    return figures


if __name__ == "__main__":
    main()
