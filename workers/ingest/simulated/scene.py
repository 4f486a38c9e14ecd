"""Makes scenes by their kind and a seed."""

from __future__ import annotations

import numpy as np

from workers.ingest.simulated.body import Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.casts import KINDS, PEOPLE, fill
from workers.ingest.simulated.compose import composed
from workers.ingest.simulated.manner import Manner
from workers.ingest.simulated.stage import Stage, StageOptions
from workers.ingest.simulated.truth import Scene

_FURNISHED = 0.35


def make_scene(
    kind: str,
    seed: int,
    seconds: float = 20.0,
    people: int | None = None,
    *,
    frame_size: tuple[int, int] = (1280, 720),
    height_px: float | None = None,
    camera: Camera | None = None,
    manner: Manner | None = None,
    props: int | None = None,
) -> Scene:
    """A scene of a kind; the same seed gives the same one.

    Args:
        kind: one of `KINDS`.
        seed: of everything that is not given.
        seconds: how long it lasts.
        people: how many there are, in the image or on their way; each kind has its usual number.
        frame_size: width and height of the image.
        height_px: of people in the middle; by seed if not given.
        camera: another one than that of the seed; it should look at the world's origin.
        manner: how everybody moves, if not each in their own way.
        props: pillars, counters and plants; none in most scenes if not given.

    Raises:
        ValueError: an unknown kind, no time, or people where there are none.
    """
    if kind not in KINDS:
        raise ValueError(f"kind of scene: {kind!r} is none of {', '.join(KINDS)}")
    if not seconds > 0:
        raise ValueError(f"seconds of a scene: {seconds} is not above 0")
    count = PEOPLE[kind] if people is None else people
    if count < 0 or (kind == "empty" and count):
        raise ValueError(f"people of a scene: {count} cannot be in one that is {kind}")
    # Kinds differ in their people and cameras too, for one seed.
    entropy = (seed, *kind.encode())
    stage = Stage(entropy, seconds, camera, StageOptions(frame_size, height_px, manner))
    fill(stage, kind, count)
    if props is None:
        props = int(stage.rng.integers(1, 4)) if stage.rng.random() < _FURNISHED else 0
    stage.furnish(props)
    return scene_of(stage, kind)


def scene_of(stage: Stage, kind: str) -> Scene:
    """What was laid out on a stage, as a function of time."""
    figures, knots = stage.figures, len(stage.t)
    return Scene(
        kind=kind,
        seconds=stage.seconds,
        camera=stage.camera,
        body=Body.stacked([figure.body for figure in figures]),
        people=tuple(composed(figures)),
        first=float(stage.t[0]),
        action=np.stack([f.action for f in figures], axis=1) if figures else np.zeros((knots, 0), np.int8),
        fighting=np.stack([f.fighting for f in figures], axis=1) if figures else np.zeros((knots, 0), bool),
        props=tuple(stage.props),
    )
