"""The life of incidents: a state machine for each camera, driven by verdicts and marks alone.

Every record of verdicts is one step. A violent verdict belongs to the group whose people or place it shares,
or begins a new one; groups that share one are one from then on. A group is a candidate until enough of its
votes are violent, then an open incident until nothing has kept it going for `end_after_s`.

Time is the records' own `at`: done again, the same records give the same incidents.
"""

from __future__ import annotations

from shared.messages import Incident, Incidents, Mark, Message, Verdicts
from shared.stage import BadInput
from workers.incidents.config import IncidentsConfig
from workers.incidents.group import Ended, EndReason
from workers.incidents.state import State
from workers.incidents.step import MAX_OPEN, Step
from workers.incidents.zones import Seen

MAX_ENDED = 16
# Beyond this a record is nonsense.
_LATEST_S = 1e11


def advance(rules: IncidentsConfig, state: State, seen: Seen) -> tuple[State, Incidents | None]:
    """One step.

    Raises:
        BadInput: time goes back, or is nonsense; the state is as it was.
    """
    record = seen.record
    if record.at < state.at:
        raise BadInput(f"time goes back by {state.at - record.at:.3f} s")
    if abs(record.at) > _LATEST_S:
        raise BadInput(f"time {record.at:g} s is out of range")
    told = _pass_time(rules, state, record.at, "quiet")
    state.width, state.height, state.shadow = record.width, record.height, seen.shadow
    step = Step(rules, state, seen)
    told += step.gather()
    step.vote()
    suppressed = step.confirm()
    for incident in state.opened:
        if not incident.is_told:
            told.append(incident.tell("new", record.at))
        elif incident.due(record.at, rules.update_s):
            told.append(incident.tell("update", record.at))
    if not told and not suppressed:
        return state, None
    return state, _message(state, record, told, suppressed=suppressed)


def pass_mark(rules: IncidentsConfig, state: State, mark: Mark) -> tuple[State, Message]:
    """Time without verdicts; a final mark ends everything. A mark always comes through."""
    # A mark that went back would be ingest's mistake; downstream must hear of it all the same.
    at = max(state.at, mark.at)
    if mark.final:
        told = [incident.tell("end", at, "source_ended") for incident in (*state.left, *state.opened)]
        state.at, state.left, state.opened, state.candidates, state.ended = at, [], [], [], []
    else:
        told = _pass_time(rules, state, at, "silent")
    return state, _message(state, mark, told, mark=mark) if told else mark


def renewed(state: State, camera: str, generation: str) -> State:
    """The state with which another generation begins, should no final mark have ended the one before."""
    left = [*state.left, *state.opened][-MAX_OPEN:]
    return State(camera, generation, width=state.width, height=state.height, left=left, shadow=state.shadow)


def _pass_time(rules: IncidentsConfig, state: State, at: float, reason: EndReason) -> list[Incident]:
    """Ends and forgets what has lasted long enough; returns what is to be told of it."""
    told = [incident.tell("end", at, "source_ended") for incident in state.left]
    going = []
    for incident in state.opened:
        if at - incident.supported_at > rules.end_after_s:
            told.append(incident.tell("end", at, reason))
            # Then and not now: this record may be an hour late.
            state.ended.append(Ended(incident.company, incident.supported_at + rules.end_after_s))
        else:
            going.append(incident)
    state.at, state.left, state.opened = at, [], going
    state.candidates = [one for one in state.candidates if at - one.violent_at <= rules.end_after_s]
    state.ended = [one for one in state.ended if at < one.ended_at + rules.cooldown_s][-MAX_ENDED:]
    return told


def _message(
    state: State, at: Verdicts | Mark, told: list[Incident], mark: Mark | None = None, suppressed: int = 0
) -> Incidents:
    return Incidents(
        camera=at.camera,
        generation=at.generation,
        number=at.number,
        at=at.at,
        captured_at=at.captured_at,
        trail=at.trail,
        width=state.width,
        height=state.height,
        incidents=tuple(one.model_copy(update={"shadow": state.shadow}) for one in told),
        mark=mark,
        suppressed=suppressed,
    )
