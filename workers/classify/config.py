"""The `classify` section of a site file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from shared.config import Section
from workers.classify.decision import THRESHOLDS, Thresholds

MODELS = Path(__file__).resolve().parents[2] / "models"

# window, stride: frames at the experts' own rate.
PRESETS = {"real-time": (32, 3), "balanced": (32, 8), "efficient": (32, 16), "fast": (16, 4)}

Probability = Annotated[float, Field(gt=0, lt=1)]


def _shipped(weights: object) -> object:
    """The file of weights that come along, where only their name is given."""
    if isinstance(weights, str) and re.fullmatch("[A-Za-z0-9_-]+", weights):
        return MODELS / f"{weights}.safetensors"
    return weights


class ExpertConfig(Section):
    """One of those who judge."""

    weights: Annotated[Path, BeforeValidator(_shipped)] = Field(
        description="A .safetensors file with its description inside; or the name of one that comes along, "
        "as stgcnpp-fights (models/README.md)."
    )
    role: Literal["primary", "member", "veto"] = Field(
        description="primary judges every window; members join its score; a veto must agree before an alarm."
    )
    share: float = Field(
        1.0, gt=0, le=100, description="primary and members: weight in the mean of their evidence."
    )
    threshold: Probability | None = Field(
        None, description="primary: of all members together; veto: its own. Default: that of the section."
    )


SHIPPED = (
    ExpertConfig(weights=MODELS / "stgcnpp-fights.safetensors", role="primary"),
    ExpertConfig(weights=MODELS / "interaction-fights.safetensors", role="member", share=2.0),
    ExpertConfig(weights=MODELS / "msg3d-fights.safetensors", role="veto"),
)


class ClassifyConfig(Section):
    """How windows of tracks become verdicts."""

    experts: tuple[ExpertConfig, ...] = Field(
        SHIPPED,
        min_length=1,
        max_length=8,
        description="Who judges: one primary first, then members and vetoes; lazy vetoes are asked in order.",
    )
    sharpness: float = Field(
        1.13,
        gt=0,
        le=10,
        description="Multiplies the mean evidence of primary and members, which say more together than one "
        "alone; fitted for those that come along.",
    )
    veto: Literal["lazy", "always", "never"] = Field(
        "lazy",
        description="lazy asks a veto only where all before it say violence; always asks each time.",
    )
    preset: Literal["real-time", "balanced", "efficient", "fast"] = Field(
        "balanced",
        description="Window and stride: real-time 32/3, balanced 32/8, efficient 32/16, fast 16/4.",
    )
    window: int | None = Field(
        None, ge=4, le=300, description="Frames of a window at the experts' rate, instead of the preset's."
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
        None, description="Score from which primary and members say violence, instead of the named pair's."
    )
    veto_threshold: Probability | None = Field(
        None, description="Score below which a veto objects, instead of the named pair's."
    )
    scene_threshold: Probability = Field(
        0.85, description="Score of its most violent person from which the scene is violent."
    )
    min_joints: float = Field(
        5.0, ge=0, le=17, description="UNSURE where fewer joints are seen, on average over the window."
    )
    min_seen_frames: int = Field(
        8, ge=0, le=300, description="UNSURE where somebody was seen in fewer frames of the window."
    )
    min_height_px: float = Field(
        12.0, ge=0, le=1000, description="UNSURE about people who are smaller in the image that ingest sends."
    )
    max_changes: float = Field(
        4.0,
        ge=1,
        le=100,
        description="UNSURE where so many times more people come and go in a window than are there at once.",
    )
    explain: Literal["violence", "never"] = Field(
        "violence",
        description="violence: says which joints and moments carried the score of the most violent person.",
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

    @model_validator(mode="after")
    def _one_primary_first(self) -> Self:
        if [expert.role == "primary" for expert in self.experts] != [True] + [False] * (
            len(self.experts) - 1
        ):
            raise ValueError("experts: one has the role primary, and it stands first")
        return self

    def cut(self) -> tuple[int, int]:
        """Window and stride in frames at the experts' rate."""
        window, stride = PRESETS[self.preset]
        return self.window or window, self.stride or stride

    def asked(self) -> tuple[ExpertConfig, ...]:
        """The experts that are asked at all, in their order."""
        return tuple(expert for expert in self.experts if expert.role != "veto" or self.veto != "never")

    def pair(self) -> Thresholds:
        """The two thresholds for experts without one of their own."""
        named = THRESHOLDS[self.thresholds]
        return Thresholds(self.primary_threshold or named.primary, self.veto_threshold or named.veto)
