"""Labelled films as cameras' pictures: decoded, published and looked at as a fleet does it, without a bus."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from shared.messages import Frame
from shared.stage import Stage
from workers.classify.evaluation.sources import LABELS
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.encode import Encoder
from workers.ingest.opening import Source, open_source
from workers.ingest.pacing import FileClock
from workers.pose import config as pose
from workers.pose.detector import Detections
from workers.pose.runtimes import choose, usual_image_size
from workers.pose.stage import build_stage

CAMERA, GENERATION = "clip", "0" * 16


@dataclass(frozen=True)
class Looker:
    """The pose stage, and how films are shown to it.

    Attributes:
        stage: knows one camera, `CAMERA`.
        max_width: of published pictures: no wider than the detector needs.
    """

    stage: Stage[Any, Any, Any, Any]
    max_width: int

    def options(self, film: Path) -> CameraOptions:
        """A film as a camera."""
        return CameraOptions(source=str(film.absolute()), max_width=self.max_width)


def open_looker(config: pose.PoseConfig) -> Looker:
    """The detector and the tracker, loaded.

    Raises:
        ConfigError: weights, runtime or tracker are not there or do not fit each other.
    """
    plan = pose.view_plan(config, pose.CameraOptions(), usual_image_size(choose(config.runtime)))
    return Looker(build_stage(config, {CAMERA: pose.CameraOptions()}), plan.least_width)


def films_in(folder: Path) -> list[Path]:
    """The labelled films of a folder, by the numbers in their names."""
    films = [path.absolute() for label in LABELS for path in (folder / label).glob("[!.]*")]
    return sorted(films, key=lambda path: (int(re.sub(r"[^0-9]", "", path.stem)[:18] or 0), name_of(path)))


def name_of(film: Path) -> str:
    """The file's name, with its folder's where that is a label."""
    return f"{film.parent.name}/{film.name}" if film.parent.name in LABELS else film.name


def frames_of(source: Source, options: CameraOptions) -> Iterator[Frame]:
    """A film's frames as ingest publishes them.

    Raises:
        EncodeError: a picture cannot be published.
    """
    encoder = Encoder(options.max_width, options.jpeg_quality)
    clock = FileClock(source.rate)
    for picture in source.pictures():
        encoded = encoder.encode(picture.frame)
        yield Frame(
            camera=CAMERA,
            generation=GENERATION,
            number=picture.number,
            at=clock.at(picture.number, picture.pts_s),
            captured_at=picture.captured_at,
            monotonic_s=picture.monotonic_s,
            pts_s=picture.pts_s,
            image=encoded.jpeg,
            width=encoded.width,
            height=encoded.height,
            source_width=encoded.source_width,
            source_height=encoded.source_height,
            crc=encoded.crc,
        )


@contextlib.contextmanager
def opened(options: CameraOptions) -> Iterator[Source]:
    """A film or a simulated recording, open for as long as it is needed.

    Raises:
        SourceError: it cannot be opened.
    """
    with contextlib.closing(open_source(CAMERA, options, IngestConfig())) as source:
        yield source


def looks(
    frames: Iterator[Frame], stage: Stage[Any, Any, Any, Any]
) -> Iterator[tuple[Frame, Any, Detections]]:
    """Each frame, prepared too, and everybody whom the pose stage sees in it."""
    while batch := list(islice(frames, stage.max_batch)):
        prepared = [stage.prepare(frame) for frame in batch]
        yield from zip(batch, prepared, stage.look(prepared), strict=True)
