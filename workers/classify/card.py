"""What a weights file says about itself, in its safetensors metadata. Needs no torch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from workers.classify.features import NORMALISATION

METADATA_KEY = "nexara"


class CardError(ValueError):
    """Weights without a usable description; the text says what to do."""


class Card(BaseModel):
    """How to build the net, what to feed it and how to read its logits.

    Attributes:
        net: "stgcnpp" or "msg3d".
        size: fields of the net's size, empty for the published one.
        persons: people in one input.
        window: frames of one input.
        window_fps: their rate, frames a second.
        normalisation: name of the features; another than this version's is refused.
        temperature: logits are divided by it, so that a score of 0.94 is right 94% of the time on the data
            that the weights were calibrated with.
        classes: names in the logits' order.
        violent: names whose probabilities add up to the score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    net: Literal["stgcnpp", "msg3d"]
    size: dict[str, int | list[int]] = {}
    persons: Annotated[int, Field(ge=1, le=2)] = 1
    window: Annotated[int, Field(ge=4, le=300)]
    window_fps: Annotated[float, Field(gt=0, le=120)]
    normalisation: str
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    classes: tuple[str, ...]
    violent: tuple[str, ...]

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
        card = Card.model_validate_json(metadata[METADATA_KEY])
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise CardError(f"{path}: description: {field}: {problem['msg']}") from None
    if card.normalisation != NORMALISATION:
        raise CardError(
            f"{path}: was trained on '{card.normalisation}' input, this version makes '{NORMALISATION}'"
        )
    if not card.violent or not set(card.violent) <= set(card.classes):
        raise CardError(f"{path}: description: violent classes are not among the classes")
    return card


def metadata_of(card: Card) -> dict[str, str]:
    """A card as safetensors metadata."""
    return {"format": "pt", METADATA_KEY: json.dumps(card.model_dump(), sort_keys=True)}


def digest(path: Path) -> str:
    """SHA-256 of a weights file, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
