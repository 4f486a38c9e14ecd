"""What a site file may say about the pose worker and about each camera's part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from shared.config import ConfigError, Section, load
from workers.pose.refine.config import RefineConfig
from workers.pose.views import ViewPlan, parse_tiles

# In a checkout and in an installed wheel alike, `configs` lies beside `workers`.
TRACKER_FILES = Path(__file__).resolve().parents[2] / "configs" / "trackers"


def _distinct(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(sizes)) < len(sizes):
        raise ValueError("the same size twice: name each once")
    return sizes


def _tiles(text: str) -> str:
    parse_tiles(text)
    return text


Size = Annotated[int, Field(ge=96, le=2560, multiple_of=32)]
Sizes = Annotated[tuple[Size, ...], Field(max_length=3), AfterValidator(_distinct)]
Tiles = Annotated[str, AfterValidator(_tiles)]


class TrackerConfig(Section):
    """A file that `pose.tracker` names; three come along in `configs/trackers/`. Times are seconds."""

    tracker: Literal["skeleton", "botsort", "bytetrack"] = Field(description="Which tracker.")
    track_high_thresh: float = Field(
        0.5, gt=0, le=1, description="First matching: detections from this score on."
    )
    track_low_thresh: float = Field(
        0.1, ge=0, le=1, description="Second matching: weaker detections above this."
    )
    new_track_thresh: float = Field(
        0.6,
        gt=0,
        le=1,
        description="A track is told of from this score on; skeleton: from 0.9, 0.7 and 0.5 times it for "
        "people under 300, 100 and 50 px.",
    )
    follow_thresh: float = Field(
        0.3,
        gt=0,
        le=1,
        description="Skeleton: people are followed from this score on, and told of once they reached "
        "`new_track_thresh`; verdicts know their movements from the beginning.",
    )
    track_buffer_s: float = Field(1.0, gt=0, le=60, description="How long an unseen person is remembered.")
    match_thresh: float = Field(
        0.8, gt=0, le=1, description="ByteTrack, BoT-SORT: largest cost (1 - overlap) of a match."
    )
    fuse_score: bool = Field(True, description="ByteTrack, BoT-SORT: multiply the overlap with the score.")
    proximity_thresh: float = Field(
        0.5, ge=0, le=1, description="BoT-SORT: overlap from which appearance counts."
    )
    appearance_thresh: float = Field(0.25, ge=0, le=1, description="BoT-SORT: least likeness of appearance.")
    reid: str = Field(
        "none",
        description="Skeleton, BoT-SORT: none, native (the detector's features) or an ONNX net's path.",
    )
    gmc_method: Literal["sparseOptFlow", "ecc", "none"] = Field(
        "sparseOptFlow",
        description="Skeleton, BoT-SORT: how a camera's motion is found; only with `moving: true`.",
    )
    confirm_s: float = Field(
        0.2, ge=0, le=10, description="Skeleton: a track is told of once it was seen for so long."
    )
    sure_thresh: float = Field(
        0.8, gt=0, le=1, description="Skeleton: a detection of this score has its track told of at once."
    )
    tentative_s: float = Field(
        0.3, ge=0, le=10, description="Skeleton: how long a track is remembered that was not told of yet."
    )
    exit_s: float = Field(
        4.0,
        ge=0,
        le=60,
        description="Skeleton: how long an unseen person is remembered who left through an edge.",
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
    extra_sizes: Sizes | None = Field(
        None, description="Look again at the whole image at these sizes too. Default: the section pose's."
    )
    tiles: Tiles | None = Field(
        None, description="Look again at parts of the image: none, auto or 2x1. Default: the section pose's."
    )
    flip_test: bool | None = Field(
        None, description="Look at the mirror image too. Default: the section pose's."
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
    extra_sizes: Sizes = Field(
        (),
        description="For cameras that do not say: the whole image is looked at in these sizes too, and what "
        "is found is merged. Each costs what it would cost as image_size. Raise image_size first: the "
        "largest size alone finds as many, but for people who fill more than 600 pixels of its input.",
    )
    tiles: Tiles = Field(
        "none",
        description="For cameras that do not say: overlapping parts of the image are looked at too, each at "
        "image_size, which costs one to two more looks a part. auto: as many as a very wide or tall image "
        "has parts of 16:9, none for usual cameras (set max_width to the camera's own width); 2x1, 3x2: "
        "columns x rows, at most 12 parts. Up to 2560 a larger image_size finds more for the same cost.",
    )
    flip_test: bool = Field(
        False,
        description="For cameras that do not say: every look is repeated on its mirror image, and both are "
        "averaged. Better placed key points and 2% more people, for twice the cost.",
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
    tracker: str = Field("skeleton", description="skeleton, botsort, bytetrack or a tracker file's path.")
    refine: RefineConfig = Field(RefineConfig(), description="How key points are steadied over time.")

    @field_validator("weights", "tracker")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value


def view_plan(config: PoseConfig, camera: CameraOptions, usual_size: int) -> ViewPlan:
    """What the net is shown of a camera's images.

    Args:
        config: the section `pose`.
        camera: what the camera says itself.
        usual_size: `image_size` where neither says it.
    """
    size = camera.image_size or config.image_size or usual_size
    extra = config.extra_sizes if camera.extra_sizes is None else camera.extra_sizes
    return ViewPlan(
        sizes=(size, *(other for other in extra if other != size)),
        tiles=camera.tiles or config.tiles,
        flip_test=config.flip_test if camera.flip_test is None else camera.flip_test,
    )


# Settings that a tracker would pass over in silence.
_OF_SKELETON = frozenset({"confirm_s", "sure_thresh", "tentative_s", "exit_s"})
_OF_BOXES = frozenset({"match_thresh", "fuse_score", "proximity_thresh", "appearance_thresh"})
_UNKNOWN_TO = {"skeleton": _OF_BOXES, "botsort": _OF_SKELETON, "bytetrack": _OF_SKELETON}


def load_tracker(config: PoseConfig) -> TrackerConfig:
    """The tracker file that the section names.

    Raises:
        ConfigError: no such file, or it does not fit the detector's settings.
    """
    named = TRACKER_FILES / f"{config.tracker}.yaml"
    path = named if config.tracker in _UNKNOWN_TO else Path(config.tracker).expanduser()
    tracker = load(path, TrackerConfig)
    if config.conf > tracker.track_low_thresh:
        raise ConfigError(
            f"pose.conf: {config.conf:g} is above track_low_thresh {tracker.track_low_thresh:g} of {path}: "
            f"weak detections would never reach the tracker: set conf to {tracker.track_low_thresh:g} or less"
        )
    if tracker.track_low_thresh >= tracker.track_high_thresh:
        raise ConfigError(f"{path}: track_low_thresh must be below track_high_thresh")
    foreign = sorted(tracker.model_fields_set & _UNKNOWN_TO[tracker.tracker])
    if foreign:
        raise ConfigError(f"{path}: {foreign[0]}: tracker {tracker.tracker} does not know it: leave it out")
    if tracker.tracker == "bytetrack" and tracker.reid != "none":
        raise ConfigError(
            f"{path}: reid: ByteTrack knows no appearance: use tracker: skeleton, or reid: none"
        )
    return tracker
