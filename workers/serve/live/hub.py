"""Who watches, and what: where the follower hands over, and viewers come and go."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from workers.serve import metrics
from workers.serve.live.mailbox import Mailbox, Parcel

# In place of a camera's name: what concerns the whole site.
EVERYWHERE = ""


class FullError(RuntimeError):
    """There is no room for another viewer."""


@dataclass(frozen=True, eq=False)
class Viewer:
    """One who watches.

    Attributes:
        name: whose.
        cameras: whose frames they want.
    """

    name: str
    cameras: frozenset[str]
    mailbox: Mailbox


class Hub:
    """All viewers. Any thread may call.

    Args:
        most: how many there may be; half of them of one name.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._viewers: tuple[Viewer, ...] = ()
        # What was told last of each kind and camera, for those who come later.
        self._newest: dict[tuple[str, str], Parcel] = {}

    def join(self, viewer: Viewer) -> None:
        """Somebody begins to watch, and is told what the others were told last.

        Raises:
            FullError: there is no room.
        """
        with self._lock:
            own = sum(other.name == viewer.name for other in self._viewers)
            if len(self._viewers) >= self._most or own >= max(1, self._most // 2):
                raise FullError
            self._viewers += (viewer,)
            metrics.VIEWERS.set(len(self._viewers))
            for (kind, camera), parcel in self._newest.items():
                if camera in (*viewer.cameras, EVERYWHERE):
                    viewer.mailbox.put_newest(kind, camera, parcel)

    def leave(self, viewer: Viewer) -> None:
        """Somebody no longer watches."""
        with self._lock:
            self._viewers = tuple(other for other in self._viewers if other is not viewer)
            metrics.VIEWERS.set(len(self._viewers))
            wanted = self.wanted() | {EVERYWHERE}
            self._newest = {key: parcel for key, parcel in self._newest.items() if key[1] in wanted}
        self._count(viewer)

    def __len__(self) -> int:
        return len(self._viewers)

    def wanted(self) -> frozenset[str]:
        """The cameras whose frames somebody wants."""
        return frozenset().union(*(viewer.cameras for viewer in self._viewers))

    def tell_newest(self, kind: str, camera: str, parcel: Parcel) -> None:
        """A frame or state of a camera, to those who watch it; EVERYWHERE: the site's, to everybody."""
        with self._lock:
            everywhere = camera == EVERYWHERE
            watching = [viewer for viewer in self._viewers if everywhere or camera in viewer.cameras]
            if watching or everywhere:
                self._newest[kind, camera] = parcel
            for viewer in watching:
                viewer.mailbox.put_newest(kind, camera, parcel)

    def tell_all(self, parcel: Parcel) -> None:
        """An event, to everybody."""
        for viewer in self._viewers:
            viewer.mailbox.put_event(parcel)

    def count_dropped(self) -> None:
        """Bring the metrics up to date."""
        for viewer in self._viewers:
            self._count(viewer)

    def _count(self, viewer: Viewer) -> None:
        dropped = viewer.mailbox.count_dropped()
        metrics.MESSAGES_DROPPED.labels("newer").inc(dropped.frames)
        metrics.MESSAGES_DROPPED.labels("events").inc(dropped.events)


def names(cameras: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    """The cameras that somebody asked for; all where they named none.

    Raises:
        KeyError: there is no such camera.
    """
    for camera in cameras:
        if camera not in known:
            raise KeyError(camera)
    return frozenset(cameras or known)
