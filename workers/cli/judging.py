"""Tracks of one clip -> what the classify stage says of it, step by step, without a bus."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import config
from shared.config import ConfigError, Section
from shared.messages import Tracks, Verdicts
from shared.stage import Stage
from workers.classify.config import ClassifyConfig
from workers.classify.evaluation.clips import Outcome, outcome_of
from workers.classify.judge import Finding
from workers.classify.stage import Ruled, build_stage
from workers.classify.windows import Windows
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, opened
from workers.cli.options import changes
from workers.cli.site import compose
from workers.ingest.sources import SourceError
from workers.pose.config import PoseConfig

Classify = Stage[Ruled, None, Windows, Finding]

MOMENTS = 4
_BATCH = 64


class Settings(Section):
    """The sections of a site file that a verdict depends on."""

    classify: ClassifyConfig = ClassifyConfig()
    pose: PoseConfig = PoseConfig()


def settings_from(overrides: Sequence[str], weights: str | None) -> Settings:
    """The usual settings, changed as `--set` and `--weights` say.

    Raises:
        ConfigError: a key is none of `classify` or `pose`, or a value is out of bounds.
    """
    changed = changes(overrides)
    for key in changed:
        if key.partition(".")[0] not in Settings.model_fields or "." not in key:
            raise ConfigError(f"--set {key}: only keys of classify and pose count here, as classify.veto")
    data = compose(None, (), changed)
    sections = {name: data[name] for name in Settings.model_fields if name in data}
    if weights is not None:
        sections.setdefault("pose", {})["weights"] = weights
    return config.build(sections, Settings, "--set")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One frame of a clip, to be shown.

    Attributes:
        number: of the frame in its clip.
        size: width and height in pixels of the image in which people were looked for.
        ids: [P] whose skeletons follow, 0 for people who are not followed.
        keypoints: [P, 17, 3] x, y in pixels, confidence.
    """

    number: int
    size: tuple[int, int]
    ids: NDArray[np.int64]
    keypoints: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was said of a clip, and its most violent window.

    Attributes:
        outcome: what was said.
        moments: of the window that scored highest, in their order; of the clip's end where there was none.
        about: tracks of the window's most violent person and the partner.
    """

    outcome: Outcome
    moments: tuple[Moment, ...]
    about: tuple[int, ...]


def open_classify(settings: Settings, *, explains: bool) -> Classify:
    """The experts, loaded.

    Raises:
        ConfigError: weights that are missing, damaged or do not fit together.
    """
    explain = settings.classify.explain if explains else "never"
    return build_stage(settings.classify.model_copy(update={"explain": explain}))


def judged(clip: str, label: int, tracks: Iterable[Tracks], stage: Classify) -> Judged:
    """What the stage says of a clip."""
    recent: deque[Tracks] = deque()
    said: list[Verdicts] = []
    shown: list[Tracks] = []
    highest, about = -1.0, tuple[int, ...]()
    for finding, verdicts in steps(tracks, stage):
        recent.append(finding.tracks)
        while recent[0].at < finding.tracks.at - finding.due.filled.shape[1] / finding.due.fps:
            recent.popleft()
        if verdicts is None:
            continue
        said.append(verdicts)
        if verdicts.verdicts and verdicts.scene.score > highest:
            highest, about, shown = verdicts.scene.score, verdicts.scene.track_ids, _spread(recent)
    return Judged(
        outcome=outcome_of(clip, label, said),
        moments=tuple(_moment(one) for one in shown or _spread(recent)),
        about=about,
    )


def steps(tracks: Iterable[Tracks], stage: Classify) -> Iterator[tuple[Finding, Verdicts | None]]:
    """Every record of a clip, and what is said at it.

    Raises:
        BadInput: a record cannot be used.
    """
    state = stage.initial(CAMERA, GENERATION)
    records = iter(tracks)
    while batch := list(islice(records, _BATCH)):
        findings = []
        for record in batch:
            state, finding = stage.advance(state, stage.prepare(record), None)
            findings.append(finding)
        for finding, output in zip(findings, stage.judge(findings), strict=True):
            yield finding, output if isinstance(output, Verdicts) else None


def tracks_of_film(film: Path, looker: Looker) -> Iterator[Tracks]:
    """What the pose stage makes of a film.

    Raises:
        SourceError: it cannot be read, or has no frame.
        EncodeError: a picture of it cannot be published.
    """
    options = looker.options(film)
    state: Any = looker.stage.initial(CAMERA, GENERATION)
    empty = True
    with opened(options) as source:
        for _, prepared, found in looks(frames_of(source, options), looker.stage):
            state, tracks = looker.stage.advance(state, prepared, found)
            yield tracks
            empty = False
    if empty:
        raise SourceError("no frame can be decoded")


def _spread(recent: deque[Tracks]) -> list[Tracks]:
    """A few records, evenly spread, the last one among them."""
    chosen = np.linspace(len(recent) - 1, 0, MOMENTS + 1)[:MOMENTS].round().astype(int)
    return [recent[number] for number in sorted(set(chosen.tolist()))] if recent else []


def _moment(tracks: Tracks) -> Moment:
    return Moment(
        number=tracks.number,
        size=(tracks.width, tracks.height),
        ids=np.asarray(tracks.detection_tracks),
        keypoints=np.asarray(tracks.detection_keypoints),
    )
