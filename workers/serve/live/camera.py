"""What is remembered of one camera that is watched: the last verdicts, pictures that wait for tracks."""

from __future__ import annotations

from collections import OrderedDict

from shared.frames import ImageError, open_image
from shared.latest import LatestVerdicts
from shared.messages import Expert, Frame, Scene, Tracks, Verdicts
from workers.serve.live import wire
from workers.serve.live.mailbox import Parcel

_PICTURES_KEPT = 64
_PICTURES_KEPT_BYTES = 8 * 2**20
_SCENE_LASTS_S = 3.0


class CameraView:
    """One camera, in order of its streams; a new generation begins afresh."""

    def __init__(self) -> None:
        self._generation = ""
        self._forget()

    def _forget(self) -> None:
        self._verdicts = LatestVerdicts()
        self._experts: tuple[Expert, ...] = ()
        self._scene: tuple[Scene, float] | None = None
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._picture_bytes = 0

    def push_frame(self, entry_id: str, frame: Frame) -> None:
        """A picture, whose tracks are still to come."""
        self._follow(frame.generation)
        try:
            jpeg = open_image(frame)
        except ImageError:
            # Pose has it among its dead letters; there will be no tracks for it.
            return
        self._pictures[entry_id] = jpeg
        self._picture_bytes += len(jpeg)
        while len(self._pictures) > _PICTURES_KEPT or self._picture_bytes > _PICTURES_KEPT_BYTES:
            _, oldest = self._pictures.popitem(last=False)
            self._picture_bytes -= len(oldest)

    def push_verdicts(self, verdicts: Verdicts) -> None:
        """What was judged."""
        self._follow(verdicts.generation)
        self._verdicts.push(verdicts)
        self._experts = verdicts.experts
        self._scene = (verdicts.scene, verdicts.at)

    def parcel(self, entry_id: str, tracks: Tracks) -> Parcel:
        """A frame as viewers get it, its picture first if there is one. Older pictures are forgotten."""
        self._follow(tracks.generation)
        jpeg = None
        if entry_id in self._pictures:
            for waiting in list(self._pictures):
                taken = self._pictures.pop(waiting)
                self._picture_bytes -= len(taken)
                if waiting == entry_id:
                    jpeg = taken
                    break
        scene = None
        if self._scene is not None and 0 <= tracks.at - self._scene[1] <= _SCENE_LASTS_S:
            scene = self._scene[0]
        text = wire.frame(entry_id, tracks, self._verdicts, self._experts, scene, picture=jpeg is not None)
        return [text] if jpeg is None else [wire.picture(tracks.camera, entry_id, jpeg), text]

    def _follow(self, generation: str) -> None:
        if generation != self._generation:
            self._forget()
            self._generation = generation
