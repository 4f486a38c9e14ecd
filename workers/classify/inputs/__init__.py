"""Makes the input of every expert from a window; training and the product share this code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workers.classify.inputs.graph import body
from workers.classify.inputs.interaction import interaction
from workers.classify.inputs.pyskl import FRAMES, pyskl
from workers.classify.pairs import Pairs

# Name in a model card -> what makes [N, ...] of a window in which N people are judged.
INPUTS: dict[str, Callable[[Pairs], NDArray[np.float32]]] = {
    "body-v2": body,
    "interaction-v1": interaction,
    "pyskl-joint": partial(pyskl, stream="joint"),
    "pyskl-bone": partial(pyskl, stream="bone"),
    "pyskl-joint-motion": partial(pyskl, stream="joint-motion"),
    "pyskl-bone-motion": partial(pyskl, stream="bone-motion"),
}


def frames_of(name: str, window: int) -> int:
    """How many frames an input of that name has, made from a window of so many cells."""
    return FRAMES if name.startswith("pyskl-") else window
