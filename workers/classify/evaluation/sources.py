"""Which clips were cut from one video, and which ones an expert has seen in training. Pure.

Clips of one video look alike, so a clip whose sibling was trained on is no new video either. A clip may be
listed by its name as it is, or by its label's folder and its file's name: `fight/fi001.mp4`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Folder of a data set -> label of the clips in it.
LABELS = {"fight": 1, "noFight": 0}

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
# A clip's name as it is and as it may be listed.
Names = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where K clips come from.

    Attributes:
        video: [K] number of the source video.
        listed: [K] whether a list says which one that is; other clips count as videos of their own.
        seen: [K] whether an expert was trained on the clip.
        siblings: [K] whether one was trained on another clip of the same video, though not on this one.
    """

    video: Integers
    listed: Flags
    seen: Flags
    siblings: Flags

    @property
    def new(self) -> Flags:
        """[K] whether the clip is news to every expert."""
        return ~(self.seen | self.siblings)


class SourcesError(ValueError):
    """A list of source videos that cannot be used; the text says why."""


def names_of(name: str, label: int) -> Names:
    """The names by which a clip may be listed."""
    folder, _, file = name.replace("\\", "/").rpartition("/")
    usual = next(usual for usual, of in LABELS.items() if of == label)
    return name, f"{folder.rpartition('/')[2] or usual}/{file}"


def checked(data: Any) -> list[list[str]]:
    """A JSON document as lists of clip names, one list for each source video.

    Raises:
        SourcesError: it is something else, or names a clip twice.
    """
    if not isinstance(data, list) or not all(isinstance(source, list) for source in data):
        raise SourcesError("expected a list of lists of clip names, one list for each source video")
    names = [name for source in data for name in source]
    if not all(isinstance(name, str) for name in names):
        raise SourcesError("a clip's name is not text")
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise SourcesError(f"{repeated[0]} stands in it twice")
    return data


def origins_of(clips: Sequence[Names], sources: Sequence[Sequence[str]], trained_on: Set[str]) -> Origins:
    """Where clips come from.

    Args:
        clips: [K].
        sources: lists of the clips of one video; those that none names are videos of their own.
        trained_on: names of the clips that an expert was trained on.
    """
    number_of = {name: number for number, source in enumerate(sources) for name in source}
    listed = [next((name for name in names if name in number_of), None) for names in clips]
    numbers = [len(sources) + k if name is None else number_of[name] for k, name in enumerate(listed)]
    touched = {name for source in sources if not trained_on.isdisjoint(source) for name in source}
    seen = _any_in(clips, trained_on)
    return Origins(
        video=np.array(numbers, np.int64),
        listed=np.array([name is not None for name in listed], bool),
        seen=seen,
        siblings=_any_in(clips, touched) & ~seen,
    )


def _any_in(clips: Sequence[Names], chosen: Set[str]) -> Flags:
    return np.array([not chosen.isdisjoint(names) for names in clips], bool)
