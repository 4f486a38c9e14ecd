"""Incidents on whole videos, through every stage but without a bus: what is found when, and what is false.

    python -m benchmarks.incidents
    python -m benchmarks.incidents --weights yolo26n-pose.pt --videos lobby.mp4 --normal yard.mp4
    python -m benchmarks.incidents --simulated-hours 2

Without videos the shared ones are taken: a fight in an office, and people who exercise, hug and walk. Prints
each incident with the time of its first violent verdict and of its confirmation, each video's highest scene
scores, and the upper 95% bound of false incidents an hour (Poisson) on videos named with `--normal`. The
simulated hours hold everything but fights, and are no substitute for real ones; whether simulated fights are
found at all stands beside them.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.simulated_hours import fight_tracks, normal_tracks
from shared.messages import Incident, Incidents, Mark, Message, Tracks, Verdicts
from workers.classify.config import ClassifyConfig
from workers.classify.stage import build_stage as build_classify
from workers.cli.films import CAMERA, GENERATION, Looker, frames_of, looks, open_looker, opened
from workers.incidents.config import IncidentsConfig
from workers.incidents.stage import build_stage as build_incidents
from workers.pose.config import PoseConfig

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FIGHT = "office_fight.mp4"
PEACEFUL = (
    "three_exercising.avi",
    "two_hugging.mp4",
    "pedestrians_crossing.avi",
    "four_crossing_bonn_060470979.mp4",
    "one_by_one.mp4",
)
_QUANTILE = 0.95


@dataclass
class Story:
    """What was said of one video."""

    name: str
    seconds: float = 0.0
    scenes: list[tuple[float, float]] = field(default_factory=list)
    violent: int = 0
    incidents: dict[str, Incident] = field(default_factory=dict)


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", nargs="*", type=Path, help="any videos")
    parser.add_argument("--normal", nargs="*", type=Path, help="videos without violence")
    parser.add_argument(
        "--weights", default=str(DATA / "weights" / "yolo26n-pose-o2m.pt"), help="pose weights"
    )
    parser.add_argument("--image-size", type=int, default=640)
    parser.add_argument("--simulated-hours", type=float, default=0.0)
    arguments = parser.parse_args()
    classify = ClassifyConfig(explain="never")
    videos, normals = arguments.videos or [], arguments.normal or []
    if arguments.videos is None and arguments.normal is None and not arguments.simulated_hours:
        videos, normals = [DATA / "videos" / FIGHT], [DATA / "videos" / name for name in PEACEFUL]
    if videos or normals:
        looker = open_looker(PoseConfig(weights=arguments.weights, image_size=arguments.image_size))
        for video in videos:
            _tell(told(video.stem, tracks_in(looker, video), classify))
        normal = [told(video.stem, tracks_in(looker, video), classify) for video in normals]
        for story in normal:
            _tell(story)
        _bound("real video without violence", normal)
    if arguments.simulated_hours:
        started = time.monotonic()
        made = [
            told(f"{kind} {number}", tracks, classify)
            for number, (kind, tracks) in enumerate(normal_tracks(arguments.simulated_hours))
        ]
        _bound("SIMULATED cameras without violence", made)
        by_kind = Counter(story.name.split()[0] for story in made if story.incidents)
        print("  in: " + (", ".join(f"{kind} {count}" for kind, count in by_kind.most_common()) or "none"))
        fights = [told(f"fight {number}", tracks, classify) for number, tracks in enumerate(fight_tracks())]
        found = sum(bool(story.incidents) for story in fights)
        peaks = sorted(max((score for _, score in story.scenes), default=0.0) for story in fights)
        print(
            f"SIMULATED fights: {found} of {len(fights)} found; highest scene scores {peaks[0]:.2f} to"
            f" {peaks[-1]:.2f}"
        )
        print(f"  took {time.monotonic() - started:.0f} s")


def tracks_in(looker: Looker, video: Path) -> Iterator[Tracks]:
    """What pose publishes of a video."""
    stage, state = looker.stage, looker.stage.initial(CAMERA, GENERATION)
    options = looker.options(video)
    with opened(options) as source:
        for _, item, seen in looks(frames_of(source, options), stage):
            state, tracks = stage.advance(state, item, seen)
            yield tracks


def told(name: str, tracks: Iterable[Tracks], config: ClassifyConfig) -> Story:
    """A video's verdicts and incidents."""
    classify, incidents = build_classify(config), build_incidents(IncidentsConfig())
    windows = classify.initial(CAMERA, GENERATION)
    state = incidents.initial(CAMERA, GENERATION)
    story = Story(name)
    last: Tracks | None = None
    for last in tracks:
        windows, finding = classify.advance(windows, classify.prepare(last), None)
        [verdicts] = classify.judge([finding])
        if isinstance(verdicts, Verdicts):
            if verdicts.verdicts:
                story.scenes.append((verdicts.at, verdicts.scene.score))
                story.violent += sum(verdict.result == "VIOLENCE" for verdict in verdicts.verdicts)
            state, output = incidents.advance(state, incidents.prepare(verdicts), None)
            _note(story, incidents.judge([output])[0])
    if last is not None:
        story.seconds = last.at
        mark = Mark(
            camera=last.camera, generation=last.generation, number=last.number + 1, at=last.at,
            captured_at=last.captured_at, final=True,
        )  # fmt: skip
        _, output = incidents.mark(state, mark)
        _note(story, output)
    return story


def _note(story: Story, message: Message | None) -> None:
    if isinstance(message, Incidents):
        story.incidents.update({incident.incident_id: incident for incident in message.incidents})


def _tell(story: Story) -> None:
    top = sorted(story.scenes, key=lambda scene: -scene[1])[:3]
    highest = ", ".join(f"{score:.3f} at {at:.1f} s" for at, score in top) or "nobody was judged"
    print(
        f"{story.name}: {story.seconds:.1f} s, {len(story.incidents)} incidents,"
        f" {story.violent} VIOLENCE verdicts; highest scene scores: {highest}"
    )
    for incident in story.incidents.values():
        print(
            f"  began {incident.began_at:.2f} s, confirmed {incident.confirmed_at:.2f} s, last"
            f" {incident.last_at:.2f} s, {len(incident.track_ids)} people, peak {incident.peak_score:.3f}"
        )


def _bound(what: str, stories: list[Story]) -> None:
    hours = sum(story.seconds for story in stories) / 3600
    count = sum(len(story.incidents) for story in stories)
    if hours:
        high = poisson_bound(count) / hours
        print(f"{what}: {hours:.2f} h, {count} false incidents, below {high:.1f} an hour (upper 95% bound)")


def poisson_bound(count: int) -> float:
    """Largest mean under which so few events or fewer still have a chance of 5% (exact, by bisection)."""
    low, high = 0.0, 10.0 + 3 * count
    for _ in range(60):
        middle = (low + high) / 2
        terms = [math.exp(-middle) * middle**k / math.factorial(k) for k in range(count + 1)]
        low, high = (middle, high) if math.fsum(terms) > 1 - _QUANTILE else (low, middle)
    return float(np.round(low, 4))


if __name__ == "__main__":
    main()
