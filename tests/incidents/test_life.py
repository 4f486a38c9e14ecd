"""How an incident goes on, meets others, and ends."""

from __future__ import annotations

import pytest

from shared.messages import Incidents, Message
from tests.incidents.story import (
    begun,
    ended,
    letters,
    person,
    play,
    silence,
    step,
    steps,
    suppressed,
    told,
)

OPEN = letters("VVV")
QUIET_UNTIL_8 = [step(1.5 + 0.5 * index, person(1, "SAFE")) for index in range(14)]


# --- what keeps it going, and what is told meanwhile -------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "score", "lives"),
    [
        ("SAFE", 0.75, True),
        ("SAFE", 0.749, False),
        ("VETOED", 0.95, True),
        ("UNSURE", 0.8, True),
        ("UNSURE", 0.7, False),
        ("VIOLENCE", 0.5, True),
    ],
)
def test_a_score_a_little_below_the_threshold_keeps_it_going(result: str, score: float, lives: bool) -> None:
    records = [*OPEN, step(4.0, person(1, result, score=score)), step(6.0, person(1, "SAFE"))]
    assert bool(ended(records)) is not lives


def test_without_hysteresis_it_takes_the_whole_threshold() -> None:
    records = [*OPEN, step(4.0, person(1, "SAFE", score=0.85)), step(6.0)]
    assert not ended(records)
    assert ended(records, hysteresis=0.0)


def test_only_people_or_place_keep_it_going() -> None:
    elsewhere = person(8, "SAFE", score=0.85, x=600)
    assert ended([*OPEN, step(4.0, elsewhere), step(6.0)])
    assert not ended([*OPEN, step(4.0, person(8, "SAFE", score=0.85)), step(6.0)])


def test_it_ends_after_so_long_without_support_and_says_until_when_it_was_violent() -> None:
    assert not ended([*OPEN, step(5.0)])
    [end] = ended([*OPEN, step(5.1)])
    assert (end.end_reason, end.last_at, end.violent, end.merged_into) == ("quiet", 1.0, 3, None)
    assert ended([*OPEN, step(2.1)], end_after_s=1.0)


def test_an_update_comes_once_a_second_as_long_as_there_is_news() -> None:
    changes = [(i.change, i.last_at) for i in told([*steps(7, person(1)), *letters("SSSS", start=3.5)])]
    assert changes == [("new", 1.0), ("update", 2.0), ("update", 3.0)]


def test_what_could_not_wait_for_an_update_does_not() -> None:
    slow = {"update_s": 60.0}
    assert [i.change for i in told(steps(9, person(1)), **slow)] == ["new"]
    [_, joined] = told([*OPEN, step(1.5, person(1), person(2, x=340)), step(2.0, person(1))], **slow)
    assert (joined.change, joined.track_ids) == ("update", (1, 2))
    [_, rose] = told([*OPEN, step(1.5, person(1, score=0.999)), step(2.0, person(1, score=1.0))], **slow)
    assert (rose.change, rose.peak_score, rose.peak_at) == ("update", 1.0, 2.0)


def test_news_that_waited_is_told_when_it_is_time() -> None:
    updates = [i for i in told([*letters("VVVV"), step(2.2)]) if i.change == "update"]
    assert [(update.violent, update.last_at) for update in updates] == [(4, 1.5)]


def test_the_box_grows_with_the_places_of_its_violence() -> None:
    [end] = ended([*OPEN, step(1.5, person(1, x=500)), step(9.0)])
    assert end.box == (280, 100, 520, 200)


# --- several at once ----------------------------------------------------------------------------------------


def test_two_fights_apart_are_two_incidents() -> None:
    one = [person(1, partner=2), person(2, x=330, partner=1)]
    # Whoever is closest to somebody may still be far off.
    other = [person(3, x=560, partner=1), person(4, x=590)]
    new = begun(steps(3, *one, *other))
    assert [incident.track_ids for incident in new] == [(1, 2), (3, 4)]
    assert new[0].incident_id != new[1].incident_id


def test_candidates_that_meet_put_their_votes_together() -> None:
    apart = [step(0.0, person(1)), step(0.5, person(2, x=600))]
    [new] = begun([*apart, step(1.0, person(1, x=560, partner=2))])
    assert (new.track_ids, new.began_at, new.violent) == ((1, 2), 0.0, 3)
    # One step gives one vote, in which either was violent.
    both = [step(0.0, person(1), person(2, x=600)), step(0.5, person(1, x=560, partner=2))]
    assert not begun(both)


def test_an_open_incident_swallows_a_candidate_that_comes_close() -> None:
    other = [step(1.5, person(2, x=600)), step(2.0, person(1, x=500), person(2, x=520))]
    changes = told([*OPEN, *other, step(9.0)])
    assert {change.incident_id for change in changes} == {changes[0].incident_id}
    assert (changes[-1].change, changes[-1].track_ids, changes[-1].violent) == ("end", (1, 2), 6)


