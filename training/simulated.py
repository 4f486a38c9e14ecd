"""Windows of simulated people whose activities are known, to start the nets from.

Scenes' seeds are `FIRST_SEED` and above, and only those: a demonstration or a test with a lower seed shows
nothing that the nets were trained on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.activities import Activities, joined
from training.clips import WINDOW, WINDOW_FPS
from training.refine_data import some_noise
from workers.classify.due import Due
from workers.classify.inputs.graph import body
from workers.classify.inputs.interaction import interaction
from workers.classify.pairs import paired
from workers.classify.windows import People, Windows, WindowSettings
from workers.ingest.simulated import ACTIONS, DetectorNoise, Observation, Scene, make_scene, observe

log = logging.getLogger(__name__)

FIRST_SEED = 1_000_000
# Most scenes are of two who have to do with each other: that is what the nets are to tell apart.
KINDS = (
    *(
        "fight",
        "hug",
        "fight",
        "meeting",
        "fight",
        "play",
        "fight",
        "sport",
        "fight",
        "dance",
        "fight",
        "mixed",
    ),
    *("fall", "fight", "carrying", "fight", "walking", "running", "crowd", "standing", "sitting", "crossing"),
)
RATES = (30.0, 25.0, 25.0, 20.0, 15.0, 12.0, 10.0)
SECONDS, LOOK_S = 8.0, 5.0
STRIDE = 8
# How many scenes experts learn from beside the clips.
SCENES = 110
_SEED_BESIDE = 5
_WINDOW_S = WINDOW / WINDOW_FPS
# Much is seen often enough: so much is kept of those who only walk or stand, and of who does not fight.
_DULL, _DULL_KEPT, _CALM_KEPT = [ACTIONS.index("stand"), ACTIONS.index("walk")], 0.12, 0.6


def simulate(scenes: int, seed: int, looks: int = 2) -> Activities:
    """Windows of so many scenes, each seen by `looks` detectors of different kinds and rates.

    Args:
        scenes: how many; their seeds are `FIRST_SEED` + 100,000 times `seed` and up.
        seed: 0 or above.
        looks: how often each scene is seen.
    """
    rng = np.random.default_rng([seed, FIRST_SEED])
    parts: list[Activities] = []
    for number in range(scenes):
        scene_seed = FIRST_SEED + 100_000 * seed + number
        kind = KINDS[number % len(KINDS)]
        pair = kind in ("fight", "hug", "meeting", "play")
        people = int(rng.choice([2, 2, 3, 4, 8])) if pair else None
        height_px = float(np.exp(rng.uniform(np.log(60), np.log(420))))
        scene = make_scene(kind, scene_seed, SECONDS, people, height_px=height_px)
        for look in range(looks):
            parts += _looked_at(scene, rng, scene_seed * looks + look)
    return joined(parts)


def beside(scenes: int) -> Activities | None:
    """What experts learn beside real clips, of seeds that pre-training does not see; None for no scenes."""
    return simulate(scenes, _SEED_BESIDE) if scenes else None


def _looked_at(scene: Scene, rng: np.random.Generator, seed: int) -> list[Activities]:
    fps = float(rng.choice(RATES))
    first = float(rng.uniform(0, SECONDS - LOOK_S))
    at = first + np.arange(round(LOOK_S * fps)) / fps
    truth = scene.truth(at)
    windows = Windows(WindowSettings(fps=WINDOW_FPS, window=WINDOW, frames=WINDOW, stride=STRIDE))
    parts = []
    seen = observe(truth, _poor(some_noise(rng), rng), seed)
    for moment, due in _dues(windows, seen, at - first, scene.camera.frame_size, rng):
        parts.append(labelled(due, scene, first + moment, due.ids[due.judged], rng))
    return parts


def labelled(
    due: Due, scene: Scene, end: float, who: NDArray[np.int64], rng: np.random.Generator
) -> Activities:
    """Windows with what the people in them do; of what is seen often enough, only some.

    Args:
        due: n windows.
        scene: who does what when.
        end: when the windows end, in the scene's seconds.
        who: [n] row in the scene of each who is judged; -1: left out.
        rng: chooses.
    """
    action, fighting = scene.labels(end - _WINDOW_S + (np.arange(WINDOW) + 1) / WINDOW_FPS)
    filled = due.filled[due.judged].T
    weight = filled / filled.sum(axis=0)
    done = np.eye(len(ACTIONS), dtype=np.float32)[action[:, who]]
    shares = (done * weight[..., None]).sum(axis=0).astype(np.float32)
    fights = (fighting[:, who] * weight).sum(axis=0).astype(np.float32)
    dull = shares[:, _DULL].sum(axis=1) > 0.8
    chance = np.where(fights > 0.2, 1.0, np.where(dull, _DULL_KEPT, _CALM_KEPT))
    kept = (rng.random(len(due)) < chance) & (who >= 0)
    pairs = paired(due)
    seen = body(pairs).astype(np.float16)
    return Activities(seen[kept], shares[kept], fights[kept], interaction(pairs)[kept])


def _poor(noise: DetectorNoise, rng: np.random.Generator) -> DetectorNoise:
    """Security cameras are often worse than what the filter was made for: few pixels, little light."""
    worse = float(rng.choice([1.0, 1.0, 1.5, 2.0, 3.0]))
    return replace(
        noise,
        jitter=noise.jitter * worse,
        misses=min(noise.misses * worse, 0.5),
        bursts=noise.bursts * worse,
        outliers=min(noise.outliers * worse, 0.2),
        borrows=noise.borrows * worse,
    )


def _dues(
    windows: Windows,
    seen: list[Observation],
    at: NDArray[np.float64],
    image_size: tuple[int, int],
    rng: np.random.Generator,
) -> Iterator[tuple[float, Due]]:
    """Windows of the detections under their owners' numbers, some of whom are never detected or come late."""
    late = dict(enumerate(rng.choice([0.0, 0.0, 1.0, 2.0], 64) * rng.random(64)))
    gone = {number for number in range(64) if rng.random() < 0.08}
    # On security cameras detectors are less sure than the simulated one.
    doubt = np.array([1.0, 1.0, rng.uniform(1, 4)], np.float32)
    for moment, frame in zip(at.tolist(), seen, strict=True):
        rows = [
            row
            for row, owner in enumerate(frame.owner.tolist())
            if owner >= 0 and owner not in gone and moment >= late.get(owner, 0.0)
        ]
        keypoints = frame.keypoints[rows] ** doubt
        people = People(
            ids=frame.owner[rows],
            keypoints=keypoints,
            boxes=frame.boxes[rows],
            quality=keypoints[..., 2].mean(axis=-1),
            image_size=image_size,
        )
        due = windows.push(moment, people)
        if len(due):
            cell = np.floor(moment * WINDOW_FPS + 1e-4)
            yield float((cell - cell % STRIDE) / WINDOW_FPS), due
