"""Public checkpoints that can be experts: pyskl's nets for NTU RGB+D, by name. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator

from workers.classify.card import Card
from workers.classify.ntu import NTU_60, NTU_120, VIOLENT

LICENCE = (
    "Trained on NTU RGB+D, whose terms allow academic research only, nothing commercial. Not calibrated: "
    "temperature 1 and bias 0 mean that nobody fitted them, so a score is no probability of violence here."
)

# The experts that come along see windows of this length, and a panel shares one.
_WINDOW, _WINDOW_FPS = 32, 25.0


def _cards() -> Iterator[tuple[str, Card]]:
    for net in ("stgcnpp", "msg3d"):
        for data, classes in (("ntu60", NTU_60), ("ntu120", NTU_120)):
            for stream in ("joint", "bone", "joint-motion", "bone-motion"):
                card = Card.model_validate(
                    {
                        "net": net,
                        "input": f"pyskl-{stream}",
                        "persons": 2,
                        "window": _WINDOW,
                        "window_fps": _WINDOW_FPS,
                        "classes": classes,
                        "violent": [name for name in classes if name in VIOLENT],
                        "licence": LICENCE,
                    }
                )
                yield f"{net}-{data}-{stream}", card


PUBLIC: dict[str, Card] = dict(_cards())
