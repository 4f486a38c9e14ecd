from __future__ import annotations

import numpy as np
import pytest

from tests.classify.scenes import standing, window
from workers.classify.due import Due
from workers.classify.explain import MOMENTS, explain
from workers.classify.pairs import Pairs, paired


def hands_in_the_second_half(pairs: Pairs) -> np.ndarray:
    """An expert that knows two joints and 16 frames."""
    due = pairs.due
    seen = due.filled[due.judged, 16:, None] * due.keypoints[due.judged, 16:, 9:11, 2]
    return np.asarray(seen.sum(axis=(1, 2)) @ np.ones(1) if seen.ndim == 1 else seen.sum(axis=(1, 2)))


def test_what_the_evidence_rests_on_has_the_shares() -> None:
    found = explain(paired(window(standing(0), standing(60))), 0, hands_in_the_second_half)
    assert found.joints[9] == found.joints[10] == 0.5
    assert sum(found.joints) == pytest.approx(1)
    assert found.moments == (0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25)


def test_what_speaks_against_violence_has_no_share() -> None:
    found = explain(paired(window(standing(0))), 0, lambda pairs: -hands_in_the_second_half(pairs))
    assert not any(found.joints)
    assert found.moments == (0,) * MOMENTS


def test_only_the_two_are_left_in_the_window() -> None:
    asked: list[Due] = []

    def expert(pairs: Pairs) -> np.ndarray:
        asked.append(pairs.due)
        return hands_in_the_second_half(pairs)

    explain(paired(window(standing(0), standing(500), standing(560))), 2, expert)
    assert {tuple(due.ids.tolist()) for due in asked} == {(2, 3)}
    assert all(due.ids[due.judged].tolist() == [3] for due in asked)
    assert len(asked) == 1 + 17 + MOMENTS
