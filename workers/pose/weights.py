"""Pose weights: safetensors and a card beside them, found by name or path. Nothing pickled is opened here.

`checkpoint.py` turns a `.pt` into this form, once.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from shared.config import ConfigError, Section, cache_folder, load
from workers.pose.cache import file_hash

ONE_TO_MANY = "one_to_many"
END_TO_END = "end_to_end"
TENSORS = "weights.safetensors"
CARD = "card.yaml"

# Weights that come along.
SHIPPED = Path(__file__).resolve().parents[2] / "models"

# Parts of the head that are used only while training; they are not kept.
TRAINING_ONLY = ("flow_model", "cv4_sigma", "one2one_cv4_sigma")

# Layers of a pose net; ultralytics looks these names up in its own globals, so nothing else may pass.
LAYERS = frozenset(
    (
        *("Conv", "DWConv", "Concat", "SPP", "SPPF", "SPPELAN", "C2", "C2f", "C2fCIB", "C2fPSA", "C2PSA"),
        *("C3", "C3k2", "C3x", "A2C2f", "SCDown", "PSA", "ADown", "AConv", "RepNCSPELAN4", "ELAN1"),
        *("nn.Upsample", "nn.Identity", "Pose", "Pose26"),
    )
)

Plain = int | float | bool | str | None
Layer = tuple[int | list[int], int, str, list[Plain | list[Plain]]]


class Network(Section):
    """An ultralytics model YAML, reduced to what builds a person pose net and cannot do anything else."""

    nc: Literal[1] = Field(description="Classes: people only.")
    kpt_shape: tuple[Literal[17], Literal[3]] = Field(description="COCO-17: x, y, confidence.")
    reg_max: int = Field(16, ge=1, le=64, description="Bins of the box regression; 1 is plain regression.")
    scale: str = Field("", max_length=8, description="Which of `scales` is used.")
    scales: dict[str, list[float]] = Field({}, description="Depth, width and channel limit by scale.")
    depth_multiple: float = Field(1.0, gt=0, le=10, description="Depth, where there are no scales.")
    width_multiple: float = Field(1.0, gt=0, le=10, description="Width, where there are no scales.")
    backbone: list[Layer] = Field(max_length=200, description="Layers: from, repeats, name, arguments.")
    head: list[Layer] = Field(max_length=200, description="Layers of the neck and the head.")

    def unknown_layers(self) -> list[str]:
        """Layer names that no pose net here needs."""
        return sorted({name for _, _, name, _ in (*self.backbone, *self.head)} - LAYERS)


class Card(Section):
    """What stands beside the tensors."""

    format: Literal[1] = 1
    name: str = Field(description="What the weights are called.")
    source: str = Field(description="File name of the checkpoint they came from.")
    source_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Its hash.")
    tensors_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the safetensors file.")
    heads: list[Literal["one_to_many", "end_to_end"]] = Field(min_length=1, description="Trained branches.")
    network: Network


@dataclass(frozen=True)
class Weights:
    """Imported weights; `hash` names everything derived from them."""

    name: str
    tensors: Path
    hash: str
    heads: tuple[str, ...]
    network: dict[str, Any]

    def branch(self, wanted: str) -> str:
        """The branch to run: `auto` takes the one-to-many one, the more exact, where it was trained.

        Raises:
            ConfigError: the weights do not have the wanted branch.
        """
        if wanted == "auto":
            return ONE_TO_MANY if ONE_TO_MANY in self.heads else END_TO_END
        if wanted not in self.heads:
            raise ConfigError(
                f"pose.head: {self.name} has no {wanted} head, only {', '.join(self.heads)}: use auto"
            )
        return wanted


def models_folder() -> Path:
    """Where imported weights lie, a folder each."""
    return cache_folder() / "models"


def open_weights(folder: Path) -> Weights:
    """The weights in a folder; the tensors are checked against the card's hash.

    Raises:
        ConfigError: not such a folder, or damaged.
    """
    card = load(folder / CARD, Card)
    unknown = card.network.unknown_layers()
    if unknown:
        raise ConfigError(f"{folder / CARD}: network: layers {', '.join(unknown)} are not known here")
    tensors = folder / TENSORS
    if not tensors.is_file() or file_hash(tensors) != card.tensors_sha256:
        raise ConfigError(
            f"{tensors}: missing or damaged: import {card.source} again with `nexara models import`"
        )
    return Weights(
        card.name,
        tensors,
        card.tensors_sha256,
        tuple(card.heads),
        card.network.model_dump(exclude_defaults=True),
    )


def resolve(weights: str) -> Weights:
    """Weights by name (imported or fetched), by folder, or by a `.pt` file, which is imported first.

    Raises:
        ConfigError: not there, or refused; the text names the command that helps.
    """
    path = Path(weights).expanduser()
    if path.suffix in (".pt", ".pth"):
        if not path.is_file():
            raise ConfigError(f"pose.weights: {weights}: no such file")
        return _imported_by_hash(path)
    if (path.is_absolute() or "/" in weights) and (path / CARD).is_file():
        return open_weights(path)
    if present(weights):
        return open_weights(models_folder() / weights)
    if (SHIPPED / weights / CARD).is_file():
        return open_weights(SHIPPED / weights)
    raise ConfigError(
        f"pose.weights: {weights} is not here: get it with `nexara models fetch {weights}`, or import a "
        f"checkpoint with `nexara models import FILE --name {weights}`"
    )


def present(name: str) -> bool:
    """Whether weights of this name were imported or fetched.

    Raises:
        ConfigError: nobody can tell, because the folder is not ours to read.
    """
    try:
        return (models_folder() / name / CARD).is_file()
    except OSError as error:
        raise ConfigError(
            f"{models_folder()}: cannot be read: {error.strerror}: NEXARA_CACHE says where weights are kept"
        ) from error


def _imported_by_hash(path: Path) -> Weights:
    folder = models_folder() / f"{path.stem}-{file_hash(path)[:12]}"
    with contextlib.suppress(ConfigError):
        return open_weights(folder)
    run_apart("workers.pose.checkpoint", str(path), str(folder))
    return open_weights(folder)


def run_apart(module: str, *arguments: str) -> None:
    """Run one of our modules in a process of its own, so that this one need not load torch's nets.

    Raises:
        ConfigError: it failed; the text is the last line it wrote.
    """
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        raise ConfigError(f"{arguments[0]}: {lines[-1]}" if done.returncode != 2 else lines[-1])


def write_card(folder: Path, card: Card) -> None:
    """Write the card of a folder being made."""
    text = yaml.safe_dump(card.model_dump(mode="json", exclude_defaults=False), sort_keys=False, width=110)
    (folder / CARD).write_text(text, encoding="utf-8")
