"""Hours of simulated cameras before which nobody fights: walking, hugging, sport, dancing, falling and so on.

Detections of simulated people with a detector's errors, followed by the product's own tracker. Hard negatives
are far more frequent than before a real camera, and a simulation is no site: figures from here bound nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shared.messages import Tracks
from workers.ingest.simulated import KINDS, DetectorNoise, make_scene, observe
from workers.pose.config import PoseConfig
from workers.pose.detector import Detections
from workers.pose.evaluation.clip_files import Clip, tracks_of

FPS, SECONDS = 10.0, 40.0
# Far from the seeds that weights are trained on (training/simulated.py) and from a demonstration's.
FIRST_SEED = 500_000
PEACEFUL = tuple(kind for kind in KINDS if kind not in ("fight", "mixed"))


FIRST_FIGHT, FIGHTS, FIGHT_S = 700_000, 20, 20.0


def normal_tracks(hours: float) -> Iterator[tuple[str, Iterator[Tracks]]]:
    """Scenes of so many hours together, each of another kind, size and camera."""
    for number in range(round(hours * 3600 / SECONDS)):
        kind = PEACEFUL[number % len(PEACEFUL)]
        yield kind, _tracks(kind, FIRST_SEED, number, SECONDS)


def fight_tracks() -> Iterator[Iterator[Tracks]]:
    """Scenes in which people fight."""
    for number in range(FIGHTS):
        yield _tracks("fight", FIRST_FIGHT, number, FIGHT_S)


def _tracks(kind: str, first_seed: int, number: int, seconds: float) -> Iterator[Tracks]:
    rng = np.random.default_rng([first_seed, number])
    height_px = float(np.exp(rng.uniform(np.log(60), np.log(400))))
    scene = make_scene(kind, first_seed + number, seconds, None, height_px=height_px)
    times = np.arange(round(seconds * FPS)) / FPS
    seen = observe(scene.truth(times), DetectorNoise(), first_seed + number)
    found = [Detections(one.boxes, one.scores, one.keypoints) for one in seen]
    width, height = scene.camera.frame_size
    clip = Clip(f"{kind} {number}", 0, FPS, (int(width), int(height)), times, found)
    return tracks_of(clip, PoseConfig())
