"""Opens whatever a site file calls a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.sources import Picture, VideoSource


class Source(Protocol):
    """Gives pictures one by one.

    Attributes:
        rate: nominal pictures a second.
    """

    rate: float

    def pictures(self, first: int = 0) -> Iterator[Picture]:
        """Pictures in order; of a recording, those before number `first` may be left out."""

    def close(self) -> None:
        """Frees the source."""


def open_source(camera: str, options: CameraOptions, config: IngestConfig) -> Source:
    """The source of a camera.

    Raises:
        SourceError: it cannot be opened.
    """
    if options.kind == "simulated":
        # The renderer is not needed by who has real cameras.
        from workers.ingest.rendered import RenderedSource
        from workers.ingest.simulated.address import parse

        return RenderedSource(parse(options.source))
    return VideoSource(camera, options, config)
