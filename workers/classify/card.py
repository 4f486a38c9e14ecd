"""What a weights file says about itself, in its safetensors metadata. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open

METADATA_KEY = "nexara"

Net = Literal["stgcnpp", "msg3d", "interaction"]
# Which function makes the input (workers/classify/inputs); a number is raised when what it makes changes.
Input = Literal[
    "body-v2", "interaction-v1", "pyskl-joint", "pyskl-bone", "pyskl-joint-motion", "pyskl-bone-motion"
]


class CardError(ValueError):
    """Weights without a usable description; the text says what to do."""


class Card(BaseModel):
    """How to build an expert, what to feed it and how to read what it says.

    Attributes:
        net: "stgcnpp", "msg3d" or "interaction" (a linear model of hand-made features).
        size: fields of a net's size, empty for the published one.
        input: name of what it is fed; weights made for another version's are refused.
        persons: people in one input; the second is zero where somebody is alone.
        window: cells of one window; frames of one input, unless the input says otherwise (pyskl's have 100).
        window_fps: their rate, frames a second.
        temperature, bias: evidence (log odds of violence) is (raw - bias) / temperature, so that a score of
            0.94 is right 94% of the time on data like those that it was calibrated with.
        classes: names in the logits' order.
        violent: names whose probabilities add up to the score.
        clip_threshold: score of a clip from which it counts as violent. The
            primary's holds for the whole panel.
        licence: of the weights, and what they may be used for.
        trained_on: names of the clips that it was trained on; figures on those say nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    net: Net
    size: dict[str, int | list[int]] = {}
    input: Input
    persons: Annotated[int, Field(ge=1, le=2)] = 1
    window: Annotated[int, Field(ge=4, le=300)]
    window_fps: Annotated[float, Field(gt=0, le=120)]
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    bias: Annotated[float, Field(ge=-100, le=100)] = 0.0
    classes: tuple[str, ...]
    violent: tuple[str, ...]
    clip_threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    licence: str = ""
    trained_on: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _some_classes_are_violent(self) -> Self:
        if not self.violent or not set(self.violent) < set(self.classes):
            raise ValueError("violent classes must be some, not all, of the classes")
        return self

    def violent_classes(self) -> list[int]:
        """Indices of the violent classes among the logits."""
        return [self.classes.index(name) for name in self.violent]


def read_card(path: Path) -> Card:
    """The description inside a safetensors file.

    Raises:
        CardError: the file cannot be read, is not safetensors, or has no description that fits this version.
    """
    try:
        with safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise CardError(f"{path}: not a safetensors file: pickles (.pt, .pth) are never opened") from error
    if METADATA_KEY not in metadata:
        raise CardError(f"{path}: has no '{METADATA_KEY}' description in its metadata: see models/README.md")
    try:
        return Card.model_validate_json(metadata[METADATA_KEY])
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise CardError(
            f"{path}: description: {field + ': ' if field else ''}{problem['msg']}: made by another version"
        ) from None


def metadata_of(card: Card) -> dict[str, str]:
    """A card as safetensors metadata: one entry, since several would be in any order and change the hash."""
    return {METADATA_KEY: json.dumps(card.model_dump(), sort_keys=True)}


def digest(path: Path) -> str:
    """SHA-256 of a weights file, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
