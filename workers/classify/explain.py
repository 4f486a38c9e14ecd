"""Which joints and which moments carried a score, by leaving each out (occlusion, Zeiler and Fergus 2014).

It asks the experts as they are, whatever they are made of, and needs no gradients. Array letters: N people
judged, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shared.messages import Explanation
from shared.skeleton import JOINT_COUNT
from workers.classify.due import Due
from workers.classify.pairs import Pairs, paired

Scores = NDArray[np.float64]

MOMENTS = 8
_DECIMALS = 3


def explain(pairs: Pairs, n: int, evidence: Callable[[Pairs], Scores]) -> Explanation:
    """Shares of one person's joints and of the window's moments in the evidence of violence.

    What is left out is left out of the person alone, and moments out of the partner too; what made the
    evidence fall has a share, in proportion to how far it fell.

    Args:
        pairs: the window.
        n: which of the judged people.
        evidence: of a window, of each who is judged in it [N].
    """
    pair, row = _alone_with_partner(pairs, n)
    whole = float(evidence(paired(pair))[0])
    fallen = np.array([whole - float(evidence(paired(variant))[0]) for variant in _variants(pair, row)])
    lost = np.maximum(fallen, 0)
    joints, moments = lost[:JOINT_COUNT], lost[JOINT_COUNT:]
    return Explanation(joints=_shares(joints), moments=_shares(moments))


def _alone_with_partner(pairs: Pairs, n: int) -> tuple[Due, int]:
    """The window with nobody but the two in it, and the person's row."""
    due, person = pairs.due, int(pairs.due.judged[n])
    rows = np.array(sorted(set(pairs.rows[n].tolist())))
    row = int(np.flatnonzero(rows == person)[0])
    return (
        replace(
            due,
            ids=due.ids[rows],
            judged=np.array([row]),
            keypoints=due.keypoints[rows],
            boxes=due.boxes[rows],
            filled=due.filled[rows],
            seen=due.seen[rows],
            quality=due.quality[rows],
            first_at=due.first_at[rows],
            last_at=due.last_at[rows],
        ),
        row,
    )


def _variants(pair: Due, row: int) -> Iterator[Due]:
    for joint in range(JOINT_COUNT):
        keypoints = pair.keypoints.copy()
        keypoints[row, :, joint, 2] = 0
        yield replace(pair, keypoints=keypoints)
    for moment in np.array_split(np.arange(pair.filled.shape[1]), MOMENTS):
        filled = pair.filled.copy()
        filled[:, moment] = False
        # A window must not become empty: somebody who was there for this moment only stays.
        kept = filled if filled[row].any() else pair.filled
        yield replace(
            pair,
            filled=kept,
            seen=pair.seen & kept,
            keypoints=pair.keypoints * kept[..., None, None],
            boxes=pair.boxes * kept[..., None],
        )


def _shares(lost: NDArray[np.float64]) -> tuple[float, ...]:
    total = lost.sum()
    shares = lost / total if total > 0 else lost
    return tuple(round(float(share), _DECIMALS) for share in shares)
