"""Who does what in each kind of scene."""

from __future__ import annotations

from collections.abc import Callable

from workers.ingest.simulated import pair_casts, solo_casts
from workers.ingest.simulated.stage import Stage

# People of each kind of scene, if the caller does not say.
PEOPLE = {
    **{"empty": 0, "standing": 3, "walking": 4, "running": 3, "crossing": 4, "crowd": 10, "sitting": 3},
    **{"carrying": 3, "dance": 3, "sport": 3, "fall": 2, "hug": 2, "meeting": 2, "play": 2, "fight": 2},
    **{"mixed": 6},
}
KINDS = tuple(PEOPLE)

_FOR_PAIRS: dict[str, Callable[[Stage], None]] = {
    "hug": pair_casts.hug,
    "meeting": pair_casts.meeting,
    "play": pair_casts.horse_about,
    "fight": pair_casts.fight,
}
_FOR_ONE: dict[str, Callable[[Stage, int], None]] = {
    "standing": solo_casts.stander,
    "walking": solo_casts.walkers(0.8, 1.8),
    "running": solo_casts.walkers(2.5, 5.0),
    "crossing": solo_casts.crosser,
    "crowd": solo_casts.passer,
    "sitting": solo_casts.sitter,
    "carrying": solo_casts.carrier,
    "dance": solo_casts.dancer,
    "sport": solo_casts.athlete,
    "fall": solo_casts.faller,
}
# What goes on in a mixed scene, walking twice as often as the others.
_DAILY = ("standing", "walking", "walking", "running", "sitting", "carrying", "dance", "sport", "fall")


def fill(stage: Stage, kind: str, people: int) -> None:
    """Lay out a scene of a kind with so many people."""
    if kind == "mixed":
        _mixed(stage, people)
        return
    if kind in _FOR_PAIRS:
        for _ in range(max(1, people // 4) if people >= 2 else 0):
            _FOR_PAIRS[kind](stage)
        while len(stage.figures) < people:
            solo_casts.bystander(stage)
        return
    while len(stage.figures) < people:
        _FOR_ONE[kind](stage, people - len(stage.figures))


def _mixed(stage: Stage, people: int) -> None:
    """All sorts of things beside each other; a fight in half of the scenes."""
    rng = stage.rng
    if people >= 2 and rng.random() < 0.5:
        pair_casts.fight(stage)
    while len(stage.figures) < people:
        left = people - len(stage.figures)
        if left >= 2 and rng.random() < 0.35:
            _FOR_PAIRS[str(rng.choice(["hug", "meeting", "play"]))](stage)
        else:
            _FOR_ONE[str(rng.choice(_DAILY))](stage, left)
