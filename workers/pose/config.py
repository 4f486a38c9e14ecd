"""What a site file may say about the pose worker and about each camera's part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from shared.config import ConfigError, Section, load
from workers.pose.refine import RefineConfig

# In a checkout and in an installed wheel alike, `configs` lies beside `workers`.
TRACKER_FILES = Path(__file__).resolve().parents[2] / "configs" / "trackers"


class TrackerConfig(Section):
    """A file that `pose.tracker` names; two come along in `configs/trackers/`. Times are seconds."""

    tracker: Literal["botsort", "bytetrack"] = Field(description="Which tracker.")
    track_high_thresh: float = Field(
        0.5, gt=0, le=1, description="First matching: detections from this score on."
    )
    track_low_thresh: float = Field(
        0.1, ge=0, le=1, description="Second matching: weaker detections above this."
    )
    new_track_thresh: float = Field(0.6, gt=0, le=1, description="A track starts from this score on.")
    track_buffer_s: float = Field(1.0, gt=0, le=60, description="How long an unseen person is remembered.")
    match_thresh: float = Field(0.8, gt=0, le=1, description="Largest cost (1 - overlap) of a match.")
    fuse_score: bool = Field(True, description="Multiply the overlap with the score.")
    proximity_thresh: float = Field(
        0.5, ge=0, le=1, description="BoT-SORT: overlap from which appearance counts."
    )
    appearance_thresh: float = Field(0.25, ge=0, le=1, description="BoT-SORT: least likeness of appearance.")
    reid: str = Field(
        "none", description="BoT-SORT: none, native (the detector's features) or an ONNX net's path."
    )
    gmc_method: Literal["sparseOptFlow", "ecc", "none"] = Field(
        "sparseOptFlow",
        description="BoT-SORT: how a camera's motion is found; only cameras with `moving: true` pay.",
    )


class CameraOptions(Section):
    """The pose part of a camera."""

    image_size: int | None = Field(
        None,
        ge=96,
        le=2560,
        multiple_of=32,
        description="Longer side of the net's input in pixels; cost grows with its square (YOLO26n: 320 a "
        "quarter of 640, 1280 four times). Default: the section pose's.",
    )
    moving: bool = Field(
        False, description="The camera pans or shakes: compensate its motion (10 ms a frame more)."
    )


class PoseConfig(Section):
    """The pose worker: finds people in frames and follows them as skeletons."""

    weights: str = Field(
        "yolo26n-pose", description="Imported weights by name (`nexara models list`), or a .pt file's path."
    )
    runtime: Literal["auto", "openvino", "onnxruntime", "torch", "cuda"] = Field(
        "auto", description="auto: CUDA in FP16 where there is a GPU, else OpenVINO, else torch."
    )
    precision: Literal["auto", "f32"] = Field(
        "auto",
        description="auto: FP16 on CUDA, bf16 with OpenVINO where the CPU has it; f32: never less.",
    )
    image_size: int | None = Field(
        None,
        ge=96,
        le=2560,
        multiple_of=32,
        description="For cameras that do not say: longer side of the net's input. Default: 640 on a CPU, "
        "1280 on CUDA. Mean OKS on COCO images 320: .74, 480: .86, 640: .88, 960: .90; "
        "at 1, 2, 3.5 and 8 times the cost.",
    )
    head: Literal["auto", "one_to_many", "end_to_end"] = Field(
        "auto",
        description="Branch of the net. auto: one_to_many (with suppression) where the weights have it.",
    )
    parallel: int | None = Field(
        None, ge=1, le=256, description="Inferences at once on a CPU, one thread each. Default: all cores."
    )
    max_batch: int = Field(8, ge=1, le=128, description="Frames of one forward, over all cameras.")
    max_wait_ms: float = Field(5.0, ge=0, le=1000, description="How long a batch waits to fill.")
    conf: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Weakest detection kept; weak ones continue tracks, so not above track_low_thresh.",
    )
    iou: float = Field(0.4, gt=0, le=1, description="Overlap above which the weaker of two detections goes.")
    max_det: int = Field(20, ge=1, le=300, description="Most people in a frame.")
    tracker: str = Field("botsort", description="botsort, bytetrack or a tracker file's path.")
    refine: RefineConfig = Field(RefineConfig(), description="How key points are steadied over time.")

    @field_validator("weights", "tracker")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value


def load_tracker(config: PoseConfig) -> TrackerConfig:
    """The tracker file that the section names.

    Raises:
        ConfigError: no such file, or it does not fit the detector's settings.
    """
    named = TRACKER_FILES / f"{config.tracker}.yaml"
    path = named if config.tracker in ("botsort", "bytetrack") else Path(config.tracker).expanduser()
    tracker = load(path, TrackerConfig)
    if config.conf > tracker.track_low_thresh:
        raise ConfigError(
            f"pose.conf: {config.conf:g} is above track_low_thresh {tracker.track_low_thresh:g} of {path}: "
            f"weak detections would never reach the tracker: set conf to {tracker.track_low_thresh:g} or less"
        )
    if tracker.track_low_thresh >= tracker.track_high_thresh:
        raise ConfigError(f"{path}: track_low_thresh must be below track_high_thresh")
    if tracker.tracker == "bytetrack" and tracker.reid != "none":
        raise ConfigError(f"{path}: reid: ByteTrack knows no appearance: use tracker: botsort, or reid: none")
    return tracker
