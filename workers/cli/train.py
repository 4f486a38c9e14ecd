"""`nexara train`: weights of your own, from your own labelled clips."""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path
from typing import Any

import click
import numpy as np

from shared.config import ConfigError
from workers.classify.evaluation.sources import LABELS
from workers.cli.films import films_in, open_looker
from workers.ingest.sources import SourceError
from workers.pose.config import PoseConfig

_LEAST_SOURCES = 5
_NETS = ("stgcnpp", "msg3d")


@click.command()
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="A folder with films in fight/ and noFight/, or an NPZ of their detections.",
)
@click.option(
    "--groups",
    type=click.Path(path_type=Path),
    help="JSON: lists of clips that were cut from one video. In a folder, source_groups.json is used.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the weights.")
@click.option("--nets", is_flag=True, help="Train ST-GCN++ and MS-G3D too: hours instead of minutes.")
@click.option("--weights", default="yolo26n-pose", show_default=True, help="Pose weights, for a folder.")
@click.option(
    "--scenes",
    type=click.IntRange(min=0),
    default=110,
    show_default=True,
    help="Simulated scenes to learn from as well; 0 for none.",
)
def train(data: Path, groups: Path | None, out: Path, nets: bool, weights: str, scenes: int) -> None:
    """Train experts on labelled clips, calibrate them, and say how good they are.

    \b
    nexara train --data clips/ --weights yolo26n-pose.pt --out our-models
    nexara train --data clips.npz --groups source_groups.json --out our-models --nets

    Each clip is judged by experts that saw no clip of its video; the last ones, which are kept, saw all.
    """  # noqa: D301
    if importlib.util.find_spec("sklearn") is None:
        raise ConfigError("train: scikit-learn is missing: pip install 'nexara[train]'")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # Only now: these bring scikit-learn and torch along.
    from training import clips, interaction, panel, simulated

    if data.is_dir():
        data, groups = _detections(data, groups, out, weights)
    try:
        known = clips.load(data, groups)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--groups: {error}") from error
    _check(known.labels, known.groups)
    examples = simulated.beside(scenes)
    interaction.train(known, {}, examples, out, seed=1)
    seats = [panel.Seat("interaction-fights", "primary", 1.0)]
    if nets:
        from training import graph_nets

        for net in _NETS:
            graph_nets.train(net, known, {}, examples, out, seed=1)
        seats = panel.shipped_seats()
    figures = panel.calibrate(known, {}, out, seats, seed=1)
    click.echo(_told(figures, seats, out))


def _detections(folder: Path, groups: Path | None, out: Path, weights: str) -> tuple[Path, Path | None]:
    """Look at the films once, and keep what was seen."""
    from training import detections

    films = films_in(folder)
    if not films:
        raise ConfigError(f"--data: {folder}: holds no films: put them into {' and '.join(LABELS)}")
    out.mkdir(parents=True, exist_ok=True)
    found = out / "detections.npz"
    try:
        detections.write(films, open_looker(PoseConfig(weights=weights)), found)
    except SourceError as error:
        raise ConfigError(f"--data: {error}") from error
    beside = folder / "source_groups.json"
    return found, groups or (beside if beside.exists() else None)


def _check(labels: Any, groups: Any) -> None:
    if len(np.unique(labels)) < 2:
        raise ConfigError("--data: fights and other clips are both needed")
    for label, what in ((1, "fights"), (0, "other clips")):
        sources = len(np.unique(groups[labels == label]))
        if sources < _LEAST_SOURCES:
            raise ConfigError(
                f"--data: {what} of {sources} videos: at least {_LEAST_SOURCES} are needed to judge each by"
                " experts that saw none of it"
            )


def _told(figures: dict[str, Any], seats: list[Any], out: Path) -> str:
    decision = figures["primary and members"]
    lines = [f"{'':<14}{'':>8}  95% interval by source video"]
    for name in ("accuracy", "auc", "tpr_at_fpr5", "fpr_at_tpr90", "ece"):
        entry = decision[name]
        lines.append(f"{name:<14}{entry['value']:>8.3f}  {entry['low']:.3f} to {entry['high']:.3f}")
    experts = [
        {"weights": str(out / f"{seat.name}.safetensors"), "role": seat.role, "share": seat.share}
        for seat in seats
    ]
    site = {"experts": experts, "sharpness": figures["fitted"]["sharpness"]}
    return "\n".join([*lines, "", "In a site file:", "", "classify: " + json.dumps(site)])
