"""Skeletons on black, or on a picture that it is given. Pure.

Arrays are [H, W, 3] RGB, boxes and key points in pixels of the tracks' image, scaled to the canvas here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.messages import Mark, Tracks
from shared.skeleton import BONES

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Okabe and Ito, Color Universal Design (2008), less what is too dark on black: told apart by everybody.
PALETTE: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (240, 228, 66),
    (204, 121, 167),
    (0, 158, 115),
    (213, 94, 0),
)
OTHERS: Colour = (96, 96, 96)
# On a picture, where grey would hardly be seen.
OTHERS_ON_PICTURE: Colour = (190, 190, 190)
_FAINT = 0.45
# Below the first nobody has seen the joint, below the second it is little more than a guess.
_LEAST_CONFIDENCE, _SURE_CONFIDENCE = 0.05, 0.3

_STRIP: Colour = (24, 24, 24)
_TEXT: Colour = (225, 225, 225)
_BAR: Colour = (64, 64, 64)
# The text's height for each pixel of the canvas's width.
_TEXT_SHARE = 1 / 44
_DASH_PX = 7.0
# A head's radius, in body heights.
_HEAD_SHARE = 0.07
_MOST_DASHES = 60
# Coordinates are drawn to a sixteenth of a pixel.
_SHIFT = 4


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What stands below a picture.

    Attributes:
        span: where the incident lies in the clip and where this moment is, as shares of its length: begin,
            end, now. None for a single picture.
    """

    camera: str
    when: str
    score: str
    span: tuple[float, float, float] | None = None


