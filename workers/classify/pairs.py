"""Who of a window's people has to do with whom.

Two fight, or two hug: one person's movements alone do not say which. Everybody is looked at together with the
one to whom they were close for longest, the more so the livelier both were.

Array letters: A people of a window, N of them judged, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.classify.due import Due
from workers.classify.motion import Motion, motion_of

# Body heights at which somebody is no longer close, and how many frames two must share.
_REACH = 0.8
_LEAST_FRAMES = 4
# Stillness counts a little: who stands close is a partner too.
_STILL = 0.3
ALONE = -1


@dataclass(frozen=True)
class Pairs:
    """A window with what every input is made from.

    Attributes:
        due: the window.
        motion: of its people.
        partner: [N] the row of each judged person's partner, `ALONE` where nobody was there at the same time.
    """

    due: Due
    motion: Motion
    partner: NDArray[np.int64]

    def __len__(self) -> int:
        """How many are judged."""
        return len(self.due)

    @property
    def alone(self) -> NDArray[np.bool_]:
        """[N]."""
        return np.asarray(self.partner == ALONE)

    @property
    def rows(self) -> NDArray[np.int64]:
        """[N, 2] who is judged, then the partner; the same person twice where there is none."""
        return np.stack([self.due.judged, np.where(self.alone, self.due.judged, self.partner)], axis=1)


def paired(due: Due) -> Pairs:
    """A window's pairs."""
    motion = motion_of(due)
    return Pairs(due, motion, _partners(due, motion))


def _partners(due: Due, motion: Motion) -> NDArray[np.int64]:
    if len(due.ids) < 2:
        return np.full(len(due), ALONE, np.int64)
    apart = distances(motion)[due.judged]
    energy = np.nan_to_num(motion.energy)
    lively = np.sqrt(energy[due.judged, None] + energy[None]) + _STILL
    closeness = (np.nan_to_num(np.exp(-((apart / _REACH) ** 2))) * lively).mean(axis=-1)
    nearest = np.where(np.isnan(apart), np.inf, apart).min(axis=-1)
    # The last term only decides between people who are all far away.
    interest = closeness + 1e-6 / (1 + nearest)
    together = (due.filled[due.judged, None] & due.filled[None]).sum(axis=-1) >= _LEAST_FRAMES
    together[np.arange(len(due)), due.judged] = False
    interest = np.where(together, interest, -1.0)
    return np.where(together.any(axis=1), interest.argmax(axis=1), ALONE)


def distances(motion: Motion) -> NDArray[np.float32]:
    """[A, A, T] between any two people, in the geometric mean of their body heights; NaN where unknown."""
    place = motion.place * motion.height[:, None, None]
    unit = np.sqrt(motion.height[:, None] * motion.height[None])
    apart = np.sqrt(((place[:, None] - place[None]) ** 2).sum(axis=-1))
    return np.asarray(apart / unit[..., None], np.float32)
