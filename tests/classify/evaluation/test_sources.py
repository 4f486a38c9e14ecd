"""Which clips were cut from one video, and which are known from training."""

from __future__ import annotations

import pytest

from workers.classify.evaluation.sources import SourcesError, checked, names_of, origins_of

CLIPS = [
    names_of(name, label) for name, label in (("fight/a", 1), ("fight/b", 1), ("noFight/a", 0), ("c", 0))
]


def test_a_clip_is_known_by_its_labels_folder_and_its_own_name() -> None:
    assert names_of("fi001.mp4", 1) == ("fi001.mp4", "fight/fi001.mp4")
    assert names_of("/data/set/noFight/x.mp4", 0)[1] == "noFight/x.mp4"
    assert names_of("set\\fight\\x.mp4", 1)[1] == "fight/x.mp4"


def test_clips_that_no_list_names_are_videos_of_their_own() -> None:
    origins = origins_of(CLIPS, [["fight/a", "noFight/a"]], set())
    first, second, third, fourth = origins.video.tolist()
    assert first == third
    assert len({first, second, fourth}) == 3
    assert origins.listed.tolist() == [True, False, True, False]
    assert origins.new.all()


def test_what_was_trained_on_is_told_by_name_and_label() -> None:
    origins = origins_of(CLIPS, [], {"fight/a", "noFight/c"})
    assert origins.seen.tolist() == [True, False, False, True]
    assert origins.new.tolist() == [False, True, True, False]


def test_another_clip_of_a_video_that_was_trained_on_is_not_new() -> None:
    origins = origins_of(
        CLIPS, [["fight/a", "noFight/a", "elsewhere"], ["fight/b", "c"]], {"elsewhere", "fight/a"}
    )
    assert origins.seen.tolist() == [True, False, False, False]
    assert origins.siblings.tolist() == [False, False, True, False]
    assert origins.new.tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": 1}, "a list of lists"),
        (["a"], "a list of lists"),
        ([["a", 1]], "is not text"),
        ([["a"], ["b", "a"]], "a stands in it twice"),
    ],
)
def test_a_list_that_is_none_is_refused(data: object, said: str) -> None:
    with pytest.raises(SourcesError, match=said):
        checked(data)
    assert checked([["a"], []]) == [["a"], []]
