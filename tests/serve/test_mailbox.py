"""A viewer's mailbox: bounded, the newest wins, nobody has to wait for the one who is slow."""

from __future__ import annotations

import threading

import pytest

from workers.serve.live.hub import FullError, Hub, Viewer, names
from workers.serve.live.mailbox import EVENTS_KEPT, Mailbox


def mailbox() -> Mailbox:
    return Mailbox(lambda: None)


def taken(box: Mailbox) -> list[str]:
    """The first message of each parcel."""
    found = []
    while (parcel := box.take()) is not None:
        found.append(str(parcel[0]))
    return found


def test_of_each_camera_the_newest_frame_is_kept() -> None:
    box = mailbox()
    for number in range(1000):
        box.put_newest("frame", "lobby", [f"lobby {number}"])
        box.put_newest("frame", "yard", [f"yard {number}"])
    assert len(box) == 2
    assert taken(box) == ["lobby 999", "yard 999"]
    assert box.count_dropped() == (1998, 0)
    assert box.count_dropped() == (0, 0)


def test_a_camera_with_many_frames_does_not_keep_the_others_waiting() -> None:
    box = mailbox()
    box.put_newest("frame", "yard", ["yard"])
    box.put_newest("frame", "lobby", ["lobby"])
    box.put_newest("frame", "yard", ["yard again"])
    assert taken(box) == ["yard again", "lobby"]
    box.put_newest("frame", "lobby", ["lobby"])
    assert box.take() == ["lobby"]
    box.put_newest("frame", "yard", ["yard"])
    box.put_newest("frame", "lobby", ["lobby"])
    assert taken(box) == ["yard", "lobby"]


def test_states_and_frames_are_told_apart() -> None:
    box = mailbox()
    box.put_newest("frame", "lobby", ["frame"])
    box.put_newest("camera", "lobby", ["state"])
    box.put_newest("camera", "lobby", ["newer state"])
    assert taken(box) == ["frame", "newer state"]
    assert box.count_dropped().frames == 0


def test_events_come_first_and_in_order() -> None:
    box = mailbox()
    box.put_newest("frame", "lobby", ["frame"])
    box.put_event(["new"])
    box.put_event(["end"])
    assert taken(box) == ["new", "end", "frame"]


def test_of_too_many_events_the_oldest_go() -> None:
    box = mailbox()
    for number in range(EVENTS_KEPT + 5):
        box.put_event([str(number)])
    assert len(box) == EVENTS_KEPT
    assert taken(box)[0] == "5"
    assert box.count_dropped().events == 5


def test_whoever_takes_is_woken() -> None:
    woken = threading.Event()
    box = Mailbox(woken.set)
    box.put_event(["new"])
    assert woken.is_set()
    woken.clear()
    box.put_newest("frame", "lobby", ["frame"])
    assert woken.is_set()


# --- the hub ------------------------------------------------------------------------------------------------


def viewer(*cameras: str, name: str = "ann") -> Viewer:
    return Viewer(name, frozenset(cameras), mailbox())


def test_frames_go_to_those_who_watch_the_camera_and_events_to_all() -> None:
    hub = Hub(10)
    one, two, none = viewer("lobby"), viewer("lobby", "yard"), viewer()
    for each in (one, two, none):
        hub.join(each)
    assert hub.wanted() == {"lobby", "yard"}
    hub.tell_newest("frame", "yard", ["yard"])
    hub.tell_newest("frame", "attic", ["attic"])
    hub.tell_all(["incident"])
    assert (taken(one.mailbox), taken(two.mailbox), taken(none.mailbox)) == (
        *(["incident"], ["incident", "yard"], ["incident"]),
    )
    hub.leave(two)
    hub.tell_all(["incident"])
    assert len(two.mailbox) == 0
    assert hub.wanted() == {"lobby"}


def test_who_comes_later_is_told_what_was_told_last() -> None:
    hub = Hub(10)
    first = viewer("lobby")
    hub.join(first)
    hub.tell_newest("frame", "lobby", ["frame"])
    hub.tell_newest("camera", "lobby", ["ended"])
    second, other = viewer("lobby"), viewer("yard")
    hub.join(second)
    hub.join(other)
    assert taken(second.mailbox) == ["frame", "ended"]
    assert taken(other.mailbox) == []
    hub.leave(first)
    hub.leave(second)
    again = viewer("lobby")
    hub.join(again)
    assert taken(again.mailbox) == [], "nobody watched, so nobody knows how it is now"


def test_there_is_room_for_so_many_and_for_half_of_them_of_one_name() -> None:
    hub = Hub(4)
    mine = [viewer(), viewer()]
    for each in mine:
        hub.join(each)
    with pytest.raises(FullError):
        hub.join(viewer())
    hub.join(viewer(name="bob"))
    hub.join(viewer(name="bob"))
    with pytest.raises(FullError):
        hub.join(viewer(name="eve"))
    hub.leave(mine[0])
    hub.join(viewer(name="eve"))
    assert len(hub) == 4


def test_cameras_are_asked_for_by_name() -> None:
    assert names([], ["lobby", "yard"]) == {"lobby", "yard"}
    assert names(["yard"], ["lobby", "yard"]) == {"yard"}
    with pytest.raises(KeyError):
        names(["attic"], ["lobby", "yard"])
