"""Scenes and people that several tests here need."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from workers.ingest.simulated import ACTIONS, Body, Camera, Manner, Scene, make_scene
from workers.ingest.simulated.compose import composed
from workers.ingest.simulated.controls import Controls
from workers.ingest.simulated.figure import Figure
from workers.ingest.simulated.posture import points_of

FINE = np.arange(0, 20, 0.01)


@lru_cache(maxsize=64)
def scene(kind: str, seed: int = 0) -> Scene:
    return make_scene(kind, seed)


@lru_cache(maxsize=64)
def finely(kind: str, seed: int = 0) -> np.ndarray:
    """[T, N, P, 3] the points of a scene at 100 Hz."""
    return scene(kind, seed).points(FINE)


def doing(of: Scene, at: np.ndarray, *names: str) -> np.ndarray:
    """[T, N] who does one of these."""
    return np.isin(of.labels(at)[0], [ACTIONS.index(name) for name in names])


def speeds(points: np.ndarray, step: float = 0.01) -> np.ndarray:
    """[T, ...] metres a second of points [T, ..., 3]."""
    return np.linalg.norm(np.gradient(points, step, axis=0), axis=-1)


def solo(seconds: float = 8.0, seed: int = 3, manner: Manner | None = None) -> Figure:
    """Somebody of usual manners in the middle of nowhere, facing along x."""
    rng = np.random.default_rng([seed, 9])
    t = np.arange(-100, round(seconds * 100) + 1) / 100
    figure = Figure.placed(0, Body.drawn(rng), manner or Manner(), rng, t, np.zeros(2))
    figure.yaw[:] = 0.0
    return figure


def moving(*figures: Figure) -> tuple[list[Controls], np.ndarray]:
    """Controls, and [K, N, P, 3] points on the knots."""
    people = composed(list(figures))
    points = [points_of(f.body, c) for f, c in zip(figures, people, strict=True)]
    return people, np.stack(points, axis=1)


def level_camera(distance: float = 6.0, height: float = 1.0) -> Camera:
    """On the x axis, looking back along it at the origin."""
    return Camera(
        position=(distance, 0.0, height),
        pan=math.pi,
        tilt=0.0,
        roll=0.0,
        focal_px=800.0,
        frame_size=(1280, 720),
    )
