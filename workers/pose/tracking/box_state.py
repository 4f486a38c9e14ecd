"""The memory of ultralytics' trackers as plain values and array bytes, and back, without a loss.

n tracks: those followed, then those lost, in ultralytics' order, on which its matching depends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pose.offline import ultralytics
from workers.pose.tracking.camera_motion import dump_motion, load_motion

# A fixed camera's covariance couples each quantity with its own speed only; the other entries are exactly 0.
_COUPLED = (np.eye(8) + np.eye(8, k=4) + np.eye(8, k=-4)).astype(bool)
_COLUMNS: dict[str, Any] = {
    "track_id": np.int64,
    "state": np.int8,
    "is_activated": np.bool_,
    "score": np.float32,
    "idx": np.int16,
    "tracklet_len": np.int32,
    "frame_id": np.int32,
    "start_frame": np.int32,
}


def dump_inner(inner: Any) -> dict[str, Any]:
    """What an update of ultralytics' `inner` depends on."""
    tracks = [*inner.tracked_stracks, *inner.lost_stracks]
    removed = {track.track_id for track in inner.removed_stracks}
    columns = {
        name: np.array([getattr(track, name) for track in tracks], dtype).tobytes()
        for name, dtype in _COLUMNS.items()
    }
    covariance = np.array([track.covariance for track in tracks], np.float64).reshape(-1, 8, 8)
    coupled = not covariance[:, ~_COUPLED].any()
    return {
        "frame": inner.frame_id,
        "buffer": inner.max_frames_lost,
        "followed": len(inner.tracked_stracks),
        "columns": columns,
        "removed": [track.track_id in removed for track in tracks],
        "mean": np.array([track.mean for track in tracks], np.float64).tobytes(),
        "coupled": coupled,
        "covariance": (covariance[:, _COUPLED] if coupled else covariance).tobytes(),
        "features": [_bytes_or_none(getattr(track, "smooth_feat", None)) for track in tracks],
        "motion": dump_motion(getattr(inner, "gmc", None)),
    }


def load_inner(inner: Any, state: Mapping[str, Any]) -> None:
    """Give a new tracker of ultralytics, of the same settings, a dumped memory."""
    inner.frame_id = state["frame"]
    inner.max_frames_lost = state["buffer"]
    columns = {name: np.frombuffer(state["columns"][name], dtype) for name, dtype in _COLUMNS.items()}
    means = np.frombuffer(state["mean"], np.float64).reshape(-1, 8)
    covariances = _covariances(state, len(means))
    track_class = (
        ultralytics("trackers.bot_sort").BOTrack
        if hasattr(inner, "gmc")
        else ultralytics("trackers.byte_tracker").STrack
    )
    tracks = []
    for row in range(len(means)):
        track = track_class(np.zeros(5), columns["score"][row], np.float32(0))
        for name in _COLUMNS:
            setattr(track, name, columns[name][row].item() if name != "score" else columns[name][row])
        track.mean, track.covariance = means[row].copy(), covariances[row]
        track.kalman_filter = inner.kalman_filter
        feature = state["features"][row]
        if feature is not None:
            track.smooth_feat = np.frombuffer(feature, np.float32).copy()
        tracks.append(track)
    inner.tracked_stracks = tracks[: state["followed"]]
    inner.lost_stracks = tracks[state["followed"] :]
    inner.removed_stracks = [
        track for track, removed in zip(tracks, state["removed"], strict=True) if removed
    ]
    if state["motion"] is not None:
        load_motion(inner.gmc, state["motion"])


def _covariances(state: Mapping[str, Any], count: int) -> NDArray[np.float64]:
    stored = np.frombuffer(state["covariance"], np.float64)
    if not state["coupled"]:
        return stored.reshape(count, 8, 8).copy()
    full = np.zeros((count, 8, 8))
    full[:, _COUPLED] = stored.reshape(count, int(_COUPLED.sum()))
    return full


def _bytes_or_none(array: NDArray[np.float32] | None) -> bytes | None:
    return None if array is None else np.ascontiguousarray(array, np.float32).tobytes()
