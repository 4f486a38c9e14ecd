"""A clip's score, and what else is said of it."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from shared.messages import Doubt, Expert, Result, Scene, Verdict, Verdicts
from workers.classify.evaluation.clips import clip_score, leader_of, outcome_of

EXPERT = Expert(name="interaction", role="primary", threshold=0.9, share=1.0, weights="0")


def verdict(track: int, score: float, *, height: float = 200.0, unsure: tuple[Doubt, ...] = ()) -> Verdict:
    return Verdict(
        track_id=track, partner_id=None, result="UNSURE" if unsure else "SAFE", score=score, scores=(score,),
        unsure=unsure, weight=1.0, body_height_px=height, quality=1.0, observed_frames=32, padded_frames=0,
        first_at=0.0, last_at=1.0, box=(0.0, 0.0, 1.0, 1.0),
    )  # fmt: skip


def step(number: int, *people: Verdict, result: Result = "SAFE") -> Verdicts:
    """A step whose scene is as violent as the most violent of those who are sure."""
    sure = [person for person in people if not person.unsure]
    first = max(sure, key=lambda person: person.score, default=None)
    scene = Scene(
        result=result, score=first.score if first else 0.0, threshold=0.9, people=len(people),
        track_ids=(first.track_id,) if first else (), quality=1.0,
    )  # fmt: skip
    return Verdicts(
        camera="clip", generation="0" * 16, number=number, at=number / 3, captured_at=0.0,
        width=640, height=480, experts=(EXPERT,), verdicts=people, scene=scene,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], 0.0),
        ([0.4], 0.4),
        ([0.4, 0.1, 0.2], 0.4),
        ([0.1, 0.2, 0.4, 0.8], 0.6),
        ([0.5, 0, 0, 0, 0, 1], 0.75),
    ],
)
def test_a_clip_scores_the_mean_of_its_highest_third_rounded_up(scores: list[float], expected: float) -> None:
    steps = [step(number, verdict(1, score)) for number, score in enumerate(scores)]
    assert clip_score(steps) == pytest.approx(expected)
    assert clip_score(steps[::-1]) == clip_score(steps)


def test_a_step_of_which_everybody_is_unsure_counts_as_0_and_one_without_anybody_not_at_all() -> None:
    unsure = [step(number, verdict(1, 0.9, unsure=("short",))) for number in range(3)]
    assert clip_score([step(9, verdict(1, 0.8)), *unsure]) == pytest.approx(0.4)
    assert clip_score([step(9, verdict(1, 0.8)), step(0), step(1), step(2)]) == pytest.approx(0.8)


def test_its_height_is_that_of_those_whom_the_score_is_about() -> None:
    steps = [
        step(0, verdict(1, 0.9, height=80), verdict(2, 0.2, height=400)),
        step(1, verdict(1, 0.1, height=90), verdict(2, 0.2, height=400)),
    ]
    outcome = outcome_of("a", 1, steps)
    assert outcome.height_px == 80
    assert leader_of(steps[0]) == steps[0].verdicts[0]


def test_nobody_sure_leaves_everybodys_height_and_no_score() -> None:
    outcome = outcome_of("a", 0, [step(0, verdict(1, 0.9, height=10, unsure=("small", "short")))])
    assert (outcome.score, outcome.height_px, outcome.verdicts, outcome.unsure) == (0.0, 10, 1, 1)
    assert outcome.doubts == Counter(small=1, short=1)


def test_a_clip_without_anybody_has_no_height() -> None:
    for steps in ([], [step(0), step(1)]):
        outcome = outcome_of("a", 0, steps)
        assert outcome.score == 0.0
        assert math.isnan(outcome.height_px)
        assert outcome.verdicts == 0
        assert not outcome.scenes
