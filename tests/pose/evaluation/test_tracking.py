from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.pose.evaluation.mot_text import MotTextError, read_tracklets
from workers.pose.evaluation.tracking import Tracklets, identities_over_time, overlaps, score_tracking
from workers.pose.evaluation.tracking_plot import draw_tracking

# HOTA, DetA, AssA, IDF1, MOTA, switches, fragmentations and hits of `walkers(seed)`, by trackeval 1.3.0.
OFFICIAL = {
    0: (0.44346628464, 0.54421298624, 0.361866183026, 0.569230769231, 0.597989949749, 8, 48, 159),
    1: (0.426737119456, 0.512079439052, 0.356416280483, 0.550264550265, 0.510638297872, 8, 56, 147),
    2: (0.498819692689, 0.536579260752, 0.464507643953, 0.707774798928, 0.594736842105, 2, 56, 149),
}


def walkers(seed: int) -> tuple[Tracklets, Tracklets]:
    """Six people who overlap, of whom a fifth is missing on either side, and a result that switches."""
    random = np.random.default_rng(seed)
    steps, people = 40, 6
    corner = random.uniform(0, 300, (people, 2)) + np.cumsum(random.normal(0, 8, (steps, people, 2)), 0)
    boxes = np.concatenate([corner, corner + np.array([60, 150])], axis=-1)
    frames, ids = np.nonzero(random.random((steps, people)) < 0.8)
    truth = Tracklets(frames, ids, boxes[frames, ids])
    given_ids = np.where(random.random((steps, people)) < 0.02, 1, 0).cumsum(0) * people + np.arange(people)
    frames, rows = np.nonzero(random.random((steps, people)) < 0.8)
    found = boxes[frames, rows] + random.normal(0, 6, (len(frames), 4))
    return truth, Tracklets(frames, given_ids[frames, rows], found)


def one_person(ids: list[int], frames: list[int] | None = None) -> Tracklets:
    frames = list(range(len(ids))) if frames is None else frames
    return Tracklets(np.array(frames), np.array(ids), np.tile([10.0, 10, 50, 110], (len(ids), 1)))


@pytest.mark.parametrize("seed", OFFICIAL)
def test_the_figures_are_those_of_trackeval(seed):
    scores = score_tracking(*walkers(seed))
    got = (scores.hota, scores.det_a, scores.ass_a, scores.idf1, scores.mota)
    assert (*got, scores.switches, scores.fragmentations, scores.hits) == pytest.approx(
        OFFICIAL[seed], abs=1e-9
    )


def test_a_result_that_is_the_truth_is_perfect():
    truth, _ = walkers(5)
    scores = score_tracking(truth, truth)
    assert (scores.hota, scores.idf1, scores.mota) == pytest.approx((1, 1, 1))
    assert (scores.switches, scores.misses, scores.false_boxes) == (0, 0, 0)


def test_half_a_life_under_another_name_is_one_switch_and_half_of_idf1():
    scores = score_tracking(one_person([7] * 10), one_person([1] * 5 + [2] * 5))
    assert scores.switches == 1
    assert scores.fragmentations == 0
    assert scores.idf1 == pytest.approx(0.5)
    assert scores.mota == pytest.approx(0.9)


def test_a_pause_is_a_fragmentation_and_no_switch():
    scores = score_tracking(one_person([7] * 6), one_person([1] * 4, [0, 1, 4, 5]))
    assert (scores.switches, scores.fragmentations, scores.misses) == (0, 0, 2)
    truth = Tracklets(
        np.repeat(np.arange(6), 2),
        np.tile([7, 8], 6),
        np.tile([[10.0, 10, 50, 110], [200, 10, 240, 110]], (6, 1)),
    )
    both = (truth.ids == 8) | np.isin(truth.frames, [0, 1, 4, 5])
    paused = Tracklets(truth.frames[both], truth.ids[both], truth.boxes[both])
    assert score_tracking(truth, paused).fragmentations == 1


