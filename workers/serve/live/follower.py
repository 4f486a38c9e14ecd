"""Follows the streams of the cameras that somebody watches, once for all viewers."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from shared.bus import Bus, BusError, BusRefusedError
from shared.bus.streams import START, parse_id, stream_key
from shared.messages import Frame, Incidents, Mark, Message, MessageError, Tracks, Verdicts, decode
from workers.serve import metrics
from workers.serve.api.fleet import camera_view
from workers.serve.live import wire
from workers.serve.live.camera import CameraView
from workers.serve.live.hub import Hub
from workers.serve.observer import Observation, Observer

log = logging.getLogger(__name__)

_BLOCK_MS = 200
_ENTRIES = 64
_IDLE_S = 0.2
_AFTER_AN_ERROR_S = 1.0
# So many of the last verdicts are looked at when somebody begins to watch: ten seconds of them, about.
_VERDICTS_BACK = 30
# So many pictures may wait for their tracks where pose is behind.
_FRAMES_BACK = 30

Entries = Sequence[tuple[str, Mapping[str, bytes]]]


class Follower:
    """Hands what is new to the hub. One thread runs it.

    Args:
        bus: the server; only read, without a group, so nothing is held back.
        hub: who watches.
        observer: how the cameras fare; somebody else lets it look.
        cameras: all of the site.
        pictures: whether viewers get the cameras' pictures.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        observer: Observer,
        cameras: Sequence[str],
        *,
        pictures: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus = bus
        self._hub = hub
        self._observer = observer
        self._cameras = tuple(cameras)
        # Pictures come before their tracks, and verdicts before the frames that show them.
        self._streams = ("frames", "verdicts", "tracks") if pictures else ("verdicts", "tracks")
        self._clock = clock
        self._views: dict[str, CameraView] = {}
        self._cursors: dict[str, str] = {}
        self._told: Observation | None = None
        self._turned_at = time.monotonic()
        self._reachable = True

    @property
    def silent_s(self) -> float:
        """Seconds since the last turn."""
        return time.monotonic() - self._turned_at

    def run(self, stop: threading.Event) -> None:
        """Follows until `stop` is set."""
        while not stop.is_set():
            wait_s = 0.0
            try:
                wait_s = 0.0 if self.step() else _IDLE_S
                self._reachable = True
            except BusRefusedError:
                # Who looks after the worker is refused, too, and ends it.
                wait_s = _AFTER_AN_ERROR_S
            except BusError as error:
                if self._reachable:
                    log.warning("live views wait: %s", error)
                self._reachable = False
                wait_s = _AFTER_AN_ERROR_S
            except Exception:
                # One record that nobody thought of must not end all live views: they begin anew.
                log.exception("live views")
                self._views.clear()
                self._cursors.clear()
                wait_s = _AFTER_AN_ERROR_S
            self._turned_at = time.monotonic()
            stop.wait(wait_s)

    def step(self, block_ms: int = _BLOCK_MS) -> bool:
        """Hands over what is new; False if nobody watches.

        Raises:
            BusError: the server does not answer. The next step goes on from where this one stood.
        """
        if not len(self._hub):
            self._views.clear()
            self._cursors.clear()
            return False
        self._follow_wanted()
        self._tell_cameras()
        for key, entries in self._bus.follow(self._cursors, _ENTRIES, block_ms).items():
            stream, _, rest = key.partition(":{cam:")
            newest = self._hand_over(stream, rest.removesuffix("}"), entries)
            self._cursors[key] = entries[-1][0]
            if isinstance(newest, Tracks):
                metrics.FRAME_SECONDS.observe(max(0.0, self._clock() - newest.captured_at))
        return True

    # --- which streams --------------------------------------------------------------------------------------

    def _follow_wanted(self) -> None:
        wanted = self._hub.wanted()
        for camera in self._views.keys() - wanted:
            del self._views[camera]
            for stream in self._streams:
                self._cursors.pop(stream_key(stream, camera), None)
        incidents = [stream_key("incidents", camera) for camera in self._cameras]
        self._begin_at_the_end([key for key in incidents if key not in self._cursors])
        for camera in wanted - self._views.keys():
            self._begin(camera)

    def _begin_at_the_end(self, keys: Sequence[str]) -> None:
        if keys:
            answers = self._bus.ask([("XREVRANGE", key, "+", "-", "COUNT", 1) for key in keys])
            for key, last in zip(keys, answers, strict=True):
                self._cursors[key] = last[0][0].decode() if last else START

    def _begin(self, camera: str) -> None:
        """Shows the last frame at once, with the verdicts before it; what comes then follows."""
        back = {"frames": _FRAMES_BACK, "verdicts": _VERDICTS_BACK, "tracks": 1}
        keys = {stream: stream_key(stream, camera) for stream in self._streams}
        answers = self._bus.ask(
            [("XREVRANGE", key, "+", "-", "COUNT", back[stream]) for stream, key in keys.items()]
        )
        self._views[camera] = CameraView()
        for (stream, key), answer in zip(keys.items(), answers, strict=True):
            entries = [(entry_id.decode(), {"m": fields.get(b"m", b"")}) for entry_id, fields in answer[::-1]]
            self._cursors[key] = entries[-1][0] if entries else START
            self._hand_over(stream, camera, entries)

    # --- what is new ----------------------------------------------------------------------------------------

    def _tell_cameras(self) -> None:
        """How cameras fare, once for each look at the fleet."""
        latest = self._observer.latest
        if latest is None or latest is self._told:
            return
        self._told = latest
        self._hub.count_dropped()
        behind = []
        for seen in latest.survey.cameras:
            if seen.camera not in self._views:
                continue
            view = camera_view(seen, latest.fps[seen.camera], latest.survey.at)
            self._hub.tell_newest("camera", seen.camera, [wire.camera(view)])
            if parse_id(seen.last_id) < parse_id(self._cursors[stream_key("tracks", seen.camera)]):
                behind.append(seen.camera)
        self._restart_where_ids_begin_anew(behind)

    def _restart_where_ids_begin_anew(self, suspects: Sequence[str]) -> None:
        """After `up --fresh` a recording has its ids again, and nothing of it would ever be new.

        Args:
            suspects: cameras that were seen with an older last id than the one followed to, which may also be
                because more came since.
        """
        if not suspects:
            return
        keys = [stream_key("tracks", camera) for camera in suspects]
        answers = self._bus.ask([("XREVRANGE", key, "+", "-", "COUNT", 1) for key in keys])
        for camera, key, last in zip(suspects, keys, answers, strict=True):
            if parse_id(last[0][0].decode() if last else START) < parse_id(self._cursors[key]):
                del self._views[camera]
                for stream in (*self._streams, "incidents"):
                    self._cursors.pop(stream_key(stream, camera), None)
        self._follow_wanted()

    def _hand_over(self, stream: str, camera: str, entries: Entries) -> Message | None:
        """Takes what is new of a stream; gives the last that could be read."""
        newest = None
        if stream == "tracks":
            # Viewers get the newest frame alone; why look at the others?
            entries = entries[-1:]
        for entry_id, fields in entries:
            with contextlib.suppress(MessageError):
                newest = decode(fields.get("m", b""))
                self._one(camera, entry_id, newest)
        return newest

    def _one(self, camera: str, entry_id: str, message: Message) -> None:
        if isinstance(message, Incidents):
            for incident in message.incidents:
                self._hub.tell_all([wire.incident(camera, message.generation, incident)])
            return
        # Marks say that time passes; those of incidents come from cameras that nobody watches, too.
        if isinstance(message, Mark):
            return
        view = self._views[camera]
        if isinstance(message, Frame):
            view.push_frame(entry_id, message)
        elif isinstance(message, Verdicts):
            view.push_verdicts(message)
        elif isinstance(message, Tracks):
            self._hub.tell_newest("frame", camera, view.parcel(entry_id, message))