def test_of_two_incidents_that_meet_the_older_goes_on_and_the_younger_is_told_to_have_ended() -> None:
    older = letters("VVV")
    younger = [step(1.5 + 0.5 * index, person(1), person(2, x=600)) for index in range(3)]
    changes = told([*older, *younger, step(3.0, person(1, x=540), person(2, x=600)), step(9.0)])
    first, second = [change for change in changes if change.change == "new"]
    merged, quiet = [change for change in changes if change.change == "end"]
    assert (merged.incident_id, merged.end_reason) == (second.incident_id, "merged")
    assert merged.merged_into == quiet.incident_id == first.incident_id
    assert (quiet.end_reason, quiet.track_ids, quiet.violent) == ("quiet", (1, 2), 3 + 6 + 2)
    assert (quiet.began_at, quiet.box) == (0.0, (280, 100, 620, 200))
    meeting = [change for change in changes if change.last_at == 3.0]
    assert [change.change for change in meeting] == ["update", "end"]


# --- the cooldown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("track_id", "x", "is_new"), [(1, 300, False), (9, 340, False), (1, 600, False), (9, 600, True)]
)
def test_the_same_people_or_the_same_place_give_no_new_incident_for_a_while(
    track_id: int, x: float, is_new: bool
) -> None:
    again = steps(3, person(track_id, x=x), start=10.0)
    assert len(begun([*OPEN, *again])) == 1 + is_new
    assert suppressed([*OPEN, *again]) == 1 - is_new
    assert len(begun([*OPEN, *again], cooldown_s=0.0)) == 2


def test_a_fight_that_goes_on_beyond_the_cooldown_is_a_new_incident_and_counted_once() -> None:
    # Quiet since 1.0: it ended at 5.0, its cooldown at 20.0.
    again = steps(30, person(1), start=8.0)
    first, second = begun([*OPEN, *again])
    assert second.confirmed_at == 20.0
    assert second.incident_id != first.incident_id
    assert suppressed([*OPEN, *again]) == 1


def test_the_cooldown_begins_with_the_end_however_late_that_was_noticed() -> None:
    assert len(begun([*OPEN, *steps(3, person(1), start=60.0)])) == 2


def test_nothing_is_said_of_what_the_cooldown_keeps_back_but_its_number() -> None:
    outputs = play([*OPEN, step(6.0), *steps(3, person(1), start=8.0)])
    assert outputs[4:6] == [None, None]
    assert isinstance(outputs[6], Incidents)
    assert (outputs[6].incidents, outputs[6].suppressed) == ((), 1)


# --- marks --------------------------------------------------------------------------------------------------


def test_marks_pass_as_they_are() -> None:
    marks: list[Message] = [silence(1.5), silence(4.9)]
    assert play([*OPEN, *marks])[3:] == marks
    assert play([silence(0.0), silence(1.0, final=True)]) == [silence(0.0), silence(1.0, final=True)]


def test_silence_ends_incidents_and_its_mark_goes_on_with_them() -> None:
    output = play([*OPEN, silence(4.0), silence(5.1)])[-1]
    assert isinstance(output, Incidents)
    assert output.mark == silence(5.1)
    assert (output.at, output.number, output.width) == (5.1, 153, 640)
    assert [(i.change, i.end_reason) for i in output.incidents] == [("end", "silent")]


def test_silence_is_part_of_the_time_in_which_votes_come_together() -> None:
    assert not begun([*letters("VV"), silence(5.0), step(5.5, person(1))])


def test_the_end_of_the_source_ends_everything() -> None:
    fights = steps(3, person(1), person(3, x=600))
    output = play([*fights, silence(1.5, final=True)])[-1]
    assert isinstance(output, Incidents)
    assert output.mark is not None
    assert output.mark.final
    assert [i.end_reason for i in output.incidents] == ["source_ended"] * 2
    # Neither votes nor a cooldown are left.
    assert len(begun([*OPEN, silence(1.5, final=True), *letters("VVV", start=2.0)])) == 2


def test_a_mark_that_goes_back_in_time_still_passes() -> None:
    assert play([*OPEN, silence(0.5)])[-1] == silence(0.5)


# --- what says nothing --------------------------------------------------------------------------------------


def test_peace_makes_no_output() -> None:
    assert play([step(0.0), step(0.5, person(1, "SAFE")), step(1.0, person(1, "VETOED"))]) == [None] * 3


def test_a_record_without_verdicts_is_time_that_passes() -> None:
    [end] = ended([*OPEN, step(3.0), step(5.5)])
    assert end.end_reason == "quiet"


def test_a_long_quiet_time_gives_one_end() -> None:
    assert [i.change for i in told([*OPEN, *QUIET_UNTIL_8])] == ["new", "end"]


def test_every_incident_begins_once_and_ends_once() -> None:
    changes: dict[str, list[str]] = {}
    for incident in told([*letters("VVSV-UVVSSVVVT" * 10), silence(90.0, final=True)]):
        changes.setdefault(incident.incident_id, []).append(incident.change)
    for life in changes.values():
        assert (life[0], life[-1]) == ("new", "end")
        assert set(life[1:-1]) <= {"update"}
