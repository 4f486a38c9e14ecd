"""When violence becomes an incident, and what is told of it then."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.incidents.story import begun, letters, person, step, steps, told
from workers.incidents.config import IncidentsConfig


@pytest.mark.parametrize(
    ("results", "confirmed_at"),
    [
        ("VVV", 1.0),
        ("VV", None),
        ("VSVSV", 2.0),
        ("VSSVV", 2.0),
        ("VSSVSV", None),
        ("VTVTV", 2.0),
        ("VSSSSSVVV", 4.0),
        # Nobody says anything for or against.
        ("VUVUUUV", 3.0),
        ("V-V--V", 2.5),
        ("UUUUU", None),
        # Two votes that are too old by the time of the third.
        ("VV" + "-" * 9 + "V", None),
    ],
)
def test_three_violent_votes_of_five_confirm(results: str, confirmed_at: float | None) -> None:
    new = begun(letters(results))
    assert [incident.confirmed_at for incident in new] == ([] if confirmed_at is None else [confirmed_at])


def test_how_many_votes_it_takes_is_a_setting() -> None:
    assert begun(letters("V"), confirm_violent=1, confirm_of=1)
    assert not begun(letters("VSV"), confirm_violent=2, confirm_of=2)
    with pytest.raises(ValidationError, match="can never be: lower the first"):
        IncidentsConfig(confirm_violent=6)


def test_several_who_are_violent_in_one_step_give_one_vote() -> None:
    crowd = [person(track_id, x=300 + 10 * track_id) for track_id in range(4)]
    assert [new.confirmed_at for new in begun(steps(3, *crowd))] == [1.0]


def test_one_who_is_violent_outvotes_others_of_the_group() -> None:
    assert begun(steps(3, person(1, partner=2), person(2, "SAFE", x=330)))


def test_a_new_incident_says_where_when_and_by_whom() -> None:
    other, elsewhere = person(3, "VETOED", x=350), person(7, "SAFE", x=600)
    records = steps(2, person(2, partner=3), other, elsewhere)
    [new] = told([*records, step(1.0, person(2, score=0.99, partner=3), other, elsewhere)])
    assert new.change == "new"
    assert (new.began_at, new.confirmed_at, new.last_at) == (0.0, 1.0, 1.0)
    assert new.began_captured_at == 1_700_000_000
    assert new.track_ids == (2, 3)
    assert new.box == (280, 100, 370, 200)
    assert (new.peak_score, new.peak_at, new.peak_scene_score) == (0.99, 1.0, 0.1)
    assert (new.violent, new.vetoed, new.numbers) == (3, 3, (0, 15, 30))
    assert new.end_reason is None


def test_what_was_said_before_the_votes_that_confirm_is_no_part_of_it() -> None:
    [new] = begun(letters("VSSSSVVV"))
    assert (new.began_at, new.violent, new.numbers[0]) == (2.5, 3, 75)


def test_the_id_follows_from_camera_generation_first_frame_and_first_person() -> None:
    def key(start: float, track_id: int) -> str:
        [new] = begun(letters("VVV", track_id=track_id, start=start))
        return new.incident_id

    assert key(0.0, 1) == key(0.0, 1)
    assert len({key(0.0, 1), key(0.5, 1), key(0.0, 2)}) == 3


# --- people and places --------------------------------------------------------------------------------------


def test_votes_survive_a_new_id_at_the_same_place() -> None:
    [new] = begun([step(0.0, person(1)), step(0.5, person(2, x=320)), step(1.0, person(3, x=340))])
    assert new.track_ids == (1, 2, 3)


def test_votes_survive_a_new_place_of_the_same_person() -> None:
    assert begun([step(0.5 * index, person(1, x=100 + 250 * index)) for index in range(3)])


def test_somebody_beside_the_one_who_is_lost_carries_the_votes_on() -> None:
    records = [
        step(0.0, person(1, partner=2), person(2, "SAFE", x=350)),
        step(0.5, person(2, partner=9, x=600)),
        step(1.0, person(9, x=900)),
    ]
    assert begun(records)[0].track_ids == (1, 2, 9)


@pytest.mark.parametrize(("gap", "height_px", "count"), [(149, 100, 1), (151, 100, 0), (149, 90, 0)])
def test_a_place_ends_so_many_body_heights_away(gap: float, height_px: float, count: int) -> None:
    places = [300, 340 + gap, 300]
    people = [person(track_id, x=x, height_px=height_px) for track_id, x in enumerate(places)]
    assert len(begun([step(0.5 * one.track_id, one) for one in people])) == count


def test_a_place_is_forgotten_after_a_while() -> None:
    records = [step(0.0, person(1)), step(0.5, person(2)), step(3.0, person(3))]
    assert begun(records)
    assert not begun(records, merge_s=2.0)


def test_a_body_of_unknown_height_is_as_high_as_its_box() -> None:
    assert begun([step(0.5 * index, person(index, x=300 + 100 * index, height_px=0)) for index in range(3)])


def test_who_stands_by_is_no_part_of_it_and_has_no_vote_while_the_others_are_looked_at() -> None:
    bystander = person(5, "SAFE", x=350, partner=1)
    assert begun(steps(3, person(1), bystander))[0].track_ids == (1,)
    unsure = steps(4, person(1, "UNSURE"), bystander, start=1.0)
    assert begun([*letters("VV"), *unsure, *letters("V", start=3.0)])


def test_who_has_a_new_id_at_the_place_speaks_against_it_too() -> None:
    calm = [step(1.0 + 0.5 * index, person(2, "SAFE")) for index in range(3)]
    assert not begun([*letters("VV"), *calm, step(2.5, person(2))])


def test_a_partner_who_is_far_off_is_none() -> None:
    [new] = begun(steps(3, person(1, partner=2), person(2, "SAFE", x=600)))
    assert new.track_ids == (1,)


# --- the scene ----------------------------------------------------------------------------------------------


def test_a_violent_scene_without_a_violent_person_is_a_vote_of_those_who_carried_it() -> None:
    people = [person(1, "SAFE"), person(2, "SAFE", x=400), person(3, "SAFE", x=600)]
    records = [step(0.5 * index, *people, scene=(1, 2)) for index in range(3)]
    [new] = begun(records)
    assert (new.track_ids, new.box, new.violent) == ((1, 2), (280, 100, 420, 200), 0)
    assert (new.peak_scene_score, new.numbers) == (0.97, (0, 15, 30))
    assert not begun(records, scene_counts=False)


def test_a_violent_scene_speaks_for_groups_that_are_there_and_joins_none() -> None:
    apart = [person(1), person(2, x=600)]
    records = [step(0.0, *apart), step(0.5, *apart)]
    calm = [person(1, "SAFE"), person(2, "SAFE", x=600)]
    assert [new.track_ids for new in begun([*records, step(1.0, *calm, scene=(1, 2))])] == [(1,), (2,)]


def test_a_violent_scene_of_people_without_boxes_is_somewhere_in_the_picture() -> None:
    [new] = begun([step(0.5 * index, scene=(1, 2)) for index in range(3)])
    assert (new.track_ids, new.box) == ((1, 2), (0, 0, 640, 360))


def test_a_violent_scene_of_nobody_is_no_vote() -> None:
    assert not told([step(0.5 * index, scene=()) for index in range(5)])
