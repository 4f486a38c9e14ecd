"""Video files and still pictures as endless films of JPEGs, for `play`."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import math
import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from shared.config import ConfigError, validate
from workers.ingest.config import CameraOptions, IngestConfig
from workers.ingest.encode import EncodeError, Encoder
from workers.ingest.pacing import FileClock, RateLimit
from workers.ingest.sources import Picture, SourceError, VideoSource

STILL_SIZE = (640, 360)
_STILL_FPS = 10.0
_QUALITY = 85
# Of what is looked at, and encoded once more as it is seen.
_STILL_QUALITY = 95
_CONFIG = IngestConfig()

# The virtual camera: once to and fro, and how much of the picture it sees when it is widest and narrowest.
_TURN_S = 40.0
_WIDEST, _NARROWEST = 0.98, 0.84

# Seconds since the picture before, and the picture as JPEG; without an end.
Pictures = Iterator[tuple[float, bytes]]


@dataclass(frozen=True, slots=True)
class Film:
    """What a player plays.

    Attributes:
        name: its camera's name, in the address too.
        title: what it is, for people.
        pictures: starts it from its beginning.
    """

    name: str
    title: str
    pictures: Callable[[], Pictures]


def open_films(paths: Sequence[Path], fps: float | None, size: tuple[int, int] | None) -> list[Film]:
    """The files as films, opened once so that a mistake is said before anything starts.

    Args:
        paths: video files or still pictures.
        fps: pictures a second at most; None: a video's own rate, 10 for a still picture.
        size: a video is made to fit into it; a still picture is looked at by a camera of this size.

    Raises:
        ConfigError: a file is absent or cannot be played.
    """
    films: list[Film] = []
    for path in paths:
        name = camera_name(path.stem, [film.name for film in films])
        films.append(_open_film(name, path, fps, size))
    return films


def built_in_films(fps: float | None, size: tuple[int, int] | None) -> list[Film]:
    """Two cameras made of the still pictures that the ultralytics package carries, people in both.

    Raises:
        ConfigError: the package or its pictures are not here.
    """
    # Found without an import, which takes seconds.
    spec = importlib.util.find_spec("ultralytics")
    assets = Path(spec.origin).parent / "assets" if spec is not None and spec.origin else None
    if assets is None or not assets.is_dir():
        raise ConfigError("the ultralytics package and its pictures are not here: give a FILE to play")
    return [
        # Where the people are: above them are houses only, below them pavement.
        _open_film("street", assets / "bus.jpg", fps, size, top=0.32, bottom=0.8),
        _open_film("door", assets / "zidane.jpg", fps, size),
    ]


def camera_name(stem: str, taken: Container[str]) -> str:
    """A file's name as a camera's: safe in an address and a site file, and not one of `taken`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")[:56] or "video"
    numbered = (f"{plain}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([plain], numbered) if name not in taken)


def _open_film(
    name: str,
    path: Path,
    fps: float | None,
    size: tuple[int, int] | None,
    top: float = 0.0,
    bottom: float = 1.0,
) -> Film:
    """The film of a file; of a still picture, what is between two fractions of its height."""
    try:
        if not path.is_file():
            raise SourceError("is not a file" if path.exists() else "no such file")
        options = validate({"source": str(path.absolute())}, CameraOptions, str(path))
        first = _first_pictures(name, options)
        shown = Encoder(None, _STILL_QUALITY).encode(first[0].frame)
    except (SourceError, EncodeError, OSError) as error:
        raise ConfigError(f"{path}: {error}: give a video file or a picture") from error
    if len(first) == 1:
        image = np.asarray(simplejpeg.decode_jpeg(shown.jpeg, "BGR"), np.uint8)
        rows = slice(int(top * shown.height), math.ceil(bottom * shown.height))
        view = View(image[rows], *(size or STILL_SIZE))
        return Film(name, path.name, functools.partial(_wander, view, fps or _STILL_FPS))
    max_width = None
    if size is not None:
        max_width = max(2, min(size[0], size[1] * shown.width // shown.height))
    return Film(name, path.name, functools.partial(_repeat, name, options, fps, max_width))


def _first_pictures(name: str, options: CameraOptions) -> list[Picture]:
    """One for a still picture, two for a video."""
    source = VideoSource(name, options, _CONFIG)
    try:
        found = list(itertools.islice(source.pictures(), 2))
    finally:
        source.close()
    if not found:
        raise SourceError("holds no picture that can be decoded")
    return found


def _repeat(name: str, options: CameraOptions, fps: float | None, max_width: int | None) -> Pictures:
    """A video over and over, at its own speed."""
    encoder = Encoder(max_width, _QUALITY)
    while True:
        source = VideoSource(name, options, _CONFIG)
        try:
            clock, limit = FileClock(source.rate), RateLimit(fps)
            last: float | None = None
            for picture in source.pictures():
                at = clock.at(picture.number, picture.pts_s)
                if limit.wants(at):
                    gap_s = 1 / min(source.rate, fps or source.rate) if last is None else at - last
                    yield gap_s, encoder.encode(picture.frame).jpeg
                    last = at
        finally:
            source.close()
        if last is None:
            raise SourceError("holds no picture any more")


def _wander(view: View, fps: float) -> Pictures:
    """A still picture as a virtual camera sees it that pans and zooms slowly, without a jump."""
    for number in itertools.count():
        image = view.at(number / fps)
        yield 1 / fps, simplejpeg.encode_jpeg(image, _QUALITY, "BGR", "420", fastdct=False)


class View:
    """What a virtual camera sees of a still picture, moving over it for ever along one closed path.

    Args:
        image: [h, w, 3], the part of the picture that it stays in.
        width, height: the camera's, in pixels.
    """

    def __init__(self, image: NDArray[np.uint8], width: int, height: int) -> None:
        self._width = width
        self._height = height
        seen_px = min(image.shape[1], image.shape[0] * width / height)
        # Finer than the narrowest view can show would only flicker.
        shrink = width / (seen_px * _NARROWEST)
        if shrink < 1:
            image = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
            seen_px *= shrink
        self._image = image
        self._seen_px = seen_px

    def at(self, at_s: float) -> NDArray[np.uint8]:
        """The picture at a time, [height, width, 3]."""
        turn = 2 * math.pi * at_s / _TURN_S
        zoom = _NARROWEST + (_WIDEST - _NARROWEST) * (1 + math.cos(turn)) / 2
        step = self._seen_px * zoom / self._width
        room_x = self._image.shape[1] - step * self._width
        room_y = self._image.shape[0] - step * self._height
        left = room_x * (1 + math.sin(turn)) / 2
        top = room_y * (1 + math.sin(2 * turn)) / 2
        # From the middles of the view's pixels to those of the picture's.
        middle = (step - 1) / 2
        place = np.array([[step, 0, left + middle], [0, step, top + middle]])
        moved = cv2.warpAffine(
            self._image,
            place,
            (self._width, self._height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(moved, np.uint8)
