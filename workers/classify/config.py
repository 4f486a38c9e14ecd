"""The `classify` section of a site file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.config import Section
from workers.classify.decision import THRESHOLDS, Thresholds

MODELS = Path(__file__).resolve().parents[2] / "models"

# window, stride: frames at the nets' own rate.
PRESETS = {"real-time": (32, 3), "balanced": (32, 8), "efficient": (32, 16), "fast": (16, 4)}

Probability = Annotated[float, Field(gt=0, lt=1)]


class ClassifyConfig(Section):
    """How windows of tracks become verdicts."""

    primary_weights: Path = Field(
        MODELS / "stgcnpp-fights.safetensors", description="Weights of the net that judges every window."
    )
    veto_weights: Path = Field(
        MODELS / "msg3d-fights.safetensors", description="Weights of the net that must agree before an alarm."
    )
    veto: Literal["lazy", "always", "never"] = Field(
        "lazy",
        description="lazy asks the veto only where the primary reaches its threshold; always asks each time.",
    )
    preset: Literal["real-time", "balanced", "efficient", "fast"] = Field(
        "balanced",
        description="Window and stride: real-time 32/3, balanced 32/8, efficient 32/16, fast 16/4.",
    )
    window: int | None = Field(
        None, ge=4, le=300, description="Frames of a window at the nets' rate, instead of the preset's."
    )
    stride: int | None = Field(
        None, ge=1, le=300, description="Frames between two verdicts of a track, instead of the preset's."
    )
    min_frames: int = Field(
        16, ge=1, le=300, description="A window with fewer frames of its track is not judged."
    )
    max_gap_s: float = Field(
        0.5,
        ge=0,
        le=5,
        description="Gaps of a track up to this long are interpolated, longer ones left empty.",
    )
    thresholds: Literal["production", "high_security", "low_false_positive", "maximum_accuracy", "cctv"] = (
        Field(
            "production",
            description="Primary and veto: production .94/.85, high_security .88/.75, "
            "low_false_positive .96/.90, maximum_accuracy .94/.92, cctv .92/.88.",
        )
    )
    primary_threshold: Probability | None = Field(
        None, description="Score from which the primary says violence, instead of the named pair's."
    )
    veto_threshold: Probability | None = Field(
        None, description="Score below which the veto objects, instead of the named pair's."
    )
    keypoints: Literal["raw", "refined"] = Field(
        "raw", description="Key points that the nets see: as detected, or refined."
    )
    runtime: Literal["auto", "cuda", "openvino", "torch"] = Field(
        "auto", description="auto: CUDA in half precision on a GPU, else OpenVINO, else torch."
    )
    max_batch: int = Field(
        8, ge=1, le=256, description="Windows in one inference; smaller batches are padded on a GPU."
    )
    max_wait_ms: float = Field(50.0, ge=0, le=1000, description="How long a batch waits to become full.")

    @model_validator(mode="after")
    def _window_holds_min_frames(self) -> Self:
        window, _ = self.cut()
        if self.min_frames > window:
            raise ValueError(f"min_frames {self.min_frames} is more than the window's {window}: lower it")
        return self

    def cut(self) -> tuple[int, int]:
        """Window and stride in frames at the nets' rate."""
        window, stride = PRESETS[self.preset]
        return self.window or window, self.stride or stride

    def pair(self) -> Thresholds:
        """The two thresholds."""
        named = THRESHOLDS[self.thresholds]
        return Thresholds(self.primary_threshold or named.primary, self.veto_threshold or named.veto)
