"""The experts together: who is asked what of whom, and what they say.

Array letters: N people judged in all windows of a batch, E experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.messages import Expert
from workers.classify.decision import Scores, Thresholds, score, together
from workers.classify.pairs import Pairs
from workers.classify.runtime import Net


@dataclass(frozen=True)
class Member:
    """An expert and its part in the decision."""

    net: Net
    expert: Expert


class Panel:
    """One primary, its members, and vetoes in the order in which they are asked."""

    def __init__(self, members: Sequence[Member], sharpness: float) -> None:
        self._members = list(members)
        self._scorers = [number for number, member in enumerate(members) if member.expert.role != "veto"]
        # One alone is calibrated by itself.
        self._sharpness = sharpness if len(self._scorers) > 1 else 1.0
        self._shares = np.array([members[number].expert.share for number in self._scorers])
        self.vetoes = [number for number, member in enumerate(members) if member.expert.role == "veto"]

    def experts(self, usual: Thresholds) -> tuple[Expert, ...]:
        """Who judges, each with its threshold: its own, or the usual one of its role."""
        by_role = {"primary": usual.primary, "veto": usual.veto}
        return tuple(
            member.expert
            if member.expert.threshold is not None
            else member.expert.model_copy(update={"threshold": by_role.get(member.expert.role)})
            for member in self._members
        )

    def scored(self, windows: Sequence[Pairs]) -> tuple[Scores, Scores]:
        """Ask primary and members about everybody.

        Returns:
            Evidence of each expert [N, E], NaN of those who were not asked, and of the scorers together [N].
        """
        evidence = np.full((sum(map(len, windows)), len(self._members)), np.nan)
        fed: dict[str, NDArray[np.float32]] = {}
        for number in self._scorers:
            net = self._members[number].net
            if net.card.input not in fed:
                fed[net.card.input] = _inputs(net, windows)
            evidence[:, number] = net.evidence(fed[net.card.input])
        return evidence, together(evidence[:, self._scorers], self._shares, self._sharpness)

    def own(self, pairs: Pairs) -> Scores:
        """[N] evidence of primary and members together."""
        return self.scored([pairs])[1]

    def ask_vetoes(
        self,
        windows: Sequence[Pairs],
        asked: NDArray[np.bool_],
        thresholds: Scores,
        weight: Scores,
        evidence: Scores,
        *,
        always: NDArray[np.bool_],
    ) -> None:
        """Ask each veto about those of whom all before it say violence.

        Args:
            windows: in which N people are judged.
            asked: [N] of whom the scorers say so.
            thresholds: [N, E] below which a veto objects.
            weight: [N] scale weights.
            evidence: [N, E]; what vetoes say is filled in.
            always: [N] of whom every veto is asked whatever the others say.
        """
        for number in self.vetoes:
            net = self._members[number].net
            rows = np.flatnonzero(asked | always)
            if not len(rows):
                return
            evidence[rows, number] = net.evidence(_inputs(net, windows)[rows])
            said = score(np.nan_to_num(evidence[:, number]) * weight)
            asked = asked & (said >= thresholds[:, number])


def _inputs(net: Net, windows: Sequence[Pairs]) -> NDArray[np.float32]:
    return np.concatenate([net.inputs(pairs) for pairs in windows])
