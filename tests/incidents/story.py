"""Short stories of one camera, told in verdicts: lists in, lists out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.messages import Expert, Incident, Incidents, Mark, Message, Scene, Verdict, Verdicts
from shared.stage import Stage
from workers.incidents.config import IncidentsConfig
from workers.incidents.stage import build_stage

GENERATION = "00f1e2d3c4b5a697"
# As the nets come: a verdict about every half a second.
STEP_S = 0.5
THRESHOLD = 0.9
HEIGHT_PX = 100.0
PRIMARY = Expert(name="primary", role="primary", threshold=THRESHOLD, share=1.0, weights="sha256:1f2e")
SCORES = {"VIOLENCE": 0.95, "VETOED": 0.92, "SAFE": 0.1, "UNSURE": 0.5}


def person(
    track_id: int,
    result: Any = "VIOLENCE",
    *,
    x: float = 300,
    score: float | None = None,
    partner: int | None = None,
    height_px: float = HEIGHT_PX,
) -> Verdict:
    """A verdict on somebody who stands at `x`, 40 px wide."""
    score = SCORES[result] if score is None else score
    return Verdict(
        track_id=track_id,
        partner_id=partner,
        result=result,
        score=score,
        scores=(score,),
        unsure=("churn",) if result == "UNSURE" else (),
        weight=1.0,
        body_height_px=height_px,
        quality=0.8,
        observed_frames=30,
        padded_frames=0,
        first_at=0.0,
        last_at=0.0,
        box=(x - 20, 100, x + 20, 200),
    )


def head(at: float, generation: str = GENERATION) -> dict[str, Any]:
    number = max(0, round(at * 30))
    return {
        "camera": "lobby",
        "generation": generation,
        "number": number,
        "at": at,
        "captured_at": 1_700_000_000 + at,
    }


def step(
    at: float, *people: Verdict, scene: Sequence[int] | None = None, generation: str = GENERATION
) -> Verdicts:
    """One record; `scene` are the people by whom the scene as a whole is violent."""
    result, score = ("SAFE", 0.1) if scene is None else ("VIOLENCE", 0.97)
    return Verdicts(
        **head(at, generation),
        width=640,
        height=360,
        experts=(PRIMARY,),
        verdicts=people,
        scene=Scene(
            result=result,
            score=score,
            threshold=0.9,
            people=len(people),
            track_ids=tuple(scene or ()),
            quality=0.8,
        ),
    )


def steps(count: int, *people: Verdict, start: float = 0.0) -> list[Message]:
    """The same said `count` times."""
    return [step(start + index * STEP_S, *people) for index in range(count)]


def letters(results: str, *, track_id: int = 1, start: float = 0.0) -> list[Message]:
    """One person's results, a letter each: Violence, saFe, veToed, Unsure; - for nobody."""
    meaning = {"V": "VIOLENCE", "S": "SAFE", "T": "VETOED", "U": "UNSURE"}
    return [
        step(start + index * STEP_S, *([person(track_id, meaning[letter])] if letter != "-" else ()))
        for index, letter in enumerate(results)
    ]


def silence(at: float, *, final: bool = False, generation: str = GENERATION) -> Mark:
    return Mark(**head(at, generation), final=final, reason="end of file" if final else "no frame")


def stage(**rules: Any) -> Stage[Any, Any, Any, Any]:
    return build_stage(IncidentsConfig(**rules))


def play(messages: Sequence[Message], **rules: Any) -> list[Message | None]:
    """What the stage makes of each record, from its initial state on."""
    worker = stage(**rules)
    return continued(worker, worker.initial("lobby", GENERATION), messages)[1]


def continued(
    worker: Stage[Any, Any, Any, Any], state: Any, messages: Sequence[Message]
) -> tuple[Any, list[Message | None]]:
    outputs = []
    for message in messages:
        if isinstance(message, Mark):
            state, output = worker.mark(state, message)
        else:
            state, output = worker.advance(state, worker.prepare(message), None)
        outputs.append(output)
    return state, outputs


def told(messages: Sequence[Message], **rules: Any) -> list[Incident]:
    """All that is told of incidents, in order."""
    outputs = play(messages, **rules)
    return [incident for o in outputs if isinstance(o, Incidents) for incident in o.incidents]


def begun(messages: Sequence[Message], **rules: Any) -> list[Incident]:
    return [incident for incident in told(messages, **rules) if incident.change == "new"]


def ended(messages: Sequence[Message], **rules: Any) -> list[Incident]:
    return [incident for incident in told(messages, **rules) if incident.change == "end"]


def suppressed(messages: Sequence[Message], **rules: Any) -> int:
    return sum(output.suppressed for output in play(messages, **rules) if isinstance(output, Incidents))