class Canvas:
    """Pictures of one size, with a strip of text below. Sides are even, as video wants them.

    Args:
        picture: width and height of the tracks' image.
        longest_px: the longer side of what is drawn of it.
    """

    def __init__(self, picture: tuple[int, int], longest_px: int) -> None:
        scale = longest_px / max(picture)
        self.width, self._below = (max(16, 2 * round(side * scale / 2)) for side in picture)
        self._text_px = max(8, round(self.width * _TEXT_SHARE))
        self.height = self._below + 2 * round(1.2 * self._text_px)
        self._font: Any = cv2.FontFace("sans")

    def draw(
        self,
        seen: Tracks | Mark,
        people: Mapping[int, int],
        caption: Caption,
        picture: Image | None = None,
    ) -> Image:
        """One moment.

        Args:
            seen: the tracks, or that there was no picture.
            people: those of the incident, track id -> place in the order of colours.
            caption: see there.
            picture: what the skeletons are drawn on, of any size; black where there is none.
        """
        image: Image = np.zeros((self.height, self.width, 3), np.uint8)
        ground = image[: self._below]
        others = OTHERS
        if picture is not None:
            cv2.resize(picture, (self.width, self._below), dst=ground, interpolation=cv2.INTER_AREA)
            others = OTHERS_ON_PICTURE
        if isinstance(seen, Mark):
            self._write(ground, "no picture", (self.width // 2, self._below // 2), OTHERS, at=0.5)
        else:
            for row in sorted(range(len(seen.track_ids)), key=lambda row: seen.track_ids[row] in people):
                self._draw_person(ground, seen, row, people.get(int(seen.track_ids[row])), others)
        self._draw_strip(image[self._below :], caption)
        return image

    def _draw_person(self, picture: Image, seen: Tracks, row: int, place: int | None, others: Colour) -> None:
        scale = np.array([self.width / seen.width, self._below / seen.height])
        colour = others if place is None else PALETTE[place % len(PALETTE)]
        predicted = bool(seen.predicted[row])
        height_px = float(seen.scale[row]) * scale[1]
        thickness = max(1 if place is None else 2, min(5, round(height_px / 55)))
        # Wild coordinates would overflow; what is so far outside is not seen anyway.
        points = np.clip(seen.keypoints[row, :, :2] * scale, -2 * self.width, 3 * self.width)
        confidence = seen.keypoints[row, :, 2]
        for one, other in BONES:
            sure = min(confidence[one], confidence[other])
            if sure >= _LEAST_CONFIDENCE:
                guessed = predicted or sure < _SURE_CONFIDENCE
                _line(picture, points[one], points[other], _shade(colour, guessed), thickness, guessed)
        for joint in np.flatnonzero(confidence >= _LEAST_CONFIDENCE):
            guessed = predicted or confidence[joint] < _SURE_CONFIDENCE
            _dot(picture, points[joint], thickness, _shade(colour, guessed))
        self._draw_head(picture, points[:5][confidence[:5] >= _SURE_CONFIDENCE], height_px, colour, predicted)
        if place is not None:
            box = np.clip(seen.boxes[row].reshape(2, 2) * scale, -2 * self.width, 3 * self.width)
            self._draw_box(picture, box, colour, str(place + 1), predicted)

    def _draw_head(
        self, picture: Image, face: NDArray[Any], height_px: float, colour: Colour, predicted: bool
    ) -> None:
        """A circle of a head's size around what is seen of the face; of a back of a head, the ears."""
        if len(face) and height_px > 0:
            radius = round(min(height_px, 2.0 * self.width) * _HEAD_SHARE * (1 << _SHIFT))
            middle = _fine((face.min(0) + face.max(0)) / 2)
            cv2.circle(picture, middle, radius, _shade(colour, predicted), 1, cv2.LINE_AA, _SHIFT)

    def _draw_box(
        self, picture: Image, box: NDArray[Any], colour: Colour, name: str, predicted: bool
    ) -> None:
        (left, top), (right, bottom) = box
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        for one, other in zip(corners, [*corners[1:], corners[0]], strict=True):
            _line(picture, one, other, _shade(colour, True), 1, predicted)
        # Above the box, but never out of the picture.
        x = min(max(left, 2.0), self.width - self._text_px)
        y = max(top - 0.3 * self._text_px, self._text_px)
        self._write(picture, name, (round(x), round(min(y, self._below - 2.0))), colour, weight=700)

    def _draw_strip(self, strip: Image, caption: Caption) -> None:
        strip[:] = _STRIP
        bar_px = max(2, self._text_px // 6)
        if caption.span is not None:
            begin, end, now = (round(share * self.width) for share in caption.span)
            strip[:bar_px] = _BAR
            strip[:bar_px, begin : max(end, begin + 2)] = PALETTE[-1]
            strip[: 2 * bar_px, max(0, now - 2) : now + 2] = _TEXT
        margin, line = self._text_px // 2, len(strip) - round(0.62 * self._text_px)
        room = self.width - 2 * margin
        parts = (caption.camera, caption.when, caption.score)
        wanted = sum(self._length(part) for part in parts) + 2 * self._text_px
        shrink = min(1.0, room / wanted)
        self._write(strip, caption.camera, (margin, line), _TEXT, weight=700, shrink=shrink)
        middle = margin + round(shrink * (self._length(caption.camera) + self._text_px))
        self._write(strip, caption.when, (middle, line), _TEXT, shrink=shrink)
        self._write(strip, caption.score, (self.width - margin, line), _TEXT, at=1.0, shrink=shrink)

    def _length(self, text: str) -> int:
        (_, _, width, _) = cv2.getTextSize((0, 0), text, (0, 0), self._font, self._text_px, 700)
        return int(width)

    def _write(
        self,
        image: Image,
        text: str,
        place: tuple[int, int],
        colour: Colour,
        *,
        at: float = 0.0,
        weight: int = 400,
        shrink: float = 1.0,
    ) -> None:
        """Text on a line; `at` is which part of it stands at the place: 0 its begin, 1 its end."""
        left = place[0] - round(at * shrink * self._length(text))
        size = max(6, math.floor(shrink * self._text_px))
        cv2.putText(image, text, (left, place[1]), colour, self._font, size, weight)


def places(seen: Iterable[Tracks | Mark], track_ids: Iterable[int]) -> dict[int, int]:
    """The people of an incident in the order in which they come into sight, track id -> 0, 1, ..."""
    wanted, found = set(track_ids), dict[int, int]()
    for moment in seen:
        if isinstance(moment, Tracks):
            for track_id in moment.track_ids.tolist():
                if track_id in wanted:
                    found.setdefault(track_id, len(found))
    return found


def _shade(colour: Colour, faint: bool) -> Colour:
    red, green, blue = (round(part * (_FAINT if faint else 1.0)) for part in colour)
    return red, green, blue


def _line(image: Image, one: Any, other: Any, colour: Colour, thickness: int, dashed: bool = False) -> None:
    start, way = np.asarray(one, float), np.asarray(other, float) - np.asarray(one, float)
    pieces = [(0.0, 1.0)]
    if dashed:
        count = min(_MOST_DASHES, max(1, round(math.hypot(*way) / (2 * _DASH_PX))))
        pieces = [(step / count, (step + 0.5) / count) for step in range(count)]
    for first, last in pieces:
        cv2.line(
            image,
            _fine(start + first * way),
            _fine(start + last * way),
            colour,
            thickness,
            cv2.LINE_AA,
            _SHIFT,
        )


def _dot(image: Image, place: Any, radius_px: int, colour: Colour) -> None:
    cv2.circle(image, _fine(place), radius_px << _SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)


def _fine(place: Any) -> tuple[int, int]:
    return round(float(place[0]) * (1 << _SHIFT)), round(float(place[1]) * (1 << _SHIFT))
