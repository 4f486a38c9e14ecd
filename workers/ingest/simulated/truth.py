"""The truth about a scene, as a camera with a perfect eye would tell it at any moments.

T moments, N people of the scene, whether they are in the image or not.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.skeleton import JOINT_COUNT
from workers.ingest.simulated.body import POINT, Body
from workers.ingest.simulated.camera import Camera
from workers.ingest.simulated.controls import Controls, Sampler
from workers.ingest.simulated.curves import RATE, Floats
from workers.ingest.simulated.posture import points_of
from workers.ingest.simulated.visibility import Prop, cropped, view

_PELVIS = POINT["pelvis"]


@dataclass(frozen=True)
class Truth:
    """What is there at some moments. Where a person is not present, all but `depth` and labels is zero.

    Attributes:
        at: [T] seconds.
        ids: [N].
        present: [T, N] in the image, seen or hidden.
        keypoints: [T, N, 17, 3] x, y in pixels; 1 where the joint is seen, 0 where it is hidden by a person,
            a prop or its own body, or outside the image (where x, y go on).
        boxes: [T, N, 4] x1 y1 x2 y2 of the whole body, hidden parts too, cut at the image's edges; pixels.
        visible_share: [T, N] of the body's surface, that is in the image and not behind people or props.
        heights_px: [T, N] what the person would measure standing upright at this place.
        depth: [T, N] of the pelvis along the camera's axis, metres.
        fighting: [T, N].
        action: [T, N] an index of `figure.ACTIONS`.
        frame_size: width and height.
    """

    at: Floats
    ids: NDArray[np.int64]
    present: NDArray[np.bool_]
    keypoints: Floats
    boxes: Floats
    visible_share: Floats
    heights_px: Floats
    depth: Floats
    fighting: NDArray[np.bool_]
    action: NDArray[np.int8]
    frame_size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True)
class Scene:
    """People who move before a camera: a function of time. `make_scene` makes one.

    Attributes:
        kind: one of `casts.KINDS`.
        seconds: how long something happens; before and after, people stand still.
        camera: what looks on.
        body: of N people.
        people: their N controls on knots, of which the first is at the time `first`.
        action: [K, N] on the same knots, as is `fighting`.
        props: what stands about.
    """

    kind: str
    seconds: float
    camera: Camera
    body: Body
    people: tuple[Controls, ...]
    first: float
    action: NDArray[np.int8]
    fighting: NDArray[np.bool_]
    props: tuple[Prop, ...]

    def __len__(self) -> int:
        return len(self.people)

    def points(self, at: Any) -> Floats:
        """[T, N, P, 3] where the points of `body.POINTS` are at the times [T], metres in the world."""
        return points_of(self.body, self.controls(at))

    def controls(self, at: Any) -> Controls:
        """What the bodies do at the times [T]; its `load` says what is carried."""
        return self._sampler.at(np.asarray(at, np.float64))

    @functools.cached_property
    def _sampler(self) -> Sampler:
        return Sampler.of(self.people, self.first)

    def posed(self, at: Any) -> tuple[Floats, Floats]:
        """Where points are [T, N, P, 3], and the radii of what is carried [T, N, 3], metres."""
        controls = self.controls(at)
        return points_of(self.body, controls), controls.load

    def labels(self, at: Any) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """[T, N] what everybody does at the times [T], an index of `figure.ACTIONS`, and who fights."""
        place = (np.asarray(at, np.float64) - self.first) * RATE
        knot = np.clip(np.rint(place).astype(np.int64), 0, len(self.action) - 1)
        return self.action[knot], self.fighting[knot]

    def truth(self, at: Any) -> Truth:
        """What there is to see at the times [T]; the same whatever other times are asked for."""
        at = np.asarray(at, np.float64)
        if not self.people or not len(at):
            return _nothing(at, self)
        points, loads = self.posed(at)
        seen = view(self.camera, self.body, points, loads, self.props)
        here = seen.inside
        action, fighting = self.labels(at)
        pelvis = points[..., _PELVIS, :]
        keypoints = np.concatenate([seen.pixels[..., :JOINT_COUNT, :], seen.visible[..., None]], axis=-1)
        return Truth(
            at=at,
            ids=np.arange(len(self.people), dtype=np.int64),
            present=here,
            keypoints=keypoints * here[..., None, None],
            boxes=cropped(seen.whole, self.camera.frame_size) * here[..., None],
            visible_share=seen.share,
            heights_px=_standing_heights(self.camera, pelvis, self.body) * here,
            depth=seen.depth[..., _PELVIS],
            fighting=fighting,
            action=action,
            frame_size=self.camera.frame_size,
        )


def _standing_heights(camera: Camera, pelvis: Floats, body: Body) -> Floats:
    """[T, N] pixels from the floor to the head of somebody who stands where the pelvis [T, N, 3] is."""
    feet = pelvis.copy()
    feet[..., 2] = 0.0
    top = feet.copy()
    top[..., 2] += body.height
    low, high = camera.project(feet)[0], camera.project(top)[0]
    return np.asarray(np.linalg.norm(high - low, axis=-1))


def _nothing(at: Floats, scene: Scene) -> Truth:
    shape = (len(at), len(scene))
    return Truth(
        at=at,
        ids=np.arange(len(scene), dtype=np.int64),
        present=np.zeros(shape, bool),
        keypoints=np.zeros((*shape, JOINT_COUNT, 3)),
        boxes=np.zeros((*shape, 4)),
        visible_share=np.zeros(shape),
        heights_px=np.zeros(shape),
        depth=np.zeros(shape),
        fighting=np.zeros(shape, bool),
        action=np.zeros(shape, np.int8),
        frame_size=scene.camera.frame_size,
    )
