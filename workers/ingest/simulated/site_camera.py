"""One camera of the simulated site: its pictures and its truth, both by number of the frame."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from workers.ingest.simulated.acts import ACT_S, Cast, act
from workers.ingest.simulated.address import Address
from workers.ingest.simulated.picture.looks import Outfit, outfits_of
from workers.ingest.simulated.picture.painter import Crowd, Painter
from workers.ingest.simulated.picture.sensor import Picture
from workers.ingest.simulated.places import place
from workers.ingest.simulated.truth import Scene, Truth

_ACTS_KEPT = 3
_LULL_S = 2.0


class SiteCamera:
    """What an address shows. Frame `number` is seen `number / fps` seconds after the site's beginning.

    People's ids tell acts and people apart: person p of act a is `a * 1000 + p`.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._place = place(address.place)
        self._cast = Cast(address.people, address.fights, address.hugs, address.dances)
        self._acts: OrderedDict[int, tuple[Scene, list[Outfit]]] = OrderedDict()
        self._painter: Painter | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of pictures."""
        return self._place.cameras[self.address.view].frame_size

    def picture(self, number: int) -> Picture:
        """[H, W, 3] BGR."""
        if self._painter is None:
            here, light = self._place, self.address.light
            self._painter = Painter(
                here.cameras[self.address.view], list(here.quads), here.lights[light], here.sensor[light],
                self.address.seed,
            )  # fmt: skip
        which, at = self._moment(number)
        scene, outfits = self._act(which)
        crowd = Crowd(scene.body, outfits, scene.posed) if len(scene) else None
        return self._painter.picture(crowd, at, number)

    def prepare(self, number: int) -> None:
        """Lay out what a frame will show, which takes half a second where a new act begins."""
        self.act(self._moment(number)[0])

    def act(self, which: int) -> Scene:
        """The act of a number, from 0; its times count from its own beginning."""
        return self._act(which)[0]

    def truth(self, number: int) -> Truth:
        """Who is there, of one moment; `at` counts from the site's beginning."""
        which, at = self._moment(number)
        truth = self.act(which).truth(np.array([at]))
        truth.ids[:] += 1000 * which
        truth.at[:] += which * ACT_S
        return truth

    def fights(self, seconds: float) -> list[tuple[float, float]]:
        """From when until when people fight, in so many seconds; a lull of a moment is part of it."""
        spans: list[tuple[float, float]] = []
        numbers = np.arange(int(seconds * self.address.fps))
        whiches, ats = np.divmod(numbers / self.address.fps, ACT_S)
        for which in np.unique(whiches).astype(int).tolist():
            _, fighting = self.act(which).labels(ats[whiches == which])
            times = numbers[whiches == which][fighting.any(axis=1)] / self.address.fps
            for first in times.tolist():
                if spans and first - spans[-1][1] <= _LULL_S:
                    spans[-1] = spans[-1][0], first
                else:
                    spans.append((first, first))
        return spans

    def _moment(self, number: int) -> tuple[int, float]:
        """Number of the act, and seconds since it began."""
        which, at = divmod(number / self.address.fps, ACT_S)
        return int(which), at

    def _act(self, which: int) -> tuple[Scene, list[Outfit]]:
        found = self._acts.get(which)
        if found is None:
            scene = act(self._place, self.address.view, self._cast, self.address.seed, which)
            found = self._acts[which] = scene, outfits_of(self.address.seed * 1009 + which, len(scene))
            while len(self._acts) > _ACTS_KEPT:
                self._acts.popitem(last=False)
        return found
