"""A simulated camera as a source of pictures, live or as a recording."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

from av.video.frame import VideoFrame

from workers.ingest.simulated.address import Address
from workers.ingest.simulated.site_camera import SiteCamera
from workers.ingest.sources import Picture

# A live picture that comes so much too late is left out, as a busy camera does.
_LATE_S = 0.25
# What is shown then is laid out now, in another thread: there is no time for it between two pictures.
_AHEAD_S = 10.0


class RenderedSource:
    """What an address shows.

    A recording has frames 0, 1, 2 and so on of the simulated site. A live camera shows the frame whose time
    it is, so that a camera that is opened again, or elsewhere, goes on as if it had never been away.

    Attributes:
        rate: pictures a second.
        started_at: wall time of the site's first picture.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._camera = SiteCamera(self._address)
        self.rate = self._address.fps
        self._prepares_every = max(1, round(self.rate))
        self.started_at = self._address.start

    def pictures(self, first: int = 0) -> Iterator[Picture]:
        """Pictures in order; of a recording those from number `first` on."""
        if self._address.frames is None:
            yield from self._live()
            return
        for number in range(first, self._address.frames):
            yield self._picture(number, number)

    def close(self) -> None:
        """Nothing is held open."""

    def _live(self) -> Iterator[Picture]:
        # Tracing the place takes seconds, which are not part of the show.
        self._camera.picture(self._due())
        number, count = self._due() + 1, 0
        while True:
            time.sleep(max(0.0, self._wall_time(number) - time.time()))
            yield self._picture(number, count)
            number, count = number + 1, count + 1
            if time.time() - self._wall_time(number) > _LATE_S:
                number = self._due() + 1

    def _picture(self, number: int, count: int) -> Picture:
        if number % self._prepares_every == 0:
            ahead = number + round(_AHEAD_S * self.rate)
            threading.Thread(target=self._camera.prepare, args=(ahead,), daemon=True).start()
        frame = VideoFrame.from_ndarray(self._camera.picture(number), "bgr24")
        return Picture(frame, count, number / self.rate, self._wall_time(number), time.monotonic())

    def _due(self) -> int:
        """Number of the last frame whose time has come."""
        return max(0, math.floor((time.time() - self.started_at) * self.rate))

    def _wall_time(self, number: int) -> float:
        return self.started_at + number / self.rate
