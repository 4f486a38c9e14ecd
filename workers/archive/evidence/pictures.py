"""What each moment of an incident looks like: skeletons on black, or on the camera's picture."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from shared.frames import ImageError, open_reference
from shared.messages import Incident, Reference, Tracks
from shared.rules import RulesOf, as_started
from shared.segments import SUFFIX, entries, ring_folder
from workers.archive.config import Pictures
from workers.archive.evidence.covering import Image, blur_heads, cover
from workers.archive.evidence.drawing import Canvas, Caption, places
from workers.archive.evidence.folder import moment_of
from workers.archive.evidence.footage import Footage
from workers.archive.evidence.heads import bridged, heads_of
from workers.archive.evidence.spool import Shot

log = logging.getLogger(__name__)

# A head stays blurred for so long around the moments in which it was detected.
BRIDGE_S = 0.5
SNAPSHOT_PX, CLIP_PX = 1280, 960
# Where nobody is followed, a mask reaches up by this share of the picture.
_REACH = 0.25


@dataclass(frozen=True, kw_only=True)
class Views:
    """What the evidence of each camera shows, and where its pictures come from.

    Attributes:
        ring: the folder in which ingest keeps pictures; None where nobody wants any.
        of: what is shown of each camera; of one that is not named, skeletons.
        rules_of: the rules that a record names; whatever lies in their masks is covered.
    """

    ring: Path | None = None
    of: Mapping[str, Pictures] = field(default_factory=dict)
    rules_of: RulesOf = as_started

    def mode(self, camera: str) -> Pictures:
        """What the evidence of a camera shows."""
        return self.of.get(camera, "skeleton") if self.ring is not None else "skeleton"

    def folder(self, camera: str, generation: str) -> Path | None:
        """Where ingest keeps a camera's pictures; None where they are not wanted."""
        if self.ring is None or self.mode(camera) == "skeleton":
            return None
        return ring_folder(self.ring, camera, generation)


class Album:
    """The pictures that were kept of an incident.

    Args:
        folder: of segments; without one, or where it is not there, there are none.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, tuple[Reference, int]] = {}
        # In the order of their begins: of an entry that was written twice, the newest counts.
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            for entry in entries(path):
                place = Reference(host="", segment=path.name, offset=entry.offset, length=entry.length)
                self._places[entry.entry_id] = place, entry.crc

    def picture(self, shot: Shot) -> Image | None:
        """[H, W, 3] RGB in the size of the tracks' image; None where it is missing or damaged."""
        found = self._places.get(shot.entry_id)
        if found is None or not isinstance(shot.moment, Tracks):
            return None
        try:
            jpeg = open_reference(*found, self._folder)
            height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
            if (width, height) != (shot.moment.width, shot.moment.height):
                raise ImageError(f"picture is {width}x{height}")
            return np.asarray(simplejpeg.decode_jpeg(jpeg, "RGB"))
        except (ImageError, ValueError) as error:
            log.warning("camera=%s entry=%s picture: %s", shot.moment.camera, shot.entry_id, error)
            return None


class Scenes:
    """Draws moments of an incident.

    Args:
        footage: all that there is of it.
        incident: whose people are drawn in colour.
        mode: what is shown behind them.
        album: its pictures.
        rules_of: see `Views`.

    Attributes:
        missing: moments that were drawn without their picture.
    """

    def __init__(
        self,
        footage: Footage,
        incident: Incident,
        mode: Pictures,
        album: Album,
        rules_of: RulesOf = as_started,
    ) -> None:
        self._incident, self._mode, self._album, self._rules_of = incident, mode, album, rules_of
        self._people = places(footage.moments, incident.track_ids)
        self._heads: dict[str, NDArray[np.float64]] = {}
        self._reach_px = 0.0
        self.missing = 0
        if mode == "blurred":
            self._find_heads(footage.nearby)

    def draw(self, shots: Sequence[Shot], longest_px: int) -> Iterator[tuple[float, Image]]:
        """When each is shown, and [H, W, 3] RGB.

        Args:
            shots: at least one with tracks.
            longest_px: the longer side of what is drawn.
        """
        first = next(shot.moment for shot in shots if isinstance(shot.moment, Tracks))
        if self._mode != "skeleton":
            longest_px = max(longest_px, min(SNAPSHOT_PX, max(first.width, first.height)))
        canvas = Canvas((first.width, first.height), longest_px)
        began, length_s = shots[0].moment.at, shots[-1].moment.at - shots[0].moment.at

        def share(at: float) -> float:
            return min(1.0, max(0.0, (at - began) / length_s))

        incident = self._incident
        for shot in shots:
            moment = shot.moment
            spans = (incident.began_at, incident.last_at, moment.at)
            picture = self._picture(shot)
            said = ", heads blurred" if picture is not None and self._mode == "blurred" else ""
            caption = Caption(
                camera=moment.camera,
                when=_local_time(moment.captured_at),
                score=f"peak score {incident.peak_score:.2f}{said}",
                span=None if length_s <= 0 else (share(spans[0]), share(spans[1]), share(spans[2])),
            )
            yield moment.at, canvas.draw(moment, self._people, caption, picture)

    def _picture(self, shot: Shot) -> Image | None:
        """The picture as it may be seen."""
        if self._mode == "skeleton" or not isinstance(shot.moment, Tracks):
            return None
        picture = self._album.picture(shot)
        if picture is None:
            self.missing += 1
            return None
        if self._mode == "blurred":
            blur_heads(picture, self._heads[shot.entry_id])
        masks = [zone.polygon for zone in self._rules_of(shot.moment).zones if zone.kind == "mask"]
        if masks:
            reach_px = self._reach_px or _REACH * len(picture)
            cover(picture, masks, round(reach_px) if self._mode == "blurred" else 0)
        return picture

    def _find_heads(self, shots: Sequence[Shot]) -> None:
        seen = [(shot.entry_id, shot.moment) for shot in shots if isinstance(shot.moment, Tracks)]
        heads = [heads_of(tracks) for _, tracks in seen]
        ellipses = bridged([tracks.at for _, tracks in seen], heads, BRIDGE_S)
        self._heads = {entry_id: ellipses[place] for place, (entry_id, _) in enumerate(seen)}
        # Nobody is detected in a mask: people there are taken to be as high as the highest elsewhere.
        heights = [float(tracks.scale.max()) for _, tracks in seen if len(tracks.scale)]
        self._reach_px = max(heights, default=0.0)


def _local_time(captured_at: float) -> str:
    """As 2026-11-26 21:43:49.500 +01:00."""
    text = moment_of(captured_at).astimezone().isoformat(" ", "milliseconds")
    return f"{text[:-6]} {text[-6:]}"
