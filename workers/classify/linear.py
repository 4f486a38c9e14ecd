"""A linear model of hand-made features: small enough to be read, and to run anywhere.

Each feature is brought to a normal distribution by its quantiles among the training windows (so that a wild
value is only the most extreme one), an unknown one to its median. Array letters: N windows, F features, Q
quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

Floats = NDArray[np.float32]


class LinearError(ValueError):
    """A file that is no linear model; the text says what to do."""


@dataclass(frozen=True)
class Linear:
    """The model.

    Attributes:
        quantiles: [Q, F] values of the features, ascending.
        normal: [Q] what they become.
        weight: [F] log odds of violence for each.
        bias: [1].
    """

    quantiles: Floats
    normal: Floats
    weight: Floats
    bias: Floats

    def spread(self, features: Floats) -> Floats:
        """[N, F] features [N, F] as normally distributed numbers; unknown ones 0."""
        columns = [
            np.interp(features[:, f], self.quantiles[:, f], self.normal) for f in range(features.shape[1])
        ]
        result = np.stack(columns, axis=1) if columns else features
        return np.where(np.isnan(features), 0, result).astype(np.float32)

    def logits(self, features: Floats) -> Floats:
        """[N, 2] of not violent (always 0) and violent."""
        # Summed row by row, so that a row does not depend on its neighbours.
        evidence = (self.spread(features) * self.weight).sum(axis=1) + self.bias
        return np.stack([np.zeros_like(evidence), evidence], axis=1)

    def tensors(self) -> dict[str, Floats]:
        """What a file holds; safetensors writes memory as it lies, whatever the strides, hence in C order."""
        arrays = {
            "quantiles": self.quantiles, "normal": self.normal, "weight": self.weight, "bias": self.bias,
        }  # fmt: skip
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    @classmethod
    def read(cls, path: Path, features: int) -> Self:
        """The model in a file.

        Raises:
            LinearError: it cannot be read, or was made for other features.
        """
        try:
            tensors = load_file(path)
        except OSError as error:
            raise LinearError(f"{path}: cannot be read: {error.strerror or error}") from error
        except SafetensorError as error:
            raise LinearError(f"{path}: not a safetensors file") from error
        if set(tensors) != {"quantiles", "normal", "weight", "bias"}:
            raise LinearError(f"{path}: is no linear model: it was made for another net")
        count = len(tensors["normal"])
        if tensors["quantiles"].shape != (count, features) or tensors["weight"].shape != (features,):
            raise LinearError(f"{path}: was made for other features than the {features} of this version")
        if (np.diff(tensors["quantiles"], axis=0) < 0).any():
            raise LinearError(f"{path}: is damaged: its quantiles do not ascend")
        return cls(**tensors)