def test_an_empty_result_has_only_misses_and_an_empty_truth_only_false_boxes():
    nothing = Tracklets(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
    missed = score_tracking(one_person([1] * 3), nothing)
    assert (missed.misses, missed.false_boxes, missed.hota, missed.idf1, missed.mota) == (3, 0, 0, 0, 0)
    false = score_tracking(nothing, one_person([1] * 3))
    assert (false.misses, false.false_boxes, false.idf1) == (0, 3, 0)
    assert score_tracking(nothing, nothing).switches == 0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_names_and_the_order_of_lines_do_not_matter(seed):
    truth, result = walkers(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(result))
    names = random.permutation(1000)
    renamed = Tracklets(result.frames[order], names[result.ids[order]], result.boxes[order])
    assert asdict(score_tracking(truth, renamed)) == pytest.approx(asdict(score_tracking(truth, result)))


def test_an_identity_twice_in_a_frame_is_refused():
    with pytest.raises(ValueError, match="result: identity 4 is twice in frame 3"):
        score_tracking(one_person([1]), one_person([4, 4], [3, 3]))


def test_who_was_taken_for_whom_is_told_frame_by_frame():
    frames, people, taken_for = identities_over_time(one_person([7] * 4), one_person([1, 1, 9, 9]))
    assert frames.tolist() == [0, 1, 2, 3]
    assert people.tolist() == [7] * 4
    assert taken_for.tolist() == [1, 1, 9, 9]


def test_overlaps_are_shares_of_the_union_and_none_without_area():
    one = np.array([[0.0, 0, 10, 10], [3, 3, 3, 9]])
    other = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert overlaps(one, other) == pytest.approx(np.array([[1, 1 / 3, 0], [0, 0, 0]]))


def test_motchallenge_text_is_read_with_its_confidences():
    lines = ["1,4,10,20,30,40,1,-1,-1,-1", "", " 2 , 4 , 11.5 , 20 , 30 , 40", "2,5,0,0,5,5,0,-1,-1,-1"]
    found = read_tracklets(lines, "a.txt")
    assert found.frames.tolist() == [1, 2]
    assert found.ids.tolist() == [4, 4]
    assert found.boxes.tolist() == [[10, 20, 40, 60], [11.5, 20, 41.5, 60]]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2,3", "3 columns, expected frame,id,left,top,width,height"),
        ("1,x,0,0,5,5", "id: 'x' is no number"),
        ("1,2,nan,0,5,5", "left: 'nan' is not finite"),
        ("1.5,2,0,0,5,5", "frame: '1.5' is no whole number"),
        ("1,-1,0,0,5,5", "id: '-1' is no whole number"),
        ("1,2,0,0,-5,5", "width: '-5' is below 0"),
        ("1,1,0,0,5,5,1", "id 1 is in frame 1 already .line 1.: keep one"),
    ],
)
def test_a_bad_line_is_told_with_its_number(line, complaint):
    with pytest.raises(MotTextError, match=f"a.txt:2: .*{complaint}"):
        read_tracklets(["1,1,0,0,5,5,1,-1,-1,-1", line], "a.txt")


@pytest.mark.parametrize("name", ["TUD-Campus", "TUD-Stadtmitte"])
def test_real_ground_truth_is_read_and_is_perfect_against_itself(shared_data: Path, name):
    path = shared_data / "mot" / name / "gt.txt"
    with path.open() as lines:
        truth = read_tracklets(lines, str(path))
    scores = score_tracking(truth, truth)
    assert scores.truth_ids in (8, 10)
    assert (scores.hota, scores.switches, scores.hits) == (pytest.approx(1), 0, len(truth))


def test_a_picture_is_drawn_even_of_nobody(tmp_path):
    truth, result = walkers(1)
    for name, found in {
        "some": result,
        "none": Tracklets(truth.frames[:0], truth.ids[:0], truth.boxes[:0]),
    }.items():
        with (tmp_path / name).open("wb") as target:
            draw_tracking(truth, found, target)
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
