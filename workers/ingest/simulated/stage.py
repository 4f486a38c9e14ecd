"""The floor before a camera, and the people on it while a scene is laid out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.ingest.simulated.body import Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.curves import RATE, Floats
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.manner import Manner
from workers.ingest.simulated.visibility import Prop

# Scenes are laid out from a little before their first moment: at 0 everybody is already moving.
LEAD_S = 1.5
_GRID_M = 0.25
_PERSON_M = 1.75


@dataclass(frozen=True)
class StageOptions:
    """What a caller may fix.

    Attributes:
        frame_size, height_px, manner: as `make_scene` takes them.
        ground: x, y of two corners of where people can be; anywhere if not given.
        others: more cameras that look on: who is outside is seen by none of them.
        margin: who is outside is so far from an image's edge, in its widths.
    """

    frame_size: tuple[int, int] = (1280, 720)
    height_px: float | None = None
    manner: Manner | None = None
    ground: tuple[float, float, float, float] | None = None
    others: tuple[Camera, ...] = ()
    margin: float = 0.06


class Stage:
    """Where people can be seen, where they come in, and who is there. Places are [2], metres on the floor."""

    def __init__(
        self,
        seed: tuple[int, ...],
        seconds: float,
        camera: Camera | None,
        options: StageOptions | None = None,
    ) -> None:
        options = options or StageOptions()
        self._seed = seed
        self.rng = np.random.default_rng([*seed, 0])
        self.seconds = seconds
        self.camera = camera or Camera.mounted(self.rng, options.frame_size, options.height_px)
        self.t = np.arange(-round(LEAD_S * RATE), round((seconds + 0.5) * RATE) + 1) / RATE
        self.figures: list[Figure] = []
        self.props: list[Prop] = []
        self._manner = options.manner
        self.inside, self._gates = _floor(self.camera, options)

    def cast(self, where: Floats) -> Figure:
        """One more person, who stands at a place."""
        rng = np.random.default_rng([*self._seed, 1, len(self.figures)])
        body, manner = Body.drawn(rng), Manner.drawn(rng)
        figure = Figure.placed(len(self.figures), body, self._manner or manner, rng, self.t, where)
        self.figures.append(figure)
        return figure

    def spot(self, apart: float = 0.9, at: float = 0.0, far: float = math.inf) -> Floats:
        """A place in the image, `apart` metres from others at a time and at most `far` from the middle."""
        candidates = self.inside[np.hypot(*self.inside.T) <= far]
        if not len(candidates):
            return self.rng.normal(0, 0.3, 2)
        chosen = self.rng.permutation(candidates)[:40]
        chosen = chosen + self.rng.uniform(-0.12, 0.12, chosen.shape)
        others = [figure.where(at) for figure in self.figures]
        if not others:
            return np.asarray(chosen[0])
        away = np.min([np.hypot(*(chosen - other).T) for other in others], axis=0)
        return np.asarray(
            chosen[int(np.argmax(away >= apart)) if (away >= apart).any() else int(away.argmax())]
        )

    def gate(self) -> Floats:
        """A place just outside the image."""
        return np.asarray(self._gates[int(self.rng.integers(len(self._gates)))])

    def gates_across(self) -> tuple[Floats, Floats]:
        """Two places outside, on opposite sides."""
        one = self.gate()
        others = self.rng.permutation(self._gates)[:20]
        middle = self.inside.mean(axis=0)
        return one, np.asarray(others[int(np.argmin((others - middle) @ (one - middle)))])

    def across(self, depth: float) -> tuple[Floats, Floats]:
        """The ends of a lane from left to right, `depth` metres behind the middle (below 0: before it)."""
        pan = self.camera.pan
        ahead, left = np.array([math.cos(pan), math.sin(pan)]), np.array([-math.sin(pan), math.cos(pan)])
        lane = self.inside @ ahead
        row = self.inside[np.abs(lane - depth) < 0.5] @ left
        reach = (row.min(), row.max()) if len(row) else (-2.0, 2.0)
        return ahead * depth + left * (reach[0] - 0.9), ahead * depth + left * (reach[1] + 0.9)

    def clear_of_ways(self, place: Floats, metres: float) -> bool:
        """Whether nobody ever comes nearer to a place."""
        return all(float(np.hypot(*(figure.root - place).T).min()) > metres for figure in self.figures)

    def furnish(self, count: int) -> None:
        """Put pillars and counters where nobody goes, rather between the camera and people."""
        eye = np.array(self.camera.position[:2])
        for _ in range(count * 8):
            if len(self.props) >= count or not len(self.inside):
                return
            goal = self.inside[int(self.rng.integers(len(self.inside)))]
            place = eye + (goal - eye) * self.rng.uniform(0.45, 0.95)
            kind = str(self.rng.choice(["pillar", "counter", "plant"]))
            sizes: dict[str, tuple[float, float, float]] = {
                "pillar": (0.35, 0.35, 3.2),
                "counter": (float(self.rng.uniform(0.8, 1.8)), 0.5, float(self.rng.uniform(0.75, 1.15))),
                "plant": (0.45, 0.45, float(self.rng.uniform(0.8, 1.4))),
            }
            clear = 0.55 + max(sizes[kind][:2]) / 2
            if self.clear_of_ways(place, clear) and float(np.hypot(*(place - eye))) > 1.2:
                yaw = float(self.rng.uniform(-math.pi, math.pi))
                self.props.append(Prop(kind, (float(place[0]), float(place[1])), sizes[kind], yaw))


def _floor(camera: Camera, options: StageOptions) -> tuple[Floats, Floats]:
    """Places [M, 2] where people are seen from head to foot and not too small, and [G, 2] just outside."""
    eye = np.array(camera.position[:2])
    reach = min(max(2.5 * float(np.hypot(*eye)), 6.0), 30.0)
    side = np.arange(-reach, reach + _GRID_M, max(_GRID_M, reach / 60))
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    if options.ground is not None:
        low, high = np.array(options.ground[:2]), np.array(options.ground[2:])
        grid = grid[((grid >= low) & (grid <= high)).all(-1)]
    feet = np.concatenate([grid, np.zeros((len(grid), 1))], axis=1)
    heads = feet + np.array([0, 0, _PERSON_M])
    ends = np.stack([feet, heads], axis=1)
    pixels, _ = camera.project(ends)
    tall = np.linalg.norm(pixels[:, 1] - pixels[:, 0], axis=-1)
    whole = camera.sees(feet, 0.04) & camera.sees(heads, 0.04)
    usual = camera.height_px(0.0, 0.0)
    inside = grid[whole & (tall > 0.5 * usual) & (tall < 2.0 * usual)]
    if not len(inside):
        inside = np.zeros((1, 2))
    unseen = np.full(len(grid), True)
    for one in (camera, *options.others):
        unseen &= _unseen(one, ends, options.margin)
    outside = grid[unseen & (np.hypot(*(grid - eye).T) > 1.0)]
    away = _distances(outside, inside)
    gates = outside[(away > 0.4) & (away < max(2.0, away.min() + 1.0))]
    return inside, gates


def _unseen(camera: Camera, ends: Floats, margin: float) -> NDArray[np.bool_]:
    """[M] whether nothing of a person [M, 2, 3] (feet, head) is in an image."""
    pixels, depth = camera.project(ends)
    return np.asarray(~_near_the_image(camera, pixels, margin) | (depth.min(-1) < 0.3))


def _near_the_image(camera: Camera, pixels: Floats, margin: float) -> NDArray[np.bool_]:
    """[M] whether anything of a person [M, 2, 2] (feet, head) might be in the image."""
    margin = margin * camera.frame_size[0]
    size = np.array(camera.frame_size)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    return np.asarray(((high > -margin) & (low < size + margin)).all(-1))


def _distances(places: Floats, others: Floats) -> Floats:
    """[M] from each place to the nearest of the others."""
    chosen = others[:: max(1, len(others) // 150)]
    return np.asarray(np.sqrt(((places[:, None] - chosen) ** 2).sum(-1).min(axis=1)))
