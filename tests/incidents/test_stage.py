"""The worker as a stage: its state as bytes, its bounds, what it refuses, what it counts."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.loop.session import Session, Work
from shared.loop.steps import Steps
from shared.messages import Frame, Incidents, Mark, Message, Tracks, Verdicts, decode, encode
from shared.stage import BadInput
from tests.incidents.story import (
    GENERATION,
    continued,
    letters,
    person,
    play,
    silence,
    stage,
    step,
    steps,
)

LATER = "ffffffffffffffff"
RESULTS = ("SAFE", "VETOED", "VIOLENCE", "UNSURE")

people = st.builds(
    person,
    st.integers(0, 5),
    st.sampled_from(RESULTS),
    x=st.sampled_from([0, 100, 350, 700]),
    partner=st.none() | st.integers(0, 5),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Message]:
    """Half a minute of anything."""
    at, records = 0.0, list[Message]()
    for _ in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([0.0, 0.5, 0.5, 0.5, 3.0, 12.0]))
        if draw(st.integers(0, 9)) == 0:
            records.append(silence(at, final=draw(st.booleans())))
        else:
            scene = draw(st.none() | st.lists(st.integers(0, 5), max_size=3))
            records.append(step(at, *draw(st.lists(people, max_size=4)), scene=scene))
    return records


@settings(max_examples=25, deadline=None)
@given(stories(), st.data())
def test_who_takes_over_at_any_record_goes_on_as_if_nothing_had_happened(
    records: list[Message], data: st.DataObject
) -> None:
    worker = stage()
    cut = data.draw(st.integers(0, len(records)))
    whole = play(records)
    state, before = continued(worker, worker.initial("lobby", GENERATION), records[:cut])
    assert worker.dump is not None
    assert worker.load is not None
    stored = worker.dump(state)
    assert worker.dump(worker.load(stored)) == stored
    _, after = continued(stage(), worker.load(stored), records[cut:])
    assert [*before, *after] == whole
    for output in whole:
        assert output is None or encode(decode(encode(output))) == encode(output)


def crowd(count: int, at: float, first: int) -> Message:
    """So many fights far apart, each of two people with new ids."""
    people = [person(first + i, x=400.0 * i, partner=50_000 + first + i) for i in range(count)]
    return step(at, *people)


def test_the_state_stays_small_however_long_and_wild_it_is() -> None:
    worker = stage()
    assert worker.dump is not None
    many = [crowd(40, 0.5 * index, 40 * index) for index in range(4)]
    state, outputs = continued(worker, worker.initial("lobby", GENERATION), many)
    news = [len(output.incidents) for output in outputs if isinstance(output, Incidents)]
    assert news == [32, 32]
    assert len(worker.dump(state)) < 64 * 1024
    long = [crowd(1, 2.0 + 0.5 * index, 1000 + index) for index in range(200)]
    state, outputs = continued(worker, state, long)
    last = outputs[-1]
    assert isinstance(last, Incidents)
    assert len(last.incidents[0].track_ids) == 64
    assert len(worker.dump(state)) < 4 * 1024


def test_a_long_incident_tells_its_first_and_last_frames() -> None:
    outputs = play(steps(300, person(1)))
    last = next(o for o in reversed(outputs) if isinstance(o, Incidents)).incidents[0]
    assert last.numbers[:2] == (0, 15)
    assert last.numbers[50] - last.numbers[49] > 15
    assert last.violent == last.numbers[-1] // 15 + 1


def test_changed_rules_leave_open_incidents_and_their_cooldown_alone() -> None:
    assert stage().settings == stage(cooldown_s=1.0).settings
    state, _ = continued(stage(), stage().initial("lobby", GENERATION), letters("VVV"))
    _, outputs = continued(stage(end_after_s=1.0), state, [step(2.5)])
    assert isinstance(outputs[0], Incidents)
    assert outputs[0].incidents[0].change == "end"


# --- generations --------------------------------------------------------------------------------------------


def passed(records: list[Message]) -> list[Message | None]:
    """The outputs of the loop's own steps, where generations change."""
    worker = stage()
    steps_ = Steps(worker)
    session = Session(camera="lobby", token="t", cursor="0-0", generation="", state=None, state_generation="")
    outputs = []
    for number, record in enumerate(records, start=1):
        prepared: Future[tuple[Message, object]] = Future()
        prepared.set_result((record, None if isinstance(record, Mark) else worker.prepare(record)))
        work = Work(session, f"{number}-0", encode(record), 0.0, prepared)
        for step_ in (steps_.look, steps_.advance, steps_.judge):
            step_([work])
        assert work.problem is None
        outputs.append(None if work.output is None else decode(work.output))
    return outputs


@pytest.mark.parametrize("first", [step(0.0, generation=LATER), silence(0.0, generation=LATER)])
def test_an_incident_whose_generation_breaks_off_is_ended_by_the_first_record_of_the_next(
    first: Message,
) -> None:
    *_, output, after = passed([*letters("VVV", start=100.0), first, silence(1.0, generation=LATER)])
    assert isinstance(output, Incidents)
    assert output.generation == LATER
    assert [(i.change, i.end_reason, i.last_at) for i in output.incidents] == [("end", "source_ended", 101.0)]
    assert isinstance(after, Mark)


def test_another_generation_knows_neither_votes_nor_cooldown_of_the_one_before() -> None:
    again: list[Message] = [step(0.5 * i, person(1), generation=LATER) for i in range(3)]
    outputs = passed([*letters("VV"), *again])
    assert outputs[:4] == [None] * 4
    outputs = passed([*letters("VVV"), silence(9.0), *again])
    assert isinstance(outputs[-1], Incidents)
    assert outputs[-1].incidents[0].change == "new"


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Frame, Tracks, Incidents])
def test_a_record_of_another_kind_is_refused(kind: type[Message]) -> None:
    with pytest.raises(BadInput, match=f"expected verdicts, found {kind.__name__.lower()}"):
        stage().prepare(kind.model_construct())


@pytest.mark.parametrize(("at", "reason"), [(0.5, "time goes back by 0.500 s"), (1e12, "out of range")])
def test_a_record_from_nowhere_in_time_is_refused_and_changes_nothing(at: float, reason: str) -> None:
    worker = stage()
    state, _ = continued(worker, worker.initial("lobby", GENERATION), letters("VVV"))
    assert worker.dump is not None
    before = worker.dump(state)
    with pytest.raises(BadInput, match=reason):
        worker.advance(state, worker.prepare(step(at, person(1))), None)
    assert worker.dump(state) == before


# --- what is counted ----------------------------------------------------------------------------------------


def test_what_was_stored_is_counted() -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"nexara_incidents_{name}", labels) or 0.0

    worker = stage()
    outputs = play([*letters("VVV"), step(6.0), *letters("VVV", start=8.0)])
    assert worker.measure is not None
    worker.measure("counted", [output for output in outputs if isinstance(output, Incidents)])
    assert count("confirmed_total", camera="counted") == 1
    assert count("ended_total", camera="counted", reason="quiet") == 1
    assert count("ended_total", camera="counted", reason="merged") == 0
    assert count("suppressed_total", camera="counted") == 1
    assert count("confirm_seconds_count") >= 1
    assert count("duration_seconds_sum") >= 1.0


def test_without_zones_everybody_counts() -> None:
    record = step(0.0)
    assert isinstance(record, Verdicts)
    assert stage().prepare(record).record is record
