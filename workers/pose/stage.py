"""The pose worker as a stage: frames in, tracks out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import msgpack
import numpy as np
from numpy.typing import NDArray

from shared.messages import Frame, Message, Tracks
from shared.rules import Rules, RulesOf, as_started
from shared.stage import BadInput, Stage
from workers.pose import metrics
from workers.pose.appearance import Appearance
from workers.pose.config import CameraOptions, PoseConfig, TrackerConfig, load_tracker, view_plan
from workers.pose.detector import Detections, Detector, Selection
from workers.pose.follow import State, follow, new_state
from workers.pose.images import decode
from workers.pose.masks import unmasked
from workers.pose.offline import ultralytics
from workers.pose.refine import Refiner
from workers.pose.runtimes import choose, open_runtime, usual_image_size
from workers.pose.views import View, ViewPlan, sharpest_size
from workers.pose.weights import resolve

# A camera's size is known from its first frame on; compiling beforehand is for those of the usual shape.
USUAL_IMAGE = (1280, 720)


@dataclass(frozen=True)
class Prepared:
    """A frame ready for the net.

    Attributes:
        frame: the message it came in.
        rules: what the camera's people are looked for by.
        inputs: [H, W, 3] uint8 BGR each, what the net is shown.
        views: of each input, what it shows of the image.
        grey: [h, w, 1] uint8 at the published size, for moving cameras.
        image: [h, w, 3] uint8 BGR as decoded, for a re-identification net.
    """

    frame: Frame
    rules: Rules
    inputs: tuple[NDArray[np.uint8], ...]
    views: tuple[View, ...]
    grey: NDArray[np.uint8] | None
    image: NDArray[np.uint8] | None = None


class _Pose:
    """The stage's functions and what they share: the net and the settings."""

    def __init__(
        self,
        config: PoseConfig,
        cameras: Mapping[str, CameraOptions],
        tracker: TrackerConfig,
        rules_of: RulesOf,
    ) -> None:
        self._config = config
        self._rules_of = rules_of
        self._cameras = cameras
        self._tracker = tracker
        runtime = choose(config.runtime)
        weights = resolve(config.weights)
        head = weights.branch(config.head)
        parallel = config.parallel or os.cpu_count() or 1
        self._usual_size = usual_image_size(runtime)
        self.settings = _settings(config, tracker, weights.hash)
        self._appearance = None
        if tracker.reid not in ("none", "native"):
            self._appearance = Appearance(Path(tracker.reid).expanduser(), parallel)
        net = open_runtime(
            weights,
            runtime=runtime,
            head=head,
            features=tracker.reid == "native",
            precision=config.precision,
            parallel=parallel,
            batch=config.max_batch,
        )
        plans = [self._plan(options) for options in cameras.values()]
        shapes = {view.box.input_shape for plan in plans for view in plan.views(*USUAL_IMAGE)}
        for shape in sorted(shapes):
            net.warm_up(shape)
        ultralytics("trackers")  # seconds, so not at the first frame
        self._detector = Detector(net, Selection(head, config.conf, config.iou, config.max_det))

    def prepare(self, message: Message) -> Prepared:
        """Decode one frame once, and make every view of it."""
        if not isinstance(message, Frame):
            raise BadInput(f"expected a frame, got {type(message).__name__}")
        options = self._options(message.camera)
        views = self._plan(options).views(message.width, message.height)
        grey = None
        if options.moving:
            image = decode(message, message.width, message.height)
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None]
        else:
            image = decode(message, *sharpest_size(views))
        inputs = tuple(view.place(image) for view in views)
        rules = self._rules_of(message)
        return Prepared(message, rules, inputs, views, grey, image if self._appearance else None)

    def look(self, items: Sequence[Prepared]) -> list[Detections]:
        """Find people in frames of any cameras."""
        with metrics.LOOK_SECONDS.time():
            found = self._detector.look([item.inputs for item in items], [item.views for item in items])
            found = [self._with_appearance(item, people) for item, people in zip(items, found, strict=True)]
        return found

    def _with_appearance(self, item: Prepared, people: Detections) -> Detections:
        """Weak detections get no vector: they are mostly covered people, whose crop shows somebody else."""
        if self._appearance is None or item.image is None:
            return people
        scale = item.image.shape[1] / item.frame.width
        wanted = people.scores >= self._tracker.track_high_thresh
        return replace(people, features=self._appearance.vectors(item.image, people.boxes * scale, wanted))

    def initial(self, camera: str, generation: str) -> State:
        """Nobody seen yet."""
        return new_state(self._config, self._tracker, camera, generation, self._options(camera).moving)

    def advance(self, state: State, item: Prepared, seen: Detections) -> tuple[State, Tracks]:
        """Follow the people of a camera into its next frame, but those in masks."""
        return state, follow(state, item.frame, unmasked(seen, item.frame, item.rules), item.grey)

    def dump(self, state: State) -> bytes:
        """The state as plain values and array bytes."""
        fields = {
            "camera": state.camera,
            "generation": state.generation,
            "moving": self._options(state.camera).moving,
            "tracker": state.tracker.dump(),
            "refiner": state.refiner.snapshot(),
        }
        packed: bytes = msgpack.packb(fields)
        return packed

    def load(self, data: bytes) -> State:
        """A dumped state; a camera that has begun or ceased to move starts afresh."""
        fields = msgpack.unpackb(data)
        state = self.initial(fields["camera"], fields["generation"])
        if fields["moving"] == self._options(state.camera).moving:
            state.tracker.load(fields["tracker"])
            state.refiner = Refiner.restore(self._config.refine, fields["refiner"])
        return state

    def _plan(self, options: CameraOptions) -> ViewPlan:
        return view_plan(self._config, options, self._usual_size)

    def _options(self, camera: str) -> CameraOptions:
        return self._cameras.get(camera) or CameraOptions()


def _settings(config: PoseConfig, tracker: TrackerConfig, weights_hash: str) -> str:
    """All that changes outputs and is the same for every camera and machine."""
    chosen: dict[str, Any] = config.model_dump(
        mode="json", exclude={"weights", "tracker", "parallel", "max_batch", "max_wait_ms"}
    )
    return json.dumps(
        {"state": 3, "weights": weights_hash, "tracker": tracker.model_dump(mode="json"), **chosen},
        sort_keys=True,
    )


def build_stage(
    config: PoseConfig, cameras: Mapping[str, CameraOptions], rules_of: RulesOf = as_started
) -> Stage[Prepared, Detections, State, Tracks]:
    """The pose stage, its net loaded and warmed up.

    Args:
        config: the section `pose`.
        cameras: the pose part of each camera, by name.
        rules_of: finds a record's rules; their masks are looked at.

    Raises:
        ConfigError: weights, runtime or tracker are not there or do not fit each other.
    """
    pose = _Pose(config, cameras, load_tracker(config), rules_of)
    return Stage(
        name="pose",
        reads="frames",
        writes="tracks",
        settings=pose.settings,
        initial=pose.initial,
        prepare=pose.prepare,
        look=pose.look,
        advance=pose.advance,
        measure=metrics.Audience().measure,
        dump=pose.dump,
        load=pose.load,
        max_batch=config.max_batch,
        max_wait_ms=config.max_wait_ms,
    )
