import msgpack
import pytest

from shared.messages import Incidents, Message, Verdicts
from shared.rules import Rules, Zone
from tests.incidents.story import GENERATION, letters, person, stage, step
from workers.incidents.config import IncidentsConfig
from workers.incidents.stage import build_stage

# The story's people stand at y = 200 of 360, `x` of 640 pixels.
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def told(rules: Rules, records: list[Message]) -> list[Incidents]:
    worker = build_stage(IncidentsConfig(), lambda _message: rules)
    state, outputs = worker.initial("lobby", GENERATION), []
    for record in records:
        state, output = worker.advance(state, worker.prepare(record), None)
        if output is not None:
            outputs.append(output)
    return outputs


def zones(**kinds: str) -> Rules:
    areas = {"left": LEFT, "right": RIGHT}
    made = [Zone(name=name, kind=kind, polygon=areas[name]) for name, kind in kinds.items()]  # type: ignore[arg-type]
    return Rules(zones=tuple(made))


FIGHT_LEFT = letters("VVV")


def test_a_fight_in_a_watched_zone_is_an_incident_that_names_the_zone() -> None:
    [output] = told(zones(left="include"), FIGHT_LEFT)
    assert output.incidents[0].zones == ("left",)


@pytest.mark.parametrize("rules", [zones(right="include"), zones(left="exclude")])
def test_a_fight_elsewhere_is_none(rules: Rules) -> None:
    assert told(rules, FIGHT_LEFT) == []


def test_a_scene_that_others_carried_says_nothing() -> None:
    silent = [step(n / 2, person(1, "SAFE"), scene=[1]) for n in range(6)]
    assert told(Rules(), silent)
    assert told(zones(right="include"), silent) == []


def test_who_fights_beyond_the_zone_leaves_those_in_it_alone() -> None:
    both = [step(n / 2, person(1, x=100), person(2, x=600)) for n in range(6)]
    [output, *_] = told(zones(left="include"), both)
    assert output.incidents[0].track_ids == (1,)


def test_a_zone_that_is_drawn_during_a_fight_lets_its_incident_end() -> None:
    worker = build_stage(
        IncidentsConfig(), lambda message: zones(right="include") if message.at > 2 else Rules()
    )
    state, changes = worker.initial("lobby", GENERATION), []
    for record in letters("VVVVVVVVVVVVVVVVVV"):
        state, output = worker.advance(state, worker.prepare(record), None)
        changes += [incident.change for incident in output.incidents] if output else []
    assert changes[0] == "new"
    assert changes[-1] == "end"


def test_in_shadow_incidents_say_that_nobody_is_to_be_told() -> None:
    [output] = told(Rules(shadow=True), FIGHT_LEFT)
    assert output.incidents[0].shadow
    [output] = told(Rules(), FIGHT_LEFT)
    assert not output.incidents[0].shadow


def test_the_state_keeps_zones_and_shadow() -> None:
    worker = build_stage(
        IncidentsConfig(), lambda _message: zones(left="include").model_copy(update={"shadow": True})
    )
    state = worker.initial("lobby", GENERATION)
    for record in FIGHT_LEFT:
        state, _ = worker.advance(state, worker.prepare(record), None)
    assert worker.dump is not None
    assert worker.load is not None
    again = worker.load(worker.dump(state))
    assert again.opened[0].zones == ["left"]
    assert again.shadow


def test_a_state_of_the_release_before_zones_is_read() -> None:
    worker = stage()
    state = worker.initial("lobby", GENERATION)
    for record in FIGHT_LEFT:
        assert isinstance(record, Verdicts)
        state, _ = worker.advance(state, worker.prepare(record), None)
    assert worker.dump is not None
    assert worker.load is not None
    values = msgpack.unpackb(worker.dump(state))
    del values[-1]
    for incident in values[5]:
        del incident[-1]
    old = worker.load(msgpack.packb(values))
    assert old.opened[0].zones == []
    assert not old.shadow
